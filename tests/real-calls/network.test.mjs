/**
 * A call between two Chromiums whose ways to the real Kamailio are cut or fall silent. Nobody hangs
 * up, audio goes on, and media have looked for a new path. Audio itself flows from browser to browser
 * here, past what is cut.
 */
import { after, before, it } from "node:test";
import { Relay } from "../support/relay.mjs";
import { connect, hangUp, outlive, talk } from "./scenarios.mjs";
import { World } from "./support/world.mjs";

/** @type {World} */
let world;
/** @type {Relay[]} */
let relays = [];
/** @type {[import("./scenarios.mjs").End, import("./scenarios.mjs").End]} */
let ends;

before(async () => {
  world = await World.start("graceline");
  const pages = [];
  for (const user of ["2001", "2002"]) {
    const relay = await Relay.start(Number(new URL(world.server.url).port));
    world.after(() => relay.close());
    relays.push(relay);
    pages.push(await world.user("graceline", user, { url: relay.url }));
  }
  ends = await connect(pages[0], pages[1]);
  await talk(...ends);
});

after(() => world?.stop());

/**
 * @param {string} name
 * @param {() => unknown} happens
 */
const outage = (name, happens) =>
  it(name, { timeout: 60_000 }, async () => {
    try {
      await outlive(ends, happens);
    } catch (error) {
      console.error(await world.report());
      throw error;
    }
  });

outage("the caller's connection is cut", () => relays[0].cut());
outage("the callee's connection is cut", () => relays[1].cut());
outage("both are cut", () => relays.forEach((relay) => relay.cut()));
outage("the caller's connection falls silent", async () => {
  relays[0].stall();
  await ends[0].page.do.closed();
  relays[0].cut();
  relays[0].resume();
});

it("and then one hangs up, and both are told", () => hangUp(ends[0], ends[1]));
