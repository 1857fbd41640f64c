// A phone whose device is authorised by the account service before it logs in.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Account, PhoneError } from "graceline/account";
import { startAccounts } from "graceline/testing";
import { useIndexedDb } from "./support/fake-indexed-db.js";
import { becomes, next, password, setUp } from "./support/line.js";

async function serve(t, options) {
  const line = await setUp(t);
  const accounts = await startAccounts({
    registrar: line.registrar,
    ...options,
  });
  t.after(() => accounts.stop());
  const who = {
    url: accounts.url,
    user: "2001",
    domain: "example.test",
    password,
  };
  const account = new Account(who);
  t.after(() => account.close());
  const phone = (more) =>
    line.phone({ account: { url: accounts.url }, ...more });
  return { ...line, accounts, account, phone };
}

test("the first login authorises the device; the second one is the same", async (t) => {
  const { account, phone } = await serve(t);
  const alice = phone({ deviceClass: "mobile" });
  assert.equal(alice.account, null);
  await alice.registerPhone();
  const [device, ...more] = await account.devices();
  assert.deepEqual(more, []);
  assert.equal(device.instanceId, alice.instanceId);
  assert.equal(device.class, "mobile");
  assert.match(device.name, /^Node on \w+$/);
  assert.equal((await alice.account.devices()).length, 1);
  await alice.unregisterPhone();
  await alice.registerPhone();
  assert.equal((await account.devices()).length, 1);
});

test("over the limit: the app may have another device replaced", async (t) => {
  const limits = { mobile: 1, deskphone: 1 };
  const { account, phone } = await serve(t, { limits });
  const deviceClass = "mobile";
  await phone({ deviceClass, device: "OLD" }).registerPhone();
  const alice = phone({ deviceClass, device: "NEW" });
  let limit;
  await assert.rejects(alice.registerPhone(), (error) => {
    limit = error;
    return PhoneError.is(error, "eDeviceLimitReached");
  });
  assert.equal(alice.status, "eIdle");
  const [{ id }] = limit.details.devices;
  const { instanceId } = alice;
  const device = { instanceId, class: deviceClass, name: "New" };
  await alice.account.authorise({ ...device, replaces: id });
  await alice.registerPhone();
  const [mine, ...more] = await account.devices();
  assert.equal(mine.instanceId, instanceId);
  assert.deepEqual(more, []);
});

test("a revoked device is refused, with the event, until it is restored", async (t) => {
  const { account, phone } = await serve(t);
  const alice = phone();
  await alice.registerPhone();
  await alice.unregisterPhone();
  const [{ id }] = await account.devices();
  await account.revoke(id);
  const again = phone({ instanceId: alice.instanceId });
  const told = next(again, "eDeviceNotAuthorised");
  await assert.rejects(again.registerPhone(), { code: "eDeviceNotAuthorised" });
  const { status, message } = await told;
  assert.equal(status, 403);
  assert.match(message, /revoked/);
  assert.equal(again.status, "eIdle");
  await account.restore(id);
  await again.registerPhone();
});

test("a wrong password is the service's to refuse", async (t) => {
  const { phone, requests } = await serve(t);
  const alice = phone({ password: "wrong" });
  await assert.rejects(alice.registerPhone(), { code: "eCredentialsRejected" });
  assert.deepEqual(requests("REGISTER"), []);
});

test("the service is away: the registrar decides, by the password", async (t) => {
  const { accounts, account, phone, registrar } = await serve(t);
  const alice = phone();
  await alice.registerPhone();
  const { instanceId } = alice;
  await alice.close();
  assert.equal((await account.devices()).length, 1);
  await accounts.stop();
  const warnings = [];
  const log = ({ level, code }) => level === "warn" && warnings.push(code);
  await phone({ instanceId, log }).registerPhone();
  assert.equal(registrar.bindings("2001").length, 1);
  assert.deepEqual(warnings, ["eCouldNotConnect"]);
});

test("without a password, and away: said as that", async (t) => {
  const { accounts, phone } = await serve(t);
  await accounts.stop();
  const alice = phone({ password: undefined });
  await assert.rejects(alice.registerPhone(), (error) =>
    /^e(CouldNotConnect|CredentialsRejected)$/.test(error.code),
  );
});

test("an Account of the app's is used, and stays open", async (t) => {
  const { account, phone } = await serve(t);
  const alice = phone({ account });
  await alice.registerPhone();
  assert.equal(alice.account, account);
  await alice.close();
  assert.equal((await account.devices()).length, 1);
});

test("a device with a key logs in without a password", async (t) => {
  useIndexedDb(t);
  const { account, phone } = await serve(t);
  const alice = phone();
  await alice.registerPhone();
  const { instanceId } = alice;
  await alice.close();
  const again = phone({ instanceId, password: undefined });
  await again.registerPhone();
  const [device] = await account.devices();
  assert.equal(device.instanceId, instanceId);
});

describe("an Account of the app's, without a password", () => {
  /** Two devices of this browser, and phones that know nothing but their instance. */
  async function twoDevices(t) {
    useIndexedDb(t);
    const made = await serve(t, { limits: { mobile: 4, deskphone: 4 } });
    const instances = [];
    for (const device of ["FIRST", "SECOND"]) {
      const alice = made.phone({ device, deviceClass: "mobile" });
      await alice.registerPhone();
      instances.push(alice.instanceId);
      await alice.close();
    }
    const { url } = made.accounts;
    const own = new Account({ url, user: "2001", domain: "example.test" });
    t.after(() => own.close());
    const phone = (instanceId) =>
      made.phone({
        account: own,
        ...{ instanceId, password: undefined, deviceClass: "mobile" },
      });
    return { ...made, own, phone, instances };
  }

  const idOf = async (account, instance) =>
    (await account.devices()).find(({ instanceId }) => instanceId === instance)
      .id;

  test("logs each of this browser's devices in by its own key", async (t) => {
    const { phone, instances, account } = await twoDevices(t);
    for (const instance of instances) {
      const alice = phone(instance);
      await alice.registerPhone();
      await alice.close();
    }
    assert.equal((await account.devices()).length, 2);
  });

  test("that already listens by another device's key changes to the phone's", async (t) => {
    const { own, phone, instances } = await twoDevices(t);
    const told = next(own, "devices");
    const alice = phone(instances[0]);
    await alice.registerPhone();
    const mine = (await told).find((device) => device.this);
    assert.equal(mine.instanceId, instances[0]);
  });

  test("the device that was here last is off the list: the others log in", async (t) => {
    const { own, phone, instances, account } = await twoDevices(t);
    await account.forget(await idOf(account, instances[1]));
    const [left] = await own.devices();
    assert.deepEqual([left.instanceId, left.this], [instances[0], true]);
    await phone(instances[0]).registerPhone();
  });

  test("lets nobody in by the key of another device", async (t) => {
    const { phone } = await twoDevices(t);
    const stranger = phone("urn:uuid:00000000-0000-4000-8000-000000000009");
    await assert.rejects(stranger.registerPhone(), {
      code: "eCredentialsRejected",
      status: 401,
    });
  });
});

test("a device that is revoked while it is registered is told so, once, and stays out", async (t) => {
  useIndexedDb(t);
  const { account, phone, registrar } = await serve(t);
  const alice = phone();
  await alice.registerPhone();
  const told = [];
  alice.on("eDeviceNotAuthorised", (payload) => told.push(payload));
  const out = becomes(alice, "eDeviceNotAuthorised");
  const [{ id }] = await account.devices();
  // It has no key to ask with any more, and neither have others here.
  delete globalThis.indexedDB;
  await account.revoke(id);
  await out;
  assert.deepEqual(registrar.bindings("2001"), []);
  assert.equal(told.length, 1);
  await assert.rejects(alice.registerPhone(), { code: "eDeviceNotAuthorised" });
  await account.restore(id);
  await alice.registerPhone();
  assert.equal(alice.status, "eReady");
});
