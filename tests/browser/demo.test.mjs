// The demo page in a real browser, against its real server and registrar.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { fileURLToPath } from "node:url";
import { violations } from "../support/axe.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const shots = `${root}test-output/`;

/** What a strict site would send; enforced beside what the demo's own server sends. */
const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "img-src 'self'; connect-src 'self' ws://127.0.0.1:*";

/** @type {import("node:child_process").ChildProcess} */
let server;
/** @type {string} */
let url;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;

before(async () => {
  mkdirSync(shots, { recursive: true });
  [url, browser] = await Promise.all([startServer(), launchChromium()]);
});

after(async () => {
  await browser?.close();
  if (server?.pid && server.exitCode === null) {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    process.kill(server.pid);
    await ended;
  }
});

beforeEach(async () => {
  await setPolicy("graceful");
  page = await newPage(browser, { viewport: { width: 1440, height: 900 } });
  await page.route(`${url}demo/`, async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    const own = headers["content-security-policy"];
    assert.match(own ?? "", /default-src 'none'/);
    headers["content-security-policy"] = `${own}, ${STRICT}`;
    await route.fulfill({ response, headers });
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(url);
  await action("a").and(page.locator(":enabled")).waitFor();
});

afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  assert.deepEqual(problems, [], "the page logged errors");
});

describe("demo", () => {
  test("the second login is refused and asks; forcing tells the first phone", async () => {
    await action("a").click();
    await looks("a", "ready");
    assert.deepEqual(await holders(), ["Phone A"]);

    await action("b").click();
    const prompt = page.getByRole("alertdialog");
    await prompt.waitFor();
    assert.match(
      await prompt.innerText(),
      /^You are logged in elsewhere\. Log in here and log out there\?/,
    );
    assert.match(await prompt.innerText(), /Phone A has had line \S+ since/);
    assert.equal(await look("a"), "ready", "asking takes nothing over");
    assert.ok(await action("a").isEnabled(), "the other phone stays usable");

    await prompt.getByRole("button", { name: "Log in here" }).click();
    await looks("a", "taken");
    await looks("b", "ready");
    assert.equal(
      await page.locator("#phone-a").getByRole("alert").innerText(),
      "You were logged out: this phone was taken over by Phone B.",
    );
    await page.waitForFunction(
      () => document.querySelector(".binding__name")?.textContent === "Phone B",
    );
    assert.deepEqual(await holders(), ["Phone B"]);
    assert.equal(await handovers(), 1);
    await page.screenshot({ path: `${shots}demo-taken-over.png` });

    await page.locator('#ladder [data-tone="refusal"]').first().click();
    assert.match(
      await reader().innerText(),
      /^Warning: 399 .*Registration is active for another client/m,
    );
    assert.equal(await page.locator(".step--done").count(), 4);
    assert.equal(await page.locator(".step").count(), 4);
  });

  test("the diagram shows every message once, and no secret", async () => {
    await action("a").click();
    await looks("a", "ready");
    const messages = page.locator("#ladder .message");
    await page.waitForFunction(
      () =>
        document.querySelectorAll('.message[data-tone="request"]').length ===
        document.querySelectorAll('.message:not([data-tone="request"])').length,
    );
    const captions = await messages
      .locator(".message__caption")
      .allInnerTexts();
    assert.equal(captions.filter((text) => text === "registered").length, 1);
    assert.ok(captions.includes("log in, with proof"), `${captions}`);
    let proofs = 0;
    for (const message of await messages.all()) {
      await message.click();
      const text = await reader().innerText();
      assert.doesNotMatch(text, /response=|nonce=|password/);
      if (/^Authorization: Digest .*\[redacted\]/m.test(text)) proofs += 1;
    }
    assert.ok(proofs > 0, "a REGISTER with credentials is shown, redacted");
  });

  test("keyboard alone: log in, decline, force, read", async () => {
    await tabTo(action("a"));
    await page.keyboard.press("Enter");
    await looks("a", "ready");
    await tabTo(action("b"));
    await page.keyboard.press("Enter");
    await page.getByRole("alertdialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("alertdialog").waitFor({ state: "hidden" });
    assert.ok(await hasFocus(action("b")), "focus returns to the button");
    assert.match(
      await page.locator("#phone-b .phone__notice").innerText(),
      /Not logged in\. The line stays with Phone A\./,
    );
    assert.equal(await look("a"), "ready");

    await page.keyboard.press("Enter");
    await page.getByRole("alertdialog").waitFor();
    assert.ok(
      await hasFocus(page.getByRole("button", { name: "Log in here" })),
    );
    await page.keyboard.press("Enter");
    await looks("a", "taken");
    await looks("b", "ready");

    const first = page.locator("#ladder .message").first();
    await tabTo(first);
    await page.keyboard.press("ArrowDown");
    const second = page.locator("#ladder .message").nth(1);
    assert.ok(await hasFocus(second));
    assert.equal(await second.getAttribute("aria-current"), "true");
    const [title] = await second.locator(".message__title").allInnerTexts();
    assert.equal(await page.locator("#reader-title").innerText(), title);
  });

  test("nothing to object to for axe, in either colours, wide and narrow", async () => {
    const judge = async (/** @type {string} */ state) => {
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await page.emulateMedia({ colorScheme });
        for (const width of [360, 1440]) {
          await page.setViewportSize({ width, height: 900 });
          const where = `${state}, ${colorScheme}, ${width}`;
          assert.deepEqual(await violations(page), [], where);
        }
      }
    };
    await action("a").click();
    await looks("a", "ready");
    await judge("ready");
    await action("b").click();
    await page.getByRole("alertdialog").waitFor();
    await judge("asked");
    await page.getByRole("button", { name: "Log in here" }).click();
    await looks("a", "taken");
    await judge("taken");
  });

  test("type normal: the phones steal the line from each other, again and again", async () => {
    await chooseType("normal");
    await action("a").click();
    await looks("a", "ready");
    await action("b").click();
    await page.waitForFunction(
      () => {
        const count = document.querySelector(".history__count")?.textContent;
        return parseInt(count ?? "") >= 3;
      },
      null,
      { timeout: 60_000 },
    );
    assert.equal(await page.getByRole("alertdialog").count(), 0);
    assert.equal((await holders()).length, 1);
    const looksNow = [await look("a"), await look("b")];
    assert.ok(
      looksNow.every((look) => ["ready", "deceived"].includes(look ?? "")),
      `both believe they are logged in: ${looksNow}`,
    );
    const titles = await page.locator(".message__title").allInnerTexts();
    assert.ok(
      !titles.includes("SUBSCRIBE"),
      "a naive phone is told of nothing",
    );
    await page.screenshot({ path: `${shots}demo-normal.png` });

    await chooseType("graceful");
    assert.deepEqual(await holders(), []);
    assert.equal(await handovers(), 0);
  });

  test("type duplicate: the second takes over without asking, the first is told", async () => {
    await chooseType("duplicate");
    await action("a").click();
    await looks("a", "ready");
    await action("b").click();
    await looks("b", "ready");
    await looks("a", "taken");
    assert.equal(await page.getByRole("alertdialog").count(), 0);
    assert.equal(await handovers(), 1);
  });

  test("a narrow, dark page has everything and no sideways scrolling", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await action("a").click();
    await looks("a", "ready");
    await action("b").click();
    await page.getByRole("alertdialog").waitFor();
    const beyond = await page.evaluate(
      () => document.documentElement.scrollWidth - innerWidth,
    );
    assert.equal(beyond, 0);
    await page.screenshot({ path: `${shots}demo-narrow.png`, fullPage: true });
  });
});

/** @param {"a" | "b"} key */
const action = (key) => page.locator(`#phone-${key} .phone__action`);

/** @param {"a" | "b"} key */
const look = (key) => page.locator(`#phone-${key}`).getAttribute("data-look");

/** @param {"a" | "b"} key @param {string} wanted */
const looks = (key, wanted) =>
  page.locator(`#phone-${key}[data-look="${wanted}"]`).waitFor();

const holders = () => page.locator(".binding__name").allInnerTexts();

const handovers = async () =>
  parseInt(await page.locator(".history__count").innerText());

const reader = () => page.locator("#reader pre");

/** @param {string} type */
async function chooseType(type) {
  await page
    .getByRole("radio", { name: type, exact: false })
    .check({ force: true });
  await page
    .locator("#ladder .ladder__empty, #ladder .ladder__divider")
    .last()
    .waitFor();
  await page
    .locator(`:root[data-type="${type}"] #phone-b .phone__action:enabled`)
    .waitFor();
}

/** @param {import("playwright-core").Locator} target */
async function hasFocus(target) {
  return target.evaluate((element) => element === document.activeElement);
}

/**
 * Presses Tab until the target has the focus, as a person would.
 * @param {import("playwright-core").Locator} target
 */
async function tabTo(target) {
  for (let presses = 0; presses < 30; presses += 1) {
    if (await hasFocus(target)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not reach ${target}`);
}

/** @param {string} policy */
async function setPolicy(policy) {
  const answer = await fetch(`${url}demo/api/policy`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Origin: new URL(url).origin,
    },
    body: JSON.stringify({ policy }),
  });
  assert.ok(answer.ok, `POST policy: ${answer.status}`);
}

/** Starts the demo on a free port and waits for the line that says where. */
function startServer() {
  server = spawn(
    process.execPath,
    ["js/cli/graceline.js", "demo", "--port", "0"],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  return new Promise((resolve, reject) => {
    server.once("exit", (code) => reject(new Error(`demo ended with ${code}`)));
    createInterface({ input: /** @type {any} */ (server.stdout) }).on(
      "line",
      (line) => {
        if (/^http:\/\/127\.0\.0\.1:\d+\/$/.test(line)) resolve(line);
      },
    );
  });
}
