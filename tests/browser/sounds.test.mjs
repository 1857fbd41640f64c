// graceline/sounds in Chromium: tones as they are played, calls that give reason to them, an
// output device, and what a browser blocks until its user does something.

/* global Sounds, element, left, logIn, measure, phone, player, sounds, told */

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const users = Object.fromEntries(
  ["2001", "2002", "2003"].map((user) => [user, { password: "secret" }]),
);

/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
before(async () => {
  [server, registrar] = await Promise.all([
    startStaticServer(),
    startRegistrar({ users, domain: "example.test" }),
  ]);
});
after(async () => {
  await server?.close();
  await registrar?.stop();
});

/** A page, logged in where a user is named. */
async function open(browser, user) {
  const page = await newPage(browser, { permissions: ["microphone"] });
  await page.goto(`${server.url}tests/browser/sounds/page.html`);
  await page.waitForFunction("window.logIn");
  if (user)
    await page.evaluate(
      ([url, user]) => void logIn(url, user),
      [registrar.url, user],
    );
  if (user) await page.waitForFunction("window.phone?.ready");
  return page;
}

const near = (value, wanted, tolerance) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value}, not ${wanted}`);

describe("where a page may play", () => {
  let browser;
  /** @type {Awaited<ReturnType<typeof open>>[]} */
  let pages = [];
  before(async () => (browser = await launchChromium({ args: callFlags })));
  after(() => browser?.close());
  afterEach(async () => {
    const problems = pages.flatMap((page) => page.problems);
    await Promise.all(pages.map((page) => page.context().close()));
    pages = [];
    assert.deepEqual(problems, []);
  });
  const opened = async (...users) =>
    (pages = await Promise.all(users.map((user) => open(browser, user))));

  test("busy in Germany and in the United States, as measured", async () => {
    const [page] = await opened(undefined);
    for (const [country, frequencies, cadence] of [
      ["de", [425], 0.48],
      ["us", [480, 620], 0.5],
    ]) {
      const { peaks, runs } = await page.evaluate(async (country) => {
        const sounds = new Sounds({ country });
        sounds.play("busy");
        const { peaks } = await measure(sounds.stream, 1.2);
        const runs = await cadence(sounds.stream, 2.6);
        await sounds.close();
        return { peaks, runs };
      }, country);
      for (const [i, frequency] of frequencies.entries())
        near(peaks[i], frequency, 6);
      assert.ok(runs.length >= 3, `${runs.length} parts`);
      for (const { seconds } of runs) near(seconds, cadence, 0.1);
    }
  });

  test("an end, and options that are none", async () => {
    const [page] = await opened(undefined);
    const { runs, codes } = await page.evaluate(async () => {
      const sounds = new Sounds({ volume: 1 });
      sounds.play("ringback", { seconds: 0.3 });
      const stop = sounds.play("busy");
      stop();
      const { runs } = await measure(sounds.stream, 1.5);
      const codes = [];
      for (const wrong of [
        () => new Sounds({ country: "xx" }),
        () => new Sounds({ volume: 2 }),
        () => sounds.play("silence"),
      ])
        try {
          wrong();
        } catch ({ code }) {
          codes.push(code);
        }
      return { runs, codes };
    });
    assert.deepEqual(codes, Array(3).fill("eInvalidArgument"));
    assert.ok(runs.every(({ sounds, seconds }) => !sounds || seconds < 0.5));
  });

  test("an output device is chosen; one that is none is told", async () => {
    const [page] = await opened(undefined);
    const told = await page.evaluate(async () => {
      const sounds = new Sounds();
      await sounds.setSinkId("");
      return sounds.setSinkId("nothing").catch(({ code, message }) => ({
        code,
        message,
      }));
    });
    assert.equal(told.code, "eMediaFailed");
    assert.match(told.message, /output device cannot be used.*Choose another/);
  });

  test("calls: what rings, is rung back, waits, and is busy", async () => {
    const [caller, called, third] = await opened("2001", "2002", "2003");
    for (const page of [caller, called])
      await page.evaluate(() => {
        const sounds = new Sounds();
        const { play } = sounds;
        sounds.play = (name, how) => {
          told.push(name);
          const stop = play.call(sounds, name, how);
          return () => (told.push(`no ${name}`), stop());
        };
        Object.assign(window, { sounds, left: sounds.follow(phone) });
      });
    const said = (page, ...wanted) =>
      page.waitForFunction(
        (wanted) => told.join() === wanted.join() && told.splice(0),
        wanted,
      );
    await caller.evaluate(() => void phone.call("2002"));
    await said(caller, "ringback");
    await said(called, "ring");
    const { peaks } = await called.evaluate(() => measure(sounds.stream, 0.8));
    near(peaks[0], 523, 6);
    near(peaks[1], 659, 6);
    await called.evaluate(() => phone.calls[0].answer());
    await said(caller, "no ringback");
    await said(called, "no ring");
    await third.evaluate(() => void phone.call("2002"));
    await said(called, "callWaiting");
    await called.evaluate(() => phone.calls[1].reject());
    await said(called, "no callWaiting");
    await caller.evaluate(() => phone.calls[0].hangup());
    await called.waitForFunction(() => phone.calls.length === 0);

    await caller.evaluate(() => void phone.call("2003"));
    await said(caller, "ringback");
    await third.evaluate(() => phone.once("incoming", () => {}));
    await third.waitForFunction(() => phone.calls.at(-1)?.state === "incoming");
    await third.evaluate(() => phone.calls.at(-1).reject());
    await said(caller, "no ringback", "busy");
    await caller.evaluate(() => void phone.call("nobody"));
    await said(caller, "congestion");
    await caller.evaluate(() => (left(), sounds.stop()));
    await caller.evaluate(() => void phone.call("nobody"));
    await caller.waitForFunction(() => phone.calls.length === 0);
    await said(caller);
  });
});

describe("where a page may not play before its user does something", () => {
  /** @type {import("playwright-core").Browser} */
  let browser;
  before(async () => {
    const args = callFlags.filter((flag) => !/autoplay/.test(flag));
    browser = await launchChromium({
      args: [...args, "--autoplay-policy=document-user-activation-required"],
    });
  });
  after(() => browser?.close());

  /** A page that plays by itself, and the next lines that it says. */
  async function quiet(query) {
    const page = await newPage(browser);
    const lines = [];
    let heard = () => {};
    page.on("console", (message) => {
      if (message.type() === "info") lines.push(message.text());
      heard();
    });
    const says = async (line) => {
      while (!lines.length) await new Promise((told) => (heard = told));
      assert.equal(lines.shift(), line);
    };
    const { href } = new URL("tests/browser/sounds/quiet.html", server.url);
    await page.goto(`${href}?${new URLSearchParams(query)}`);
    return { page, says };
  }

  for (const by of ["a click anywhere", "release"])
    test(`a call is blocked, says so, and is heard after ${by}`, async () => {
      const called = await open(browser, "2002");
      await called.evaluate(() => {
        phone.on("incoming", ({ call }) => call.answer());
      });
      const { page, says } = await quiet({ url: registrar.url, by });
      await says("blocked true eInvalidState");
      assert.equal(await page.evaluate("element.paused"), true);
      await page.click("button");
      await says("released true");
      if (by === "release") await says("played");
      assert.equal(await page.evaluate("element.paused"), false);
      const { runs } = await page.evaluate(() => measure(element.srcObject, 2));
      assert.ok(runs.some(({ sounds }) => sounds));
      await page.evaluate(() => phone.calls[0].hangup());
      await page.waitForFunction("element.srcObject === null");
      for (const each of [page, called]) {
        assert.deepEqual(each.problems, []);
        await each.context().close();
      }
    });

  test("tones are blocked, and ring after a key", async () => {
    const { page, says } = await quiet({});
    await says("blocked true eInvalidState");
    await page.keyboard.press("Space");
    await says("released true");
    const { runs } = await page.evaluate(() => measure(player.stream, 1.8));
    assert.ok(runs.some(({ sounds }) => sounds));
    await page.context().close();
  });
});
