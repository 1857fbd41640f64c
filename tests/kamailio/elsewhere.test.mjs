/**
 * Phones of this package by way of deploy/kamailio: each sees what the user's other one does, takes its
 * call over and gives it back; others see the user on the phone; the lamp is the same on both.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { TOPOLOGIES, phone } from "./support/household.mjs";

/**
 * Resolves with what `read` gives, once it is something; it is tried at each event.
 * @param {any} emitter
 * @param {string} event
 * @param {() => any} read
 * @returns {Promise<any>}
 */
const when = (emitter, event, read) =>
  new Promise((resolve) => {
    const look = () => {
      const value = read();
      if (value === undefined) return;
      emitter.off(event, look);
      resolve(value);
    };
    emitter.on(event, look);
    look();
  });

/** The call elsewhere that is in a state, or that there is none. @param {any} phone @param {string} [state] */
const elsewhere = (phone, state) =>
  when(phone, "elsewhereCalls", () => {
    const list = phone.elsewhereCalls;
    if (!state) return list.length === 0 || undefined;
    return list.find((/** @type {any} */ call) => call.state === state);
  });

/**
 * Phones that are registered: `here` and `there` of 2001, `far` of 2002.
 * @param {any} world
 * @param {Facts} facts
 */
async function phones(world, facts) {
  const [first, second = first] = world.server.nodes;
  /** @type {Record<string, any>} */
  const made = {};
  for (const [name, user, digit, { url }] of /** @type {const} */ ([
    ["here", "2001", "a", first],
    ["there", "2001", "b", second],
    ["far", "2002", "c", second],
  ])) {
    await facts.authorise(instance(digit), "mobile", user);
    const under = new PhoneUnderTest(world, name, {
      ...{ user, password: world.server.passwords[user] },
      ...{ instanceId: instance(digit), connections: url },
      ...{ device: name, media: fakeMedia() },
    });
    made[name] = under.phone;
    await under.register();
  }
  const { here, there } = made;
  await Promise.all([elsewhere(here), elsewhere(there)]);
  return made;
}

/** The next call that comes to a phone. @param {any} phone @returns {Promise<any>} */
const incoming = (phone) =>
  new Promise((resolve) =>
    phone.once("incoming", (/** @type {any} */ { call }) => resolve(call)),
  );

/** A call comes to be in a state. @param {any} call @param {string} state */
const becomes = (call, state) =>
  when(call, state, () => call.state === state || undefined);

for (const [through, options] of TOPOLOGIES)
  gracefulTest(
    `a call that rings at another device of the user is taken while it does: ${through}`,
    options,
    async (world) => {
      const facts = await Facts.on(world);
      const { here, there, far } = await phones(world, facts);
      const [{ url }] = world.server.nodes;
      await facts.authorise(instance("d"), "deskphone");
      const desk = await phone(world, "d", { url });

      // At the desk phone, for the page.
      await facts.call("rings_set", { ids: ["d"] });
      let call = far.call("2001");
      let shown = await elsewhere(here, "incoming");
      assert.equal(shown.device.name, "d");
      assert.equal(shown.remote.uri, "sip:2002@example.test");
      let moved = incoming(far);
      let taken = here.pickUp(shown.id);
      let end = await moved;
      await becomes(taken, "connected");
      await becomes(call, "ended");
      const cancel = await desk.incoming("CANCEL");
      assert.deepEqual(cancel.all("Reason"), [
        'SIP;cause=200;text="Call completed elsewhere"',
      ]);
      await Promise.all([becomes(end, "ended"), taken.hangup()]);
      await Promise.all([elsewhere(here), elsewhere(there)]);

      // At the one phone, for the other.
      await facts.call("rings_set", { ids: ["a"] });
      const rings = incoming(here);
      call = far.call("2001");
      const rung = await rings;
      shown = await elsewhere(there, "incoming");
      assert.equal(shown.device.name, "a");
      moved = incoming(far);
      const told = becomes(rung, "ended");
      /** @type {string | undefined} */
      let cause;
      rung.on("ended", (/** @type {any} */ end) => (cause = end.cause));
      taken = there.pickUp(shown.id);
      end = await moved;
      await becomes(taken, "connected");
      await told;
      assert.equal(cause, "answeredElsewhere");
      await becomes(call, "ended");
      await Promise.all([becomes(taken, "ended"), end.hangup()]);

      // One record each, of who took it.
      for (const [user, by] of [
        ["2001", ["b", "a"]],
        ["2002", [undefined, undefined]],
      ]) {
        const list = await eventually("two records", async () => {
          const calls = await facts.call("history", {}, `${user}`);
          return calls.length === 2 && calls;
        });
        const seen = list.map((/** @type {any} */ one) => one.result);
        assert.deepEqual(seen, ["answered", "answered"]);
        const takers = list.map((/** @type {any} */ one) => one.answeredBy);
        assert.deepEqual(takers, by);
      }
      await Promise.all([elsewhere(here), elsewhere(there)]);
    },
  );

for (const [through, options] of TOPOLOGIES)
  gracefulTest(
    `a call goes from one device of a user to another and back: ${through}`,
    options,
    async (world) => {
      const facts = await Facts.on(world);
      const { here, there, far } = await phones(world, facts);
      const seen = far.presence("2001");
      await when(seen, "change", () => seen.state === "available" || undefined);

      const rings = incoming(far);
      let call = here.call("2002");
      let end = await rings;
      await end.answer();
      await when(seen, "change", () => seen.state === "busy" || undefined);
      // Who takes a call over is no new caller, whom this would send away.
      await facts.call("rules_set", { doNotDisturb: true }, "2002");
      for (const phone of [there, here]) {
        const shown = await elsewhere(phone, "connected");
        assert.equal(shown.remote.uri, "sip:2002@example.test");
        const other = phone === there ? "a" : "b";
        assert.deepEqual(
          [shown.device.name, shown.device.instanceId],
          [other, instance(other)],
        );
        const over = becomes(call, "ended");
        const moved = incoming(far);
        const taken = phone.pickUp(shown.id);
        const next = await moved;
        assert.equal(next.replaces, end);
        await becomes(taken, "connected");
        await over;
        [call, end] = [taken, next];
        await elsewhere(phone);
      }
      await call.hangup();
      await Promise.all([elsewhere(here), elsewhere(there)]);
      await when(seen, "change", () => seen.state === "available" || undefined);

      // One record, in which neither move shows.
      const history = await facts.call("history", {});
      assert.equal(history.length, 1);
      assert.equal(history[0].result, "answered");

      const lamps = [here, there].map((phone) => {
        const lit = () => phone.voicemail?.new === 1 || undefined;
        return when(phone, "voicemail", lit);
      });
      await facts.call("mailbox_set", { new: 1, old: 0 });
      await Promise.all(lamps);
    },
  );
