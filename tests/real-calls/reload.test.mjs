/**
 * A page in Chromium is reloaded during a call through the real Kamailio, logs in, and takes the call
 * up again: INVITE with Replaces (RFC 3891). Audio is counted before and after.
 */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { Relay } from "../support/relay.mjs";
import { connect, hangUp, talk } from "./scenarios.mjs";
import { names } from "./support/pages.mjs";
import { World } from "./support/world.mjs";

/** @typedef {import("./scenarios.mjs").End} End */

/** @type {World} */
let world;
/** Hers is the page that is reloaded. @type {import("./support/pages.mjs").UserPage} */
let ann;

before(async () => {
  world = await World.start("graceline", "jssip", "sipjs");
  ann = await world.user("graceline", "2001");
});

after(() => world?.stop());

/**
 * @param {string} name
 * @param {() => Promise<unknown>} body
 */
const test = (name, body) =>
  it(name, { timeout: 60_000 }, async () => {
    try {
      await body();
    } catch (error) {
      console.error(await world.report());
      throw error;
    }
  });

/** Reloads Ann's page and logs in: how many calls it is offered then. */
async function reload() {
  await ann.context?.pages()[0].reload();
  // Rejects where the page is refused, as by its own ghost.
  await ann.do.register(ann.account);
  return ann.do.offers();
}

/**
 * Ann takes her call up again: the ends of the new one. The old one has ended there.
 * @param {End} there
 * @returns {Promise<[End, End]>}
 */
async function takeUp(there) {
  const known = await there.page.do.count();
  const call = await ann.do.takeUp(0);
  const incoming = await there.page.do.next(known, "incoming");
  await Promise.all([
    ann.do.event(call, "connected"),
    there.page.do.event(there.call, "ended"),
  ]);
  /** @type {[End, End]} */
  const ends = [
    { page: ann, call },
    { page: there.page, call: incoming },
  ];
  await talk(...ends);
  return ends;
}

/** @type {[import("./support/pages.mjs").Stack, string][]} */
const farEnds = [
  ["graceline", "2002"],
  ["jssip", "2003"],
  ["sipjs", "2004"],
];
for (const [stack, user] of farEnds)
  test(`a call with ${names[stack]} goes on after a reload, whoever called`, async () => {
    const bob = await world.user(stack, user);
    for (const annCalls of [true, false]) {
      const ends = await (annCalls ? connect(ann, bob) : connect(bob, ann));
      await talk(...ends);
      assert.equal(await reload(), 1);
      await hangUp(...(await takeUp(ends[annCalls ? 1 : 0])));
    }
    assert.equal(await reload(), 0, "no call, no offer");
    await bob.close();
  });

test("a server that has not seen the old page go does not refuse the new one", async () => {
  const relay = await Relay.start(Number(new URL(world.server.url).port));
  world.after(() => relay.close());
  const direct = ann.account;
  ann.account = { ...direct, url: relay.url };
  await reload();
  const bob = await world.user("graceline", "2002");
  const [here, there] = await connect(ann, bob);
  await talk(here, there);
  // The server hears nothing more of the old page, not even that it is gone.
  relay.stall();
  ann.account = direct;
  assert.equal(await reload(), 1);
  await hangUp(...(await takeUp(there)));
  await bob.close();
});

test("a far end without Replaces is told of the end, and nothing is offered", async () => {
  const bob = await world.user("sipjs", "2005", { replaces: false });
  const [here, there] = await connect(ann, bob);
  await talk(here, there);
  const [offers] = await Promise.all([
    reload(),
    bob.do.event(there.call, "ended"),
  ]);
  assert.equal(offers, 0);
  await hangUp(...(await connect(ann, bob)));
  await bob.close();
});

test("a far end that has left meanwhile: the call ends at once, and says so", async () => {
  const bob = await world.user("graceline", "2002");
  const [here, there] = await connect(ann, bob);
  await talk(here, there);
  assert.equal(await reload(), 1);
  await bob.do.hangup(there.call);
  const call = await ann.do.takeUp(0);
  const { cause, status } = await ann.do.event(call, "ended");
  assert.deepEqual([cause, status], ["failed", 481]);
  await hangUp(...(await connect(ann, bob)));
});
