/**
 * A call to a user whose page is closed: it is pushed to Firefox, the page that opens logs in
 * without a password, rings and answers. With the test registrar, and with two nodes of
 * deploy/kamailio: the call waits at one, the page comes to the other.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { startAccounts, startRegistrar } from "../../js/testing/index.js";
import { startCopy } from "../kamailio/support/accounts.mjs";
import { Cluster } from "../kamailio/support/cluster.mjs";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";
import { Autopush } from "./support/autopush.mjs";
import { Firefox } from "./support/firefox.mjs";

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

/**
 * Servers with the users 2001, whose devices are authorised, and 2002, who calls.
 * @typedef {object} House
 * @property {string} domain
 * @property {string} password
 * @property {{ caller: string, callee: string }} connections
 * @property {string} accounts where the account service is
 * @property {() => Promise<unknown[]> | unknown[]} bindings of 2001
 */

/** @typedef {(end: () => unknown) => void} After */

/** @param {After} after @returns {Promise<House>} */
async function testRegistrar(after) {
  const [domain, password] = ["example.test", "tell-nobody-4711"];
  const registrar = await startRegistrar({
    domain,
    users: { 2001: { password }, 2002: { password, devices: "off" } },
  });
  after(() => registrar.stop());
  const accounts = await startAccounts({ registrar });
  after(() => accounts.stop());
  return {
    ...{ domain, password, accounts: accounts.url },
    connections: { caller: registrar.url, callee: registrar.url },
    bindings: () => registrar.bindings("2001"),
  };
}

/** @param {After} after @param {string} pushHost @returns {Promise<House>} */
async function twoNodes(after, pushHost) {
  const password = "tell-nobody-4711";
  const server = await Cluster.start({
    accounts: ["2001", "2002"].map((user) => ({ user, password })),
    nodes: ["a", "b"].map((name) => ({
      name,
      settings: { ALLOWED_ORIGINS: "http://127[.]0[.]0[.]1:[0-9]+" },
    })),
  });
  after(() => server.stop());
  await server.database.sql(
    "UPDATE domain SET devices = 'on'; UPDATE subscriber SET devices = 'off' WHERE username = '2002'",
  );
  const copy = await startCopy({ server, after }, "--push-hosts", pushHost);
  const [caller, callee] = server.nodes.map(({ url }) => url);
  return {
    ...{ domain: server.domain, password, connections: { caller, callee } },
    accounts: copy.client.url,
    bindings: () => server.bindings("2001"),
  };
}

for (const [name, start] of /** @type {const} */ ([
  ["the test registrar", testRegistrar],
  ["two nodes of deploy/kamailio", twoNodes],
]))
  describe(name, () => wakes(start));

/** @param {(after: After, pushHost: string) => Promise<House>} start */
function wakes(start) {
  /** @type {(() => unknown)[]} */
  const ends = [];
  const later = (/** @type {() => unknown} */ end) => void ends.push(end);
  const shown = new Shown();
  /** @type {House} */
  let house;
  /** @type {Firefox} */
  let firefox;
  /** @type {Awaited<ReturnType<typeof newPage>>} */
  let page;
  let url = "";

  before(async () => {
    shown.server.listen(0, "127.0.0.1");
    await once(shown.server, "listening");
    later(() => shown.server.close());
    const { port } = /** @type {any} */ (shown.server.address());
    const autopush = await Autopush.start();
    later(() => autopush.close());
    house = await start(later, autopush.origin);
    const server = await startStaticServer({
      pages: {
        "/phone.html": PAGE,
        "/phone.js": SCRIPT,
        "/worker.js": worker(`http://127.0.0.1:${port}/`),
      },
    });
    later(() => server.close());
    url = `${server.url}phone.html`;
    const chromium = await launchChromium({
      args: [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        "--allow-loopback-in-peer-connection",
      ],
    });
    later(() => chromium.close());
    page = await newPage(chromium, { permissions: ["microphone"] });
    firefox = await Firefox.start(autopush.preferences);
    later(() => firefox.close());
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  test(
    "a page that is closed is woken, opens, rings and is heard",
    { timeout: 60_000 },
    async (t) => {
      const { domain, password, connections } = house;
      await page.goto(url);
      const caller = (
        /** @type {string} */ method,
        /** @type {any[]} */ ...args
      ) =>
        page.evaluate(
          ([method, args]) =>
            /** @type {any} */ (globalThis).driver[method](...args),
          /** @type {const} */ ([method, args]),
        );
      const ann = { user: "2002", domain, password, displayName: "Ann" };
      await caller("logIn", { ...ann, connections: connections.caller });
      const asleep = {
        ...{ user: "2001", domain, connections: connections.callee },
        account: { url: house.accounts },
      };

      const first = await firefox.open(url);
      await first.run("logIn", [{ ...asleep, password }]);
      await first.run("sleep", []);
      await first.leave();
      assert.deepEqual(await house.bindings(), []);

      await caller("dial", "2001");
      const news = [["Incoming call", `Ann (2002@${domain})`]];
      assert.deepEqual(await shown.next(), news);
      // As the click does; and nobody gives a password.
      const second = await firefox.open(url, first.container);
      await second.run("logIn", [asleep]);
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
      const isMissed = (/** @type {string[]} */ [title]) =>
        title === "Missed call";
      while (!(await shown.next()).some(isMissed));
    },
  );
}
