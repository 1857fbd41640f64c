/** Who joins a call that rings already, as the policy says: its functions, called as a node calls them. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { contact, instance } from "./support/contacts.mjs";
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

/**
 * A client of 2001 registers.
 * @param {string} name one letter
 * @param {string} [place] its connection; default: the same each time
 * @param {string} [node]
 */
async function register(name, place = name, node = "a") {
  const contacts = contact(name, {
    device: `D${name}`,
    instance: instance(name),
  });
  const { status } = await policy.register(place, { contacts, node });
  assert.equal(status, 200);
}

/** Which clients join which calls now. */
const joining = async () =>
  (await policy.joins()).map(({ label, uri }) => `${label}${uri[4]}`);

test("who registers anew joins each call that rings, and who refreshes joins none", async () => {
  await register("a");
  assert.equal((await policy.ring(1)).length, 3);
  await policy.ring(2);
  await register("a");
  assert.deepEqual(await joining(), []);
  await register("b");
  await register("b");
  assert.deepEqual(await joining(), ["1b", "2b"]);
  // Each is handed out once.
  assert.deepEqual(await joining(), []);
  // A client that comes back by another connection has lost the call with the first.
  await policy.gone("b");
  await register("b", "other");
  assert.deepEqual(await joining(), ["1b", "2b"]);
});

test("the node of the call is told the way to a client of another node", async () => {
  await register("a");
  await policy.ring(1);
  await register("b", "b", "b");
  const [{ nextHop }] = await policy.joins();
  assert.match(nextHop, /^sip:b[.]nodes[.]invalid;transport=tcp;to=sip%3A/);
});

test("a call to one instance is joined by that alone", async () => {
  await register("a");
  await policy.ring(1, instance("a"));
  await register("b");
  assert.deepEqual(await joining(), []);
  await policy.gone("a");
  await register("a", "other");
  assert.deepEqual(await joining(), ["1a"]);
});

test("nobody joins what has rung for too long, nor at a node that was started anew", async () => {
  await register("a");
  await policy.ring(1);
  await register("b");
  assert.deepEqual(await policy.joins("2"), []);
  await policy.pass(100);
  await register("a");
  await register("c");
  assert.deepEqual(await joining(), ["1c"]);
  await policy.pass(91);
  await register("d");
  assert.deepEqual(await joining(), []);
});

test("calls and clients without end are noted within bounds", async () => {
  await register("a");
  for (let label = 1; label <= 40; label++) await policy.ring(label);
  await register("b");
  assert.deepEqual(
    (await policy.joins()).map(({ label }) => label),
    Array.from({ length: 32 }, (_, index) => index + 9),
  );
  await policy.clear();
  await register("a");
  await policy.ring(1);
  for (let round = 0; round < 40; round++) {
    await register("b", `b${round}`);
    await policy.gone(`b${round}`);
  }
  // The first was there; as many as Kamailio sends one request to.
  assert.equal((await policy.joins()).length, 29);
});

/**
 * Devices of 2001, of which some register.
 * @param {string} digit
 * @param {string} kind
 */
async function authorise(digit, kind) {
  const reply = await policy.account("authorise", {
    ...{ id: `d${digit}`, instance: instance(digit), class: kind },
    ...{ name: digit, limits: { mobile: 4, deskphone: 4 } },
  });
  assert.equal(reply.ok.added, true);
}

for (const [rings, first, joined] of /** @type {const} */ ([
  // With nothing chosen: desk phones only where one rings, else it is not one of those that ring.
  ["auto", "a", "b"],
  ["auto", "c", "abd"],
  [["da", "dd"], "a", "d"],
  [["dc"], "c", ""],
]))
  test(`of devices those join that may ring: ${rings}, ${first} rings`, async () => {
    const usual = { ...policy.settings };
    Object.assign(policy.settings, { devices: "on", unique: "on" });
    try {
      const kinds = { a: "web", b: "mobile", c: "deskphone", d: "deskphone" };
      for (const [digit, kind] of Object.entries(kinds))
        await authorise(digit, kind);
      await policy.account("rings_set", { ids: rings });
      await register(first);
      assert.equal((await policy.ring(1)).length, 3);
      // What is chosen while it rings is for the next call.
      await policy.account("rings_set", { ids: "auto" });
      for (const digit of "abcd") if (digit !== first) await register(digit);
      assert.deepEqual(
        await joining(),
        [...joined].map((digit) => `1${digit}`),
      );
    } finally {
      Object.assign(policy.settings, usual);
    }
  });

test("while nobody is there a call that waits is joined by whoever comes, desk phones, too", async () => {
  const usual = { ...policy.settings };
  Object.assign(policy.settings, { devices: "on", unique: "on" });
  try {
    await authorise("a", "mobile");
    await authorise("d", "deskphone");
    const push = { endpoint: "https://push.test/", p256dh: "k", auth: "s" };
    await policy.account("push_set", { id: "da", push });
    assert.deepEqual(await policy.ring(1), []);
    await register("d");
    await register("a");
    assert.deepEqual(await joining(), ["1d", "1a"]);
  } finally {
    Object.assign(policy.settings, usual);
  }
});
