/* global phone, story */
// Phones in real pages: two browsers, two tabs, leaving, reloading, coming back.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { startRegistrar } from "graceline/testing";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const password = "tell-nobody-4711";

/** A page with one phone; what it hears is in `story`. */
const page = (script, url) => `<!doctype html>
<meta charset="utf-8" />
<title>Phone</title>
${script}
<script type="module" src="/phone.js?${encodeURIComponent(url)}"></script>`;

const phoneScript = `
const { Phone } = window.Graceline ?? (await import("/js/index.js"));
const phone = new Phone({
  connections: decodeURIComponent(new URL(import.meta.url).search.slice(1)),
  user: "2001", domain: "example.test", device: "CSFALICE",
  password: "${password}",
});
const story = [];
phone.on("status", ({ status }) => story.push(status));
phone.on("eConnectionTerminated", ({ reason }) => story.push("told: " + reason));
Object.assign(window, { phone, story });
window.register = (forceRegistration) =>
  phone.registerPhone({ forceRegistration }).then(
    () => "registered",
    ({ code, details }) =>
      code + (details?.elsewhere?.sameBrowser ? " in this browser" : ""),
  );
`;

let browser;
let server;
let registrar;

before(async () => {
  registrar = await startRegistrar({
    users: { 2001: { password } },
    domain: "example.test",
  });
  server = await startStaticServer({
    pages: {
      "/phone.js": phoneScript,
      "/": page("", registrar.url),
      "/script": page(
        '<script src="/pkg/graceline.min.js"></script>',
        registrar.url,
      ),
      "/elsewhere": "<!doctype html><title>Elsewhere</title>",
    },
    headers: {
      // All that a page needs to permit.
      "Content-Security-Policy": `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${registrar.url}`,
      // Or a page with an open WebSocket would not be a candidate for the cache.
      "Cache-Control": "max-age=60",
    },
  });
  browser = await launchChromium({
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  await registrar?.stop();
});

/** Opens the page; each context is a browser profile of its own. */
async function open(owner, path = "") {
  const page = await newPage(owner);
  await page.goto(server.url + path);
  await page.waitForFunction(() => window.register);
  return page;
}

const freed = () =>
  new Promise((resolve) => {
    const listener = ({ bindings }) => {
      if (bindings.length) return;
      registrar.off("bindings", listener);
      resolve(undefined);
    };
    registrar.on("bindings", listener);
  });

/** A context that is closed with its test. */
async function profile(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  return context;
}

// The phones of the test before have gone, or are just going.
beforeEach(async () => {
  if (registrar.bindings("2001").length) await freed();
});

describe("two browsers", () => {
  for (const path of ["", "script"])
    test(`refused, forced, told (/${path})`, async (t) => {
      const here = await open(await profile(t), path);
      const there = await open(await profile(t), path);
      assert.equal(await here.evaluate("register()"), "registered");
      const answer = await there.evaluate("register()");
      assert.equal(answer, "eDeviceAlreadyRegistered");
      assert.equal(await there.evaluate("register(true)"), "registered");
      await here.waitForFunction(() => story.length > 3);
      const story = await here.evaluate("story");
      assert.deepEqual(story.slice(0, 3), [
        "eRegistering",
        "eReady",
        "eConnectionTerminated",
      ]);
      assert.match(story[3], /^told: /);
      assert.deepEqual([...here.problems, ...there.problems], []);
    });
});

describe("two tabs of one browser", () => {
  test("the second is refused; forced, it silences the first", async (t) => {
    const context = await profile(t);
    const [one, two] = [await open(context), await open(context)];
    assert.equal(await one.evaluate("register()"), "registered");
    assert.equal(
      await two.evaluate("register()"),
      "eDeviceAlreadyRegistered in this browser",
    );
    assert.equal(await one.evaluate("phone.ready"), true);
    assert.equal(await two.evaluate("register(true)"), "registered");
    await one.waitForFunction(() => story.includes("told: sameBrowser"));
    assert.equal(await two.evaluate("phone.ready"), true);
    assert.equal(registrar.bindings("2001").length, 1);
  });

  test("closed, the first leaves the line to the second", async (t) => {
    const context = await profile(t);
    const [one, two] = [await open(context), await open(context)];
    await one.evaluate("register()");
    await one.close();
    assert.equal(await two.evaluate("register()"), "registered");
  });

  test("on plain http, where there are no locks", async (t) => {
    const plain = await launchChromium({
      args: ["--host-resolver-rules=MAP app.test 127.0.0.1"],
    });
    t.after(() => plain.close());
    /** @type {Record<string, string>} */
    const pages = { "/phone.js": phoneScript };
    const site = await startStaticServer({ pages });
    t.after(() => site.close());
    const own = await startRegistrar({
      users: { 2001: { password } },
      origins: [`http://app.test:${site.port}`],
    });
    t.after(() => own.stop());
    pages["/"] = page("", own.url);
    const context = await plain.newContext();
    const tab = async () => {
      const page = await newPage(context);
      await page.goto(`http://app.test:${site.port}/`);
      await page.waitForFunction(() => window.register);
      return page;
    };
    const [one, two] = [await tab(), await tab()];
    assert.equal(await one.evaluate("isSecureContext"), false);
    assert.equal(await one.evaluate("register()"), "registered");
    assert.equal(
      await two.evaluate("register()"),
      "eDeviceAlreadyRegistered in this browser",
    );
    assert.equal(await two.evaluate("register(true)"), "registered");
    await one.waitForFunction(() => story.includes("told: sameBrowser"));
    assert.equal(own.bindings("2001").length, 1);
  });
});

describe("leaving", () => {
  test("a closed page frees the line within a second", async (t) => {
    const tab = await open(await profile(t));
    await tab.evaluate("register()");
    const free = freed();
    const start = performance.now();
    await tab.close();
    await free;
    const took = performance.now() - start;
    assert.ok(took < 1000, `${Math.round(took)} ms`);
  });

  test("a reloaded page is registered again, without a prompt", async (t) => {
    const tab = await open(await profile(t));
    await tab.evaluate("register()");
    const instance = await tab.evaluate("phone.instanceId");
    for (let i = 0; i < 3; i++) {
      await tab.reload();
      await tab.waitForFunction(() => window.register);
      assert.equal(await tab.evaluate("register()"), "registered");
      assert.equal(await tab.evaluate("phone.instanceId"), instance);
      assert.equal(registrar.bindings("2001").length, 1);
    }
  });

  test("back from the back-forward cache: registered again", async (t) => {
    const tab = await open(await profile(t));
    await tab.evaluate("register()");
    await tab.evaluate("window.mark = story.length = 0");
    const free = freed();
    await tab.goto(`${server.url}elsewhere`);
    await free;
    await tab.evaluate("history.back()");
    await tab.waitForFunction(() => window.mark === 0 && phone.ready);
    assert.deepEqual(await tab.evaluate("story"), [
      "eIdle",
      "eRecoveryPending",
      "eReady",
    ]);
    assert.equal(registrar.bindings("2001").length, 1);
  });

  test("back from the cache, and somebody else has the line", async (t) => {
    const tab = await open(await profile(t));
    await tab.evaluate("register()");
    await tab.evaluate("window.mark = 0");
    const free = freed();
    await tab.goto(`${server.url}elsewhere`);
    await free;
    const rival = await open(await profile(t));
    assert.equal(await rival.evaluate("register()"), "registered");
    await tab.evaluate("history.back()");
    await tab.waitForFunction(
      () => window.mark === 0 && story.at(-1)?.includes("told"),
    );
    assert.equal(await tab.evaluate("phone.status"), "eConnectionTerminated");
    assert.equal(await rival.evaluate("phone.ready"), true);
  });
});
