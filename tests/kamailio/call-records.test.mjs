/**
 * Calls whose end nobody tells: the functions that look after them. What is told of calls that do end, see
 * history-rules.test.mjs.
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

const CALL = { call_id: "c", tag: "t" };

/** 2001 calls 2002 through node `a`; both have a phone, 2002 at node `b`. */
async function call() {
  await policy.register("p", { contacts: "<sip:p@p>" });
  await policy.register("q", {
    ...{ user: "2002", contacts: "<sip:q@q>", node: "b" },
  });
  await policy.call("call_began", [], {
    ...CALL,
    ...{ who: `2001@${DOMAIN}`, device: "", callee: `2002@${DOMAIN}` },
    ...{ from_uri: "sip:2001@x", from_name: "", to_uri: "sip:2002@x" },
    ...{ replaces: "", node: "a", boot: "1" },
  });
}

const answer = () =>
  policy.call("call_answered", [], {
    ...CALL,
    ...{ callee: "u", who: `2002@${DOMAIN}`, device: "" },
  });

/** @param {string} node */
const kill = (node) => policy.command("DEL", `graceline:node:${node}`);

/** Nodes look for so many seconds, once each. @param {number} seconds */
async function look(seconds) {
  for (let second = 0; second < seconds; second++) {
    await policy.pass(1);
    await policy.command("FCALL", "graceline_sweep", 0, 10);
  }
}

/** What became of it for 2002. */
const result = async () => {
  const { ok } = await policy.account("history", {}, "2002");
  assert.ok(ok.length <= 1, JSON.stringify(ok));
  return ok[0]?.result;
};

test("the node is killed that has an INVITE: the call is over in half a minute", async () => {
  await call();
  await look(60);
  assert.equal(await result(), undefined);
  await kill("a");
  await look(28);
  assert.equal(await result(), "missed");
});

test("a call goes on while one of the two is there", async () => {
  await call();
  await answer();
  await kill("a");
  await look(60);
  assert.equal(await result(), undefined);
  await kill("b");
  await look(28);
  assert.equal(await result(), "answered");
  assert.deepEqual(await policy.command("ZCARD", "graceline:calls"), 0);
});

test("who comes back within the grace is in the call", async () => {
  await call();
  await answer();
  await kill("a");
  await kill("b");
  await look(16);
  await policy.call("lease", "graceline:node:a", {
    ...{ boot: "1", address: "sip:a.nodes.invalid;transport=tcp" },
    milliseconds: 3_600_000,
  });
  await look(60);
  assert.equal(await result(), undefined);
});

test("who gives up while phones refuse has a record, whatever the node hears of that", async () => {
  await call();
  assert.equal(await policy.call("call_given_up", [], CALL), 0);
  await look(1);
  assert.equal(await result(), undefined);
  await look(2);
  assert.equal(await result(), "missed");
  const { ok } = await policy.account("history", {}, "2001");
  assert.equal(ok[0].result, "cancelled");
  assert.equal(await policy.call("call_given_up", [], CALL), 0);
});

test("who gives up as somebody answers is in the call until it is over", async () => {
  await call();
  await policy.call("call_given_up", [], CALL);
  await answer();
  await look(60);
  assert.equal(await result(), undefined);
  await policy.call("call_hung_up", [], { ...CALL, callee: "u" });
  assert.equal(await result(), "answered");
});

test("who gives up because another device takes the call is known to do so", async () => {
  await call();
  await policy.call("call_began", [], {
    ...{ call_id: "d", tag: "v", who: `2002@${DOMAIN}`, device: "" },
    ...{ from_uri: "sip:2002@x", from_name: "", to_uri: "sip:2001@x" },
    ...{ callee: `2001@${DOMAIN}`, node: "b", boot: "1" },
    replaces: `${CALL.call_id};to-tag=u;from-tag=${CALL.tag};early-only`,
  });
  assert.equal(await policy.call("call_given_up", [], CALL), 1);
});

test("the history of a user has 500 calls, and what nobody reads is gone in time", async () => {
  for (let number = 0; number < 502; number++) {
    const call = { call_id: `${number}`, tag: "t" };
    await policy.call("call_began", [], {
      ...call,
      ...{ who: "", device: "", callee: `2002@${DOMAIN}` },
      ...{ from_uri: "sip:x@x", from_name: "", to_uri: "sip:2002@x" },
      ...{ replaces: "", node: "a", boot: "1" },
    });
    await policy.call("call_failed", [], {
      ...call,
      ...{ outcome: "failed", target: "" },
    });
  }
  const key = `graceline:history:2002@${DOMAIN}`;
  assert.equal(await policy.command("ZCARD", key), 500);
  const records = await policy.command("KEYS", "graceline:call:*");
  assert.equal(records.length, 500);
  for (const key of await policy.command("KEYS", "graceline:call*"))
    if (key !== "graceline:calls")
      assert.ok((await policy.command("PTTL", key)) > 0, key);
});

test("a record stays as long as one of its users reads it, and of strangers' calls none does", async () => {
  const ended = async (
    /** @type {string} */ id,
    /** @type {string} */ who,
    /** @type {string} */ callee,
  ) => {
    const call = { call_id: id, tag: "t" };
    await policy.call("call_began", [], {
      ...call,
      ...{ who: who && `${who}@${DOMAIN}`, device: "", from_name: "" },
      ...{ from_uri: "sip:x@x", to_uri: "sip:y@y", replaces: "" },
      ...{ callee: callee && `${callee}@${DOMAIN}`, node: "a", boot: "1" },
    });
    const failed = { ...call, outcome: "failed", target: "" };
    await policy.call("call_failed", [], failed);
  };
  await ended("first", "2001", "2002");
  for (let number = 0; number < 500; number++)
    await ended(`${number}`, "", "2002");
  const [{ id }] = (await policy.account("history", {}, "2001")).ok;
  const one = await policy.account("history_record", { id }, "2001");
  assert.equal(one.ok.id, id);
  const before = await policy.command("KEYS", "graceline:call:*");
  await ended("strangers", "", "");
  const after = await policy.command("KEYS", "graceline:call:*");
  const [none] = after.filter(
    (/** @type {string} */ key) => !before.includes(key),
  );
  assert.ok((await policy.command("PTTL", none)) <= 32_000);
});

test("what a client chose as Call-ID and tag is never a key", async () => {
  const nasty = { call_id: "a b:*{}", tag: "x graceline:account" };
  await policy.call("call_began", [], {
    ...nasty,
    ...{ who: "", device: "", callee: `2002@${DOMAIN}` },
    ...{ from_uri: `sip:${"x".repeat(600)}`, from_name: "", to_uri: "sip:y" },
    ...{ replaces: `${"r".repeat(50)} a`, node: "a", boot: "1" },
  });
  await policy.call("call_failed", [], {
    ...nasty,
    ...{ outcome: "busy", target: "" },
  });
  const { ok } = await policy.account("history", {}, "2002");
  assert.equal(ok[0].from.uri.length, 256);
  for (const key of await policy.command("KEYS", "graceline:call*"))
    assert.match(key, /^graceline:(calls|call:[0-9a-f]+|call-of:[0-9a-f]+)$/);
});
