// Calls between browsers, each a profile of its own, through the registrar that the demo uses.
// Sound is proven by what the far end measures: packets, and the energy of what it plays.

/* global calls, dial, hears, logIn, measure, moved, phone, sees, silent, story, until */

import assert from "node:assert/strict";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const password = "tell-nobody-4711";
const users = Object.fromEntries(
  ["2001", "2002", "2003"].map((user) => [user, { password }]),
);

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof newPage>>[]} */
let pages;

before(async () => {
  [browser, server] = await Promise.all([
    launchChromium({ args: callFlags }),
    startStaticServer(),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

beforeEach(async () => {
  pages = [];
  registrar = await startRegistrar({ users, domain: "example.test" });
});

afterEach(async () => {
  const problems = pages.flatMap(({ problems }) => problems);
  await Promise.all(pages.map((page) => page.context().close()));
  await registrar.stop();
  assert.deepEqual(problems, [], "a page logged errors");
});

/** Pages with a registered phone each, by user. */
const open = (...names) =>
  Promise.all(
    names.map(async (name) => {
      const page = await newPage(browser, {
        permissions: ["microphone", "camera"],
      });
      pages.push(page);
      await page.goto(`${server.url}tests/browser/calls/page.html`);
      await page.waitForFunction("window.logIn");
      await page.evaluate((options) => logIn(options), {
        connections: registrar.url,
        user: name.slice(0, 4),
        device: `CSF${name}`,
        domain: "example.test",
        password,
      });
      return page;
    }),
  );

/** Does something to the call of a page. */
const ask = (page, method, args = [], which = 0) =>
  page.evaluate(
    ([method, args, which]) => calls[which][method](...args),
    [method, args, which],
  );
const becomes = (page, state, heldBy = null, which = 0) =>
  page.evaluate(
    ([state, heldBy, which]) => until(which, state, heldBy),
    [state, heldBy, which],
  );
const sound = (page, which = 0) =>
  page.evaluate((which) => hears(which), which);
const silence = (page, which = 0) =>
  page.evaluate((which) => silent(which), which);
const told = (page) => page.evaluate(() => story);

async function talk(a, b, options) {
  await a.evaluate((options) => dial("2002", options), options);
  await becomes(b, "incoming");
  await ask(b, "answer", [options]);
  await Promise.all([becomes(a, "connected"), becomes(b, "connected")]);
}

describe("browser to browser", { timeout: 120_000 }, () => {
  test("sound both ways: at first, after hold from either side, after an ICE restart", async () => {
    const [alice, bob] = await open("2001", "2002");
    await talk(alice, bob);
    await Promise.all([sound(alice), sound(bob)]);

    for (const [holder, held] of [
      [alice, bob],
      [bob, alice],
    ]) {
      await ask(holder, "hold");
      await Promise.all([
        becomes(holder, "held", "local"),
        becomes(held, "held", "remote"),
      ]);
      await Promise.all([silence(holder), silence(held)]);
      await ask(holder, "resume");
      await Promise.all([
        becomes(holder, "connected"),
        becomes(held, "connected"),
      ]);
      await Promise.all([sound(holder), sound(held)]);
    }

    const { way } = await alice.evaluate(() => measure(0));
    await ask(alice, "restartIce");
    await alice.evaluate((way) => moved(0, way), way);
    await Promise.all([sound(alice), sound(bob)]);

    await ask(bob, "hangup");
    await becomes(alice, "ended");
    assert.deepEqual(
      [await told(alice), await told(bob)],
      [["remote"], ["local"]],
    );
  });

  test("a blind and an attended transfer: the others hear each other", async () => {
    const [alice, bob, carol] = await open("2001", "2002", "2003");
    await talk(alice, bob);
    await Promise.all([sound(alice), sound(bob)]);
    const transfer = ask(alice, "transfer", ["2003"]);
    await becomes(carol, "incoming");
    await ask(carol, "answer");
    await transfer;
    await becomes(bob, "connected", null, 1);
    await Promise.all([sound(bob, 1), sound(carol)]);
    assert.deepEqual(await told(alice), ["local"]);
    assert.equal(await alice.evaluate(() => phone().calls.length), 0);

    // Carol asks Alice first, then joins her to Bob.
    await ask(carol, "hold");
    await carol.evaluate(() => dial("2001"));
    await becomes(alice, "incoming", null, 1);
    await ask(alice, "answer", [], 1);
    await becomes(carol, "connected", null, 1);
    await Promise.all([sound(carol, 1), sound(alice, 1)]);
    await carol.evaluate(() => calls[0].transfer(calls[1]));
    await becomes(carol, "ended", null, 1);
    await becomes(alice, "connected", null, 2);
    await becomes(bob, "connected", null, 2);
    await Promise.all([sound(alice, 2), sound(bob, 2)]);
  });

  test("pictures come and go, digits are played, a device is changed", async () => {
    const [alice, bob] = await open("2001", "2002");
    await talk(alice, bob);
    await ask(alice, "setVideo", [true]);
    await bob.evaluate(() => sees(0));
    await ask(alice, "setVideo", [false]);
    assert.equal(
      await alice.evaluate(() => calls[0].localStream.getVideoTracks().length),
      0,
    );
    await ask(alice, "sendDtmf", ["12#"]);
    await ask(alice, "setDevice", ["audio", "default"]);
    await Promise.all([sound(alice), sound(bob)]);
  });

  test("two devices ring together: one answers, the other hears answeredElsewhere", async () => {
    const [alice, desk, laptop] = await open("2001", "2002a", "2002b");
    await alice.evaluate(() => dial("2002"));
    await Promise.all([becomes(desk, "incoming"), becomes(laptop, "incoming")]);
    await ask(laptop, "answer");
    await becomes(desk, "ended");
    assert.deepEqual(await told(desk), ["answeredElsewhere"]);
    await becomes(alice, "connected");
    await Promise.all([sound(alice), sound(laptop)]);
  });

  test("declined here, the other device rings on; everywhere, it stops", async () => {
    const [alice, desk, laptop] = await open("2001", "2002a", "2002b");
    await alice.evaluate(() => dial("2002"));
    await Promise.all([becomes(desk, "incoming"), becomes(laptop, "incoming")]);
    await ask(desk, "reject");
    await becomes(desk, "ended");
    await becomes(laptop, "incoming");
    await ask(laptop, "reject", [603]);
    await becomes(alice, "ended");
    assert.deepEqual(await told(alice), ["rejected"]);

    await alice.evaluate(() => dial("2002"));
    await Promise.all([
      becomes(desk, "incoming", null, 1),
      becomes(laptop, "incoming", null, 1),
    ]);
    await ask(desk, "reject", [603], 1);
    await becomes(laptop, "ended", null, 1);
    await becomes(alice, "ended", null, 1);
  });

  test("taken over while talking: both ends hear of it, the call first", async () => {
    const [alice, bob] = await open("2001", "2002");
    await talk(alice, bob);
    await Promise.all([sound(alice), sound(bob)]);
    const rival = await newPage(browser);
    pages.push(rival);
    await rival.goto(`${server.url}tests/browser/calls/page.html`);
    await rival.waitForFunction("window.logIn");
    const refused = await rival.evaluate(
      (options) =>
        logIn(options).catch(({ code }) =>
          phone()
            .registerPhone({ forceRegistration: true })
            .then(() => code),
        ),
      {
        connections: registrar.url,
        user: "2001",
        device: "CSF2001",
        domain: "example.test",
        password,
      },
    );
    assert.equal(refused, "eDeviceAlreadyRegistered");
    await becomes(bob, "ended");
    await alice.waitForFunction(() => story.includes("taken over"));
    assert.deepEqual(await told(alice), [
      "eConnectionTerminated",
      "taken over",
    ]);
    assert.deepEqual(await told(bob), ["remote"]);
  });

  test("a refused microphone: the call rings on, and says what to do", async () => {
    const [alice, bob] = await open("2001", "2002");
    await bob.context().clearPermissions();
    await alice.evaluate(() => dial("2002"));
    await becomes(bob, "incoming");
    const message = await bob.evaluate(() =>
      calls[0].answer().catch(({ code, message }) => `${code} ${message}`),
    );
    assert.match(message, /^eMediaFailed The microphone may not be used\./);
    await becomes(bob, "incoming");
    await bob.context().grantPermissions(["microphone"]);
    await ask(bob, "answer");
    await becomes(alice, "connected");
    await Promise.all([sound(alice), sound(bob)]);
  });
});
