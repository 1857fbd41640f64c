/** The grace of a client that is lost in a call is for calls, and ends. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call } from "../support/call.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const PERSISTS = /** @type {[string, string]} */ ([
  "Supported",
  "X-cisco-sessionpersist",
]);
const BOB = "sip:2002@example.test";

/** What the client does before it is lost. @type {Record<string, (alice: any, bob: any) => Promise<void>>} */
const before = {
  "in no call": async () => {},
  "whose call was refused": async (alice, bob) => {
    bob.respond = () => ({ status: 486, reason: "Busy Here" });
    assert.equal((await new Call(alice, BOB).invite()).status, 486);
  },
  "whose call is over": async (alice, bob) => {
    const call = await Call.start(alice, BOB, bob);
    assert.equal((await call.request("BYE")).status, 200);
  },
  "whose call the other has ended": async (alice, bob) => {
    const call = await Call.start(alice, BOB, bob);
    assert.equal((await Call.hangUp(bob, call)).status, 200);
  },
};

for (const [what, act] of Object.entries(before))
  gracefulTest(
    `a client that announced persistency, ${what}, holds no line`,
    {},
    async (world) => {
      const alice = await world.connect({ name: "alice" });
      const bob = await world.connect({ name: "bob", user: "2002" });
      await alice.register({ contacts: [a], headers: [PERSISTS] });
      await bob.register({ contacts: [b] });
      await act(alice, bob);
      await alice.terminate();
      await eventually(
        "the line to be free",
        async () => (await world.server.bindings()).length === 0,
        2_000,
      );
    },
  );

gracefulTest(
  "a line that is held is taken by force, and by nobody else for longer than the grace",
  {},
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await alice.register({ contacts: [a], headers: [PERSISTS] });
    await bob.register({ contacts: [b] });
    await Call.start(alice, BOB, bob);
    await alice.terminate();
    await eventually("the line to be held", async () => {
      const [binding] = await world.server.bindings();
      return binding?.held;
    });
    const rival = await world.connect({ name: "rival" });
    assert.equal((await rival.register({ contacts: [b] })).status, 403);
    const forced = await rival.register({ contacts: [b], headers: [FORCE] });
    assert.equal(forced.status, 200);
    const [binding] = await world.server.bindings();
    assert.equal(binding.contact_user, "b");
  },
);
