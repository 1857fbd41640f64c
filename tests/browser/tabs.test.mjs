// One phone for all tabs, in Chromium. Firefox: tests/real-calls/tabs.test.mjs

import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { stories as calls } from "./tabs/calls.mjs";
import { stories as registration } from "./tabs/registration.mjs";
import { startWorld } from "./tabs/world.mjs";

let browser;
let world;

before(async () => {
  world = await startWorld();
  browser = await launchChromium({ args: callFlags });
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

/** What hangs is told by what each tab heard. */
const timeout = 60_000;

/** A browser profile that ends with the test; opens tabs. */
async function profile(t, pages, { workers = true } = {}) {
  t.signal.addEventListener("abort", async () => {
    for (const page of pages) {
      // At the end of a test that passed they are closed.
      const story = await page.evaluate("story").catch(() => undefined);
      if (story) console.error(t.name, story);
    }
  });
  const permissions = ["microphone"];
  const context = await browser.newContext({ permissions });
  t.after(() => context.close());
  return async () => {
    const page = await newPage(context);
    pages.push(page);
    if (!workers) await page.addInitScript("delete window.SharedWorker");
    await page.goto(world.page);
    return {
      run: (method, ...args) =>
        page.evaluate(
          ([method, args]) => globalThis.driver[method](...args),
          [method, args],
        ),
      reload: () => page.reload(),
      /** Its process ends, as if it had been killed. */
      crash: async () => {
        const crashed = page.waitForEvent("crash");
        page.goto("chrome://crash").catch(() => {});
        await crashed;
      },
      close: () => page.close(),
    };
  };
}

for (const [what, stories] of Object.entries({ registration, calls }))
  describe(what, () => {
    for (const [name, story] of Object.entries(stories))
      test(name, { timeout }, async (t) => {
        const pages = [];
        const open = await profile(t, pages);
        const elsewhere = await profile(t, pages);
        const [user, other] = [world.newUser(), world.newUser()];
        const report = (text) => t.diagnostic(text);
        await story({ open, elsewhere, user, other, report });
        for (const { problems } of pages) assert.deepEqual(problems, []);
      });
  });

describe("a tab crashes", () => {
  test(
    "one that did not start the worker: the others go on",
    { timeout },
    async (t) => {
      const open = await profile(t, []);
      const { options, ...user } = world.newUser();
      const [one, two] = [await open(), await open()];
      await one.run("make", options);
      assert.equal(await one.run("register"), "done");
      await two.run("make", options);
      await one.run("heard", "tabs 2");
      await two.crash();
      await one.run("heard", "tabs 1");
      assert.equal((await one.run("state")).status, "eReady");
      assert.equal(user.count("REGISTER"), 2);
    },
  );

  test(
    "the one that started the worker: another is registered a moment later",
    { timeout },
    async (t) => {
      const open = await profile(t, []);
      const { options, ...user } = world.newUser();
      const [one, two, three] = [await open(), await open(), await open()];
      await one.run("make", options);
      assert.equal(await one.run("register"), "done");
      for (const tab of [two, three]) {
        await tab.run("make", options);
        await tab.run("heard", "eReady");
      }
      /** The line is held by one client at a time, whatever the moment. */
      let most = 0;
      const look = () => (most = Math.max(most, user.bindings().length));
      world.registrar.on("bindings", look);
      t.after(() => world.registrar.off("bindings", look));
      const crashed = Date.now();
      await one.crash();
      for (const tab of [two, three]) await tab.run("heard", "eReady", 2);
      t.diagnostic(`ready again after ${Date.now() - crashed} ms`);
      assert.equal(most, 1);
      assert.equal(user.bindings().length, 1);
      for (const tab of [two, three]) {
        const story = await tab.run("story");
        assert.ok(!story.some((one) => /^(event|error)/.test(one)), `${story}`);
        assert.ok(story.includes("eRecoveryPending"));
        assert.ok(!story.includes("eIdle"), `${story}`);
      }
    },
  );
});

describe("in a call", () => {
  /** A tab that talks to somebody: the last one, unless another is named. */
  async function talking(
    t,
    count,
    { workers = true, talker = count - 1 } = {},
  ) {
    const pages = [];
    const open = await profile(t, pages, { workers });
    const elsewhere = await profile(t, pages);
    const [user, other] = [world.newUser(), world.newUser()];
    const tabs = [];
    for (let n = 0; n < count; n++) tabs.push(await open());
    const there = await elsewhere();
    await there.run("make", { ...other.options, shared: false });
    // The first one starts the worker.
    await tabs[0].run("make", user.options);
    await Promise.all([tabs[0].run("register"), there.run("register")]);
    for (const tab of tabs.slice(1)) await tab.run("make", user.options);
    if (count > 1) await tabs[0].run("heard", `tabs ${count}`);
    await tabs[talker].run("dial", other.options.user);
    await there.run("until", 0, { state: "incoming" });
    await there.run("do", 0, "answer");
    await tabs[talker].run("hears", 0);
    await there.run("hears", 0);
    return { tabs, there, user };
  }

  test(
    "the tab with the sound crashes: another one goes on",
    { timeout },
    async (t) => {
      const { tabs, there } = await talking(t, 2);
      const [one, two] = tabs;
      await two.crash();
      await one.run("until", 0, { here: true });
      await one.run("hears", 0);
      await there.run("hears", 0);
      await one.run("do", 0, "hangup");
      await there.run("heard", "ended remote");
    },
  );

  for (const [what, workers] of [
    ["the worker", true],
    ["the leader", false],
  ]) {
    test(
      `the tab of ${what} crashes, the sound is in another one: the call goes on`,
      { timeout },
      async (t) => {
        const { tabs, there, user } = await talking(t, 3, { workers });
        const [host, other, talker] = tabs;
        const listening = there.run("listen", 0);
        await host.crash();
        for (const tab of [other, talker]) await tab.run("heard", "eReady", 2);
        for (const tab of [talker, there]) await tab.run("hears", 0);
        assert.equal(await other.run("do", 0, "hold"), "done");
        await there.run("until", 0, { state: "held", heldBy: "remote" });
        assert.equal(await other.run("do", 0, "resume"), "done");
        for (const tab of [talker, there]) await tab.run("hears", 0);
        assert.equal(user.bindings().length, 1);
        const [[call], [its]] = [
          await other.run("calls"),
          await talker.run("calls"),
        ];
        assert.deepEqual([call.here, its.here], [false, true]);
        const silence = await there.run("silence");
        t.diagnostic(`nothing came for ${Math.round(silence)} ms`);
        await other.run("do", 0, "hangup");
        await there.run("heard", "ended remote");
        await listening;
        for (const tab of [other, talker]) {
          await tab.run("heard", "ended local");
          const story = await tab.run("story");
          const told = story.filter((it) => /^(ended |event|error)/.test(it));
          assert.deepEqual(told, ["ended local"], `${story}`);
        }
      },
    );

    test(
      `the tab of ${what} crashes, and had the sound: another one goes on`,
      { timeout },
      async (t) => {
        const { tabs, there } = await talking(t, 2, { workers, talker: 0 });
        const [host, other] = tabs;
        await host.crash();
        await other.run("until", 0, { state: "connected", here: true });
        for (const tab of [other, there]) await tab.run("hears", 0);
        assert.ok(!(await there.run("story")).some((it) => /^ended/.test(it)));
        await there.run("do", 0, "hangup");
        await other.run("heard", "ended remote");
      },
    );
  }

  test("the only tab is reloaded: the call goes on", { timeout }, async (t) => {
    const { tabs, there, user } = await talking(t, 1);
    const [one] = tabs;
    await one.reload();
    await one.run("make", user.options);
    await one.run("until", 0, { state: "connected", here: true });
    await one.run("hears", 0);
    await there.run("hears", 0);
    assert.ok(!(await there.run("story")).some((it) => /^ended/.test(it)));
    assert.equal(user.count("REGISTER"), 2);
    await one.run("do", 0, "hangup");
    await there.run("heard", "ended remote");
  });

  test(
    "the only tab closes its phone: the call ends",
    { timeout },
    async (t) => {
      const { tabs, there, user } = await talking(t, 1);
      await tabs[0].run("close");
      await there.run("heard", "ended remote");
      assert.equal(user.bindings().length, 0);
    },
  );

  test(
    "the only tab goes for good: after 12 s the call ends, the line is free",
    { timeout },
    async (t) => {
      const { tabs, there, user } = await talking(t, 1);
      const began = Date.now();
      const [[free]] = await Promise.all([
        Promise.all([user.bound(0), there.run("heard", "ended remote")]),
        tabs[0].close(),
      ]);
      assert.ok(free - began >= 12_000 && free - began < 14_000);
    },
  );
});

describe("without shared workers a tab leads", () => {
  // Not those in which the leader goes, or changes: who joins anew hears no step in between,
  // passwords are not compared, and a call lives where the leader is.
  const others =
    /^(other options|the tab with the sound|one socket|taken over|the last tab)/;
  const stories = Object.entries({ ...registration, ...calls });
  for (const [name, story] of stories.filter(([name]) => !others.test(name)))
    test(name, { timeout }, async (t) => {
      const pages = [];
      const open = await profile(t, pages, { workers: false });
      const elsewhere = await profile(t, pages, { workers: false });
      const [user, other] = [world.newUser(), world.newUser()];
      await story({ open, elsewhere, user, other });
      for (const { problems } of pages) assert.deepEqual(problems, []);
    });

  /** Three tabs, of which the first one leads. */
  async function led(t) {
    const pages = [];
    const open = await profile(t, pages, { workers: false });
    const user = world.newUser();
    const tabs = [];
    for (let n = 1; n <= 3; n++) {
      const tab = await open();
      await tab.run("make", user.options);
      if (n === 1) assert.equal(await tab.run("register"), "done");
      else await tab.run("heard", "eReady");
      tabs.push(tab);
    }
    return { tabs, pages, user };
  }

  const goesOn = async (tabs, user) => {
    for (const tab of tabs) {
      await tab.run("heard", "eReady", 2);
      const story = await tab.run("story");
      assert.ok(
        !story.some((one) => /^(event|error)|eIdle/.test(one)),
        `${story}`,
      );
    }
    assert.equal(user.bindings().length, 1);
  };

  test(
    "it is closed: another one is registered, and nobody has to ask",
    { timeout },
    async (t) => {
      const { tabs, user } = await led(t);
      const [one, ...rest] = tabs;
      const closed = Date.now();
      await one.close();
      await goesOn(rest, user);
      t.diagnostic(`ready again after ${Date.now() - closed} ms`);
    },
  );

  test("it crashes: another one is registered", { timeout }, async (t) => {
    const { tabs, user } = await led(t);
    const [one, ...rest] = tabs;
    await one.crash();
    await goesOn(rest, user);
  });

  test(
    "it hangs: another one takes its place, and it follows when it wakes",
    { timeout },
    async (t) => {
      const { tabs, pages, user } = await led(t);
      const [one, ...rest] = tabs;
      const hangs = pages[0].evaluate(() => {
        for (const began = Date.now(); Date.now() - began < 8000;);
      });
      await goesOn(rest, user);
      await hangs;
      await one.run("heard", "eReady", 2);
      assert.equal(user.bindings().length, 1);
    },
  );
});
