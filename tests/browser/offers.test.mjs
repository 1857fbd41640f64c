// Offers and answers that go wrong, in Chromium with the whole phone: the call goes on,
// both ends hear each other, and whatever comes next works. tests/real-calls does the same
// in Firefox.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";
import { checkOffers } from "./offers/checks.mjs";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;

before(async () => {
  server = await startStaticServer();
  browser = await launchChromium({ args: callFlags });
});

after(async () => {
  await browser?.close();
  await server?.close();
});

describe(
  "Chromium: offers and answers that go wrong",
  { timeout: 300_000 },
  () => {
    for (const [name, check] of Object.entries(checkOffers))
      test(name, async () => {
        const page = await newPage(browser, {
          permissions: ["microphone", "camera"],
        });
        await page.goto(`${server.url}tests/browser/offers/page.html`);
        await page.waitForFunction("window.driver");
        await check((method, ...args) =>
          page.evaluate(
            ([method, args]) => window.driver[method](...args),
            [method, args],
          ),
        );
        assert.deepEqual(page.problems, [], "the page logged errors");
        await page.context().close();
      });
  },
);
