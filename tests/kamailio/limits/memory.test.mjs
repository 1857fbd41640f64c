/**
 * A node short of shared memory lets nobody new in, before it is full, and keeps its word to those it
 * has.
 */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call } from "../support/call.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";
const SHORT =
  /could not allocate|no more (shm|pkg|mem|shared)|out of (shm|mem|pkg)/i;

/**
 * Opens connections until the node lets nobody in any more.
 * @param {any} world
 */
async function fill(world) {
  /** @type {any[]} */
  const idle = [];
  const more = async () => {
    try {
      idle.push(await world.connect({ name: `idle-${idle.length}` }));
    } catch (error) {
      assert.match(String(error), /503/);
    }
  };
  await eventually(
    "the node to be short of memory",
    async () => {
      await Promise.all(Array.from({ length: 10 }, more));
      return /ALERT.*short of shared memory/.test(world.server.log);
    },
    40_000,
  );
  return idle;
}

gracefulTest(
  "short of memory nobody new is let in, and who is there notices nothing",
  { nodes: [{ memory: 24 }] },
  async (world) => {
    const alice = await world.connect({ name: "alice" });
    const bob = await world.connect({ name: "bob", user: "2002" });
    await alice.register({ contacts: [a] });
    await bob.register({ contacts: [b] });
    const rival = await world.connect({ name: "rival" });

    const idle = await fill(world);
    assert.ok(idle.length > 50, `${idle.length} connections`);
    assert.equal((await alice.register({ contacts: [a] })).status, 200);
    assert.equal((await alice.send("MESSAGE", BOB)).status, 200);
    const call = await Call.start(alice, BOB, bob);
    assert.equal((await call.request("BYE")).status, 200);
    // Who was let in may log in, and who is ousted is told.
    const forced = await rival.register({ contacts: [b], headers: [FORCE] });
    assert.equal(forced.status, 200);
    await alice.incoming("NOTIFY");
    assert.equal(await alice.closed, 4001);

    // With room again there is room again.
    for (const one of idle) await one.terminate();
    const next = await eventually("to be let in", async () => {
      try {
        return await world.connect({ name: "next", user: "2002" });
      } catch {
        return undefined;
      }
    });
    const other = contact("next", { device: "NEXT" });
    assert.equal((await next.register({ contacts: [other] })).status, 200);
    const { log } = world.server;
    assert.doesNotMatch(log, SHORT);
  },
);

gracefulTest(
  "with no memory to spare there is no new login either, and a refresh all the same",
  { nodes: [{ memory: 16 }] },
  async (world) => {
    const [node] = world.server.nodes;
    const client = await world.connect();
    await client.register({ contacts: [a] });
    const late = await world.connect({ name: "late", user: "2002" });
    await fill(world);
    // What takes the rest: entries of a table that nobody limits but whoever may write it. The node looks
    // once a second; whoever logs in before it has looked is in, and is let in again as a refresh.
    const free = async () =>
      Number(/\tfree: (\d+)/.exec(await node.rpc("core.shmmem"))?.[1]);
    const filler = "x".repeat(40_000);
    let fillers = 0;
    await eventually("the node to see what it has left", async () => {
      while ((await free()) > 600_000)
        await node.rpc("htable.sets", "lines", `filler-${++fillers}`, filler);
      return /value: 1$/m.test(await node.rpc("htable.get", "node", "short"));
    });
    const refused = await late.register({ contacts: [b] });
    assert.equal(refused.status, 503);
    assert.equal(refused.header("Retry-After"), "10");
    assert.equal((await client.register({ contacts: [a] })).status, 200);
    assert.doesNotMatch(world.server.log, SHORT);
  },
);

gracefulTest(
  "the longest message passes, and a longer one costs its sender the connection",
  {
    nodes: ["a", "b"].map((name, index) => ({
      name,
      host: `127.0.0.${index + 2}`,
    })),
  },
  async (world) => {
    const [here, there] = world.server.nodes;
    const alice = await world.connect({ name: "alice", url: here.url });
    const bob = await world.connect({
      name: "bob",
      user: "2002",
      url: there.url,
    });
    await alice.register({ contacts: [a] });
    await bob.register({ contacts: [b] });
    const headers = /** @type {[string, string][]} */ ([
      ["Content-Type", "text/plain"],
    ]);
    const says = (/** @type {number} */ length) =>
      alice.send("MESSAGE", BOB, { headers, body: "x".repeat(length) });
    assert.equal((await says(20_000)).status, 200);
    const message = await bob.incoming("MESSAGE");
    assert.equal(message.body.length, 20_000);
    await assert.rejects(says(30_000), /the connection closed/);
    assert.equal(bob.received.length, 1);
    // The line is free, and the node serves whoever comes.
    const back = await world.connect({ name: "back", url: here.url });
    assert.equal((await back.register({ contacts: [a] })).status, 200);
  },
);
