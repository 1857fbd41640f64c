/* global phone, story, calls */
// Desk phones driven by real pages through the gateway: one page at a time, pages that
// crash, reload, and come back.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { startGateway } from "graceline/gateway";
import { startRegistrar, startSwitch } from "graceline/testing";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const domain = "example.test";
const password = "tell-nobody-4711";

/** A page that drives the desk phone of line 2001; what it hears is in `story`. */
const page = (/** @type {string} */ url) => `<!doctype html>
<meta charset="utf-8" />
<title>Desk phone</title>
<script type="module">
import { Phone } from "/js/index.js";
const phone = new Phone({
  connections: "${url}",
  user: "2001", domain: "${domain}", device: "CSFALICE",
  password: "${password}",
  remoteControl: { gateway: "sip:cti@${domain}" },
});
const story = [];
const calls = [];
phone.on("status", ({ status }) => story.push(status));
phone.on("eConnectionTerminated", ({ reason }) => story.push("told: " + reason));
phone.on("call", ({ call }) => calls.push(call));
Object.assign(window, { phone, story, calls });
window.drive = (forceRegistration) =>
  phone.registerPhone({ mode: "DeskPhone", forceRegistration }).then(
    ({ device }) => device,
    ({ code }) => code,
  );
</script>`;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {import("graceline/testing").Registrar} */
let registrar;
/** @type {import("graceline/testing").Switch} */
let sw;
/** @type {import("graceline/gateway").Gateway} */
let gateway;

before(async () => {
  registrar = await startRegistrar({
    users: { 2001: { password }, cti: { password } },
    domain,
  });
  server = await startStaticServer({
    pages: {
      "/": page(registrar.url),
      "/elsewhere": "<!doctype html><title>Elsewhere</title>",
    },
    headers: { "Cache-Control": "max-age=60" },
  });
  browser = await launchChromium({
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
});

after(async () => {
  await gateway?.stop();
  await sw?.stop();
  await browser?.close();
  await server?.close();
  await registrar?.stop();
});

// Each test has a gateway without sessions.
beforeEach(async () => {
  await gateway?.stop();
  await sw?.stop();
  sw = await startSwitch({ phones: { 2001: ["SEP01"], 2002: ["SEP02"] } });
  gateway = await startGateway({
    login: { connections: registrar.url, user: "cti", domain, password },
    connections: [sw.url],
    lines: { 2001: [{ device: "SEP01", exclusive: true }] },
  });
  while (gateway.connections[0]?.state !== "up")
    await new Promise((done) => gateway.once("connections", done));
});

const sessions = () => gateway.connections[0]?.sessions;

/**
 * A browser profile of its own, which is closed with its test.
 *
 * @param {import("node:test").TestContext} t
 */
async function profile(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  return context;
}

/** @param {import("playwright-core").BrowserContext} context */
async function open(context) {
  const tab = await newPage(context);
  await tab.goto(server.url);
  await tab.waitForFunction("window.drive");
  return tab;
}

describe("an exclusive desk phone", () => {
  test("the second page is refused, forces, and the first is told", async (t) => {
    const here = await open(await profile(t));
    const there = await open(await profile(t));
    assert.equal(await here.evaluate("drive()"), "SEP01");
    assert.equal(await there.evaluate("drive()"), "eDeviceAlreadyRegistered");
    assert.equal(await here.evaluate("phone.ready"), true);
    assert.equal(await there.evaluate("drive(true)"), "SEP01");
    await here.waitForFunction(() => story.at(-1) === "told: takenOver");
    assert.equal(await here.evaluate("phone.status"), "eConnectionTerminated");
    assert.equal(sessions(), 1);
    assert.equal(await there.evaluate("phone.ready"), true);
    // It does nothing by itself, and may ask again.
    assert.equal(await here.evaluate("drive()"), "eDeviceAlreadyRegistered");
    assert.deepEqual([...here.problems, ...there.problems], []);
  });

  test("a page that crashed comes back at once, and has one session", async (t) => {
    const context = await profile(t);
    const lost = await open(context);
    assert.equal(await lost.evaluate("drive()"), "SEP01");
    const instance = await lost.evaluate("phone.instanceId");
    const crashed = new Promise((done) => lost.once("crash", done));
    const devtools = await context.newCDPSession(lost);
    devtools.send("Page.crash").catch(() => {});
    await crashed;
    // Nobody has told the gateway.
    assert.equal(sessions(), 1);
    const back = await open(context);
    assert.equal(await back.evaluate("phone.instanceId"), instance);
    assert.equal(await back.evaluate("drive()"), "SEP01");
    assert.equal(sessions(), 1);
    // Another one is still kept out, and what happens is heard.
    const there = await open(await profile(t));
    assert.equal(await there.evaluate("drive()"), "eDeviceAlreadyRegistered");
    sw.phone("SEP01").dial("2002");
    await back.waitForFunction(() => calls[0]?.state === "ringing");
  });
});

describe("a page that leaves", () => {
  test("reloaded it drives the desk phone again, and finds its calls", async (t) => {
    const tab = await open(await profile(t));
    for (let i = 0; i < 3; i++) {
      assert.equal(await tab.evaluate("drive()"), "SEP01");
      if (!i) {
        await tab.evaluate("void phone.call('2002')");
        await tab.waitForFunction(() => phone.calls[0]?.state === "ringing");
        sw.phone("SEP02").answer();
      }
      await tab.waitForFunction(() => phone.calls[0]?.state === "connected");
      assert.equal(sessions(), 1);
      await tab.reload();
      await tab.waitForFunction("window.drive");
    }
    assert.equal(sw.phone("SEP01").calls.length, 1);
    assert.deepEqual(tab.problems, []);
  });

  test("back from the back-forward cache it goes on with the same calls", async (t) => {
    const tab = await open(await profile(t));
    await tab.evaluate("drive()");
    sw.phone("SEP01").dial("2002");
    await tab.waitForFunction(() => calls[0]?.state === "ringing");
    await tab.evaluate("window.mark = story.length = 0");
    await tab.goto(`${server.url}elsewhere`);
    // What hands do meanwhile is found afterwards.
    sw.phone("SEP02").answer();
    await tab.evaluate("history.back()");
    await tab.waitForFunction(() => window.mark === 0 && phone.ready);
    await tab.waitForFunction(() => phone.calls[0]?.state === "connected");
    assert.equal(await tab.evaluate("phone.calls[0] === calls[0]"), true);
    assert.equal(await tab.evaluate("phone.mode"), "DeskPhone");
    assert.deepEqual(await tab.evaluate("story"), [
      "eRecoveryPending",
      "eReady",
    ]);
    assert.equal(sessions(), 1);
    assert.equal(registrar.bindings("2001").length, 0);
    await tab.evaluate("phone.calls[0].hangup()");
    await tab.waitForFunction(() => phone.calls.length === 0);
    assert.deepEqual(tab.problems, []);
  });
});
