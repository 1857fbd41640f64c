/**
 * A call of a host that has two networks and loses them, in Chromium, through the real Kamailio.
 * Signalling and media go by the host's network; the far end is in a browser of this machine.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { connect, outlive, talk } from "../real-calls/scenarios.mjs";
import { Host } from "./support/host.mjs";
import { World } from "../real-calls/support/world.mjs";

/** @typedef {import("../real-calls/scenarios.mjs").End} End */

/** @type {Host} */
let host;
/** @type {World} */
let world;
/** @type {import("../real-calls/support/pages.mjs").UserPage[]} */
let pages;
/** The moving end, and the one that stays. @type {[End, End]} */
let ends;

async function start(nodes = 1) {
  host = await Host.create();
  world = await World.startAt(Host.server, ["graceline"], { nodes });
  world.after(async () => host.remove());
  const url = world.server.nodes.map((node) => node.url);
  pages = [
    await world.user("graceline", "2001", { url, program: host.chromium }),
    await world.user("graceline", "2002", { url }),
  ];
  ends = await connect(pages[0], pages[1]);
  await talk(...ends);
}

const port = () => world.server.nodes[0].port;
const moving = () => ends[0].page;

/**
 * @param {string} name
 * @param {() => unknown} happens
 */
const outage = (name, happens) =>
  it(name, { timeout: 90_000 }, async () => {
    const before = (await moving().do.statuses()).length;
    await outlive(ends, happens);
    const statuses = (await moving().do.statuses()).slice(before);
    assert.deepEqual(statuses, ["eRecoveryPending", "eReady"]);
  });

/** @param {{ skipped?: boolean }} [context] */
async function tell(context) {
  // @ts-expect-error what node:test knows of the test that ran
  if (context?.error) console.error(await world.report());
}

describe("one node", () => {
  before(() => start(1));
  after(() => world?.stop());
  afterEach(tell);

  outage("its connection is destroyed", () => host.cut(port()));
  outage("what it sends and hears of the server is lost", async () => {
    await host.silencePort(port());
    await moving().do.closed();
    await host.hear();
  });
  outage("all that it sends and hears is lost", async () => {
    await host.silence("wifi");
    await moving().do.closed();
    await host.hear();
  });
  outage("it goes to another network", () => host.move("mobile"));
  outage("it comes back", () => host.move("wifi"));
  outage("its network falls silent, and there is another one", async () => {
    await host.silence("wifi");
    await host.join("mobile");
    await moving().do.closed();
    await host.hear();
  });
  outage("the browser goes offline", async () => {
    await moving().context?.setOffline(true);
    await moving().do.closed();
    await moving().context?.setOffline(false);
  });
  it(
    "away for longer than 12 s, the call ends at both ends, and a new one can be made",
    { timeout: 90_000 },
    async () => {
      await host.leave("mobile");
      for (const { page, call } of ends) {
        const { cause, reason } = await page.do.event(call, "ended", 1, 40_000);
        assert.equal(cause, "failed");
        assert.ok(reason);
      }
      await host.join("wifi");
      await moving().do.ready();
      ends = await connect(pages[0], pages[1]);
      await talk(...ends);
    },
  );

  outage("the server is killed, and starts again", async () => {
    await world.server.nodes[0].kill();
    await world.server.nodes[0].start();
  });
});
