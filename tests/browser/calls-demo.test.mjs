// The demo page of three phones, against its own server.

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
  [demo, browser] = await Promise.all([
    startDemo(0),
    launchChromium({ args: callFlags }),
  ]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

beforeEach(async () => {
  page = await newPage(browser, {
    viewport: { width: 1280, height: 860 },
    permissions: ["microphone"],
  });
  await page.goto(`${demo.url}demo/calls.html`);
  for (const user of [2001, 2002, 2003]) await looks(user, "ready");
});

afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  assert.deepEqual(problems, [], "the page logged errors");
});

/** @param {number} user */
const phone = (user) => page.locator(`#phone-${user}`);
/** @param {number} user @param {string} look */
const looks = (user, look) =>
  page.locator(`#phone-${user}[data-look="${look}"]`).waitFor();
/** @param {number} user @param {string} name */
const press = (user, name) =>
  phone(user).getByRole("button", { name, exact: true }).first().click();
/** @param {number} user @param {string} state */
const talks = (user, state) =>
  phone(user).locator(`.talk[data-state="${state}"]`).first().waitFor();
/** @param {number} user @param {string} text */
const says = (user, text) => phone(user).getByText(text).first().waitFor();

/**
 * Until both meters of the call that a phone is in have moved, and the quality was judged. The
 * fake microphone beeps: the two need not be loud at the same time.
 * @param {number} user
 */
async function sounds(user) {
  const talk = phone(user).locator('.talk[data-state="connected"]');
  await talk.getByText(/^(Good|Fair|Poor):$/).waitFor();
  for (const bar of await talk.locator(".level__bar").all())
    await bar.evaluate(
      (bar) =>
        new Promise((resolve) => {
          const look = () =>
            Number(bar.style.getPropertyValue("--level")) > 0.1
              ? resolve(undefined)
              : requestAnimationFrame(look);
          look();
        }),
    );
}

describe("the demo of calls", { timeout: 120_000 }, () => {
  test("call, talk, hold, keypad, a second call, and a transfer", async () => {
    await press(2001, "Call");
    await talks(2002, "incoming");
    await press(2002, "Answer");
    await Promise.all([sounds(2001), sounds(2002)]);

    await press(2001, "Keypad");
    await press(2001, "5");
    await page.screenshot({ path: `${shots}demo-calls.png` });
    await press(2001, "Mute");
    await phone(2001).locator('[aria-pressed="true"]').waitFor();
    await press(2001, "Mute");

    await phone(2001).locator(".dial__number").fill("2003");
    await press(2001, "Call");
    await talks(2001, "held");
    await says(2002, "Holds you");
    await press(2003, "Answer");
    await Promise.all([sounds(2001), sounds(2003)]);
    await press(2001, "Transfer");
    await press(2001, "To Carol, on the other call");
    await Promise.all([sounds(2002), sounds(2003)]);
    await says(2003, "Bob");
    assert.equal(await phone(2001).locator(".talk").count(), 0);

    await press(2003, "Hang up");
    await says(2002, "Carol hung up.");
  });

  test("busy, missed, and with the microphone", async () => {
    await press(2002, "Call");
    await press(2001, "Busy");
    await says(2002, "Ann is busy.");
    await press(2002, "Call");
    await talks(2001, "incoming");
    await press(2002, "Hang up");
    await says(2001, "You missed a call from Bob.");

    await page.getByRole("radio", { name: "Microphone" }).check();
    await press(2002, "Call");
    await press(2001, "Answer");
    await Promise.all([sounds(2001), sounds(2002)]);
  });

  test("fits a narrow screen", async () => {
    await page.setViewportSize({ width: 320, height: 640 });
    await press(2001, "Call");
    await press(2002, "Answer");
    await sounds(2002);
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth > innerWidth,
    );
    assert.equal(wide, false, "nothing sticks out");
  });
});
