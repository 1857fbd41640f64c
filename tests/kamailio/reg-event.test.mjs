/**
 * The registration event package (RFC 3680): users watch what becomes of their registrations, on
 * one node and on two, and nobody watches anybody else.
 */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { FORCE, contact, instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { Watcher, readDocument, told } from "./support/watcher.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const tab = contact("t", { device: "TAB", instance: instance("c") });

const nodes = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
];

for (const [through, options] of /** @type {const} */ ([
  ["one node", {}],
  ["two nodes", { nodes }],
]))
  gracefulTest(
    `told of every change, and of the takeover before the connection is closed: ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [here, there = here] = world.server.nodes;
      const alice = await world.connect({ name: "alice", url: here.url });
      await alice.register({ contacts: [a] });
      const watcher = new Watcher(alice);
      const answer = await watcher.subscribe(600);
      assert.equal(answer.status, 200);
      assert.equal(answer.header("Expires"), "600");
      assert.ok(answer.contacts.length > 0);

      const first = await watcher.notify(1);
      assert.deepEqual(
        [first.version, first.state, first.aor, first.registration],
        [0, "full", alice.aor, "active"],
      );
      assert.deepEqual(told(first), { a: "active registered" });
      const [own] = first.contacts;
      assert.equal(own.uri, "sip:a@a.invalid;transport=ws");
      assert.ok(own.expires > 100 && own.expires <= 120);
      assert.deepEqual(own.params, {
        "+sip.instance": `<${instance("a")}>`,
        "+u.sip!devicename.ccm.cisco.com": "CSF",
      });

      const other = await world.connect({ name: "other", url: there.url });
      await other.register({ contacts: [tab] });
      const came = await watcher.notify(2);
      assert.deepEqual(told(came), {
        a: "active registered",
        t: "active registered",
      });
      // A refresh is no news.
      await other.register({ contacts: [tab] });
      await other.register({ contacts: [`${tab};expires=0`] });
      const went = await watcher.notify(3);
      assert.deepEqual(told(went), {
        a: "active registered",
        t: "terminated unregistered",
      });
      await other.register({ contacts: [tab] });
      await watcher.notify(4);
      await other.terminate();
      const lost = await watcher.notify(5);
      assert.equal(told(lost).t, "terminated deactivated");

      const rival = await world.connect({ name: "rival", url: there.url });
      assert.equal((await rival.register({ contacts: [b] })).status, 403);
      await rival.register({ contacts: [b], headers: [FORCE] });
      const ousted = await watcher.notify(6);
      assert.deepEqual(told(ousted), {
        a: "terminated unregistered",
        b: "active registered",
      });
      assert.equal(ousted.contacts[0].id, own.id);
      assert.equal(await alice.closed, 4001);
      // First the order to look, then the news, then the end.
      assert.deepEqual(
        alice.received.slice(-2).map((request) => request.header("Event")),
        ["service-control", "reg"],
      );

      const { notifies } = watcher;
      assert.equal(notifies.length, 6);
      for (const [index, notify] of notifies.entries()) {
        const { version, state } = readDocument(notify.body);
        assert.deepEqual([version, state], [index, "full"]);
        assert.equal(notify.header("CSeq"), `${index + 1} NOTIFY`);
        assert.ok(notify.header("To").endsWith(`;tag=${watcher.fromTag}`));
        assert.equal(
          notify.header("From"),
          `<${alice.aor}>;tag=${watcher.toTag}`,
        );
        assert.match(
          notify.header("Subscription-State"),
          /^active;expires=(600|5\d\d)$/,
        );
        assert.equal(notify.requestUri, "sip:watcher-alice@alice.invalid");
        // By its Call-ID a REGISTER shows that a binding is its own.
        for (const client of [alice, other, rival])
          assert.ok(!notify.body.includes(client.callId));
      }
      // The subscription went with its connection.
      await eventually("nobody to watch", async () => {
        const key = `graceline:2001@${world.server.domain}`;
        const record = await world.server.redis.command(["GET", key]);
        return !record.includes(watcher.callId);
      });
    },
  );

gracefulTest(
  "a subscription is refreshed, ended, and expires",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    await alice.register({ contacts: [a] });
    const watcher = new Watcher(alice);
    assert.equal((await watcher.subscribe()).header("Expires"), "3761");
    await watcher.notify(1);
    const refreshed = await watcher.subscribe(300);
    assert.equal(refreshed.header("Expires"), "300");
    const again = await watcher.notify(2);
    assert.deepEqual([again.version, again.state], [1, "full"]);
    assert.match(
      again.notify.header("Subscription-State"),
      /^active;expires=(300|299)$/,
    );
    // An old one, and one of no dialog.
    assert.equal((await watcher.subscribe(300, { cseq: 1 })).status, 500);
    assert.equal(
      (await watcher.subscribe(300, { toTag: "forged" })).status,
      481,
    );

    assert.equal((await watcher.subscribe(0)).status, 200);
    const last = await watcher.notify(3);
    assert.equal(
      last.notify.header("Subscription-State"),
      "terminated;reason=timeout",
    );
    assert.equal((await watcher.subscribe(300)).status, 481);

    // One look: state, and the end at once.
    const look = new Watcher(alice);
    assert.equal((await look.subscribe(0)).status, 200);
    assert.deepEqual(told(await look.notify(1)), { a: "active registered" });

    const brief = new Watcher(alice);
    await brief.subscribe(1);
    await brief.notify(1);
    await eventually("the subscription to expire", async () => {
      await alice.register({ contacts: [a] });
      return brief.notifies.length === 2;
    });
    const expired = await brief.notify(2);
    assert.equal(
      expired.notify.header("Subscription-State"),
      "terminated;reason=timeout",
    );
    const rival = await world.connect({ name: "rival" });
    await rival.register({ contacts: [tab] });
    await rival.register({ contacts: [b], headers: [FORCE] });
    await alice.closed;
    assert.deepEqual(
      [watcher, look, brief].map(({ notifies }) => notifies.length),
      [3, 1, 2],
    );
  },
);

gracefulTest("users watch themselves, and nobody else", {}, async (world) => {
  const alice = await world.connect({ name: "alice" });
  const bob = await world.connect({ name: "bob", user: "2002" });
  await alice.register({ contacts: [a] });
  await bob.register({ contacts: [b] });
  const spy = new Watcher(bob);
  assert.equal((await spy.subscribe(600, { uri: alice.aor })).status, 403);
  // In her name, over his connection, or by her dialog.
  const watcher = new Watcher(alice);
  await watcher.subscribe(600);
  await watcher.notify(1);
  const stolen = new Watcher(bob);
  Object.assign(stolen, {
    callId: watcher.callId,
    fromTag: watcher.fromTag,
    toTag: watcher.toTag,
    cseq: watcher.cseq,
  });
  assert.equal((await stolen.subscribe(600)).status, 481);
  bob.user = "2001";
  assert.equal((await stolen.subscribe(600)).status, 407);
  bob.user = "2002";

  // Without a binding on the connection: digest.
  const elsewhere = await world.connect({ name: "elsewhere" });
  const challenged = await elsewhere.send("SUBSCRIBE", elsewhere.aor, {
    headers: [["Event", "reg"]],
  });
  assert.equal(challenged.status, 407);
  const observer = new Watcher(elsewhere);
  assert.equal((await observer.subscribe(600)).status, 200);
  assert.deepEqual(told(await observer.notify(1)), { a: "active registered" });

  const asks = async (/** @type {any} */ says) => {
    const answer = await new Watcher(alice).subscribe(600, says);
    return answer.status;
  };
  assert.equal(await asks({ event: "talk" }), 489);
  assert.equal(await asks({ event: "reg;id=a!!b" }), 400);
  assert.equal(await asks({ accept: "application/pidf+xml" }), 406);
  assert.equal(await asks({ event: `reg;id=${"x".repeat(5_000)}` }), 400);

  // Many, and no more: but nobody else's are fewer for it.
  const room = 32 - 2;
  for (let index = 0; index < room; index++) assert.equal(await asks({}), 200);
  const full = await new Watcher(alice).subscribe(600);
  assert.equal(full.status, 503);
  assert.ok(Number(full.header("Retry-After")) > 0);
  assert.equal((await new Watcher(bob).subscribe(600)).status, 200);
  assert.equal((await watcher.subscribe(600)).status, 200);

  // Who answers that there is no such subscription has none.
  const before = observer.notifies.length;
  elsewhere.respond = () => ({ status: 481, reason: "No Subscription" });
  await alice.register({ contacts: ["*"], expires: 0 });
  await observer.notify(before + 1);
  await eventually("the subscription to be gone", async () => {
    const answer = await observer.subscribe(600);
    return answer.status === 481;
  });
});

for (const profile of ["auto", "cisco", "generic"])
  gracefulTest(
    `profile ${profile}: told in both ways on another node, ousted once`,
    { nodes },
    async (world) => {
      const [here, there] = world.server.nodes;
      const alice = new PhoneUnderTest(world, "alice", {
        profile,
        connections: here.url,
      });
      const bob = new PhoneUnderTest(world, "bob", {
        profile,
        connections: there.url,
      });
      await alice.register();
      const received = (/** @type {string} */ event) =>
        world.transcript
          .requests({ who: "alice", method: "NOTIFY", direction: "received" })
          .filter(({ text }) => text.includes(`Event: ${event}\r\n`));
      await world.transcript.until(
        "alice's subscription",
        () => received("reg").length === 1,
      );
      await bob.register(true);
      await alice.event("eConnectionTerminated");
      await world.transcript.until("alice's connection to be closed", () =>
        world.transcript.entries.some(
          ({ who, text }) => who === "alice" && text.startsWith("closed"),
        ),
      );
      assert.equal(alice.count("eConnectionTerminated"), 1);
      assert.equal(received("service-control").length, 1);
      // None of them was answered otherwise than with 200.
      const refused = world.transcript.entries.filter(
        ({ who, direction, text }) =>
          who === "alice" && direction === "sent" && /^SIP\S+ [3-6]/.test(text),
      );
      assert.deepEqual(refused, []);
    },
  );

gracefulTest(
  "profile generic: a refresh takes one round trip where reg-event watches",
  { nodes: [{ settings: { MAX_EXPIRES: 20 } }] },
  async (world) => {
    const phone = new PhoneUnderTest(world, "phone", { profile: "generic" });
    await phone.register();
    const before = world.transcript.length;
    const [refresh] = await world.transcript.until(
      "a refresh",
      () => {
        const sent = phone.registers(before);
        return sent.length > 0 && sent;
      },
      25_000,
    );
    assert.match(refresh.text, /^Contact: .*;expires=[1-9]/m);
    assert.equal(phone.registers(before).length, 1);
  },
);
