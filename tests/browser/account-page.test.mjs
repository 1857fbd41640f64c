// The account service's page, used as a person does, with registered phones behind it.

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
import { WebSocket } from "ws";
import { Phone } from "../../js/index.js";
import { startAccounts, startRegistrar } from "../../js/testing/index.js";
import { violations } from "../support/axe.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";

const shots = fileURLToPath(new URL("../../test-output/", import.meta.url));
const PASSWORD = "pass-of-2001";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {Awaited<ReturnType<typeof startAccounts>>} */
let accounts;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;
/** @type {{ id: string, code: string }[]} */
let codes;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launchChromium();
});
after(() => browser?.close());

beforeEach(begin);
afterEach(end);

async function begin() {
  registrar = await startRegistrar({
    domain: "example.test",
    users: { 2001: { password: PASSWORD }, 2002: { password: "other" } },
  });
  codes = [];
  accounts = await startAccounts({
    registrar,
    limits: { mobile: 2 },
    sendCode: async (sending) => void codes.push(sending),
  });
  page = await newPage(browser, { viewport: { width: 1024, height: 900 } });
  await page.goto(accounts.url);
}

async function end() {
  const { problems } = page;
  await page.context().close();
  await accounts.stop();
  await registrar.stop();
  // A refusal is an answer that Chromium logs; 501: there is no voicemail.
  const other = problems.filter(
    (one) => !/status of (401|403|404|409|429|501)/.test(one),
  );
  assert.deepEqual(other, [], "the page logged errors");
}

/** @param {string} name @param {string} [password] */
async function signIn(name = "2001", password = PASSWORD) {
  await page.getByLabel("Number or address").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
/** With what the page proves who asks: it is read again. */
async function shownProof() {
  const [request] = await Promise.all([
    page.waitForRequest(/\/v1\/rings-on$/),
    page.getByLabel("Only on the phones that you choose").check(),
  ]);
  return /** @type {string} */ (await request.headerValue("authorization"));
}
/** @param {string} authorization */
const statusOf = async (authorization) =>
  (await fetch(`${accounts.url}v1/devices`, { headers: { authorization } }))
    .status;
const inside = () => page.locator("#account").waitFor();
/** @param {string} name */
const row = (name) =>
  page.getByRole("listitem").filter({
    has: page.getByRole("heading", { name, exact: true }),
  });
/** @param {string} name */
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const dialog = () => page.getByRole("dialog");
/** @param {string} name */
const agree = (name) =>
  dialog().getByRole("button", { name, exact: true }).click();

let last = 0;
/**
 * A device of 2001, straight into the home of facts.
 * @param {string} name
 * @param {string} kind
 */
function authorise(name, kind) {
  last += 1;
  const id = `device-${last}`;
  const instance = `urn:uuid:00000000-0000-4000-8000-${`${last}`.padStart(12, "0")}`;
  registrar.account("authorise", "2001", {
    ...{ id, instance, name, class: kind },
    limits: { mobile: 9, deskphone: 9 },
  });
  return { id, instance };
}

/** @param {string} instanceId */
async function logIn(instanceId) {
  const phone = new Phone({
    connections: registrar.url,
    user: "2001",
    domain: "example.test",
    password: PASSWORD,
    instanceId,
    storage: null,
    WebSocket: /** @type {any} */ (WebSocket),
  });
  await phone.registerPhone();
  return phone;
}

describe("the user's page", { timeout: 120_000 }, () => {
  test("nothing else of the package is served, and the page may load its own files alone", async () => {
    for (const path of [
      "package.json",
      "page/..%2f..%2fpackage.json",
      "js/cli/graceline.js",
      "demo/index.html",
      "server/accounts/index.js",
      "page/index.d.ts",
    ]) {
      const { status } = await fetch(accounts.url + path);
      assert.equal(status, 404, path);
    }
    const { headers } = await fetch(accounts.url);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
  });

  test("a wrong password is refused in words, a right one lets in, signing out forgets", async () => {
    await signIn("2001", "guess");
    const refused = page.locator("#refused");
    await refused.getByText("refused user name, password").waitFor();
    await signIn();
    await inside();
    assert.equal(await page.locator("#who").textContent(), "2001@example.test");
    assert.equal(await page.locator("#password").inputValue(), "");
    const proof = await shownProof();
    assert.equal(await statusOf(proof), 200);
    await press("Sign out");
    await page.locator("#sign-in").waitFor();
    // The service knows of it: what the page showed is worth nothing any more.
    while ((await statusOf(proof)) !== 401);
    const kept = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    assert.doesNotMatch(String(kept), /pass-of|token/i);
  });

  test("devices are what they are, and change as they change", async () => {
    const web = authorise("Office browser", "web");
    authorise("Mobile", "mobile");
    authorise("Desk", "deskphone");
    await signIn();
    await inside();
    await row("Mobile").getByText("Mobile phone · last there").waitFor();
    await row("Office browser").getByText("Not logged in").waitFor();
    const phone = await logIn(web.instance);
    await row("Office browser")
      .getByText("Logged in", { exact: true })
      .waitFor();
    await page.getByText("1 of 3 logged in").waitFor();
    await phone.close();
    await page.getByText("0 of 3 logged in").waitFor();
  });

  test("a device that was not there for twenty days is warned of, ten days ahead; then it goes", async (t) => {
    const DAY = 86_400_000;
    const start = Date.now();
    await end();
    t.mock.timers.enable({ apis: ["Date"], now: start });
    // Their clocks are of this time from the beginning.
    await begin();
    const web = authorise("Office browser", "web");
    authorise("Mobile", "mobile");
    /** @param {number} days after the start, by the clocks of service and page */
    const on = async (days) => {
      t.mock.timers.setTime(start + days * DAY);
      await page.clock.setFixedTime(start + days * DAY);
      await page.reload();
      await signIn();
      await inside();
    };
    const warned = page.locator(".device__warning:visible");
    await on(19.9);
    await row("Mobile").getByText("last there 20 days ago").waitFor();
    assert.equal(await warned.count(), 0);
    const phone = await logIn(web.instance);
    await on(20.1);
    await row("Mobile")
      .getByText(/^Goes from this list in 10 days/)
      .waitFor();
    assert.equal(await warned.count(), 1, "who is there is not warned of");
    await page.screenshot({ path: `${shots}account-idle.png`, fullPage: true });
    await phone.close();
    await on(29.1);
    await row("Mobile")
      .getByText(/^Goes from this list tomorrow/)
      .waitFor();
    await on(30.1);
    await row("Office browser").waitFor();
    assert.equal(await row("Mobile").count(), 0);
  });

  test("rename", async () => {
    authorise("Mobile", "mobile");
    await signIn();
    await press("Rename: Mobile");
    await dialog().getByLabel("Name").fill("<b>Pocket</b>");
    await agree("Rename");
    await row("<b>Pocket</b>").waitFor();
    await dialog().waitFor({ state: "hidden" });
  });

  test("lock out: the phone is told, and comes back only when it is let in again", async () => {
    const { instance } = authorise("Mobile", "mobile");
    const phone = await logIn(instance);
    const told = new Promise((done) =>
      phone.once("eDeviceNotAuthorised", done),
    );
    await signIn();
    await press("Lock out: Mobile");
    await dialog().getByText("logged out at once").waitFor();
    await agree("Lock out");
    await told;
    await assert.rejects(phone.registerPhone(), {
      code: "eDeviceNotAuthorised",
    });
    await page.getByRole("heading", { name: "Locked out" }).waitFor();
    await press("Let in again: Mobile");
    await row("Mobile").getByText("Not logged in").waitFor();
    await phone.registerPhone();
    await row("Mobile").getByText("Logged in", { exact: true }).waitFor();
    await phone.close();
  });

  test("a dialog that is cancelled changes nothing", async () => {
    authorise("Mobile", "mobile");
    await signIn();
    await press("Lock out: Mobile");
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "hidden" });
    await press("Lock out: Mobile");
    await agree("Cancel");
    const [device] = registrar.account("devices", "2001", {});
    assert.equal(device.state, "authorised");
  });

  test("at the limit nobody is let in again, and it is said what to do", async () => {
    const { id } = authorise("Old", "mobile");
    registrar.account("revoke", "2001", { id });
    authorise("One", "mobile");
    authorise("Two", "mobile");
    await signIn();
    await press("Let in again: Old");
    const trouble = page.locator("#trouble");
    await trouble.getByText("as many devices of this kind").waitFor();
    await press("Lock out: One");
    await agree("Lock out");
    await press("Let in again: Old");
    await row("Old").getByText("Not logged in").waitFor();
    await trouble.waitFor({ state: "hidden" });
  });

  test("where it rings: by itself, or where the user says; nobody there is said", async () => {
    const { id } = authorise("Desk", "deskphone");
    const web = authorise("Browser", "web");
    await signIn();
    await inside();
    await page
      .getByText("No device is logged in: nothing rings now.")
      .waitFor();
    const phone = await logIn(web.instance);
    await page.locator("#rings-notice:empty").waitFor({ state: "attached" });
    await page.getByLabel("Only on the phones that you choose").check();
    // Who begins to choose has chosen what rings already.
    await page.locator(`#chosen input[value="${web.id}"]:checked`).waitFor();
    await page.getByLabel("Desk", { exact: true }).check();
    await page.getByLabel("Browser", { exact: true }).uncheck();
    await page.getByText("None of the chosen devices").waitFor();
    assert.deepEqual(registrar.account("rings", "2001", {}), [id]);
    await page.getByLabel("Where you are logged in").check();
    await page.locator("#chosen").waitFor({ state: "hidden" });
    assert.equal(registrar.account("rings", "2001", {}), "auto");
    await phone.close();
  });

  test("a number is confirmed by its code; a wrong one is said", async () => {
    await signIn();
    await page.getByLabel("Number with country code").fill("+4930123456");
    await press("Add");
    await dialog().getByLabel("Code").fill("000000");
    await agree("Confirm");
    await dialog().getByText("The code is wrong").waitFor();
    assert.equal(codes.length, 1);
    await dialog().getByLabel("Code").fill(codes[0].code);
    await agree("Confirm");
    await dialog().waitFor({ state: "hidden" });
    await page
      .locator(".id", { hasText: "+4930123456" })
      .getByText("number")
      .waitFor();
    await press("Remove: +4930123456");
    await agree("Remove");
    await page.getByText("None yet.", { exact: true }).waitFor();
  });

  test("nothing to object to for axe, light and dark, wide and narrow", async () => {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), []);
    }
    authorise(
      "Ann's telephone with a name as long as names may be, to see",
      "mobile",
    );
    const web = authorise("Chrome on Linux", "web");
    const { id } = authorise("Lost in the train", "mobile");
    registrar.account("revoke", "2001", { id });
    const phone = await logIn(web.instance);
    await signIn();
    await inside();
    await page.getByLabel("Only on the phones that you choose").check();
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1024, 320]) {
        await page.setViewportSize({ width, height: 900 });
        assert.deepEqual(
          await violations(page),
          [],
          `${colorScheme}, ${width}`,
        );
        const wide = await page.evaluate(
          "document.documentElement.scrollWidth",
        );
        assert.ok(Number(wide) <= width, `${wide} px at ${width}`);
        await page.screenshot({
          path: `${shots}account-${colorScheme}-${width}.png`,
          fullPage: true,
        });
      }
    }
    await press("Lock out: Chrome on Linux");
    assert.deepEqual(await violations(page), [], "with a dialog");
    await phone.close();
  });
});
