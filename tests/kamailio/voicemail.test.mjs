/**
 * `npx graceline voicemail` beside deploy/kamailio: calls that nobody answers, or that a page sends there, and the
 * lamps of all the user's phones. What it does with messages: tests/js/voicemail.test.mjs.
 */
import assert from "node:assert/strict";
import { Phone } from "graceline";
import { Account } from "graceline/account";
import { fakeMedia } from "graceline/testing";
import { WebSocket } from "ws";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { CwicPage } from "../support/cwic-page.mjs";
import { rtpMedia } from "../js/support/rtp-media.js";
import { instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { TOPOLOGIES, phone } from "./support/household.mjs";
import { startVoicemail } from "./support/voicemail.mjs";
import { Watcher } from "./support/watcher.mjs";

const accounts = ["2001", "2002", "voicemail"].map((user) => ({ user }));

/** Until the tone has passed, in packets of 20 ms: 0.4 s without a greeting. */
const TONE = 20;

/** @param {any} emitter @param {string} name @returns {Promise<any>} */
const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/**
 * 2001 with a page and a desk phone, whose lamps are watched; 2002 who calls.
 * @param {any} world
 */
async function scene(world) {
  const facts = await Facts.on(world);
  const [first, second = first] = world.server.nodes;
  const { accounts: url } = await startVoicemail(world);
  await facts.authorise(instance("a"), "web");
  await facts.authorise(instance("d"), "deskphone");
  await facts.authorise(instance("e"), "mobile", "2002");
  const page = new PhoneUnderTest(world, "page", {
    ...{ instanceId: instance("a"), connections: first.url },
    media: fakeMedia(),
  });
  const media = rtpMedia();
  const caller = new PhoneUnderTest(world, "caller", {
    ...{ user: "2002", password: world.server.passwords[2002], media },
    ...{ instanceId: instance("e"), connections: second.url },
  });
  await Promise.all([page.register(), caller.register()]);
  const desk = await phone(world, "d", { url: second.url });
  const watcher = new Watcher(desk);
  await watcher.subscribe(3600, {
    event: "message-summary",
    accept: "application/simple-message-summary",
  });
  await watcher.told(1);
  const { domain, passwords } = world.server;
  const own = new Account({
    ...{ url, user: "2001", domain, password: passwords[2001] },
  });
  world.after(() => own.close());
  await own.rules();
  if (!page.phone.voicemail) await next(page.phone, "voicemail");

  /** How long each deed took to be shown, in ms. @type {number[]} */
  const times = [];
  /** What page and desk phone show after a deed. @param {() => Promise<unknown>} deed */
  const lamps = async (deed) => {
    const shown = next(page.phone, "voicemail");
    const lit = watcher.told(watcher.notifies.length + 1);
    const began = performance.now();
    await deed();
    const [{ new: fresh, old }, notify] = await Promise.all([shown, lit]);
    times.push(performance.now() - began);
    assert.match(
      notify.body,
      new RegExp(
        `^Messages-Waiting: ${fresh ? "yes" : "no"}\r\n[^]*^Voice-Message: ${fresh}/${old}`,
        "m",
      ),
    );
    return [fresh, old];
  };
  return {
    ...{ caller: caller.phone, desk, lamps, media, own, page: page.phone },
    times,
  };
}

/** Hears the tone of the voicemail, and says something. @param {any} call @param {any} media */
async function leave(call, media) {
  await next(call, "connected");
  const line = media.made.at(-1);
  await line.packets(TONE);
  await line.say(1.5);
}

/** @param {any} own @param {number} count */
const results = (own, count) =>
  eventually(`${count} records`, async () => {
    const calls = await own.history();
    const seen = calls.map((/** @type {any} */ { result }) => result);
    return seen.length === count && seen;
  });

for (const [through, nodes] of TOPOLOGIES)
  gracefulTest(
    `messages are left by a rule and by a page's word, and light every lamp: ${through}`,
    { accounts, ...nodes },
    async (world) => {
      const { caller, desk, lamps, media, own, page, times } =
        await scene(world);

      // Nobody answers.
      await own.setRules({ noAnswer: { to: "voicemail", seconds: 5 } });
      let rings = next(page, "incoming");
      let call = caller.call("2001");
      let left = leave(call, media);
      await rings;
      await left;
      assert.deepEqual(await lamps(() => call.hangup()), [1, 0]);
      assert.deepEqual(await results(own, 1), ["voicemail"]);

      // The page sends it there, whatever the rules have.
      await own.setRules({ noAnswer: { to: "2002", seconds: 60 } });
      rings = next(page, "incoming");
      call = caller.call("2001");
      left = leave(call, media);
      const { call: ringing } = await rings;
      await ringing.deflect("voicemail");
      await left;
      assert.deepEqual(await lamps(() => call.hangup()), [2, 0]);
      assert.deepEqual(await results(own, 2), ["voicemail", "voicemail"]);

      // Both are read, on whatever device.
      const messages = await own.voicemails();
      for (const { from, seconds } of messages) {
        assert.equal(from.uri, "sip:2002@example.test");
        assert.ok(seconds >= 1 && seconds <= 2, `${seconds} s`);
      }
      const [one, other] = messages.map(({ id }) => id);
      assert.deepEqual(await lamps(() => own.heard(one)), [1, 1]);
      assert.deepEqual(await lamps(() => own.heard(other)), [0, 2]);
      assert.deepEqual(await lamps(() => own.deleteVoicemail(one)), [0, 1]);
      // Within a second; a machine that is busy may need longer once.
      const [, , median] = times.toSorted((a, b) => a - b);
      assert.ok(median < 1_000, `${times} ms`);
      assert.deepEqual(
        desk.received.filter(({ method }) => method === "INVITE"),
        [],
      );

      // Who calls it, and was sent by nobody, leaves nothing.
      const uncalled = caller.call("voicemail");
      assert.equal((await next(uncalled, "ended")).status, 404);
      assert.equal((await own.voicemails()).length, 1);
    },
  );

for (const [through, nodes] of TOPOLOGIES)
  gracefulTest(
    `iDivert of a page that was written for CWIC sends what rings there: ${through}`,
    { accounts, ...nodes },
    async (world) => {
      const { database, domain, nodes, passwords } = world.server;
      await database.sql("UPDATE subscriber SET unique_account = 'on'");
      const { accounts: url } = await startVoicemail(world);
      const page = new CwicPage(
        { phone: { WebSocket, storage: null }, domain },
        Phone,
      );
      world.after(() => page.session.shutdown());
      await page.until("system.cwic eIdle");
      page.register({ cucm: nodes[0].url, password: passwords[2001] });
      await page.until("system.cwic eReady");
      const { current } = page.session.phones;
      if (!current.voicemail) await next(current, "voicemail");
      const media = rtpMedia();
      const caller = new PhoneUnderTest(world, "caller", {
        ...{ user: "2002", password: passwords[2002], media },
        connections: nodes.at(-1)?.url,
      });
      await caller.register();
      const own = new Account({
        ...{ url, user: "2001", domain, password: passwords[2001] },
      });
      world.after(() => own.close());
      await own.rules();
      const lit = next(own, "voicemail");

      const call = caller.phone.call("2001");
      const left = leave(call, media);
      await page.until("conversationIncoming.cwic Ringin");
      page.cwic("endConversation", true, current.calls[0].id);
      await left;
      await call.hangup();
      assert.equal((await lit).new, 1);
      assert.deepEqual(await results(own, 1), ["voicemail"]);
    },
  );
