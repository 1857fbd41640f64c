/**
 * A call whose servers die, in Chromium: signalling and media of one end go by the network of a host
 * of its own. Killed is killed: the nodes have no time to say goodbye, and forget what they knew.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { connect, hangUp, outlive, talk } from "../real-calls/scenarios.mjs";
import { World } from "../real-calls/support/world.mjs";
import { Host } from "./support/host.mjs";

/** @type {World} */
let world;
/** @type {[import("../real-calls/scenarios.mjs").End, import("../real-calls/scenarios.mjs").End]} */
let ends;

/** @param {number} nodes whose addresses both phones have */
async function start(nodes) {
  const host = await Host.create();
  world = await World.startAt(Host.server, ["graceline"], nodes);
  world.after(async () => host.remove());
  const url = world.server.nodes.map((node) => node.url);
  const pages = [
    await world.user("graceline", "2001", { url, program: host.chromium }),
    await world.user("graceline", "2002", { url }),
  ];
  ends = await connect(pages[0], pages[1]);
  await talk(...ends);
}

/**
 * @param {string} name
 * @param {() => unknown} happens
 */
const outage = (name, happens) =>
  it(name, { timeout: 90_000 }, async () => {
    const before = await statuses();
    await outlive(ends, happens);
    for (const [index, shown] of (await statuses()).entries())
      assert.deepEqual(
        shown.slice(before[index].length),
        ["eRecoveryPending", "eReady"],
        ends[index].page.name,
      );
  });

/** What each phone has been. @returns {Promise<string[][]>} */
const statuses = () => Promise.all(ends.map(({ page }) => page.do.statuses()));

const ended = () => hangUp(...ends);

/** @param {{ skipped?: boolean }} [context] */
async function tell(context) {
  // @ts-expect-error what node:test knows of the test that ran
  if (context?.error) console.error(await world.report());
}

describe("one node", () => {
  before(() => start(1));
  after(() => world?.stop());
  afterEach(tell);

  outage("it is killed, and started again", async () => {
    const [node] = world.server.nodes;
    await node.kill();
    await node.start();
  });
  it("and then one hangs up, and both are told", ended);
});

describe("two nodes", () => {
  before(() => start(2));
  after(() => world?.stop());
  afterEach(tell);

  outage("the one in use is killed", () => world.server.nodes[0].kill());
  outage("it is back, and the other one is killed", async () => {
    const [first, second] = world.server.nodes;
    await first.start();
    await second.kill();
  });
  it("and then one hangs up, and both are told", ended);
});
