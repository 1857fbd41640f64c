// The demo page of desk phones, used as a person does, against its own server.

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
import { launchChromium, newPage } from "../support/chromium.mjs";

const shots = fileURLToPath(new URL("../../test-output/", import.meta.url));

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let demo;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launchChromium();
});
after(() => browser?.close());

// Each test has desk phones that nobody has used yet.
beforeEach(async () => {
  demo = await startDemo(0);
  page = await newPage(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(`${demo.url}demo/desk.html`);
  await looks("ready");
});

afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  await demo.stop();
  assert.deepEqual(problems, [], "the page logged errors");
});

/** @param {string} look */
const looks = (look) => page.locator(`#page[data-look="${look}"]`).waitFor();
/** @param {string} state */
const talks = (state) =>
  page.locator(`#page .talk[data-state="${state}"]`).waitFor();
/** @param {string} name */
const press = (name) =>
  page.locator("#page").getByRole("button", { name, exact: true }).click();
/** @param {"Ann" | "Bob"} owner */
const desk = (owner) =>
  page.getByRole("region", { name: `${owner}'s desk phone` });
/** @param {"Ann" | "Bob"} owner @param {string} key */
const soft = (owner, key) =>
  desk(owner)
    .getByRole("button", { name: `${key} (${owner})` })
    .click();
/** @param {"Ann" | "Bob"} owner @param {string | RegExp} text */
const screen = (owner, text) =>
  desk(owner).locator(".desk__screen").getByText(text).waitFor();
/** @param {string} text */
const notice = (text) =>
  page.locator("#page .caller__notice").getByText(text).waitFor();
/** @param {"Ann's page" | "CTI gateway"} who @param {string} title */
const message = (who, title) =>
  page
    .locator("#ladder")
    .getByRole("button", { name: new RegExp(`^${title}\\b.*${who}`) })
    .first();

describe("the demo of desk phones", { timeout: 120_000 }, () => {
  test("the page dials, holds, resumes, presses keys and hangs up", async () => {
    await press("Dial");
    await talks("ringing");
    await screen("Bob", "Ann calls");
    await screen("Ann", "Bob rings");
    await soft("Bob", "Answer");
    await talks("connected");
    await press("Keypad");
    await press("7");
    await screen("Bob", "Ann (hears 7)");
    await page.screenshot({ path: `${shots}demo-desk.png`, fullPage: true });
    await press("Hold");
    await screen("Ann", "Bob, on hold");
    await press("Resume");
    await talks("connected");
    await press("Hang up");
    await screen("Bob", "Ready");
    assert.equal(await page.locator("#page .talk").count(), 0);
  });

  test("hands at the desk phone, by mouse and by keyboard: the page follows", async () => {
    for (const key of "2002")
      await desk("Ann").getByRole("button", { name: key, exact: true }).click();
    await desk("Ann").getByRole("button", { name: /^Lift/ }).click();
    await talks("ringing");
    await desk("Bob").getByRole("button", { name: /^Lift/ }).click();
    await talks("connected");
    await soft("Ann", "Hold");
    await talks("held");
    await soft("Ann", "Resume");
    await talks("connected");
    await desk("Bob")
      .getByRole("button", { name: /^Put down/ })
      .click();
    await notice("Bob hung up.");

    await desk("Bob").getByRole("button", { name: "1", exact: true }).focus();
    await page.keyboard.press("Backspace");
    for (const key of "2001") await page.keyboard.press(key);
    await screen("Bob", "2001");
    await desk("Bob").locator(".desk__soft").getByRole("button").focus();
    await page.keyboard.press("Enter");
    await talks("incoming");
    await press("Answer");
    await talks("connected");
    await screen("Bob", "Ann");
    await press("Hang up");
    await screen("Ann", "Ready");
  });

  test("the diagram shows INVITE and INFO with their CSTA in words, at both ends", async () => {
    await press("Dial");
    await talks("ringing");
    await message("CTI gateway", "INVITE · RequestSystemStatus").waitFor();
    await message("CTI gateway", "INFO · MakeCall").waitFor();
    await message("Ann's page", "INFO · DeliveredEvent").waitFor();
    await message("Ann's page", "INFO · MakeCall").click();
    const reader = page.locator("#reader");
    await reader.getByText("“dial 2002”").waitFor();
    assert.match(
      await reader.innerText(),
      /<calledDirectoryNumber>tel:2002[^<]*<\/calledDirectoryNumber>/,
    );
    // The trace of a phone leaves credentials out, and so does this.
    const texts = await page.locator("#ladder").innerText();
    assert.doesNotMatch(texts, /secret/);
  });

  test("a connection is cut and mended: the page waits, and is back by itself", async () => {
    await press("Dial");
    await talks("ringing");
    const serving = page.locator(".node").filter({ hasText: "1 session" });
    const cut = await serving.getByRole("button").getAttribute("class");
    assert.ok(cut);
    const name = (await serving.getByRole("button").innerText()).replace(
      "Cut",
      "Mend",
    );
    await serving.getByRole("button").click();
    await looks("recovering");
    await notice("The desk phone cannot be driven at the moment.");
    // What hands do meanwhile is found afterwards.
    await soft("Bob", "Answer");
    await page.getByRole("button", { name }).click();
    await looks("ready");
    await talks("connected");
    await press("Hang up");
    await screen("Bob", "Ready");
  });

  test("unplugged, the desk phone is out of service", async () => {
    await desk("Ann").getByRole("button", { name: "Unplug" }).click();
    await screen("Ann", "Unplugged");
    await notice("The desk phone cannot be driven at the moment.");
    await desk("Ann").getByRole("button", { name: "Plug in" }).click();
    await screen("Ann", "Ready");
    await press("Dial");
    await talks("ringing");
  });

  test("nothing to object to for axe, in either colours, wide and narrow", async () => {
    const judge = async (/** @type {string} */ state) => {
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 780 });
          const where = `${state}, ${colorScheme}, ${width}`;
          assert.deepEqual(await violations(page), [], where);
        }
      }
    };
    await judge("ready");
    await press("Dial");
    await talks("ringing");
    await judge("ringing");
    await soft("Bob", "Answer");
    await talks("connected");
    await press("Keypad");
    await message("Ann's page", "INFO · MakeCall").click();
    await judge("connected");
    await desk("Ann").getByRole("button", { name: "Unplug" }).click();
    await screen("Ann", "Unplugged");
    await judge("unplugged");
  });

  test("nothing is wider than a small screen, in either colours", async () => {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      for (const width of [360, 640, 1280]) {
        await page.setViewportSize({ width, height: 780 });
        const wide = await page.evaluate(
          () => document.documentElement.scrollWidth,
        );
        assert.ok(wide <= width, `${wide} px at ${width}`);
        await page.screenshot({
          path: `${shots}demo-desk-${colorScheme}-${width}.png`,
          fullPage: true,
        });
      }
    }
  });
});
