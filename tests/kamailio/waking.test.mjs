/** Whom a call or a message wakes, as the policy lists it for the account services. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { contact, instance } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (skip) return;
  policy = await PolicyUnderTest.start();
  Object.assign(policy.settings, { devices: "on", unique: "on" });
});
after(() => policy?.stop());

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
});

/** @param {string} name @param {() => Promise<void>} body */
const test = (name, body) => nodeTest(name, { skip }, body);

/** @param {string} digit */
const register = (digit) =>
  policy.register(digit, {
    contacts: contact(digit, { instance: instance(digit), device: "" }),
  });

/** What stands in the list since this was asked last, the oldest first. @returns {Promise<any[]>} */
async function listed() {
  const list = await policy.command("LRANGE", "graceline:wakes", 0, -1);
  await policy.command("DEL", "graceline:wakes");
  return list.reverse().map((/** @type {string} */ text) => JSON.parse(text));
}

/** Which devices were woken. */
const woken = async () => (await listed()).map(({ devices }) => devices);

const WHO = `2001@${DOMAIN}`;
const NEWS = {
  kind: "call",
  from: { uri: "sip:2002@x", displayName: "Bob" },
};

test("a call wakes who sleeps and would ring, and nobody who is there", async () => {
  await policy.ring(1);
  const [{ key, at, ...rest }] = await listed();
  assert.deepEqual(rest, { who: WHO, devices: ["da", "db"], ...NEWS });
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
    const [news] = await listed();
    await policy.ringsNoMore(2, answered);
    assert.deepEqual(await listed(), []);
    for (let round = 0; round < 2; round++)
      await policy.ringsNoMore(1, answered);
    const withdrawn = { ...news, kind: "withdraw", answered };
    assert.deepEqual(await listed(), [withdrawn]);
    // Who comes now joins nothing.
    await register("a");
    assert.deepEqual(await policy.joins(), []);
  });

test("a message wakes all that sleep, whatever was chosen", async () => {
  await policy.account("rings_set", { ids: ["da"] });
  await policy.message("hello");
  const [{ devices, kind }] = await listed();
  assert.deepEqual([devices, kind], [["da", "db"], "message"]);
  await register("a");
  await policy.message("hello");
  assert.deepEqual(await woken(), [["db"]]);
});

test("the channel rings for who listens, and what nobody takes is bounded", async () => {
  const ear = policy.connect();
  const rang = new Promise((resolve) =>
    ear.subscribe("graceline:wake", resolve).then(() => policy.ring(0)),
  );
  assert.equal(await rang, "");
  ear.end();
  for (let label = 1; label <= 1010; label++) await policy.ring(label);
  assert.equal((await listed()).length, 1000);
});

/** A device that a call rings at has answered nothing. @param {number} label @param {string} device */
const unheard = (label, device) =>
  policy.call("unheard", policy.keys(), {
    ...{ node: policy.place("x").node, boot: policy.place("x").boot },
    ...{ index: 1, label, device },
  });

test("who is registered and answers nothing is woken, once a call, and told what became of it", async () => {
  await register("a");
  await register("c");
  await policy.ring(1);
  const [{ key }] = await listed();
  // Of another call, or that cannot be woken, is cut off, unknown.
  assert.equal(await unheard(2, "da"), 0);
  for (const other of ["dc", "dd", "dx", ""])
    assert.equal(await unheard(1, other), 0, other);
  assert.deepEqual(await listed(), []);
  assert.equal(await unheard(1, "da"), 1);
  assert.equal(await unheard(1, "da"), 0);
  const [one, ...more] = await listed();
  assert.deepEqual(more, []);
  assert.deepEqual(
    [one.devices, one.unheard, one.kind, one.key, one.from],
    [["da"], ["da"], "call", key, NEWS.from],
  );
  await policy.ringsNoMore(1, true);
  const [over] = await listed();
  assert.deepEqual(
    [over.devices, over.unheard, over.kind],
    [["db", "da"], ["da"], "withdraw"],
  );
});

test("who is back over another connection rings there, and is neither woken nor told", async () => {
  await register("a");
  await policy.ring(1);
  await listed();
  assert.equal(await unheard(1, "da"), 1);
  await listed();
  await policy.register("e", {
    contacts: contact("e", { instance: instance("a"), device: "" }),
  });
  assert.equal((await policy.joins()).length, 1);
  assert.equal(await unheard(1, "da"), 0);
  await policy.ringsNoMore(1, true);
  const [over, ...more] = await listed();
  assert.deepEqual([over.devices, over.unheard, more], [["db"], undefined, []]);
});
