// What a service worker makes of a push: a real one in Chromium, to which the DevTools protocol
// delivers what a push service would.

import assert from "node:assert/strict";
import {
  after,
  afterEach,
  before,
  beforeEach,
  describe,
  test,
} from "node:test";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";

const WORKER = `
  import { handlePush, handleNotificationClick } from "/js/push/index.js";
  addEventListener("push", (event) => {
    const ours = handlePush(event, { page: "/phone", icon: "/icon.png" });
    event.waitUntil(tell({ ours }));
  });
  addEventListener("notificationclick", (event) => handleNotificationClick(event));
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  const tell = async (what) => {
    for (const page of await clients.matchAll()) page.postMessage(what);
  };
`;
const PAGE = `<!doctype html><title>Phone</title><script type="module">
  globalThis.told = [];
  navigator.serviceWorker.addEventListener("message", ({ data }) => told.push(data));
  await navigator.serviceWorker.register("/worker.js", { type: "module" });
  globalThis.worker = await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller)
    await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done));
  globalThis.shown = async () => (await worker.getNotifications()).map(
    ({ title, body, requireInteraction, silent, icon, data }) =>
      ({ title, body, requireInteraction, silent, icon, data }));
</script>`;

const FROM = { uri: "sip:2002@example.com", displayName: "Ann" };

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startStaticServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof newPage>>} */
let page;
/** @type {(data: string) => Promise<void>} */
let deliver;

before(async () => {
  browser = await launchChromium();
  server = await startStaticServer({
    pages: { "/phone": PAGE, "/worker.js": WORKER, "/favicon.ico": "" },
  });
});
after(async () => {
  await browser?.close();
  await server?.close();
});

beforeEach(async () => {
  page = await newPage(browser);
  const origin = server.url.slice(0, -1);
  await page.context().grantPermissions(["notifications"], { origin });
  const devTools = await page.context().newCDPSession(page);
  /** @type {Promise<string>} */
  const registered = new Promise((resolve) =>
    devTools.on(
      "ServiceWorker.workerRegistrationUpdated",
      ({ registrations: [one] }) => one && resolve(one.registrationId),
    ),
  );
  await devTools.send("ServiceWorker.enable");
  await page.goto(`${server.url}phone`);
  await page.waitForFunction("globalThis.shown");
  const registrationId = await registered;
  deliver = async (data) => {
    const before = await page.evaluate(
      "told.filter((one) => 'ours' in one).length",
    );
    await devTools.send("ServiceWorker.deliverPushMessage", {
      origin,
      registrationId,
      data,
    });
    await page.waitForFunction(
      `told.filter((one) => "ours" in one).length > ${before}`,
    );
  };
});
afterEach(async () => {
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

/** @param {object} news */
const push = (news) =>
  deliver(
    JSON.stringify({ v: 1, key: "k1", from: FROM, at: Date.now(), ...news }),
  );
/**
 * The notifications, once they are so: what the worker does goes on after it has taken the push.
 * @param {string} are an expression about `all` of them
 * @returns {Promise<any[]>}
 */
const once = (are) =>
  page.evaluate(`(async () => {
    for (;;) {
      const all = await shown();
      if (${are}) return all;
      await new Promise(requestAnimationFrame);
    }
  })()`);
/** @param {number} count of notifications; resolves with them */
const shown = (count) => once(`all.length === ${count}`);

describe("a push in the service worker", { timeout: 60_000 }, () => {
  test("a call is shown until it is taken, and pages that are open hear of it", async () => {
    await push({ kind: "call" });
    const [one] = await shown(1);
    assert.deepEqual(one, {
      title: "Incoming call",
      body: "Ann (2002@example.com)",
      requireInteraction: true,
      silent: false,
      icon: `${server.url}icon.png`,
      data: { key: "k1", page: `${server.url}phone`, rings: true },
    });
    const told = await page.evaluate("told.filter((one) => one.type)");
    assert.deepEqual(told, [
      { type: "graceline-push", key: "k1", clicked: false },
    ]);
  });

  test("answered elsewhere: nothing is left of it", async () => {
    await push({ kind: "call" });
    await push({ kind: "call", key: "k2" });
    await shown(2);
    await push({ kind: "withdraw", answered: true });
    const [left] = await shown(1);
    assert.equal(left.data.key, "k2");
  });

  test("given up by the caller: a missed call, without a second noise", async () => {
    await push({ kind: "call" });
    await push({ kind: "withdraw", answered: false });
    const [one] = await once("all[0]?.title === 'Missed call'");
    assert.deepEqual([one.requireInteraction, one.silent], [false, true]);
  });

  test("a push that comes when nothing rings any more tells of a missed call", async () => {
    await push({ kind: "call", at: Date.now() - 61_000 });
    const [one] = await shown(1);
    assert.equal(one.title, "Missed call");
  });

  test("what a far end calls itself is text", async () => {
    const displayName = "<img src=x onerror=alert(1)>";
    await push({ kind: "message", from: { uri: "sip:x@y", displayName } });
    const [one] = await shown(1);
    assert.equal(one.title, "New message");
    assert.equal(one.body, `${displayName} (x@y)`);
  });

  for (const [what, data] of [
    ["no JSON", "hello"],
    ["of somebody else", '{"title":"News"}'],
    ["of another version", '{"v":2,"kind":"call","key":"k"}'],
    ["of an unknown kind", '{"v":1,"kind":"advert","key":"k"}'],
    ["null", "null"],
  ])
    test(`a push that is ${what} is left to the app`, async () => {
      await deliver(data);
      const [told] = /** @type {any[]} */ (await page.evaluate("told"));
      assert.deepEqual(told, { ours: false });
      await shown(0);
    });
});
