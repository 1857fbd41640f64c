/**
 * What the functions of accounts do beyond the table of devices (device-rules.test.mjs): all at once,
 * limits, versions, credentials of devices, what is published. Called as an account service calls them.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());
beforeEach(() => policy?.clear());

/** @param {string} name @param {() => Promise<void>} body */
const test = (name, body) => nodeTest(name, { skip }, body);

const WHO = `2001@${DOMAIN}`;

/** @param {number} number @param {object} [more] */
const device = (number, more = {}) => ({
  id: `d${number}`,
  instance: `urn:uuid:00000000-0000-4000-8000-${`${number}`.padStart(12, "0")}`,
  class: "mobile",
  name: `Phone ${number}`,
  limits: { mobile: 64, deskphone: 4 },
  ...more,
});

/** @param {number} number @param {object} [more] */
const authorise = (number, more) =>
  policy.account("authorise", device(number, more));

/** @returns {Promise<any[]>} */
const devices = async () => (await policy.account("devices", {})).ok;

test("50 authorised at one instant, with a limit of 4, leave 4", async () => {
  const limits = { mobile: 4, deskphone: 0 };
  const connections = Array.from({ length: 50 }, () => policy.connect());
  const answers = await Promise.all(
    connections.map((connection, index) =>
      policy.account(
        "authorise",
        device(index + 1, { limits }),
        "2001",
        connection,
      ),
    ),
  );
  for (const connection of connections) connection.end();
  assert.equal(answers.filter(({ ok }) => ok?.added).length, 4);
  assert.equal(answers.filter(({ refused }) => refused === "limit").length, 46);
  assert.equal((await devices()).length, 4);
});

test("64 devices in all, whatever the limits say", async () => {
  for (let number = 1; number <= 60; number++) await authorise(number);
  for (let number = 1; number <= 10; number++)
    await policy.account("revoke", { id: `d${number}` });
  for (let number = 61; number <= 64; number++)
    assert.equal((await authorise(number)).ok?.added, true, `${number}`);
  const { refused, limit, devices: told } = await authorise(65);
  assert.deepEqual([refused, limit, told?.length], ["limit", 64, 64]);
  // A browser counts here, too; who replaces another adds none.
  assert.equal((await authorise(66, { class: "web" })).refused, "limit");
  assert.equal((await authorise(67, { replaces: "d20" })).ok?.added, true);
});

test("an account of a version to come is neither used nor touched", async () => {
  await authorise(1);
  const key = policy.accountKey();
  const account = JSON.parse(await policy.command("GET", key));
  assert.equal(account.version, 1);
  const unknown = JSON.stringify({ ...account, version: 2 });
  await policy.command("SET", key, unknown);
  await assert.rejects(devices(), /account of another version/);
  await assert.rejects(authorise(2), /account of another version/);
  assert.equal(await policy.command("GET", key), unknown);
});

test("only an object of JSON is read, and of no more than 16 KiB", async () => {
  const key = policy.accountKey();
  const padding = " ".repeat(16_384);
  for (const text of [
    "",
    "{",
    "[]x",
    "7",
    "null",
    '"x"',
    '{"id":"a"}',
    "[1]",
    `{}${padding}`,
    "[".repeat(5000),
  ])
    assert.equal(
      await policy.command("FCALL", "graceline_account_devices", 1, key, text),
      '{"refused":"invalid"}',
      text.slice(0, 20),
    );
  assert.deepEqual(await policy.command("KEYS", "graceline:account:*"), []);
});

test("what people write is kept as they write it", async () => {
  const name = 'Ann\u00e9\u2019s "phone" \\ </script>\u{1f4f1}';
  await authorise(1, { name });
  assert.equal((await devices())[0].name, name);
  const four = "\u{1f4f1}".repeat(64);
  assert.equal((await authorise(2, { name: four })).ok?.device.name, four);
  assert.equal((await authorise(3, { name: `${four}x` })).refused, "invalid");
});

// Credentials --------------------------------------------------------------------------------------

const HASHES = { ha1: "a".repeat(32), ha1_sha256: "b".repeat(64) };

/** @param {object} [more] @param {string} [user] */
const give = (more = {}, user) =>
  policy.account(
    "credential_set",
    {
      ...{ name: "g-one", device: "d1", ...HASHES },
      until: policy.time + 60_000,
      ...more,
    },
    user,
  );

/** What a node is told. @param {string} [name] @param {string} [who] */
const shown = (name = "g-one", who = WHO) =>
  policy.call("credential", `graceline:credential:${name}`, { who });

test("credentials are one user's and one device's, and end with it", async () => {
  assert.equal((await give()).refused, "unknown");
  await authorise(1);
  assert.equal((await give()).ok, null);
  const known = ["d1", HASHES.ha1, HASHES.ha1_sha256];
  assert.deepEqual(await shown(), known);
  assert.deepEqual(await shown("g-two"), []);
  assert.deepEqual(await shown("g-one", `2002@${DOMAIN}`), []);

  await policy.account("authorise", device(1), "2002");
  assert.equal((await give({}, "2002")).refused, "taken");
  assert.deepEqual(await shown(), known);

  for (const end of ["revoke", "forget"]) {
    await authorise(2);
    await give({ name: "g-two", device: "d2" });
    await policy.account(end, { id: "d2" });
    assert.deepEqual(await shown("g-two"), [], end);
    await policy.account("forget", { id: "d2" });
  }
  await authorise(2, { replaces: "d1" });
  assert.deepEqual(await shown(), []);
  await give({ device: "d2" });
  await policy.account("credentials_drop", { device: "d2" });
  assert.deepEqual(await shown(), []);
});

test("no credentials for a revoked device, of a wrong form, or from the past", async () => {
  await authorise(1);
  for (const wrong of [
    { name: "a b" },
    { name: 'g"one' },
    { name: "g:one" },
    { ha1: HASHES.ha1.toUpperCase() },
    { ha1_sha256: "b" },
    { until: policy.time },
    { until: 1e300 },
    { until: "soon" },
  ])
    assert.equal((await give(wrong)).refused, "invalid", JSON.stringify(wrong));
  await policy.account("revoke", { id: "d1" });
  assert.equal((await give()).refused, "revoked");
  assert.deepEqual(await policy.command("KEYS", "graceline:credential:*"), []);
});

test("a device has four of them: the one that ends first goes", async () => {
  await authorise(1);
  for (let index = 1; index <= 5; index++)
    await give({ name: `g-${index}`, until: policy.time + 60_000 + index });
  assert.deepEqual(await shown("g-1"), []);
  assert.equal((await shown("g-2")).length, 3);
  assert.equal((await shown("g-5")).length, 3);
  const text = await policy.command("GET", policy.accountKey());
  assert.equal(JSON.parse(text).credentials.length, 4);
});

// Connections without a binding ----------------------------------------------------------------------

/** A page calls a gateway. @param {string} page @param {number} number of the device that it shows */
const visit = (page, number) => {
  const { node, boot, flow } = policy.place(page);
  const { instance } = device(number);
  return policy.call("visit", policy.keys(), {
    ...{ node, boot, flow, instance: `<${instance}>`, device_id: "" },
  });
};

/** What node a is asked to do: connections, each with the command that goes before its end. */
const errands = () =>
  policy.command("FCALL", "graceline_errands", 1, "graceline:errands:a", "1");

test("of 65 connections at gateways the oldest ends, and with the device all do", async () => {
  await authorise(1);
  assert.equal(await visit("stranger", 2), "0");
  for (let page = 0; page <= 64; page++)
    assert.equal(await visit(`page${page}`, 1), "1");
  assert.deepEqual(await errands(), ["page0.invalid:5060:7", ""]);
  await policy.account("revoke", { id: "d1" });
  assert.equal((await errands()).length, 2 * 64);
  assert.equal((await policy.record())?.visits.length ?? 0, 0);
  assert.equal(await visit("page1", 1), "0");
});

// What is published ----------------------------------------------------------------------------------

test("every change is published, and nothing else", async () => {
  /** @type {string[]} */
  let heard = [];
  const ear = policy.connect();
  /** @type {() => void} */
  let over = () => {};
  await ear.subscribe("graceline:account", (message) => {
    if (message === "over") return over();
    const { who, kind } = JSON.parse(message);
    assert.equal(who, WHO);
    heard.push(kind);
  });
  const until = async (/** @type {string[]} */ ...kinds) => {
    const told = new Promise((resolve) => (over = () => resolve(undefined)));
    await policy.command("PUBLISH", "graceline:account", "over");
    await told;
    assert.deepEqual(heard, kinds);
    heard = [];
  };
  await authorise(1);
  await until("devices");
  await authorise(2);
  await policy.account("rings_set", { ids: ["d1"] });
  await until("devices", "ringsOn");
  await devices();
  await policy.account("rings", {});
  await give();
  await policy.account("rename", { id: "d9", name: "x" });
  await policy.account("restore", {
    id: "d1",
    limits: { mobile: 1, deskphone: 1 },
  });
  await until();
  await policy.account("revoke", { id: "d1" });
  await until("devices", "ringsOn");
  const code = {
    id: "+391",
    kind: "tel",
    code_hash: "c",
    until: policy.time + 1,
  };
  await policy.account("public_id_add", code);
  await policy.account("public_id_confirm", { id: "+391", code_hash: "x" });
  await policy.account("public_id_confirm", { id: "+391", code_hash: "c" });
  await policy.account("public_id_remove", { id: "+391" });
  await until("publicIds", "publicIds", "publicIds");
  for (const busy of ["2002", "2002", null])
    await policy.account("rules_set", { busy });
  await until("rules", "rules");
  for (const state of ["away", "away"]) {
    await policy.account("presence_manual_set", { state });
    await policy.account("mailbox_set", { new: 1, old: 0 });
  }
  await policy.account("rules_set", { doNotDisturb: true });
  await until("presence", "voicemail", "presence", "rules");
  ear.end();
});

test("32 public ids a user", async () => {
  const add = (/** @type {number} */ number) =>
    policy.account("public_id_add", { id: `name${number}`, kind: "name" });
  for (let number = 1; number <= 32; number++)
    assert.equal((await add(number)).ok?.confirmed, true);
  assert.equal((await add(33)).refused, "limit");
  assert.equal((await add(1)).ok?.confirmed, true);
});
