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
const phone = (user, where = page) => where.locator(`#phone-${user}`);
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
async function sounds(user, where = page) {
  const talk = phone(user, where).locator('.talk[data-state="connected"]');
  await talk.getByText(/^(Good|Fair|Poor):$/).waitFor();
  for (const bar of await talk.locator(".level__bar").all())
    // Not by requestAnimationFrame: a window behind another one draws no frames.
    await bar.evaluate(
      (bar) =>
        new Promise((resolve) => {
          const look = () =>
            Number(bar.style.getPropertyValue("--level")) > 0.1 &&
            resolve(undefined);
          new MutationObserver(look).observe(bar, { attributes: true });
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

  test("the icon of each security, with its meaning in words, at both ends", async () => {
    const meant = {
      Encrypted: ["lock", "Encrypted", /all the way/],
      Authenticated: ["shield", "Authenticated", /can be overheard/],
      NotAuthenticated: ["open-lock", "Not secure", /open to others/],
      Unknown: ["unknown", "Security unknown", /cannot tell/],
    };
    for (const [value, [icon, name, meaning]] of Object.entries(meant)) {
      await page.getByLabel("Call-Info of new calls").selectOption(value);
      await press(2001, "Call");
      // Told by the INVITE, and by the answer to it.
      for (const user of [2002, 2001]) {
        const told = phone(user).getByRole("status").filter({ hasText: name });
        await told.filter({ hasText: meaning }).waitFor();
        // Visible: it has been drawn.
        await told
          .locator(`use[href="/demo/icons.svg#security-${icon}"]`)
          .waitFor({ state: "visible" });
        if (user === 2002) await press(2002, "Answer");
      }
      await press(2001, "Hang up");
      await phone(2002).locator(".talk").waitFor({ state: "detached" });
    }
  });

  test("no icon where nothing was told; what the network writes is no markup", async () => {
    await press(2001, "Call");
    await talks(2002, "incoming");
    assert.equal(await phone(2002).locator(".security").isVisible(), false);
    await press(2001, "Hang up");
    await says(2002, "You missed a call from Ann.");

    await page.getByLabel("Call-Info of new calls").evaluate((select) => {
      select.selectedOptions[0].value = '"<img src=/demo/icon.svg>"';
    });
    await press(2001, "Call");
    await says(2002, "Security unknown");
    assert.equal(await phone(2002).locator(".talk img").count(), 0);
  });

  /** A page of Ann's phone alone, in a call with Bob's of the other page. */
  async function annCallsBob() {
    const ann = await newPage(browser, { permissions: ["microphone"] });
    await ann.goto(`${demo.url}demo/calls.html?phone=2001`);
    await ann.getByRole("button", { name: "Call", exact: true }).click();
    await press(2002, "Answer");
    await Promise.all([sounds(2002), sounds(2001, ann)]);
    return ann;
  }

  test("a reloaded page takes its call up again", async () => {
    const ann = await annCallsBob();
    await ann.reload();
    await ann.getByText("You were in a call with Bob.").waitFor();
    await ann.getByRole("button", { name: "Take it up" }).click();
    // In turn: until Ann is connected, Bob's page shows the call that is replaced.
    await sounds(2001, ann);
    await sounds(2002);
    assert.equal(await phone(2002).locator(".talk").count(), 1);
    assert.equal(await ann.locator(".offer").count(), 0);
    await ann.getByRole("button", { name: "Hang up" }).click();
    await says(2002, "Ann hung up.");
    assert.deepEqual(ann.problems, []);
    await ann.context().close();
  });

  test("a reloaded page is told when the other side has left the call", async () => {
    const ann = await annCallsBob();
    await ann.reload();
    await press(2002, "Hang up");
    await ann.getByRole("button", { name: "Take it up" }).click();
    await ann.getByText("Bob is not in that call any more.").waitFor();
    assert.equal(await ann.locator(".talk").count(), 0);
    await ann.context().close();
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

  test("nothing to object to for axe, in either colours, wide and narrow", async () => {
    const judge = async (/** @type {string} */ state) => {
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        for (const width of [320, 1280]) {
          await page.setViewportSize({ width, height: 860 });
          const where = `${state}, ${colorScheme}, ${width}`;
          assert.deepEqual(await violations(page), [], where);
        }
      }
    };
    await judge("ready");
    await press(2001, "Call");
    await talks(2002, "incoming");
    await judge("ringing");
    await press(2002, "Answer");
    await sounds(2002);
    await judge("connected");
  });
});
