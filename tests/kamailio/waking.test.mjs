/** Whom a call or a message wakes, as the policy publishes it for the account services. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { contact, instance } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
/** @type {ReturnType<PolicyUnderTest["connect"]>} */
let ear;
/** What was published. @type {any[]} */
let heard = [];
/** @type {(value?: unknown) => void} */
let all;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (skip) return;
  policy = await PolicyUnderTest.start();
  Object.assign(policy.settings, { devices: "on", unique: "on" });
  ear = policy.connect();
  await ear.subscribe("graceline:wake", (message) => {
    if (message === "all") all();
    else heard.push(JSON.parse(message));
  });
});
after(() => {
  ear?.end();
  return policy?.stop();
});

/** 2001's: two that can be woken, one that cannot, a revoked one. */
beforeEach(async () => {
  if (skip) return;
  await policy.clear();
  for (const digit of "abcd") {
    await policy.account("authorise", {
      ...{ id: `d${digit}`, instance: instance(digit), class: "mobile" },
      ...{ name: digit, limits: { mobile: 4, deskphone: 4 } },
    });
    const push = {
      endpoint: `https://p.test/${digit}`,
      p256dh: "k",
      auth: "s",
    };
    if (digit !== "c")
      await policy.account("push_set", { id: `d${digit}`, push });
  }
  await policy.account("revoke", { id: "dd" });
  heard = [];
});

/** @param {string} name @param {() => Promise<void>} body */
const test = (name, body) => nodeTest(name, { skip }, body);

/** @param {string} digit */
const register = (digit) =>
  policy.register(digit, {
    contacts: contact(digit, { instance: instance(digit), device: "" }),
  });

/** What was published since this was asked last. */
async function published() {
  const told = new Promise((resolve) => (all = resolve));
  await policy.command("PUBLISH", "graceline:wake", "all");
  await told;
  return heard.splice(0);
}

/** Which devices were woken. */
const woken = async () => (await published()).map(({ devices }) => devices);

const NEWS = {
  kind: "call",
  from: { uri: "sip:2002@x", displayName: "Bob" },
};

test("a call wakes who sleeps and would ring, and nobody who is there", async () => {
  await policy.ring(1);
  const [{ who, devices, news }] = await published();
  assert.deepEqual([who, devices], [`2001@${DOMAIN}`, ["da", "db"]]);
  const { key, at, ...rest } = news;
  assert.deepEqual(rest, NEWS);
  assert.match(key, /^[0-9a-f]{40}$/);
  assert.equal(at, Math.floor(policy.time));

  await register("a");
  await policy.ring(2);
  assert.deepEqual(await woken(), [["db"]]);
  await register("b");
  await policy.ring(3);
  assert.deepEqual(await woken(), []);
});

test("of those that were chosen, and of one device by its GRUU", async () => {
  await policy.account("rings_set", { ids: ["db", "dc"] });
  await policy.ring(1);
  assert.deepEqual(await woken(), [["db"]]);
  await policy.ring(2, instance("a"));
  assert.deepEqual(await woken(), [["da"]]);
  await policy.account("rings_set", { ids: ["dc"] });
  assert.deepEqual(await policy.ring(3), []);
  assert.deepEqual(await woken(), []);
});

for (const answered of [true, false])
  test(`a call that rings no more is withdrawn, once: answered ${answered}`, async () => {
    await policy.ring(1);
    const [{ news }] = await published();
    await policy.ringsNoMore(2, answered);
    assert.deepEqual(await published(), []);
    for (let round = 0; round < 2; round++)
      await policy.ringsNoMore(1, answered);
    const withdrawn = { ...news, kind: "withdraw", answered };
    assert.deepEqual(await published(), [
      { who: `2001@${DOMAIN}`, devices: ["da", "db"], news: withdrawn },
    ]);
    // Who comes now joins nothing.
    await register("a");
    assert.deepEqual(await policy.joins(), []);
  });

test("a message wakes all that sleep, whatever was chosen", async () => {
  await policy.account("rings_set", { ids: ["da"] });
  await policy.message("hello");
  const [{ devices, news }] = await published();
  assert.deepEqual([devices, news.kind], [["da", "db"], "message"]);
  await register("a");
  await policy.message("hello");
  assert.deepEqual(await woken(), [["db"]]);
});
