// demo/jquery.html: the story of the demo, told through the plug-in.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDemo } from "../../js/cli/demo.js";
import { violations } from "../support/axe.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { root } from "../support/static-server.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let demo;

before(async () => {
  mkdirSync(join(root, "test-output"), { recursive: true });
  [browser, demo] = await Promise.all([launchChromium(), startDemo(0)]);
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test(
  "two CWIC phones: refused, asked, forced, told",
  { timeout: 60_000 },
  async () => {
    const page = await newPage(browser, {
      viewport: { width: 1200, height: 1000 },
      reducedMotion: "reduce",
    });
    await page.goto(`${demo.url}demo/jquery.html`);
    const a = page.getByRole("region", { name: "Phone A" });
    const b = page.getByRole("region", { name: "Phone B" });
    const become = (
      /** @type {typeof a} */ phone,
      /** @type {string} */ look,
    ) => phone.and(page.locator(`[data-look="${look}"]`)).waitFor();

    await a.getByRole("button", { name: "Log in" }).click();
    await become(a, "ready");
    await b.getByRole("button", { name: "Log in" }).click();
    await b.getByRole("alertdialog").waitFor();
    await page.screenshot({
      path: join(root, "test-output/jquery-asked.png"),
      fullPage: true,
    });

    await b.getByRole("button", { name: "Log in here" }).click();
    await become(b, "ready");
    await a.getByText("You were logged out").waitFor();
    await become(a, "off");
    await page.screenshot({
      path: join(root, "test-output/jquery-told.png"),
      fullPage: true,
    });

    const told = await page.locator("#told .told__what").allTextContents();
    const system =
      (/** @type {string} */ status) => (/** @type {string} */ line) =>
        line.includes(`system.cwic  ${status},`);
    assert.equal(told.filter(system("eReady")).length, 2);
    assert.equal(told.filter(system("eConnectionTerminated")).length, 1);
    assert.equal(
      told.filter((line) =>
        line.includes("20, Login Error: eDeviceAlreadyRegistered"),
      ).length,
      1,
    );

    assert.deepEqual(await violations(page), []);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await violations(page), [], "in dark");
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({
      path: join(root, "test-output/jquery-narrow.png"),
      fullPage: true,
    });
    const overflow = await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    assert.equal(overflow, 0, "nothing to scroll sideways");
    assert.deepEqual(await violations(page), [], "on a narrow screen");
    assert.deepEqual(page.problems, []);
  },
);
