// Push: who is woken, what they are told, and where a subscription may lead.

import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { describe, test } from "node:test";
import {
  Endpoints,
  BROWSERS,
  isPublic,
} from "../../server/accounts/push/endpoints.js";
import { wake } from "../../server/accounts/operations/push.js";
import { MemoryStore } from "../../server/accounts/store/memory.js";
import { emit } from "../../js/phone/events.js";
import { Phone } from "graceline";
import { WebSocket } from "ws";
import { DOMAIN, instance, password, serve } from "./support/account-client.js";
import { PushService } from "./support/push-service.js";

const NEWS = {
  kind: "call",
  key: "call-1",
  from: { uri: "sip:2002@example.test", displayName: "Zwei" },
  at: Date.now(),
};

/** A device of 2001 that can be woken. */
async function scene(t, options) {
  const made = await serve(t, options);
  const own = await made.client.signedIn("2001");
  const { body: device } = await own.authorise();
  const service = await PushService.start(t);
  const path = `/v1/devices/${device.id}/push`;
  const subscribed = await own.ask("PUT", path, service.subscription);
  const wake = (news, more) =>
    emit(made.registrar, "wake", { user: "2001", ...NEWS, ...news, ...more });
  return { ...made, own, device, service, path, subscribed, wake };
}

describe("a push", () => {
  test("tells a sleeping device who calls, and nothing to log in with", async (t) => {
    const { client, subscribed, service, wake } = await scene(t);
    assert.equal(subscribed.body.push, true);
    wake();
    const { payload, headers, key } = await service.next();
    assert.deepEqual(payload, { v: 1, ...NEWS });
    assert.equal(headers.ttl, "60");
    assert.equal(headers.urgency, "high");
    const { publicKey } = await client.get("GET", "/v1/push/key");
    assert.equal(key, publicKey);
  });

  test("of one call is sent once; its withdrawal takes its place", async (t) => {
    const { service, wake } = await scene(t);
    wake();
    wake();
    const { headers } = await service.next();
    wake({ kind: "withdraw", answered: true });
    const withdrawn = await service.next();
    assert.equal(withdrawn.payload.kind, "withdraw");
    assert.equal(withdrawn.payload.answered, true);
    assert.equal(withdrawn.headers.topic, headers.topic);
    wake({ kind: "message", key: "message-1" });
    const { payload, headers: ofMessage } = await service.next();
    assert.equal(payload.kind, "message");
    assert.notEqual(ofMessage.topic, headers.topic);
    assert.equal(service.waiting, 0);
  });

  test("goes to those alone that are meant, may be woken, and were not shut out", async (t) => {
    const { own, device, service, path, wake } = await scene(t);
    const { body: other } = await own.authorise({ instanceId: instance(2) });
    wake({ key: "other" }, { devices: [other.id] });
    await own.get("POST", `/v1/devices/${other.id}/revoke`);
    await own.get("DELETE", path);
    wake({ key: "unsubscribed" });
    await own.get("PUT", path, service.subscription);
    wake({ key: "meant" }, { devices: [device.id] });
    assert.equal((await service.next()).payload.key, "meant");
    await own.get("POST", `/v1/devices/${device.id}/revoke`);
    const listed = await own.get("GET", "/v1/devices");
    assert.deepEqual(
      listed.map(({ push }) => push),
      [false, false],
    );
    assert.equal(
      (await own.ask("PUT", path, service.subscription)).status,
      403,
    );
  });

  test("does not overtake the one before it, and waits for no other device", async (t) => {
    const { own, device, service, wake } = await scene(t);
    const { body: other } = await own.authorise({ instanceId: instance(2) });
    const path = `/v1/devices/${other.id}/push`;
    await own.get("PUT", path, service.subscription);
    let release;
    service.hold = new Promise((resolve) => (release = resolve));
    wake({}, { devices: [device.id] });
    assert.equal((await service.next()).payload.kind, "call");
    wake({ kind: "withdraw" }, { devices: [device.id] });
    wake({ key: "other" }, { devices: [other.id] });
    assert.equal((await service.next()).payload.key, "other");
    assert.equal(service.waiting, 0);
    release();
    assert.equal((await service.next()).payload.kind, "withdraw");
  });

  test("of a call that rings no more is not sent", async (t) => {
    const { service, wake } = await scene(t);
    wake({ key: "old", at: Date.now() - 61_000 });
    wake({ key: "old message", kind: "message", at: Date.now() - 61_000 });
    assert.equal((await service.next()).payload.key, "old message");
    assert.equal(service.waiting, 0);
  });

  test("is sent to a user sixty times a minute, whoever calls how often", async () => {
    const subscription = { endpoint: "https://push.example/1" };
    const device = { id: "p", state: "authorised", push: subscription };
    const sent = [];
    const parts = {
      facts: async () => [device],
      push: { send: async (who) => sent.push(who) },
      store: new MemoryStore(),
    };
    for (let call = 0; call < 100; call++)
      await wake(parts, { who: "2001", news: NEWS });
    await wake(parts, { who: "2002", news: NEWS });
    assert.equal(sent.length, 61);
    assert.equal(sent.at(-1), "2002");
  });

  test("goes to no device that is registered", async () => {
    const sent = [];
    const device = { state: "authorised", push: { endpoint: "x" } };
    const parts = {
      facts: async () => [
        { id: "there", registered: true, ...device },
        { id: "asleep", registered: false, ...device },
      ],
      push: { send: async (_, id) => sent.push(id) },
      store: new MemoryStore(),
    };
    await wake(parts, { who: "2001", news: NEWS });
    assert.deepEqual(sent, ["asleep"]);
  });

  test("shows of the caller's name what can be shown", async (t) => {
    const { service, wake } = await scene(t);
    const displayName = `\u202Eevil\r\n${"x".repeat(5000)}`;
    wake({ from: { uri: `sip:${"y".repeat(5000)}`, displayName } });
    const { payload } = await service.next();
    assert.match(payload.from.displayName, /^evilx{124}$/);
    assert.equal(payload.from.uri.length, 128);
  });

  for (const status of [404, 410])
    test(`that is answered ${status}: the subscription is forgotten`, async (t) => {
      const { own, service, wake } = await scene(t);
      const events = await own.events(t);
      service.status = status;
      wake();
      await service.next();
      const { name, data } = await events.next();
      assert.deepEqual([name, data[0].push], ["devices", false]);
    });

  test("that fails is told to the log, without the endpoint", async (t) => {
    const logged = [];
    let hear;
    const heard = new Promise((resolve) => (hear = resolve));
    const { own, service, wake } = await scene(t, {
      log: (entry) => hear(logged.push(entry)),
    });
    service.status = 500;
    wake();
    await service.next();
    await heard;
    assert.match(
      logged[0].message,
      /^A push to 127\.0\.0\.1:\d+ failed: it answered 500\.$/,
    );
    assert.equal((await own.get("GET", "/v1/devices"))[0].push, true);
  });
});

test("a message for a user who sleeps is pushed, and waits for the device", async (t) => {
  const { registrar, own, device, service } = await scene(t);
  registrar.configure({
    users: { 2001: { password }, 2002: { password, devices: "off" } },
  });
  const phone = (user, more) => {
    const made = new Phone({
      ...{ connections: registrar.url, domain: DOMAIN, WebSocket },
      ...{ user, password, ...more },
    });
    t.after(() => made.close());
    return made;
  };
  const sender = phone("2002", { displayName: "Zwei" });
  await sender.registerPhone();
  const sending = sender.message("2001", "hello");
  const { payload } = await service.next();
  assert.equal(payload.kind, "message");
  assert.match(payload.from.uri, /^sip:2002@example\.test/);
  const { instanceId } = (await own.get("GET", "/v1/devices"))[0];
  const woken = phone("2001", { instanceId });
  const got = new Promise((resolve) => woken.once("message", resolve));
  await woken.registerPhone();
  assert.equal((await got).body, "hello");
  await sending;
  assert.equal(device.instanceId, instanceId);
  assert.equal(service.waiting, 0);
});

describe("an endpoint", () => {
  const production = new Endpoints(BROWSERS, false);
  const verdict = (endpoints, endpoint) => {
    try {
      endpoints.check(endpoint);
      return true;
    } catch ({ code, message }) {
      assert.equal(code, "eInvalidArgument");
      assert.ok(!endpoint || !message.includes(endpoint));
      return false;
    }
  };

  test("of the browsers' services is taken", () => {
    for (const endpoint of [
      "https://fcm.googleapis.com/fcm/send/x",
      "https://updates.push.services.mozilla.com/wpush/v2/x",
      "https://wns2-par02p.notify.windows.com/w/?token=x",
      "https://web.push.apple.com/x",
    ])
      assert.ok(verdict(production, endpoint), endpoint);
  });

  test("that leads elsewhere is refused", () => {
    for (const endpoint of [
      "http://fcm.googleapis.com/x",
      "https://fcm.googleapis.com:8443/x",
      "https://user:password@fcm.googleapis.com/x",
      "https://fcm.googleapis.com@evil.example/x",
      "https://evil.example/fcm.googleapis.com",
      "https://evilfcm.googleapis.com.evil.example/",
      "https://evilnotify.windows.com/",
      "https://notify.windows.com/",
      "https://127.0.0.1/x",
      "https://2130706433/x",
      "https://[::1]/x",
      "https://localhost/x",
      "https://169.254.169.254/latest/meta-data",
      "http://redis:6379/x",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "//fcm.googleapis.com/x",
      "x",
      "",
    ])
      assert.ok(!verdict(production, endpoint), endpoint);
  });

  test("inside is taken where the administrator says so, as it was said", () => {
    const own = new Endpoints(
      ["push.example.com", "https://10.0.0.2:8443"],
      false,
    );
    assert.ok(verdict(own, "https://10.0.0.2:8443/x"));
    assert.ok(verdict(own, "https://push.example.com/x"));
    assert.ok(!verdict(own, "https://10.0.0.2/x"));
    assert.ok(!verdict(own, "http://10.0.0.2:8443/x"));
    assert.ok(!verdict(own, "https://fcm.googleapis.com/x"));
  });

  test("inside is refused by the service, and nothing is kept", async (t) => {
    const { own, path, service } = await scene(t, {
      pushHosts: ["push.example.com"],
    });
    for (const endpoint of [
      service.subscription.endpoint,
      "https://10.0.0.1/x",
    ]) {
      const { status, details } = await own.ask("PUT", path, {
        ...service.subscription,
        endpoint,
      });
      assert.deepEqual([status, details], [400, { field: "/endpoint" }]);
    }
    const [device] = await own.get("GET", "/v1/devices");
    assert.equal(device.push, false);
  });

  test("whose name leads inside is not connected to", async () => {
    // The name that every machine has, as if it were a listed one.
    const { address } = await lookup("localhost");
    assert.ok(!isPublic(address));
    const endpoints = new Endpoints(["push.example.com"], false);
    const find = endpoints.lookupFor("https://push.example.com/x");
    const answer = await new Promise((resolve) =>
      find("localhost", {}, (error, address) => resolve({ error, address })),
    );
    assert.match(answer.error.message, /no public address/);
    assert.equal(answer.address, "");
  });

  test("has a public address, or none that counts", () => {
    for (const address of [
      ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254"],
      ...[
        "172.31.255.255",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
      ],
      ...[
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
      ],
      ...[
        "::ffff:8.8.8.8",
        "64:ff9b::a00:1",
        "2001:db8::1",
        "2002:a00:1::",
        "x",
        "",
      ],
    ])
      assert.ok(!isPublic(address), address);
    for (const address of [
      "8.8.8.8",
      "172.32.0.1",
      "2606:4700::1111",
      "2a00:1450:4001::1",
    ])
      assert.ok(isPublic(address), address);
  });
});
