/**
 * A call to a user whose page is closed: it is pushed to Firefox, the page that opens logs in
 * without a password, rings and answers.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { startAccounts, startRegistrar } from "../../js/testing/index.js";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";
import { Autopush } from "./support/autopush.mjs";
import { Firefox } from "./support/firefox.mjs";

const password = "tell-nobody-4711";
const DOMAIN = "example.test";

const PAGE = `<!doctype html><meta charset="utf-8"><title>Phone</title>
<script type="module" src="/phone.js"></script>`;

const SCRIPT = `
import { Phone } from "/js/index.js";
let phone, call, dialled, rang;
const take = (taken) => {
  call = taken;
  const audio = new Audio();
  call.on("track", ({ stream }) => {
    audio.srcObject = stream;
    audio.play();
  });
  call.on("state", ({ state }) => state === "ringing" && (rang ??= Date.now()));
};
const until = async (isSo) => {
  while (!(await isSo())) await new Promise((done) => setTimeout(done, 10));
};
const heard = async () => {
  const all = [...(await call.getStats()).values()];
  const sound = all.find((one) => one.type === "inbound-rtp" && one.kind === "audio");
  return sound?.packetsReceived > 25 && sound.totalAudioEnergy > 0;
};
globalThis.driver = {
  logIn: async (options) => {
    phone = new Phone(options);
    phone.on("incoming", ({ call }) => take(call));
    await phone.registerPhone();
  },
  sleep: async () => {
    await navigator.serviceWorker.register("/worker.js", { type: "module" });
    await phone.enablePush(await navigator.serviceWorker.ready);
    await phone.unregisterPhone();
  },
  dial: (target) => ((dialled = Date.now()), (rang = undefined), take(phone.call(target))),
  rings: async () => (await until(() => rang), rang - dialled),
  incoming: () => until(() => call?.state === "incoming"),
  answer: () => call.answer(),
  hears: () => until(heard),
  hangup: () => call.hangup(),
};`;

/** Tells the test what it shows; a click on that cannot be made by a test. */
const worker = (/** @type {string} */ url) => `
import { handlePush, handleNotificationClick } from "/js/push/index.js";
addEventListener("install", () => skipWaiting());
addEventListener("push", (event) => {
  let work;
  const waitUntil = (given) => event.waitUntil((work = given));
  handlePush({ data: event.data, waitUntil }, { page: "/phone.html" });
  event.waitUntil(work.then(tell));
});
addEventListener("notificationclick", (event) => handleNotificationClick(event));
async function tell() {
  const shown = await registration.getNotifications();
  const body = JSON.stringify(shown.map(({ title, body }) => [title, body]));
  await fetch("${url}", { method: "POST", mode: "no-cors", body });
}`;

/** What the service worker shows, each time that it changes. */
class Shown {
  #told = /** @type {any[]} */ ([]);
  #hear = () => {};
  server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    response.end();
    this.#told.push(JSON.parse(text));
    this.#hear();
  });

  async next() {
    while (!this.#told.length)
      await new Promise((done) => (this.#hear = () => done(undefined)));
    return this.#told.shift();
  }
}

const shown = new Shown();
/** @type {{ close(): unknown }[]} */
const parts = [];
/** @type {any} */
let scene;

before(async () => {
  shown.server.listen(0, "127.0.0.1");
  await once(shown.server, "listening");
  parts.push(shown.server);
  const { port } = /** @type {any} */ (shown.server.address());
  const autopush = await Autopush.start();
  parts.push(autopush);
  const registrar = await startRegistrar({
    domain: DOMAIN,
    users: { 2001: { password }, 2002: { password, devices: "off" } },
  });
  parts.push({ close: () => registrar.stop() });
  const accounts = await startAccounts({ registrar });
  parts.push({ close: () => accounts.stop() });
  const server = await startStaticServer({
    pages: {
      "/phone.html": PAGE,
      "/phone.js": SCRIPT,
      "/worker.js": worker(`http://127.0.0.1:${port}/`),
    },
  });
  parts.push(server);
  const chromium = await launchChromium({
    args: [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
      "--allow-loopback-in-peer-connection",
    ],
  });
  parts.push(chromium);
  const firefox = await Firefox.start(autopush.preferences);
  parts.push(firefox);
  const page = await newPage(chromium, { permissions: ["microphone"] });
  const url = `${server.url}phone.html`;
  await page.goto(url);
  const caller = (/** @type {string} */ method, /** @type {any[]} */ ...args) =>
    page.evaluate(
      ([method, args]) =>
        /** @type {any} */ (globalThis).driver[method](...args),
      /** @type {const} */ ([method, args]),
    );
  const options = (/** @type {string} */ user, /** @type {object} */ more) => ({
    ...{ connections: registrar.url, domain: DOMAIN, user },
    ...more,
  });
  await caller("logIn", options("2002", { password, displayName: "Ann" }));
  const account = { url: accounts.url };
  scene = { registrar, firefox, caller, url, options, account };
});
after(async () => {
  for (const part of parts.reverse()) await part.close();
});

test("a page that is closed is woken, opens, rings and is heard", async (t) => {
  const { registrar, firefox, caller, url, options, account } = scene;
  const first = await firefox.open(url);
  await first.run("logIn", [options("2001", { password, account })]);
  await first.run("sleep", []);
  await first.leave();
  assert.deepEqual(registrar.bindings("2001"), []);

  await caller("dial", "2001");
  const news = [["Incoming call", "Ann (2002@example.test)"]];
  assert.deepEqual(await shown.next(), news);
  // As the click does; and nobody gives a password.
  const second = await firefox.open(url, first.container);
  await second.run("logIn", [options("2001", { account })]);
  await second.run("incoming", []);
  const waited = await caller("rings");
  t.diagnostic(`${waited} ms from dialling to ringing`);
  await second.run("answer", []);
  await caller("hears");
  await second.run("hears", []);
  await caller("hangup");
  await second.run("sleep", []);
  await second.leave();

  // Given up before anybody comes.
  await caller("dial", "2001");
  const [[title]] = await shown.next();
  assert.equal(title, "Incoming call");
  await caller("hangup");
  // That of the first call, which nobody clicked, is still there; they have no order.
  const isMissed = (/** @type {string[]} */ [title]) => title === "Missed call";
  while (!(await shown.next()).some(isMissed));
});
