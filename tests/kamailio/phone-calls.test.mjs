/**
 * Calls between phones of this package by way of deploy/kamailio, with fake media: through one node
 * and through two, over a lost connection, when a node dies, and when the line is taken.
 */
import assert from "node:assert/strict";
import { fakeMedia } from "graceline/testing";
import { eventually } from "../interop/support/eventually.mjs";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { Relay } from "../support/relay.mjs";
import { Facts } from "./support/facts.mjs";
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

/**
 * Resolves once a phone that was lost is registered, by way of a node if that is said, and its call
 * goes on: the far end has answered its re-INVITE. Within the 12 s that a lost client has.
 * @param {any} world
 * @param {PhoneUnderTest} phone
 * @param {number} since an earlier length of the transcript
 * @param {{ url: string }} [node]
 */
async function isBack(world, phone, since, node) {
  const began = performance.now();
  await world.transcript.until(
    `${phone.name} to be registered again`,
    () =>
      phone.phone.status === "eReady" &&
      (!node || phone.phone.registration?.connection === node.url),
    20_000,
  );
  await world.transcript.until(
    `the answer to a re-INVITE of ${phone.name}, or to one of the other side`,
    () =>
      world.transcript.entries
        .slice(since)
        .some(
          (/** @type {any} */ { who, text }) =>
            who === phone.name &&
            /^SIP\S+ 200[^]*^CSeq: \d+ INVITE/m.test(text),
        ),
    20_000,
  );
  assert.ok(performance.now() - began < 12_000);
}

/**
 * Both sides hold and resume; then one hangs up, and hears that the other has heard it.
 * @param {any} world
 * @param {any} leaving the call of the one
 * @param {any} left the call of the other
 */
async function goesOnAndEnds(world, leaving, left) {
  assert.deepEqual([leaving.state, left.state], ["connected", "connected"]);
  for (const call of [leaving, left]) {
    await call.hold();
    await call.resume();
  }
  const since = world.transcript.length;
  leaving.hangup();
  await becomes(left, "ended");
  await world.transcript.until("200 to the BYE", () =>
    world.transcript.entries
      .slice(since)
      .some(
        (/** @type {any} */ { direction, text }) =>
          direction === "received" &&
          /^SIP\S+ 200[^]*^CSeq: \d+ BYE/m.test(text),
      ),
  );
}

for (const [who, fromCaller] of /** @type {const} */ ([
  ["caller", true],
  ["callee", false],
]))
  gracefulTest(
    `the only node is killed and started again in a call: it goes on, and the ${who} ends it`,
    {},
    async (world) => {
      const [node] = world.server.nodes;
      const alice = await phoneOf(world, "alice", "2001");
      const bob = await phoneOf(world, "bob", "2002");
      const [out, into] = await talk(alice, bob, "2002");
      const since = world.transcript.length;
      await node.kill();
      await Promise.all(
        [alice, bob].map((phone) => phone.status("eRecoveryPending")),
      );
      await node.start();
      await Promise.all(
        [alice, bob].map((phone) => isBack(world, phone, since)),
      );
      await goesOnAndEnds(
        world,
        fromCaller ? out : into,
        fromCaller ? into : out,
      );
    },
  );

for (const who of ["caller", "callee"])
  gracefulTest(
    `the ${who}'s node is killed: the call goes on over the other`,
    { nodes },
    async (world) => {
      const [first, second] = world.server.nodes;
      const alice = await phoneOf(world, "alice", "2001", {
        connections: [first.url, second.url],
      });
      const bob = await phoneOf(world, "bob", "2002", {
        connections: second.url,
      });
      assert.equal(alice.phone.registration?.connection, first.url);
      const [out, into] = await (who === "caller"
        ? talk(alice, bob, "2002")
        : talk(bob, alice, "2001"));
      const since = world.transcript.length;
      await first.kill();
      await isBack(world, alice, since, second);
      await goesOnAndEnds(world, into, out);
      // A new one is as good as the old.
      const [next, answered] = await talk(bob, alice, "2001");
      await goesOnAndEnds(world, next, answered);
    },
  );

gracefulTest(
  "the node of both sides is killed: both meet on the other, and go on",
  { nodes },
  async (world) => {
    const [first, second] = world.server.nodes;
    const connections = [first.url, second.url];
    const alice = await phoneOf(world, "alice", "2001", { connections });
    const bob = await phoneOf(world, "bob", "2002", { connections });
    const [out, into] = await talk(alice, bob, "2002");
    const since = world.transcript.length;
    await first.kill();
    await Promise.all(
      [alice, bob].map((phone) => isBack(world, phone, since, second)),
    );
    await goesOnAndEnds(world, out, into);
  },
);

gracefulTest(
  "a phone that loses its way to a node that lives comes back over the other",
  { nodes: [{ name: "a" }, { name: "b" }] },
  async (world) => {
    const [first, second] = world.server.nodes;
    const links = [];
    for (const { port } of [first, second]) {
      const link = await Relay.start(port);
      world.after(() => link.close());
      links.push(link);
    }
    const [link, other] = links;
    const alice = await phoneOf(world, "alice", "2001", {
      connections: [link.url, other.url],
    });
    const bob = await phoneOf(world, "bob", "2002", {
      connections: first.url,
    });
    const [out, into] = await talk(alice, bob, "2002");
    const since = world.transcript.length;
    link.refusing = true;
    link.cut();
    await isBack(world, alice, since, other);
    // It is in a call here, too: its line is kept when this connection goes as well.
    const [{ node }] = await world.server.bindings();
    assert.equal(node, "b");
    other.refusing = true;
    other.cut();
    await eventually("the line to be held", async () => {
      const [binding] = await world.server.bindings();
      return binding?.held;
    });
    const again = world.transcript.length;
    link.refusing = false;
    await isBack(world, alice, again, link);
    await goesOnAndEnds(world, into, out);
  },
);

for (const [through, options] of /** @type {const} */ ([
  ["one node", {}],
  ["two nodes", { nodes }],
]))
  gracefulTest(
    `phones call by public ids, hold, resume and hang up through ${through}`,
    /** @type {any} */ (options),
    async (world) => {
      const facts = new Facts(world.server.redis);
      const name = { kind: "name" };
      await facts.call("public_id_add", { id: "ada", ...name }, "2001");
      await facts.call("public_id_add", { id: "marco", ...name }, "2002");
      const [first, second = first] = world.server.nodes;
      const alice = await phoneOf(world, "alice", "2001", {
        ...{ connections: first.url, publicId: "ada" },
      });
      const bob = await phoneOf(world, "bob", "2002", {
        ...{ connections: second.url, publicId: "Marco" },
      });
      for (const [one, other, target, own] of /** @type {const} */ ([
        [alice, bob, "MARCO", "ada"],
        [bob, alice, "Ada", "marco"],
      ])) {
        const [out, into] = await talk(one, other, target);
        assert.equal(
          out.remote.uri,
          `sip:${target.toLowerCase()}@example.test`,
        );
        assert.equal(into.remote.uri, `sip:${own}@example.test`);
        await out.hold();
        await out.resume();
        await into.hold();
        await into.resume();
        assert.equal(into.remote.uri, `sip:${own}@example.test`);
        const over = becomes(out, "ended");
        await into.hangup();
        await over;
      }
    },
  );
