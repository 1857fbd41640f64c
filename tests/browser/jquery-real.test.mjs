// The same CWIC page as in jquery.test.mjs, with the shipped graceline.min.js as its cwic.js and
// a registrar, under a strict Content-Security-Policy.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { startRegistrar } from "../../js/testing/index.js";
import { callFlags, launchChromium, newPage } from "../support/chromium.mjs";
import {
  CwicBrowserPage,
  JQUERIES,
  serveCwicPage,
} from "../support/cwic-browser.mjs";
import { root, startStaticServer } from "../support/static-server.mjs";

/** jQuery 1.12 finds out about old browsers by an inline handler that a strict page forbids. */
const PROBE_OF_JQUERY_1 = /^Executing inline event handler violates/;

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startRegistrar>>} */
let registrar;
/** @type {string} */
let graceline;

before(async () => {
  [browser, graceline] = await Promise.all([
    launchChromium({ args: callFlags }),
    readFile(join(root, "pkg/graceline.min.js"), "utf8"),
  ]);
});

after(() => browser?.close());

for (const [jquery, release] of Object.entries(JQUERIES)) {
  describe(`jQuery ${release}`, { timeout: 120_000 }, () => {
    /** @type {Awaited<ReturnType<typeof serveCwicPage>>} */
    let server;
    /** @type {CwicBrowserPage[]} */
    let pages;

    beforeEach(async () => {
      pages = [];
      registrar = await startRegistrar({
        users: {
          2001: { password: "correct horse" },
          2002: { password: "correct horse" },
        },
      });
      server = await serveCwicPage(
        /** @type {keyof typeof JQUERIES} */ (jquery),
        graceline,
        {
          "Content-Security-Policy":
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
            `connect-src ${registrar.url.slice(0, -1)}; img-src 'self'`,
        },
      );
    });

    afterEach(async () => {
      const problems = pages
        .flatMap(({ page }) => page.problems)
        .filter(
          (text) => !(jquery === "jquery1" && PROBE_OF_JQUERY_1.test(text)),
        );
      await Promise.all(pages.map(({ page }) => page.context().close()));
      await Promise.all([server.close(), registrar.stop()]);
      assert.deepEqual(problems, []);
    });

    /** A page in a browser profile of its own, ready to log in. */
    async function open() {
      const page = await CwicBrowserPage.open(browser, server.url);
      pages.push(page);
      await page.until("ready {} false SoftPhone");
      return page;
    }

    const form = (changes = {}) => ({
      password: "correct horse",
      cucm: `Lab ${registrar.url}`,
      ...changes,
    });

    test("refused, forced, told", async () => {
      const [first, second] = await Promise.all([open(), open()]);

      await first.logIn(form());
      assert.deepEqual(await first.until("system eReady true"), [
        "devices ecp2001",
        "system eRegistering false",
        "success ecp2001 SoftPhone",
        "system eReady true",
      ]);
      const [binding] = registrar.bindings("2001");
      assert.equal(binding.device, "ecp2001");
      await second.logIn(form());
      assert.deepEqual(await second.until("system eIdle false"), [
        "devices ecp2001",
        "system eRegistering false",
        "failed 20 Login Error eDeviceAlreadyRegistered",
        "system eIdle false",
      ]);
      assert.deepEqual(await first.rest(), [], "the first is not disturbed");

      await second.logIn(form({ force: true }));
      await second.until("system eReady true");
      assert.deepEqual(await first.until("system eIdle false"), [
        "system eConnectionTerminated false",
        "complete",
        "system eIdle false",
      ]);
      assert.match((await first.message()) ?? "", /^Logged in elsewhere/);
      const instances = registrar
        .bindings("2001")
        .map(({ instanceId }) => instanceId);
      const winner = await second.page.evaluate(
        "$('#phone').cwic('getInstanceId')",
      );
      assert.deepEqual(instances, [winner]);
      assert.deepEqual(await second.rest(), []);
    });

    test("logging out and closing the page free the line", async () => {
      const page = await open();
      await page.logIn(form());
      await page.until("system eReady true");
      await page.page.click("#out");
      await page.until("system eIdle false");
      assert.deepEqual(registrar.bindings("2001"), []);

      await page.logIn(form());
      await page.until("system eReady true");
      const freed = new Promise((resolve) => {
        registrar.on("bindings", () => {
          if (registrar.bindings("2001").length === 0) resolve(undefined);
        });
      });
      await page.page.close();
      await freed;
    });

    test("a wrong password; then the right one, given back as a handle", async () => {
      const page = await open();
      await page.logIn(form({ password: "wrong" }));
      await page.until("failed 22 Invalid credentials eCredentialsRejected");
      await page.until("system eIdle false");
      await page.logIn(form());
      await page.until("system eReady true");
      const told = JSON.stringify(
        await page.page.evaluate(
          "[$('#phone').data('registration'), story.log]",
        ),
      );
      assert.doesNotMatch(told, /correct horse/);
      await page.page.click("#out");
      await page.until("system eIdle false");

      await page.page.evaluate(
        `$("#phone").cwic("registerPhone", {
          user: "2001",
          password: $("#phone").data("registration").password,
          cucm: $("#cucm").val(),
        })`,
      );
      await page.until("system eReady true");
    });

    test("switching the device frees the first one", async () => {
      const page = await open();
      await page.logIn(form());
      await page.until("system eReady true");
      await page.page.click("#switch");
      await page.until("switched CSFOTHER");
      await page.until("system eReady true");
      const devices = registrar.bindings("2001").map(({ device }) => device);
      assert.deepEqual(devices, ["CSFOTHER"]);
    });

    test("a call from page to page, heard at both ends", async () => {
      const [caller, callee] = await Promise.all([open(), open()]);
      for (const { page } of [caller, callee])
        await page.context().grantPermissions(["microphone"]);
      await caller.logIn(form());
      await callee.logIn(form({ user: "2002" }));
      await caller.until("system eReady true");
      await callee.until("system eReady true");

      await caller.page.fill("#number", "2002");
      await caller.page.click("#call");
      assert.deepEqual(await caller.until("updated Ringout"), [
        "started OffHook Outgoing",
        "updated Ringout",
      ]);
      await callee.until("incoming Ringin ");
      await callee.page.click(".answer");
      await callee.until("started Connected Incoming");
      await caller.until("updated Connected");
      for (const { page } of [caller, callee]) await page.evaluate(heard);

      // From here on nothing is told twice.
      await callee.page.click(".hold");
      assert.deepEqual(await callee.until("updated Hold"), ["updated Hold"]);
      assert.deepEqual(await caller.until("updated RemHold"), [
        "updated RemHold",
      ]);
      await callee.page.click(".resume");
      assert.deepEqual(await caller.until("updated Connected"), [
        "updated Connected",
      ]);
      await caller.page.click(".end");
      assert.deepEqual(await caller.until("ended OnHook false"), [
        "ended OnHook false",
      ]);
      assert.deepEqual(await callee.until("ended OnHook false"), [
        "updated Connected",
        "ended OnHook false",
      ]);
      const devices = await caller.page.evaluate(
        () =>
          /** @type {any} */ (window)
            .jQuery("#phone")
            .cwic("getMultimediaDevices").multimediadevices,
      );
      assert.ok(
        devices.some(
          (
            /** @type {any} */ { canRecord, clientRecordingID, recordingName },
          ) => canRecord && clientRecordingID && recordingName,
        ),
      );
    });

    test("a server that is not there", async () => {
      const page = await open();
      const { url } = registrar;
      await registrar.stop();
      await page.logIn(form({ cucm: url }));
      await page.until("failed 20 Login Error eCouldNotConnect");
      await page.until("system eIdle false");
      // The browser itself reports the refused connection.
      page.page.problems.length = 0;
    });
  });
}

/** In the page: until sound has come in, as the browser's own connections measure it. */
async function heard() {
  const { peers } = /** @type {any} */ (window);
  for (;;) {
    for (const peer of peers)
      for (const stat of (await peer.getStats()).values())
        if (stat.type === "inbound-rtp" && stat.totalAudioEnergy > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("as a module", { timeout: 60_000 }, () => {
  /** A page that imports `graceline/jquery`, or has it attached where jQuery is already global. */
  const pageWith = (/** @type {string} */ script) => `<!doctype html>
    <title>module</title>
    <script src="/node_modules/jquery4/dist/jquery.js"></script>
    <script type="module">${script}</script>
    <div id="phone"></div>`;

  /** @type {Awaited<ReturnType<typeof startStaticServer>>} */
  let server;

  before(async () => {
    registrar = await startRegistrar({
      users: { 2001: { password: "correct horse" } },
    });
    server = await startStaticServer({
      pages: {
        "/explicit.html": pageWith(`
          import attach from "/js/jquery/index.js";
          const own = jQuery.noConflict(true);
          attach(own);
          own.fn.cwic.again = true;
          attach(own);
          window.$ = own;`),
        "/implicit.html": pageWith('import "/js/jquery/index.js";'),
        "/favicon.ico": "",
      },
    });
  });

  after(async () => {
    await server?.close();
    await registrar?.stop();
  });

  /** Logs in on a page of these, and returns what the callback was given. */
  async function logIn(
    /** @type {string} */ name,
    /** @type {object} */ settings,
  ) {
    const page = await newPage(browser);
    await page.goto(server.url + name);
    const answer = await page.evaluate(
      ([options, connections]) =>
        new Promise((resolve) => {
          const { $ } = /** @type {any} */ (window);
          $("#phone").cwic(options);
          $("#phone").cwic("registerPhone", {
            ...{ user: "2001", password: "correct horse", connections },
            success: ({ device, user }) =>
              resolve({ device: device.name, user }),
            error: ({ code, message, details, nativeError }) =>
              resolve({ code, message, detail: details[0], nativeError }),
          });
        }),
      [settings, registrar.url],
    );
    assert.deepEqual(page.problems, []);
    return { page, answer };
  }

  test("attached by hand, or by itself; 11.0's codes", async () => {
    const first = await logIn("explicit.html", { devicePrefix: "CSF" });
    assert.deepEqual(first.answer, { device: "CSF2001", user: "2001" });
    assert.equal(
      await first.page.evaluate("$.fn.cwic.again"),
      true,
      "attaching once is enough",
    );

    const settings = { devicePrefix: "CSF", compatibility: 11 };
    const second = await logIn("implicit.html", settings);
    assert.deepEqual(second.answer, {
      code: "CannotConnectToServer",
      message: "Cannot connect to CUCM server",
      detail: "eDeviceAlreadyRegistered",
      nativeError: "eDeviceAlreadyRegistered",
    });
    await first.page.context().close();
    await second.page.context().close();
  });
});
