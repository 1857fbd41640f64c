// The demo page of one user's devices, against its own server. Chromium reaches no push service:
// the page says so, and the demo stands in for one.

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
  // What the account service knows outlives a page.
  demo = await startDemo(0);
  page = await newPage(browser, { viewport: { width: 1280, height: 1000 } });
  await page.goto(`${demo.url}demo/devices.html`);
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

const DEVICES = ["web", "mobile", "tablet"];
/** @param {string} key */
const device = (key) => page.locator(`#device-${key}`);
/** @param {string} selector @param {string} look */
const looks = (selector, look) =>
  page.locator(`${selector}[data-look="${look}"]`).waitFor();
/** @param {string} key @param {string} name */
const press = (key, name) =>
  device(key)
    .getByRole("button", { name: new RegExp(`^${name}\\b`) })
    .click();
/** @param {string} key @param {string | RegExp} text */
const says = (key, text) => device(key).getByText(text).first().waitFor();
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
    ? device(key).locator(`.talk[data-state="${state}"]`).waitFor()
    : device(key).locator(".talk").waitFor({ state: "detached" });
/** @param {string} name */
const row = (name) =>
  page
    .locator("#list .list__row")
    .filter({ has: page.locator(".list__name", { hasText: name }) });
/** @param {string} name @param {string} state */
const listed = (name, state) =>
  row(name).getByText(state, { exact: true }).waitFor();
/** @param {string} name of a device @param {string} deed */
const inList = (name, deed) =>
  page
    .locator("#list")
    .getByRole("button", { name: `${deed} ${name}` })
    .click();
/** @param {number} count of steps that are ticked off */
const done = (count) =>
  page.waitForFunction(
    (count) => document.querySelectorAll(".step--done").length === count,
    count,
  );

/** The tablet comes for the old phone. */
async function allIn() {
  await logIn("web");
  await logIn("mobile");
  await press("tablet", "Log in");
  await says("tablet", /may have 2 mobile devices/);
  await press("tablet", "Old phone, in a drawer");
  await looks("#device-tablet", "ready");
}

async function letSleep() {
  await press("mobile", "Let it sleep");
  await looks("#device-mobile", "asleep");
}

describe("the demo of devices", { timeout: 240_000 }, () => {
  test("the whole story: let in, replaced, woken, answered elsewhere, declined, locked out", async () => {
    await logIn("web");
    await logIn("mobile");
    await done(1);
    await press("tablet", "Log in");
    await says("tablet", /may have 2 mobile devices/);
    await done(2);
    await press("tablet", "Old phone, in a drawer");
    await looks("#device-tablet", "ready");
    await done(3);
    for (const name of ["Web page", "Mobile", "Tablet"])
      await listed(name, "Logged in");
    assert.equal(await page.locator(".list__row").count(), 3);

    await letSleep();
    await says("mobile", /^Its page is as if closed.*Simulated:/);
    await listed("Mobile", "Asleep, can be woken");
    await done(4);
    await page.screenshot({ path: `${shots}demo-devices.png` });

    await bob();
    for (const key of DEVICES) await talks(key, "incoming");
    await says("mobile", "Woken by a push: Bob calls.");
    await done(5);
    await press("mobile", "Answer");
    await talks("mobile", "connected");
    for (const key of ["web", "tablet"]) {
      await talks(key, "");
      await says(key, "Answered on another device.");
    }
    await done(6);
    await bob("Hang up");
    await says("mobile", "Bob hung up.");

    await bob();
    for (const key of DEVICES) await talks(key, "incoming");
    await press("web", "Busy");
    await talks("web", "");
    await talks("tablet", "incoming");
    await press("tablet", "Decline everywhere");
    for (const key of DEVICES) await talks(key, "");
    await says("mobile", "Declined on another device.");
    await done(7);

    await inList("Web page", "Lock out");
    await looks("#device-web", "taken");
    await says("web", /^Locked out from another device/);
    await done(8);
    // Another device looks from now on.
    await listed("Web page", "Locked out");
    await press("web", "Log in");
    await looks("#device-web", "taken");
    await inList("Web page", "Let in again");
    await says("web", "It may log in again.");
    await logIn("web");
    await listed("Web page", "Logged in");
  });

  test("calls ring where it is chosen, seen from each device alike", async () => {
    await allIn();
    await page.getByRole("radio", { name: "Where chosen" }).check();
    const box = (/** @type {string} */ name) =>
      page.getByRole("checkbox", { name: `Rings ${name}` });
    await box("Web page").uncheck();
    await page.getByRole("radio", { name: "Tablet" }).check();
    await row("Tablet").getByText("this device").waitFor();
    assert.equal(await box("Web page").isChecked(), false);
    assert.equal(await box("Mobile").isChecked(), true);
    await bob();
    for (const key of ["mobile", "tablet"]) await talks(key, "incoming");
    assert.equal(await device("web").locator(".talk").count(), 0);
    await bob("Hang up");
    await says("tablet", "You missed a call from Bob.");
  });

  test("a page that is reloaded has the same devices; starting over, none", async () => {
    await allIn();
    await page.reload();
    await looks("#phone-2002", "ready");
    for (const key of DEVICES) await logIn(key);
    assert.equal(await page.locator(".list__row").count(), 3);
    await Promise.all([
      page.waitForEvent("load"),
      page.getByRole("button", { name: "Start over" }).click(),
    ]);
    await logIn("tablet");
    await listed("Old phone, in a drawer", "Not logged in");
    assert.equal(await page.locator(".list__row").count(), 2);
  });

  test("a second page of hers asks before it takes the place of the first", async () => {
    await logIn("web");
    const second = await newPage(browser);
    await second.goto(`${demo.url}demo/devices.html`);
    const web = second.locator("#device-web");
    await web.getByRole("button", { name: "Log in" }).click();
    await web.getByRole("button", { name: "Log in here" }).click();
    await second.locator('#device-web[data-look="ready"]').waitFor();
    await looks("#device-web", "taken");
    assert.deepEqual(second.problems, []);
    await second.context().close();
  });

  test("by keyboard: the focus stays where one works", async () => {
    const focused = () =>
      page.evaluate(() => document.activeElement?.textContent);
    await page.locator("#device-web").getByRole("button").focus();
    await page.keyboard.press("Enter");
    await looks("#device-web", "ready");
    assert.equal(await focused(), "Log out Web page");
    const lockOut = page.locator("#list").getByRole("button", {
      name: "Lock out Old phone, in a drawer",
    });
    await lockOut.focus();
    await page.keyboard.press("Enter");
    await listed("Old phone, in a drawer", "Locked out");
    assert.match(`${await focused()}`, / Old phone, in a drawer$/);
  });

  test("nothing to object to for axe, in either colours, wide and narrow", async () => {
    const judge = async (/** @type {string} */ state) => {
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        for (const width of [320, 800, 1280]) {
          await page.setViewportSize({ width, height: 1000 });
          const where = `${state}, ${colorScheme}, ${width}`;
          assert.deepEqual(await violations(page), [], where);
          const wide = await page.evaluate(
            () => document.documentElement.scrollWidth > innerWidth,
          );
          assert.equal(wide, false, `${where}: something sticks out`);
          await page.screenshot({
            path: `${shots}demo-devices-${state}-${colorScheme}-${width}.png`,
            fullPage: true,
          });
        }
      }
    };
    await judge("new");
    await logIn("web");
    await logIn("mobile");
    await press("tablet", "Log in");
    await says("tablet", /may have 2 mobile devices/);
    await judge("asked");
    await press("tablet", "Old phone, in a drawer");
    await looks("#device-tablet", "ready");
    await letSleep();
    await inList("Web page", "Lock out");
    await listed("Web page", "Locked out");
    await judge("asleep");
    await bob();
    for (const key of ["mobile", "tablet"]) await talks(key, "incoming");
    await press("tablet", "Answer");
    await talks("tablet", "connected");
    await judge("talking");
  });
});
