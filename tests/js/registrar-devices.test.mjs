// Phones at a registrar that knows the devices of its users.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startRegistrar } from "graceline/testing";
import { becomes, next, password, setUp } from "./support/line.js";

const limits = { mobile: 2, deskphone: 1 };

/** Authorises the devices with these names; their instances end in their place. */
const authorise = (registrar, devices) =>
  Object.entries(devices).map(([id, deviceClass], place) => {
    const instance = `urn:uuid:0d4a2b1e-8b0c-4a53-9c1f-6d5f3c2b1a0${place}`;
    const args = { id, instance, class: deviceClass, name: id, limits };
    registrar.account("authorise", "2001", args);
    return instance;
  });

for (const profile of ["cisco", "generic"]) {
  test(`${profile}: who is not authorised stays out, until it is`, async (t) => {
    const { registrar, phone, requests } = await setUp(t, { devices: "on" });
    const [instanceId] = authorise(registrar, { page: "web" });
    registrar.account("revoke", "2001", { id: "page" });
    const page = phone({ profile, instanceId });
    await assert.rejects(page.registerPhone(), {
      code: "eDeviceNotAuthorised",
    });
    assert.deepEqual(registrar.bindings("2001"), []);
    const sent = requests("REGISTER").length;
    registrar.account("restore", "2001", { id: "page", limits });
    await page.registerPhone();
    assert.ok(requests("REGISTER").length > sent);
    assert.equal(registrar.account("devices", "2001")[0].registered, true);
  });

  test(`${profile}: who is revoked hears of it once`, async (t) => {
    const { registrar, phone } = await setUp(t, { devices: "on" });
    const [instanceId] = authorise(registrar, { page: "web" });
    const page = phone({ profile, instanceId });
    await page.registerPhone();
    let told = 0;
    page.on("eDeviceNotAuthorised", () => told++);
    const gone = becomes(page, "eDeviceNotAuthorised");
    registrar.account("revoke", "2001", { id: "page" });
    assert.deepEqual(registrar.bindings("2001"), []);
    await gone;
    assert.equal(told, 1);
    // It may ask again when the app says so, and is told again.
    await assert.rejects(page.registerPhone(), {
      code: "eDeviceNotAuthorised",
    });
    assert.equal(told, 2);
  });

  test(`${profile}: two browsers share one slot, a mobile phone has its own`, async (t) => {
    const { registrar, phone } = await setUp(t, { devices: "on" });
    const [one, two, three] = authorise(registrar, {
      home: "web",
      office: "desktop",
      pocket: "mobile",
    });
    const home = phone({ profile, instanceId: one });
    const office = phone({ profile, instanceId: two, device: "OFFICE" });
    const pocket = phone({ profile, instanceId: three });
    await home.registerPhone();
    await pocket.registerPhone();
    await assert.rejects(office.registerPhone(), {
      code: "eDeviceAlreadyRegistered",
    });
    const terminated = next(home, "eConnectionTerminated");
    await office.registerPhone({ forceRegistration: true });
    await terminated;
    const registered = registrar
      .account("devices", "2001")
      .filter(({ registered }) => registered)
      .map(({ id }) => id);
    assert.deepEqual(registered, ["office", "pocket"]);
  });
}

test("sharedSlot override: the newer browser gets in without being asked", async (t) => {
  const { registrar, phone } = await setUp(t, {
    devices: "on",
    sharedSlot: "override",
  });
  const [one, two] = authorise(registrar, { home: "web", office: "web" });
  const home = phone({ instanceId: one });
  const terminated = next(home, "eConnectionTerminated");
  await home.registerPhone();
  await phone({ instanceId: two }).registerPhone();
  await terminated;
});

test("a wrong option is named", async () => {
  for (const options of [
    { devices: "yes" },
    { sharedSlot: "both" },
    { users: { 2001: { password: "x", devices: "maybe" } } },
  ])
    await assert.rejects(startRegistrar(options), {
      code: "eInvalidArgument",
    });
});

test("a message comes to each device of a user once, also to those that were away", async (t) => {
  const users = {
    2001: { password, devices: "on" },
    2002: { password },
  };
  const { registrar, phone } = await setUp(t, { users });
  const [one, two] = authorise(registrar, { pocket: "mobile", bag: "mobile" });
  const writer = phone({ user: "2002", device: "CSFBOB" });
  await writer.registerPhone();
  const heard = (device) => {
    const texts = [];
    const listener = ({ text, body, from }) => texts.push([text ?? body, from]);
    device.on("message", listener);
    return texts;
  };
  const pocket = phone({ instanceId: one, device: "POCKET" });
  const bag = phone({ instanceId: two, device: "BAG" });
  const [inPocket, inBag] = [heard(pocket), heard(bag)];
  await writer.message("2001", "first");
  const first = next(pocket, "message");
  await pocket.registerPhone();
  assert.equal((await first).body, "first");
  await writer.message("tel:2001", "second");
  const second = new Promise((resolve) =>
    bag.on("message", ({ body }) => body === "second" && resolve(undefined)),
  );
  await bag.registerPhone();
  await second;
  // A third, after which nothing else comes.
  const both = Promise.all([next(pocket, "message"), next(bag, "message")]);
  await writer.message("2001", "third");
  await both;
  const all = ["first", "second", "third"];
  assert.deepEqual(
    inPocket.map(([text]) => text),
    all,
  );
  assert.deepEqual(
    inBag.map(([text]) => text),
    all,
  );
});
