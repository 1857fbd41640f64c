// The account service, the test registrar and phones together: what the one says the
// others go by.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { WebSocket } from "ws";
import { DOMAIN, instance, password, serve } from "./support/account-client.js";
import { next } from "./support/line.js";

/** A service, 2001 signed in, and phones that end with the test. */
async function scene(t, options, ofRegistrar) {
  const made = await serve(t, options, ofRegistrar);
  const own = await made.client.signedIn();
  const phone = (more) => {
    const phone = new Phone({
      connections: made.registrar.url,
      ...{ user: "2001", domain: DOMAIN, password, device: "MINE" },
      ...{ instanceId: instance(1), WebSocket, storage: null, ...more },
    });
    t.after(() => phone.close());
    return phone;
  };
  return { ...made, own, phone };
}

const refused = { code: "eDeviceNotAuthorised" };

test("a phone is let in once its device is authorised, and seen to be there", async (t) => {
  const { own, phone, registrar } = await scene(t);
  const mine = phone();
  await assert.rejects(mine.registerPhone(), refused);
  assert.deepEqual(registrar.bindings("2001"), []);
  await own.authorise();
  const events = await own.events(t);
  await mine.registerPhone();
  const told = await events.next();
  assert.deepEqual([told.name, told.data[0].registered], ["devices", true]);
  await mine.unregisterPhone();
  assert.equal((await events.next()).data[0].registered, false);
});

test("with credentials of its device a phone needs no password, until it is revoked", async (t) => {
  const { own, client, phone, registrar } = await scene(t);
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    false,
    ["sign", "verify"],
  );
  assert.ok(privateKey);
  const raw = await crypto.subtle.exportKey("raw", publicKey);
  const key = Buffer.from(raw).toString("base64url");
  const { body: device } = await own.authorise({ key });
  const { username: authUser, password } = await own.get(
    "POST",
    "/v1/sip-credentials",
  );
  const mine = phone({ authUser, password });
  await mine.registerPhone();
  const told = next(mine, "eDeviceNotAuthorised");
  const page = await client.signedIn();
  await page.get("POST", `/v1/devices/${device.id}/revoke`);
  await told;
  assert.deepEqual(registrar.bindings("2001"), []);
  await assert.rejects(phone({ authUser, password }).registerPhone());
});

test("a desk phone that an administrator let in shows no instance, and is known", async (t) => {
  const { client, accounts, phone } = await scene(t);
  const admin = client.as(accounts.adminToken);
  const path = "/v1/admin/users/2001/devices";
  const desk = { instanceId: instance(4), class: "deskphone", name: "Desk" };
  const { body } = await admin.ask("POST", path, desk);
  const { username: authUser, password } = body.sipCredentials;
  await phone({ authUser, password, instanceId: instance(4) }).registerPhone();
  const [listed] = await admin.get("GET", path);
  assert.equal(listed.registered, true);
});

test("a user is excepted by the administrator, and no longer", async (t) => {
  const { client, accounts, phone } = await scene(t);
  const admin = client.as(accounts.adminToken);
  const set = (devices) =>
    admin.get("PATCH", "/v1/admin/users/2001", { devices });
  assert.equal((await set("off")).devices, "off");
  await phone().registerPhone();
  assert.equal((await set(null)).devices, "on");
  await assert.rejects(
    phone({ instanceId: instance(2), device: "OTHER" }).registerPhone(),
    refused,
  );
});

test("a second browser asks, or takes the slot where the administrator says so", async (t) => {
  const { own, client, accounts, phone } = await scene(t);
  const admin = client.as(accounts.adminToken);
  for (const number of [1, 2])
    await own.authorise({ instanceId: instance(number), class: "web" });
  const [first, second] = [phone(), phone({ instanceId: instance(2) })];
  await first.registerPhone();
  await assert.rejects(second.registerPhone(), {
    code: "eDeviceAlreadyRegistered",
  });
  const path = "/v1/admin/users/2001";
  const changed = await admin.get("PATCH", path, { sharedSlot: "override" });
  assert.equal(changed.sharedSlot, "override");
  const ousted = next(first, "eConnectionTerminated");
  await second.registerPhone();
  await ousted;
});

test("a registrar that was started without devices stays so", async (t) => {
  const { own, client, accounts, phone } = await scene(
    t,
    {},
    { devices: "off" },
  );
  const admin = client.as(accounts.adminToken);
  const { devices } = await admin.get("GET", "/v1/admin/users/2001");
  assert.equal(devices, "off");
  await phone().registerPhone();
  assert.equal((await own.authorise()).status, 201);
});
