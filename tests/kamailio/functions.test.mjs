/**
 * What the functions of the policy do beyond the table of rules (rules.test.mjs): versions, limits,
 * lines that are held, what watchers are shown. Called as a node calls them, without one.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { contact, instance } from "./support/contacts.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";
import { readDocument, told } from "./support/watcher.mjs";

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
 * A test with other settings than usual.
 * @param {string} name
 * @param {Partial<PolicyUnderTest["settings"]>} settings
 * @param {() => Promise<void>} body
 */
const testWith = (name, settings, body) =>
  test(name, async () => {
    const usual = { ...policy.settings };
    Object.assign(policy.settings, settings);
    await body().finally(() => Object.assign(policy.settings, usual));
  });

const a = { contacts: contact("a", { instance: instance("a") }) };
const b = { contacts: contact("b", { instance: instance("b") }) };

/** The instance of the nth of many clients. @param {number} index */
const nth = (index) => instance("f").replace(/ff$/, `${index + 10}`);

// Versions -----------------------------------------------------------------------------------------

test("a record says of which version it is, and one that says nothing is of this one", async () => {
  await policy.register("a", a);
  const { version, ...unversioned } = await policy.record();
  assert.equal(version, 1);
  await policy.command("SET", policy.key(), JSON.stringify(unversioned));
  assert.equal((await policy.register("b", b)).status, 403);
  assert.equal((await policy.register("a", a)).status, 200);
  assert.equal((await policy.record()).version, 1);
});

test("a record of a version to come is neither used nor touched", async () => {
  await policy.register("a", a);
  const unknown = JSON.stringify({ ...(await policy.record()), version: 2 });
  await policy.command("SET", policy.key(), unknown);
  const place = policy.place("a");
  const asks = [
    () => policy.register("a", a),
    () => policy.register("b", { ...b, forced: true }),
    () => policy.bindings(),
    () => policy.subscribe("a"),
    () => policy.lookup(),
    () => policy.call("speaks", policy.key(), pick(place, "node boot flow")),
  ];
  for (const ask of asks)
    await assert.rejects(ask, /record of another version/);
  // A node asks this for all who are gone, one after the other.
  assert.deepEqual(await policy.gone("a"), []);
  assert.equal(await policy.command("GET", policy.key()), unknown);
});

test("an ousted client is told to go, whatever has become of the record", async () => {
  await policy.register("a", a);
  await policy.register("b", { ...b, forced: true });
  await policy.command("SET", policy.key(), "not of this version");
  await policy.pass(1);
  const list = "graceline:ousted:a";
  const flows = await policy.command("FCALL", "graceline_ousted", 1, list, "1");
  assert.deepEqual(flows, [policy.place("a").flow, "ousted"]);
  assert.equal(await policy.command("EXISTS", list), 0);
});

test("a node of another version gets an error, not an answer", async () => {
  const node = { boot: "2", address: "sip:c.invalid", milliseconds: 1000 };
  for (const version of [0, 1, ""])
    await assert.rejects(
      policy.call("lease", "graceline:node:c", { version, ...node }),
      /request of another version/,
    );
  // Before fields had names they came by their order.
  await assert.rejects(
    policy.command(
      "FCALL",
      "graceline_register",
      1,
      policy.key(),
      "graceful\n0",
    ),
    /request of another version/,
  );
  assert.equal(await policy.command("EXISTS", "graceline:node:c"), 0);
});

test("a line break in a header is refused, whatever stands behind it", async () => {
  const smuggled = ["", "x", "forced=1", "x=1", "gruu=1", "version=1"];
  for (const line of smuggled) {
    const agent = `Evil\n${line}`;
    const answer = await policy.register("a", { ...a, agent });
    assert.deepEqual(
      [answer.status, answer.reason],
      [400, "Line Break In A Header"],
    );
  }
  assert.equal(await policy.record(), undefined);
  assert.equal(
    (await policy.register("a", { ...a, agent: "x=1\r" })).status,
    200,
  );
});

// A line that is held ------------------------------------------------------------------------------

test("a client that was lost in a call is kept for 12 s, called by nobody, sent nothing", async () => {
  await policy.register("a", { ...a, persists: true });
  const [{ uri }] = await policy.bindings();
  const { line } = await policy.register("a", { ...a, persists: true });
  const asked = {
    ...pick(policy.place("x"), "node cluster_socket"),
    line: `${line}.a`,
  };
  const found = () => policy.call("line", policy.key(), asked);
  assert.equal((await policy.lookup())[1], uri);
  assert.equal((await found()).length, 2);

  await policy.gone("a", true);
  assert.deepEqual([await policy.lookup(), await found()], [[], []]);
  assert.equal((await policy.register("b", b)).status, 403);
  const forced = await policy.register("b", { ...b, forced: true });
  assert.deepEqual([forced.status, forced.notifies], [200, []]);
  assert.equal(await policy.command("EXISTS", "graceline:ousted:a"), 0);
});

test("the grace ends, and is for those who announced it and are in a call", async () => {
  for (const [persists, inCall, seconds] of /** @type {const} */ ([
    [true, true, 12],
    [true, false, 0],
    [false, true, 0],
  ])) {
    await policy.clear();
    await policy.register("a", { ...a, persists });
    await policy.gone("a", inCall);
    if (seconds > 0) {
      await policy.pass(seconds - 1);
      // Its connection has ended once, however often that is told.
      await policy.gone("a", inCall);
      assert.equal((await policy.bindings()).length, 1);
      await policy.pass(1);
    }
    assert.deepEqual(await policy.bindings(), []);
  }
});

// What is kept is limited ----------------------------------------------------------------------------

for (const name of ["graceful", "duplicate", "normal"])
  testWith(
    `an address-of-record has no more than 64 devices, whatever its limit: ${name}`,
    { policy: name },
    async () => {
      const statuses = [];
      for (let index = 0; index < 66; index++) {
        const contacts = contact(`c${index}`, { device: `D${index}` });
        statuses.push(
          (await policy.register(`c${index}`, { contacts })).status,
        );
      }
      assert.deepEqual(statuses.slice(63), [200, 503, 503]);
      assert.equal((await policy.bindings()).length, 64);
    },
  );

test("nothing of a login takes more room than its kind needs", async () => {
  const long = "x".repeat(3000);
  const cases = /** @type {[string, any][]} */ ([
    ["Contact", { contacts: contact(long) }],
    ["Contact", { contacts: `${a.contacts};x=${long}` }],
    ["Contact", { contacts: `${a.contacts}${";x=1".repeat(700)}` }],
    ["Contact", { contacts: contact("a", { instance: long }) }],
    [
      "Instance",
      { contacts: contact("a", { instance: `urn:x:${long.slice(0, 200)}` }) },
    ],
    ["Contact", { contacts: contact("a", { device: long }) }],
    ["Device Name", { contacts: contact("a", { device: long.slice(0, 200) }) }],
    ["Call-ID", { ...a, callId: long }],
  ]);
  for (const [what, says] of cases) {
    const answer = await policy.register("a", says);
    assert.deepEqual([answer.status, answer.reason], [400, `${what} Too Long`]);
  }
  assert.equal(await policy.record(), undefined);
  await policy.register("a", { ...a, agent: long });
  assert.equal((await policy.bindings())[0].agent.length, 128);
});

test("one Contact a REGISTER, and 32 in all", async () => {
  const both = `${a.contacts}, ${b.contacts}`;
  const { reason } = await policy.register("a", { contacts: both });
  assert.equal(reason, "One Contact Per REGISTER");
  for (const [count, status] of [
    [32, 200],
    [33, 400],
  ]) {
    const gone = Array(count - 1).fill("<sip:gone@g.invalid>;expires=0");
    const contacts = [a.contacts, ...gone].join(", ");
    assert.equal((await policy.register("a", { contacts })).status, status);
  }
});

testWith(
  "takeovers are remembered only as far as they are counted",
  { force_limit: 0 },
  async () => {
    for (let index = 0; index < 40; index++) {
      const contacts = contact(`c${index}`, { instance: nth(index) });
      const says = { contacts, forced: true };
      assert.equal((await policy.register(`c${index}`, says)).status, 200);
    }
    const { forces } = await policy.record();
    assert.deepEqual(Object.keys(forces), []);
  },
);

testWith(
  "the last 32 who were ousted stay out, but for who was let in again",
  { policy: "duplicate", force_limit: 0 },
  async () => {
    const login = (/** @type {string} */ name, callId = name, forced = false) =>
      policy.register(name, {
        ...{ contacts: contact(name, { instance: nth(50) }), callId, forced },
      });
    for (let index = 0; index < 34; index++) {
      const contacts = contact(`c${index}`, { instance: nth(index) });
      await policy.register(`c${index}`, { contacts, callId: `c${index}` });
    }
    // 33 were ousted: the first of them is forgotten.
    const { outcasts } = await policy.record();
    assert.deepEqual(
      outcasts,
      Array.from({ length: 32 }, (_, index) => `c${index + 1}`),
    );
    assert.equal((await login("again", "c1")).status, 403);
    assert.equal((await login("again", "c5", true)).status, 200);
    const left = (await policy.record()).outcasts;
    assert.ok(!left.includes("c5"), "who forced is none any more");
    assert.equal(left.at(-1), "c33");
    assert.equal((await login("first", "c0")).status, 200);
  },
);

testWith(
  "unnamed devices can live side by side by their instance",
  { unnamed: "instance" },
  async () => {
    for (const digit of ["a", "b"]) {
      const own = { device: "", instance: instance(digit) };
      const contacts = contact(digit, own);
      assert.equal((await policy.register(digit, { contacts })).status, 200);
    }
    const devices = (await policy.bindings()).map(({ device }) => device);
    assert.deepEqual(devices, [instance("a"), instance("b")]);
  },
);

// What watchers are shown --------------------------------------------------------------------------

testWith(
  "a document too long for a message of another node leaves out what is too much, and says so",
  { policy: "normal" },
  async () => {
    const [first] = await policy.subscribe("watcher");
    assert.equal(readDocument(first.body).state, "full");
    let last = first;
    for (let index = 0; last.body.includes('state="full"'); index++) {
      const name = `c${index}-${"c".repeat(200)}`;
      const contacts = contact(name, { device: `D${index}` });
      const answer = await policy.register(`c${index}`, { contacts });
      assert.equal(answer.status, 200);
      [last] = answer.notifies;
    }
    const bound = (await policy.bindings()).length;
    const document = readDocument(last.body);
    assert.equal(document.state, "partial");
    assert.ok(document.contacts.length < bound);
    assert.ok(document.contacts.length > 10);
    assert.ok(last.body.length <= 16_384, `${last.body.length} bytes`);
    assert.ok(last.body.length > 14_500, `${last.body.length} bytes`);
    // What is news comes first.
    const user = `c${bound - 1}-${"c".repeat(200)}`;
    assert.equal(told(document)[user], "active registered");
  },
);

/**
 * Some fields of a place.
 * @param {Record<string, string>} place
 * @param {string} names
 */
function pick(place, names) {
  return Object.fromEntries(
    names.split(" ").map((name) => [name, place[name]]),
  );
}
