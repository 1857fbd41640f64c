// Rules, calls and messages on the account service's page, with calls that are real.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { Phone } from "../../js/index.js";
import {
  startAccounts,
  startRegistrar,
  startVoicemail,
} from "../../js/testing/index.js";
import { rtpMedia } from "../js/support/rtp-media.js";
import { violations } from "../support/axe.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";

const shots = fileURLToPath(new URL("../../test-output/", import.meta.url));
const DOMAIN = "example.test";
const password = "pass-of-all";
/** Packets of 20 ms: the voicemail's tone. */
const TONE = 20;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof startAccounts>>} */
let accounts;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;
/** @type {Phone} */
let caller;
const media = rtpMedia();

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launchChromium();
});
after(() => browser?.close());

beforeEach(async () => {
  registrar = await startRegistrar({
    domain: DOMAIN,
    users: { 2001: { password }, 2002: { password } },
  });
  accounts = await startAccounts({ registrar });
  registrar.configure({ devices: "off" });
  caller = new Phone({
    ...{ connections: registrar.url, user: "2002", domain: DOMAIN, password },
    ...{ WebSocket: /** @type {any} */ (WebSocket), storage: null },
    ...{ media: /** @type {any} */ (media) },
  });
  await caller.registerPhone();
  page = await newPage(browser, { viewport: { width: 1024, height: 900 } });
  await page.goto(accounts.url);
  await page.getByLabel("Number or address").fill("2001");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("#account").waitFor();
});

afterEach(async () => {
  const { problems } = page;
  await page.context().close();
  await caller.close();
  await accounts.stop();
  await registrar.stop();
  const other = problems.filter((one) => !/status of (400|501)/.test(one));
  assert.deepEqual(other, [], "the page logged errors");
});

const rules = () => registrar.account("rules", "2001");
/** @param {string} name */
const press = (name) => page.getByRole("button", { name, exact: true }).click();
/** Calls 2001, until it is over. @returns {Promise<any>} */
const call = () =>
  new Promise((resolve) => caller.call("2001").once("ended", resolve));

describe("the user's page", () => {
  test("rules are set, and those that are set elsewhere are shown", async () => {
    const noAnswer = page.getByLabel("Nobody answers", { exact: true });
    await noAnswer.selectOption("Voicemail");
    await page.getByLabel(/^after/).fill("35");
    await press("Save");
    await page.getByText("Saved.").waitFor({ state: "attached" });
    assert.deepEqual(rules().noAnswer, { to: "voicemail", seconds: 35 });
    const busy = page.getByLabel("You are busy", { exact: true });
    await busy.selectOption("Number or address");
    await page.getByLabel("You are busy: number or address").fill("2002");
    await page.keyboard.press("Enter");
    await page.getByLabel("Do not disturb").check();
    registrar.account("rules_set", "2001", { offline: "+4930123456" });
    await page
      .locator('input[aria-label^="No phone is logged in"]:visible')
      .waitFor();
    assert.deepEqual(rules(), {
      ...{ always: null, busy: "2002", offline: "+4930123456" },
      noAnswer: { to: "voicemail", seconds: 35 },
      doNotDisturb: true,
    });
    await Promise.all([
      page.waitForResponse(/\/v1\/rules$/),
      busy.selectOption("The caller is told"),
    ]);
    assert.equal(rules().busy, null);
  });

  test("a target that is none is refused in words, and what holds is shown again", async () => {
    const always = page.getByLabel("Every call, at once", { exact: true });
    await always.selectOption("Number or address");
    await page
      .getByLabel("Every call, at once: number or address")
      .fill("<img src=x>");
    await page.keyboard.press("Enter");
    await page.locator("#trouble:visible").waitFor();
    assert.equal(rules().always, null);
    assert.equal(await always.inputValue(), "");
  });

  test("calls are listed as they end, the newest first", async () => {
    await page.getByText("No calls yet.").waitFor();
    registrar.account("rules_set", "2001", { doNotDisturb: true });
    for (let n = 0; n < 22; n++) await call();
    const rows = page.locator("#calls > li");
    await rows.nth(21).waitFor();
    assert.match(String(await rows.first().textContent()), /2002.*Missed/);
    await page.reload();
    await page.getByLabel("Number or address").fill("2001");
    await page.getByLabel("Password").fill(password);
    await press("Sign in");
    await rows.nth(19).waitFor();
    assert.equal(await rows.count(), 20);
    await press("Show older calls");
    await rows.nth(21).waitFor();
    await page.getByText("Show older calls").waitFor({ state: "hidden" });
  });

  test("messages: they come, are heard, and are deleted", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "voicemail-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const voicemail = await startVoicemail({ accounts, registrar, folder });
    t.after(() => voicemail.stop());
    registrar.account("rules_set", "2001", { always: "voicemail" });
    const left = caller.call("2001");
    await new Promise((resolve) => left.once("connected", resolve));
    const line = media.made.at(-1);
    await line.packets(TONE);
    await line.say(1.5);
    await left.hangup();
    const message = page.locator("#messages > li");
    await message.getByText("new", { exact: true }).waitFor();
    await page.getByText("1 new").waitFor();
    await page.screenshot({
      path: `${shots}account-calls.png`,
      fullPage: true,
    });
    assert.deepEqual(await violations(page), []);
    const audio = page.getByLabel("Message from 2002", { exact: true });
    const seconds = await audio.evaluate(async (/** @type {any} */ sound) => {
      sound.muted = true;
      await sound.play();
      await new Promise((resolve) => (sound.onended = resolve));
      return sound.duration;
    });
    assert.ok(Math.abs(seconds - 1.5) < 0.1, `${seconds} s`);
    await page.getByText("1 new").waitFor({ state: "hidden" });
    await press("Delete: message from 2002");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: "Delete" })
      .click();
    await page.getByText("No messages.").waitFor();
    await page
      .locator("#calls > li")
      .getByText(/Voicemail/)
      .waitFor();
  });
});
