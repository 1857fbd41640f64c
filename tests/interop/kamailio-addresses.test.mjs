/**
 * Several addresses at real registrars: two Kamailios, each behind a relay that can stall and cut.
 * The second one stands for another node; what is bound at the first is not known to it.
 */
import assert from "node:assert/strict";
import { Relay } from "../support/relay.mjs";
import { interopTest } from "./support/interop-test.mjs";
import { Kamailio } from "./support/kamailio.mjs";
import { PhoneUnderTest } from "./support/phones.mjs";

/**
 * Two nodes behind relays, and a phone that knows both.
 * @param {import("./support/interop-test.mjs").World} world
 * @param {object} [options] of `Phone`
 */
async function twoNodes(world, options = {}) {
  const other = await Kamailio.start({});
  world.after(() => other.stop());
  const nodes = [];
  for (const node of [world.server, other]) {
    const relay = await Relay.start(Number(new URL(node.url).port));
    world.after(() => relay.close());
    nodes.push(relay);
  }
  const alice = new PhoneUnderTest(world, "alice", {
    connections: nodes.map((relay) => relay.url),
    heartbeat: 5,
    ...options,
  });
  /** @type {{ state: string, url: string }[]} */
  const transport = [];
  alice.phone.on("transport", (change) => transport.push(change));
  /** Resolves when the phone is registered by way of the relay. */
  const at = (/** @type {Relay} */ relay) =>
    world.transcript.until(
      `alice to be registered at ${relay.url}`,
      () => alice.phone.registration?.connection === relay.url,
      30_000,
    );
  return { alice, first: nodes[0], second: nodes[1], other, at, transport };
}

/**
 * Pings sent, or pongs received.
 * @param {import("./support/interop-test.mjs").World} world
 * @param {"sent" | "received"} direction
 * @param {number} [since] an earlier `transcript.length`
 */
const heartbeats = ({ transcript }, direction, since = 0) =>
  transcript.entries
    .slice(since)
    .filter(
      (entry) => entry.direction === direction && /^[\r\n]+$/.test(entry.text),
    ).length;

for (const watch of /** @type {const} */ (["all", "inUse"])) {
  interopTest(
    `a node that is cut off: the registration is on the next one at once (${watch})`,
    {},
    async (world) => {
      const { alice, first, second, other, at } = await twoNodes(world, {
        watch,
      });
      await alice.register();
      assert.equal(alice.phone.registration?.connection, first.url);
      first.refusing = true;
      first.cut();
      await at(second);
      assert.equal(alice.phone.status, "eReady");
      assert.equal((await other.bindings("2001")).length, 1);
      const statuses = alice.events
        .filter(({ name }) => name === "status")
        .map(({ payload }) => payload.status);
      assert.deepEqual(statuses, [
        "eRegistering",
        "eReady",
        "eRecoveryPending",
        "eReady",
      ]);
    },
  );
}

interopTest(
  "a node that falls silent is noticed by its heartbeat",
  {},
  async (world) => {
    const { alice, first, second, at } = await twoNodes(world);
    await alice.register();
    // Kamailio answers pings; only a server that did is given up for its silence.
    await world.transcript.until(
      "a pong",
      () => heartbeats(world, "received") > 0,
      20_000,
    );
    first.stall();
    await at(second);
    assert.equal(alice.phone.status, "eReady");
  },
);

interopTest(
  "delay and jitter are no failure, and what comes late is not lost",
  {},
  async (world) => {
    const { alice, first, second, transport } = await twoNodes(world);
    for (const relay of [first, second]) {
      relay.delay = 150;
      relay.jitter = 300;
    }
    await alice.register();
    first.stall();
    const stalled = world.transcript.length;
    // Two connections: at least one of three is asked of the first.
    await world.transcript.until(
      "a heartbeat in vain",
      () => heartbeats(world, "sent", stalled) >= 3,
      20_000,
    );
    first.resume();
    await alice.phone.unregisterPhone();
    assert.equal((await world.server.bindings("2001")).length, 0);
    const lost = transport.filter(
      ({ state, url }) => state === "disconnected" && url === first.url,
    );
    assert.equal(lost.length, 1, "closed once, by us, at the end");
  },
);
