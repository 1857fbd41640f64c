/** What a client can make a node keep of its calls: so many, of a known size, as long as it is there. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";

/**
 * The entries of a table of a node, as text.
 * @param {any} world
 * @param {string} table
 */
const dump = ({ server }, table) => server.nodes[0].rpc("htable.dump", table);

/** @param {any} world */
const isEmpty = async (world) =>
  !/name/.test((await dump(world, "calls")) + (await dump(world, "in_calls")));

/**
 * Bob, who answers, and a caller with or without a binding.
 * @param {any} world
 * @param {boolean} bound
 */
async function callers(world, bound) {
  const bob = await world.connect({ name: "bob", user: "2002" });
  await bob.register({ contacts: [b] });
  const alice = await world.connect({ name: "alice" });
  if (bound) await alice.register({ contacts: [a] });
  return { alice, bob };
}

for (const bound of [true, false])
  gracefulTest(
    `a Call-ID of any length takes the same room; the caller ${bound ? "is" : "is not"} registered`,
    {},
    async (world) => {
      const { alice, bob } = await callers(world, bound);
      class Long extends Call {
        callId = "long".repeat(1900);
      }
      await Long.start(alice, BOB, bob);
      const kept = await dump(world, "calls");
      const names = [...kept.matchAll(/name: (.*)/g)].map(([, name]) => name);
      assert.equal(names.length, 2, kept);
      for (const name of names)
        assert.match(name, /^127[.]0[.]0[.]1:\d+:\d+\|[0-9a-f]{16}$/);
      // And nothing of it stays when both are gone, though nobody said BYE.
      await alice.terminate();
      await bob.terminate();
      await eventually("the call to be forgotten", () => isEmpty(world));
    },
  );

for (const bound of [true, false])
  gracefulTest(
    `one connection is in so many calls at a time; the caller ${bound ? "is" : "is not"} registered`,
    { nodes: [{ settings: { CALLS_PER_CONNECTION: 3 } }] },
    async (world) => {
      const { alice, bob } = await callers(world, bound);
      const calls = [];
      while (calls.length < 3) calls.push(await Call.start(alice, BOB, bob));
      const refused = await new Call(alice, BOB).invite();
      assert.equal(refused.status, 503);
      assert.equal(refused.header("Retry-After"), "5");
      // One that ends makes room for one, and one that fails takes none.
      assert.equal((await calls[0].request("BYE")).status, 200);
      for (let index = 0; index < 4; index++) {
        const target = "sip:nobody@example.test";
        assert.equal((await new Call(alice, target).invite()).status, 404);
        bob.respond = () => ({ status: 486, reason: "Busy Here" });
        assert.equal((await new Call(alice, BOB).invite()).status, 486);
      }
      bob.respond = () => ({ status: 200 });
      await Call.start(alice, BOB, bob);
      assert.equal((await new Call(alice, BOB).invite()).status, 503);
    },
  );

gracefulTest(
  "one user begins so many calls a minute, over all connections",
  { nodes: [{ settings: { CALLS_PER_MINUTE: 4 } }] },
  async (world) => {
    const { alice, bob } = await callers(world, true);
    bob.respond = () => ({ status: 486, reason: "Busy Here" });
    const other = await world.connect({ name: "other" });
    const statuses = [];
    for (const from of [alice, other, alice, other, alice, other])
      statuses.push((await new Call(from, BOB).invite()).status);
    assert.deepEqual(statuses, [486, 486, 486, 486, 503, 503]);
    // Others call as before.
    const back = await new Call(bob, alice.aor).invite();
    assert.notEqual(back.status, 503);
  },
);

gracefulTest(
  "the account that makes calls for desk phones is in any number of calls, and nobody else is",
  {
    accounts: ["2001", "2002", "controller"].map((user) => ({ user })),
    nodes: [{ settings: { CALLS_PER_MINUTE: 4, CALLS_PER_CONNECTION: 3 } }],
  },
  async (world) => {
    const { alice, bob } = await callers(world, true);
    const controller = await world.connect({
      name: "controller",
      user: "controller",
    });
    for (let calls = 0; calls < 6; calls++)
      await Call.start(controller, BOB, bob);
    // Its name within another's is another's.
    const statuses = [];
    for (let calls = 0; calls < 5; calls++)
      statuses.push((await new Call(alice, BOB).invite()).status);
    assert.deepEqual(statuses, [200, 200, 200, 503, 503]);
  },
);
