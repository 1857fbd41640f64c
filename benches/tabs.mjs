// What one phone for all tabs takes, in Chromium:
//
//   node benches/tabs.mjs [rounds]     default: 20
//
// - from `new Phone` in a second tab until it is ready, whatever the first one did before;
// - how long nothing is heard at the far end's when the tab with the sound closes, and when
//   the tab of the worker crashes;
// - the memory of ten tabs that share a phone against ten tabs with a phone each: the
//   proportional set size of all of Chromium's processes, less that of ten tabs without any.

import { readFileSync, readdirSync } from "node:fs";
import { figure } from "./lib/rounds.mjs";
import {
  callFlags,
  launchChromium,
  newPage,
} from "../tests/support/chromium.mjs";
import { startWorld } from "../tests/browser/tabs/world.mjs";

const rounds = Number(process.argv[2] ?? 20);
const TABS = 10;
const world = await startWorld();
const browser = await launchChromium({ args: callFlags });

/** @typedef {Awaited<ReturnType<typeof tab>>} Tab */

/** @param {import("playwright-core").BrowserContext} profile */
async function tab(profile) {
  const page = await newPage(profile);
  await page.goto(world.page);
  return {
    run: (/** @type {string} */ method, /** @type {any[]} */ ...args) =>
      page.evaluate(
        ([method, args]) =>
          /** @type {any} */ (globalThis).driver[method](...args),
        /** @type {[string, any[]]} */ ([method, args]),
      ),
    close: () => page.close(),
    async crash() {
      const crashed = page.waitForEvent("crash");
      page.goto("chrome://crash").catch(() => {});
      await crashed;
    },
  };
}

/**
 * @template T
 * @param {(profile: import("playwright-core").BrowserContext) => Promise<T>} work
 */
async function inProfile(work) {
  const profile = await browser.newContext({ permissions: ["microphone"] });
  try {
    return await work(profile);
  } finally {
    await profile.close();
  }
}

const secondTab = () =>
  inProfile(async (profile) => {
    const { options } = world.newUser();
    const [one, two] = [await tab(profile), await tab(profile)];
    await one.run("make", options);
    await one.run("register");
    return two.run("timeToReady", options);
  });

/**
 * A call from one of three tabs; ms without sound at the far end, while something happens
 * to them.
 *
 * @param {number} talker
 * @param {(tabs: Tab[]) => Promise<void>} happens
 */
const pause = (talker, happens) =>
  inProfile((profile) =>
    inProfile(async (elsewhere) => {
      const [user, other] = [world.newUser(), world.newUser()];
      const tabs = [await tab(profile), await tab(profile), await tab(profile)];
      const there = await tab(elsewhere);
      await there.run("make", { ...other.options, shared: false });
      await there.run("register");
      await tabs[0].run("make", user.options);
      await tabs[0].run("register");
      for (const one of tabs.slice(1)) {
        await one.run("make", user.options);
        await one.run("heard", "eReady");
      }
      await tabs[talker].run("dial", other.options.user);
      await there.run("until", 0, { state: "incoming" });
      await there.run("do", 0, "answer");
      await there.run("hears", 0);
      const offers = (await there.run("offers")).length;
      const listening = there.run("listen", 0);
      await happens(tabs);
      // The way that comes after is agreed on by an offer.
      await there.run("offered", offers + 1);
      await there.run("hears", 0);
      const silence = await there.run("silence");
      await there.run("do", 0, "hangup");
      await listening;
      return silence;
    }),
  );

/** Proportional set size of Chromium's processes, in MiB. */
function memory() {
  let kilobytes = 0;
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      if (!/chrom/.test(readFileSync(`/proc/${id}/comm`, "utf8"))) continue;
      const sizes = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(sizes)?.[1] ?? 0);
    } catch {
      // Gone meanwhile.
    }
  return kilobytes / 1024;
}

/** @param {(index: number) => any} optionsOf those of each tab's phone; none: it has none */
const tenTabs = (optionsOf) =>
  inProfile(async (profile) => {
    for (let index = 0; index < TABS; index++) {
      const one = await tab(profile);
      const options = optionsOf(index);
      if (!options) continue;
      await one.run("make", options);
      if (!options.shared || index === 0) await one.run("register");
      else await one.run("heard", "eReady");
    }
    return memory();
  });

/** @param {number[]} samples in ms */
const told = (samples) => {
  const { median, low, high } = figure(samples);
  const [least, ...between] = [median, low, high, Math.max(...samples)].map(
    (ms) => Math.round(ms),
  );
  return `median ${least} ms, quartiles ${between[0]} to ${between[1]}, worst ${between[2]} of ${samples.length}`;
};

/** @param {() => Promise<number>} measure */
async function several(measure) {
  const samples = [];
  for (let round = 0; round < rounds; round++) samples.push(await measure());
  return samples;
}

try {
  console.log(`second tab ready: ${told(await several(secondTab))}`);
  const closed = () => pause(2, ([, , talker]) => talker.close());
  console.log(
    `nothing heard when the tab with the sound closes: ${told(await several(closed))}`,
  );
  const crashed = () => pause(2, ([host]) => host.crash());
  console.log(
    `nothing heard when the worker dies with its tab: ${told(await several(crashed))}`,
  );
  const shared = world.newUser().options;
  const without = await tenTabs(() => undefined);
  const one = await tenTabs(() => ({ ...shared, shared: true }));
  const each = await tenTabs(() => ({
    ...world.newUser().options,
    shared: false,
  }));
  console.log(
    `memory of ten tabs: ${(one - without).toFixed(1)} MiB with one phone, ${(each - without).toFixed(1)} with ten`,
  );
} finally {
  await browser.close();
  await world.stop();
}
