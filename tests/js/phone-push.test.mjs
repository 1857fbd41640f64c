// phone.enablePush: what a page subscribes is told to the account service, and it wakes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Phone } from "graceline";
import { fakeMedia } from "graceline/testing";
import { WebSocket } from "ws";
import { DOMAIN, password, serve } from "./support/account-client.js";
import { PushService } from "./support/push-service.js";

/** As much of a browser's push as a page sees. */
function browser(t, service) {
  let subscription = null;
  const made = (options) => ({
    options,
    toJSON: () => ({ ...service.subscription, expirationTime: null }),
    unsubscribe: async () => ((subscription = null), true),
  });
  const pushManager = {
    refusal: undefined,
    getSubscription: async () => subscription,
    subscribe: async (options) => {
      if (pushManager.refusal) throw pushManager.refusal;
      const { applicationServerKey } = options;
      const other =
        subscription &&
        subscription.options.applicationServerKey !== applicationServerKey;
      if (other) throw new DOMException("another key", "InvalidStateError");
      return (subscription ??= made(options));
    },
  };
  const serviceWorker = new EventTarget();
  // Node 20 has no navigator, later ones have one of their own.
  const own = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", {
    value: { serviceWorker },
    configurable: true,
  });
  t.after(() => {
    delete globalThis.navigator;
    if (own) Object.defineProperty(globalThis, "navigator", own);
  });
  return { pushManager, serviceWorker };
}

async function scene(t, options) {
  const made = await serve(t, options);
  made.registrar.configure({
    users: { 2001: { password }, 2002: { password, devices: "off" } },
  });
  const service = await PushService.start(t);
  const phone = (user, more) => {
    const phone = new Phone({
      ...{ connections: made.registrar.url, domain: DOMAIN, WebSocket },
      ...{ user, password, media: fakeMedia(), ...more },
    });
    t.after(() => phone.close());
    return phone;
  };
  const account = { url: made.accounts.url };
  return {
    ...made,
    ...browser(t, service),
    service,
    phone,
    own: phone("2001", { account }),
  };
}

test("a phone that is logged out is woken for a message, and logs in", async (t) => {
  const { own, pushManager, serviceWorker, service, phone } = await scene(t);
  await own.enablePush({ pushManager });
  const [device] = await own.account.devices();
  assert.equal(device.push, true);
  const { userVisibleOnly, applicationServerKey } = (
    await pushManager.getSubscription()
  ).options;
  assert.equal(userVisibleOnly, true);
  assert.equal(applicationServerKey, await own.account.pushKey());

  const got = new Promise((resolve) => own.once("message", resolve));
  const sender = phone("2002");
  await sender.registerPhone();
  const sending = sender.message("2001", "hello");
  const { payload } = await service.next();
  const tell = (data) =>
    serviceWorker.dispatchEvent(Object.assign(new Event("message"), { data }));
  tell({ type: "something else" });
  tell(null);
  assert.equal(own.status, "eIdle");
  tell({ type: "graceline-push", key: payload.key, clicked: false });
  assert.equal((await got).body, "hello");
  await sending;

  await own.disablePush();
  assert.equal((await own.account.devices())[0].push, false);
  assert.equal(await pushManager.getSubscription(), null);
  await own.unregisterPhone();
  tell({ type: "graceline-push", key: payload.key, clicked: false });
  assert.equal(own.status, "eIdle");
});

describe("what says that a call rings goes", () => {
  for (const [how, end] of [
    ["answered here", ({ call }) => call.answer()],
    ["declined here", ({ call }) => call.reject()],
    ["given up by the caller", ({ outgoing }) => outgoing.hangup()],
  ])
    test(how, async (t) => {
      const { own, pushManager, phone } = await scene(t);
      const shown = new Map();
      const show = (tag, data) =>
        shown.set(tag, { tag, data, close: () => shown.delete(tag) });
      const getNotifications = async () => [...shown.values()];
      await own.enablePush({ pushManager, getNotifications });
      await own.registerPhone();
      show("graceline:call", { rings: true });
      show("graceline:message", { rings: false });
      show("of the app", { rings: true });
      const caller = phone("2002");
      await caller.registerPhone();
      const incoming = new Promise((resolve) => own.once("incoming", resolve));
      const outgoing = caller.call("2001");
      const { call } = await incoming;
      assert.equal(shown.size, 3);
      const over = new Promise((resolve) => {
        call.once("connected", resolve);
        call.once("ended", resolve);
      });
      await end({ call, outgoing });
      await over;
      await new Promise(setImmediate);
      assert.deepEqual([...shown.keys()], ["graceline:message", "of the app"]);
    });
});

test("a subscription that is bound to another key makes way", async (t) => {
  const { own, pushManager } = await scene(t);
  await pushManager.subscribe({ applicationServerKey: "old" });
  await own.enablePush({ pushManager });
  const { options } = await pushManager.getSubscription();
  assert.equal(options.applicationServerKey, await own.account.pushKey());
});

test("what cannot be is told", async (t) => {
  const { own, phone, pushManager } = await scene(t);
  await assert.rejects(phone("2002").enablePush({ pushManager }), {
    code: "eInvalidState",
    message: /account/,
  });
  pushManager.refusal = new DOMException("no", "NotAllowedError");
  await assert.rejects(own.enablePush({ pushManager }), { code: "eForbidden" });
  pushManager.refusal = new DOMException("broken", "AbortError");
  await assert.rejects(own.enablePush({ pushManager }), {
    code: "eInvalidState",
  });
  assert.equal((await own.account.devices())[0].push, false);
});

test("an endpoint that the administrator does not allow is refused", async (t) => {
  const { own, pushManager } = await scene(t, {
    pushHosts: ["push.example.com"],
  });
  await assert.rejects(own.enablePush({ pushManager }), {
    code: "eInvalidArgument",
  });
});
