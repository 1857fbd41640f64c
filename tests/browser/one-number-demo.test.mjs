// The demo page of one number, against its own server, used as a person does.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { fileURLToPath } from "node:url";
import { startDemo } from "../../js/cli/demo.js";
import { violations } from "../support/axe.mjs";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";

const shots = fileURLToPath(new URL("../../test-output/", import.meta.url));

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let demo;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launchChromium({ args: callFlags });
});
after(() => browser?.close());

beforeEach(async () => {
  demo = await startDemo(0);
  page = await newPage(browser, { viewport: { width: 1280, height: 1000 } });
  await page.goto(`${demo.url}demo/one-number.html`);
  await looks("#phone-2002", "ready");
});
afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  await demo.stop();
  // A refusal is an answer that Chromium logs.
  const other = problems.filter((one) => !/status of (401|403|409)/.test(one));
  assert.deepEqual(other, [], "the page logged errors");
});

/** @param {string} key */
const phone = (key) => page.locator(`#device-${key}`);
/** @param {string} selector @param {string} look */
const looks = (selector, look) =>
  page.locator(`${selector}[data-look="${look}"]`).waitFor();
/** @param {string} key @param {string} name */
const press = (key, name) =>
  phone(key)
    .getByRole("button", { name: new RegExp(`^${name}\\b`) })
    .click();
/** @param {string} key */
async function logIn(key) {
  await press(key, "Log in");
  await looks(`#device-${key}`, "ready");
}
const bob = (name = "Call") =>
  page.locator("#bob").getByRole("button", { name, exact: true }).click();
/** @param {string} key @param {string} state of its call; "": it has none */
const talks = (key, state) =>
  state
    ? phone(key).locator(`.talk[data-state="${state}"]`).waitFor()
    : phone(key).locator(".talk").waitFor({ state: "detached" });
/** @param {string} text of Bob's view of Kim */
const seen = (text) => page.locator(".presence").getByText(text).waitFor();
/** @param {number} count of steps that are ticked off */
const done = (count) =>
  page.waitForFunction(
    (count) => document.querySelectorAll(".step--done").length === count,
    count,
  );
/** @param {string} text of the newest call that is listed */
const newest = (text) =>
  page.locator("#calls > li").first().getByText(text).waitFor();

describe("the demo of one number", { timeout: 240_000 }, () => {
  test("the whole story: desk, page, taken over, closed, voicemail", async () => {
    await seen("Kim is not there");
    await logIn("desk");
    await seen("Kim is available");
    await bob();
    await talks("desk", "incoming");
    await done(1);
    await bob("Hang up");
    await newest("Incoming · Missed");

    await logIn("web");
    await bob();
    await talks("web", "incoming");
    assert.equal(await phone("desk").locator(".talk").count(), 0);
    await done(2);
    await press("web", "Answer");
    await talks("web", "connected");
    await seen("Kim is on the phone");
    await press("desk", "Take it here");
    await talks("desk", "connected");
    await talks("web", "");
    await done(3);
    await page.screenshot({
      path: `${shots}demo-one-number.png`,
      fullPage: true,
    });
    await press("desk", "Hang up");
    await seen("Kim is available");

    await press("web", "Close the page");
    await looks("#device-web", "off");
    await bob();
    await talks("desk", "incoming");
    await done(4);

    // Nobody answers: the voicemail takes it, and Bob's phone speaks by itself.
    await talks("desk", "");
    await page.locator("#bob .talk__state").getByText("0:03").waitFor();
    await bob("Hang up");
    await phone("desk").getByText("1 new message").waitFor();
    await done(5);
    await newest("Incoming · Voicemail");
    await page
      .getByLabel("Message from Bob", { exact: true })
      .evaluate((/** @type {any} */ sound) => {
        sound.muted = true;
        return sound.play();
      });
    await phone("desk").getByText("1 new message").waitFor({ state: "hidden" });
    await done(6);
  });

  test("where it rings is chosen, and rules are those of the number", async () => {
    await logIn("desk");
    await logIn("web");
    await page.getByRole("radio", { name: "Where chosen" }).check();
    await page.getByRole("checkbox", { name: "Rings Desk phone" }).check();
    await page.getByRole("checkbox", { name: "Rings Web page" }).uncheck();
    await bob();
    await talks("desk", "incoming");
    assert.equal(await phone("web").locator(".talk").count(), 0);
    await bob("Hang up");
    await page.getByLabel("Do not disturb").check();
    await seen("Kim is on the phone");
    await bob();
    await page.locator("#bob").getByText(/busy/i).waitFor();
  });

  test("nothing to object to for axe, wide and narrow; nothing sticks out", async () => {
    await logIn("desk");
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await violations(page), [], `${width}`);
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - innerWidth,
      );
      assert.ok(over <= 0, `${over} px at ${width}`);
    }
    await page.screenshot({
      path: `${shots}demo-one-number-narrow.png`,
      fullPage: true,
    });
  });
});
