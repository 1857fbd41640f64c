/**
 * The key of a device in real browsers: where it is kept, that nobody takes it out, and that it
 * logs in alone, until the device is cut off.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Account } from "../../js/account/index.js";
import { startAccounts, startRegistrar } from "../../js/testing/index.js";
import { launchChromium, newPage } from "../support/chromium.mjs";
import { startStaticServer } from "../support/static-server.mjs";
import { Firefox } from "./support/firefox.mjs";

const password = "tell-nobody-4711";
const DOMAIN = "example.test";

const PAGE = `<!doctype html><meta charset="utf-8"><title>Phone</title>
<script type="module" src="/phone.js"></script>`;

const SCRIPT = `
import { Phone } from "/js/index.js";
let phone, cutOff;
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
const everything = async () => {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames)
      found.push(...(await done(database.transaction(store).objectStore(store).getAll())));
    database.close();
  }
  return found;
};
const refuses = (work) => work.then(() => false, ({ name }) => name);
globalThis.driver = {
  logIn: async (options) => {
    phone = new Phone(options);
    cutOff = new Promise((done) => phone.once("eDeviceNotAuthorised", done));
    return phone.registerPhone().then(() => phone.status, ({ code }) => code);
  },
  instance: () => phone.instanceId,
  cutOff: async () => (await cutOff).message,
  records: async () => (await everything()).map(({ keys, ...rest }) => Object.keys(rest).sort()),
  key: async () => {
    const [{ keys }] = await everything();
    const { privateKey, publicKey } = keys;
    return {
      extractable: privateKey.extractable,
      usages: privateKey.usages,
      refused: await Promise.all(
        ["pkcs8", "jwk", "raw"].map((form) => refuses(crypto.subtle.exportKey(form, privateKey))),
      ),
      wrapped: await refuses(
        crypto.subtle
          .generateKey({ name: "AES-GCM", length: 256 }, true, ["wrapKey"])
          .then((by) => crypto.subtle.wrapKey("jwk", privateKey, by, { name: "AES-GCM", iv: new Uint8Array(12) })),
      ),
      point: (await crypto.subtle.exportKey("raw", publicKey)).byteLength,
    };
  },
  // All that is kept as text; keys are no text.
  text: async () =>
    JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      await everything(),
      await caches.keys(),
    ]),
};`;

/** @type {{ close(): unknown }[]} */
const parts = [];
/** @type {any} */
let scene;

before(async () => {
  const registrar = await startRegistrar({
    domain: DOMAIN,
    users: { 2001: { password } },
  });
  parts.push({ close: () => registrar.stop() });
  const accounts = await startAccounts({ registrar });
  parts.push({ close: () => accounts.stop() });
  const server = await startStaticServer({
    pages: { "/phone.html": PAGE, "/phone.js": SCRIPT },
  });
  parts.push(server);
  const url = `${server.url}phone.html`;
  const account = new Account({
    ...{ url: accounts.url, user: "2001", domain: DOMAIN, password },
  });
  parts.push(account);
  const options = {
    ...{ connections: registrar.url, domain: DOMAIN, user: "2001" },
    account: { url: accounts.url },
  };
  scene = { registrar, url, account, options };
});
after(async () => {
  for (const part of parts.reverse()) await part.close();
});

/**
 * Opens pages of one profile, one after the other.
 *
 * @type {Record<string, () => Promise<() => Promise<(method: string, ...args: any[]) => Promise<any>>>>}
 */
const browsers = {
  Chromium: async () => {
    const browser = await launchChromium();
    parts.push(browser);
    const page = await newPage(browser);
    return async () => {
      await page.goto("about:blank");
      await page.goto(scene.url);
      return (method, ...args) =>
        page.evaluate(
          ([method, args]) =>
            /** @type {any} */ (globalThis).driver[method](...args),
          /** @type {const} */ ([method, args]),
        );
    };
  },
  Firefox: async () => {
    const firefox = await Firefox.start();
    parts.push(firefox);
    /** @type {Awaited<ReturnType<Firefox["open"]>> | undefined} */
    let page;
    return async () => {
      const before = page;
      page = await firefox.open(scene.url, before?.container);
      await before?.leave();
      const { run } = page;
      return (method, ...args) => run(method, args);
    };
  },
};

describe("the key of a device", { timeout: 120_000 }, () => {
  for (const [name, start] of Object.entries(browsers))
    test(`in ${name}`, async () => {
      const { account, options, registrar } = scene;
      const open = await start();
      const first = await open();
      assert.equal(await first("logIn", { ...options, password }), "eReady");
      const instance = await first("instance");
      const kept = [["account", "at", "id", "instanceId"]];
      assert.deepEqual(await first("records"), kept);
      const { extractable, usages, refused, wrapped, point } =
        await first("key");
      assert.deepEqual([extractable, usages, point], [false, ["sign"], 65]);
      for (const why of [...refused, wrapped])
        assert.match(`${why}`, /^(InvalidAccess|NotSupported)Error$/);
      const text = await first("text");
      assert.match(text, new RegExp(instance), "the storage was read");
      assert.doesNotMatch(text, /tell-nobody|"d"|PRIVATE KEY|device-\w{8}/);

      // Another page of the profile, to which nobody gives a password.
      const second = await open();
      const status = await second("logIn", { ...options });
      assert.equal(status, "eReady");
      assert.equal(await second("instance"), instance);
      assert.deepEqual(await second("records"), kept);

      const device = (await account.devices()).find(
        (/** @type {any} */ one) => one.instanceId === instance,
      );
      await account.revoke(device.id);
      assert.match(await second("cutOff"), /./);
      assert.deepEqual(registrar.bindings("2001"), []);
      const third = await open();
      const code = await third("logIn", { ...options });
      assert.equal(code, "eDeviceNotAuthorised");
      assert.deepEqual(registrar.bindings("2001"), []);
    });
});
