/**
 * Calls between phones of this package by way of deploy/kamailio, with fake media: through one node
 * and through two, over a lost connection, and when the line is taken.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

/**
 * A registered phone of a user at a node.
 * @param {any} world
 * @param {string} name
 * @param {string} user
 * @param {object} [options] of `Phone`
 */
async function phoneOf(world, name, user, options = {}) {
  const media = fakeMedia();
  const phone = new PhoneUnderTest(world, name, {
    user,
    password: world.server.passwords[user],
    device: `CSF${user}`,
    media,
    ...options,
  });
  await phone.register();
  return Object.assign(phone, { media });
}

/** Resolves when a call is in a state. */
const becomes = (/** @type {any} */ call, /** @type {string} */ state) =>
  new Promise((resolve) => {
    const look = () => {
      if (call.state !== state) return;
      call.off("state", look);
      resolve(undefined);
    };
    call.on("state", look);
    look();
  });

/**
 * Both ends of a call that was answered.
 * @param {PhoneUnderTest} caller
 * @param {PhoneUnderTest} callee
 * @param {string} target
 */
async function talk(caller, callee, target) {
  /** @type {Promise<any>} */
  const incoming = new Promise((resolve) =>
    callee.phone.once("incoming", resolve),
  );
  const out = caller.phone.call(target);
  const { call: into } = await incoming;
  await Promise.all([becomes(out, "connected"), into.answer()]);
  await becomes(into, "connected");
  return [out, into];
}

const nodes = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
];

for (const [through, options] of /** @type {const} */ ([
  ["one node", {}],
  ["two nodes", { nodes }],
]))
  gracefulTest(
    `phones call, hold, resume and hang up through ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const [first, second = first] = world.server.nodes;
      const alice = await phoneOf(world, "alice", "2001", {
        connections: first.url,
      });
      const bob = await phoneOf(world, "bob", "2002", {
        connections: second.url,
      });
      for (const [one, other, target] of /** @type {const} */ ([
        [alice, bob, "2002"],
        [bob, alice, "2001"],
      ])) {
        const [out, into] = await talk(one, other, target);
        await out.hold();
        await out.resume();
        await into.hold();
        await into.resume();
        into.hangup();
        await becomes(out, "ended");
      }
    },
  );

gracefulTest(
  "a call goes on over a new connection; nobody gets the line meanwhile",
  {},
  async (world) => {
    const alice = await phoneOf(world, "alice", "2001");
    const bob = await phoneOf(world, "bob", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    alice.Socket.unplug();
    await alice.status("eRecoveryPending");
    const rival = new PhoneUnderTest(world, "rival", { device: "CSF2001" });
    await assert.rejects(rival.register(), {
      code: "eDeviceAlreadyRegistered",
    });
    alice.Socket.offline = false;
    await alice.status("eReady");
    assert.equal(out.state, "connected");
    assert.equal(into.state, "connected");
    // The other side reaches it where it is now.
    into.hangup();
    await becomes(out, "ended");
    assert.equal(alice.count("eConnectionTerminated"), 0);
  },
);

gracefulTest(
  "who takes the line ends the calls of the phone that had it",
  { nodes },
  async (world) => {
    const [first, second] = world.server.nodes;
    const alice = await phoneOf(world, "alice", "2001", {
      connections: first.url,
    });
    const bob = await phoneOf(world, "bob", "2002", {
      connections: second.url,
    });
    const [out, into] = await talk(alice, bob, "2002");
    const rival = new PhoneUnderTest(world, "rival", {
      device: "CSF2001",
      connections: second.url,
    });
    await rival.register(true);
    await alice.event("eConnectionTerminated");
    assert.equal(out.state, "ended");
    // Its BYE still gets through before its connection is closed.
    await becomes(into, "ended");
  },
);
