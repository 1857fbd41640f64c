/**
 * The table of calls (tests/rules/history.txt), played on the policy of deploy/kamailio, as nodes tell it and an
 * account service asks. The embedded home of facts plays the same one (tests/registrar/history.rs).
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { casesOf, check, pairs, plain } from "./support/play.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

const UNITS = { d: 86_400, h: 3600, "": 1 };

/** @type {PolicyUnderTest} */
let policy;
/** @type {import("./support/policy.mjs").RedisConnection} */
let ear;
/** Whose history was told to be another one, and which record it was. @type {{ who: string, id: string }[]} */
let heard = [];
/** @type {() => void} */
let heardAll = () => {};
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (skip) return;
  policy = await PolicyUnderTest.start();
  ear = policy.connect();
  await ear.subscribe("graceline:account", (message) => {
    if (message === "all") return heardAll();
    const { who, kind, id } = JSON.parse(message);
    assert.equal(kind, "history");
    heard.push({ who: who.replace(`@${DOMAIN}`, ""), id });
  });
});
after(async () => {
  ear?.end();
  await policy?.stop();
});

async function told() {
  const all = new Promise((resolve) => (heardAll = () => resolve(undefined)));
  await policy.command("PUBLISH", "graceline:account", "all");
  await all;
  return heard.splice(0);
}

/** A user and a device of it; numbers of nobody begin with 0. @param {string} [text] */
function party(text = "") {
  const [user, device = ""] = text.split("/");
  const who = !user || user.startsWith("0") ? "" : `${user}@${DOMAIN}`;
  return { who, device, uri: `sip:${user}@example.com` };
}

/** @param {string} call */
const key = (call) => ({ call_id: `call-${call}`, tag: `tag-${call}` });

/**
 * What a step tells: the function, and its fields.
 * @type {Record<string, (call: string, one?: string, two?: string, three?: string) => [string, object]>}
 */
const STEPS = {
  CALL(call, from, to, takes = "") {
    const { who, device, uri } = party(from);
    const [, taken, tag = "none"] = /^takes=([^/]*)\/?(.+)?$/.exec(takes) ?? [];
    const dialog = taken ? key(taken) : undefined;
    return [
      "call_began",
      {
        ...key(call),
        ...{ who, device, from_uri: uri, from_name: "" },
        ...{ to_uri: party(to).uri, callee: party(to).who },
        replaces: dialog
          ? `${dialog.call_id};to-tag=${tag};from-tag=${dialog.tag}`
          : "",
        ...{ node: "a", boot: "1" },
      },
    ];
  },
  RINGS(call, at) {
    const { who, device } = party(at);
    return ["call_rings", { ...key(call), callee: device, who, device }];
  },
  FORWARDS(call, user, to = "") {
    const heir = to === "voicemail" ? "" : party(to).who;
    const { who } = party(user);
    return ["call_forwarded", { ...key(call), who, target: to, heir }];
  },
  ANSWERS(call, tag = "", at) {
    const { who, device } = party(at);
    return ["call_answered", { ...key(call), callee: tag, who, device }];
  },
  FAILS: (call, outcome = "", target = "") => [
    "call_failed",
    { ...key(call), outcome, target },
  ],
  ENDS: (call, tag = "") => ["call_hung_up", { ...key(call), callee: tag }],
};

/**
 * @param {string} row
 * @param {number} began
 * @param {Map<string, string>} ids of calls by their names
 */
async function play(row, began, ids) {
  const named = row.replace(/<([a-z]+)>/g, (_, name) => ids.get(name) ?? name);
  const [step, answer, users = ""] = plain(named, began)
    .split(" | ")
    .map((cell) => cell.trim());
  const [word, ...words] = step.split(" ");
  const wait = /^wait=(\d+)([dh]?)$/.exec(word);
  if (wait) {
    const unit = /** @type {keyof typeof UNITS} */ (wait[2]);
    await policy.pass(Number(wait[1]) * UNITS[unit]);
  } else if (word === "SWEEP") {
    await policy.command("FCALL", "graceline_sweep", 0, 50);
  } else if (Object.hasOwn(STEPS, word)) {
    const [call, ...rest] = words;
    const [name, fields] = STEPS[word](call, ...rest);
    await policy.call(name, [], /** @type {any} */ (fields));
  } else {
    const [user, verb] = word.split(":");
    const args = Object.fromEntries(pairs(words));
    check(await policy.account(verb, args, user), answer, row);
  }
  const news = await told();
  assert.equal(
    news
      .map(({ who }) => who)
      .sort()
      .join(" "),
    users,
    row,
  );
  for (const { id } of news) if (!ids.has(words[0])) ids.set(words[0], id);
}

for (const [name, ...rows] of casesOf("history"))
  test(name, { skip }, async () => {
    await policy.clear();
    /** @type {Map<string, string>} */
    const ids = new Map();
    const began = policy.time;
    for (const row of rows) await play(`${row} `, began, ids);
  });
