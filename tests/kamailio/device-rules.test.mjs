/**
 * The table of a user's devices (tests/rules/devices.txt), played on the policy of deploy/kamailio, as an
 * account service and a node ask it. The test registrar plays the same one (tests/registrar/devices.rs).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { instance } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

const TABLE = new URL("../rules/devices.txt", import.meta.url);
const text = readFileSync(TABLE, "utf8").replace(/^#.*\n/gm, "");
const cases = text.split(/^== /m).slice(1);
assert.ok(cases.length > 10, `${cases.length} cases`);

const LIMITS = { mobile: 2, deskphone: 1 };
const DAY = 86_400;

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());

/**
 * A row with its shorthands written out.
 * @param {string} row
 * @param {number} began milliseconds
 */
const plain = (row, began) =>
  row
    .replace(/\{(.)\}/g, (_, digit) => instance(digit))
    .replace(/<(\d+)>/g, (_, size) => "x".repeat(Number(size)))
    .replace(/@(\d+)/g, (_, seconds) => `${began + 1000 * Number(seconds)}`);

/** What a cell's value means: JSON, or text. @param {string} cell */
function valueOf(cell) {
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

/** @param {string[]} words @returns {[string, any][]} */
const pairs = (words) =>
  words.map((word) => {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(word) ?? [];
    return [name, valueOf(value)];
  });

/** @param {any} value @param {string} path with points */
const inside = (value, path) =>
  path.split(".").reduce((value, name) => value?.[name], value);

/**
 * @param {string} verb
 * @param {Record<string, unknown>} args
 */
function completed(verb, args) {
  const made = verb === "authorise" ? { name: args.id, limits: LIMITS } : {};
  return { ...made, ...(verb === "restore" && { limits: LIMITS }), ...args };
}

/** @param {string} question */
async function ask(question) {
  const [asked, ...words] = question.split(" ");
  const [verb, user] = asked.split(":").reverse();
  const args = completed(verb, Object.fromEntries(pairs(words)));
  try {
    return await policy.account(verb, args, user);
  } catch (error) {
    // A verb that there is not.
    assert.match(String(error), /Function not found/, question);
    return { refused: "invalid" };
  }
}

async function listed() {
  const { ok } = await policy.account("devices", {});
  return ok
    .map(
      (/** @type {any} */ { id, state, registered }) =>
        id + (state === "revoked" ? "!" : "") + (registered ? "*" : ""),
    )
    .join(" ");
}

/**
 * @param {any} reply
 * @param {string} expected
 * @param {string} row
 */
function check(reply, expected, row) {
  const seen = `${row}\n${JSON.stringify(reply)}`;
  const [word, code, ...details] = expected.split(" ");
  const refused = word === "refused";
  assert.equal(reply.refused, refused ? code : undefined, seen);
  const value = refused ? reply : reply.ok;
  const whole = valueOf(expected);
  if (!refused && (typeof whole !== "string" || expected.startsWith('"')))
    return assert.deepEqual(value, whole, seen);
  for (const [path, part] of pairs(refused ? details : expected.split(" ")))
    assert.deepEqual(inside(value, path), part, `${path}: ${seen}`);
}

/**
 * A REGISTER of a client, and what it is answered; `told` are those who are sent a reset.
 * @param {string} client
 * @param {string[]} words
 */
async function register(client, words) {
  const says = pairs(words);
  const said = Object.fromEntries(says);
  const other = said.also && `<sip:${said.also}@${said.also}>;expires=0`;
  let own = `<sip:${client}@${client}>`;
  if (said.instance) own += `;+sip.instance="<${said.instance}>"`;
  const adds = !("query" in said || "all" in said);
  const reply = await policy.register(client, {
    contacts:
      "all" in said ? "*" : [adds && own, other].filter(Boolean).join(", "),
    expires: said.expires === undefined ? undefined : `${said.expires}`,
    forced: "force" in said,
    instance: says
      .filter(([name]) => name === "shows")
      .map(([, urn]) => `<${urn}>`)
      .join(", "),
  });
  const header = (/** @type {RegExp} */ pattern) =>
    reply.headers.map((line) => pattern.exec(line)).find(Boolean);
  const device = header(/^Warning: 399 \S+ "Device not authorised"$/);
  const holder = header(/^X-Graceline-Holder: .*;contact="([^"]*)"/);
  const answer = [`${reply.status}`];
  if (device) answer.push("device");
  if (holder) answer.push("taken", holder[1]);
  const told = reply.notifies.map(({ flow }) => flow.split(".")[0]);
  return { answer: answer.join(" "), told: told.sort().join(" ") };
}

/**
 * @param {string} row
 * @param {number} began
 */
async function play(row, began) {
  const [question, answer, left = "", told = ""] = plain(row, began)
    .split(" | ")
    .map((cell) => cell.trim());
  const [word, ...words] = question.split(" ");
  const wait = /^wait=(\d+)(d?)$/.exec(word);
  if (wait) await policy.pass(Number(wait[1]) * (wait[2] ? DAY : 1));
  else if (word === "LOST") await policy.gone(words[0]);
  else if (word === "REGISTER") {
    const heard = await register(words[0], words.slice(1));
    assert.deepEqual(heard, { answer, told }, row);
  } else {
    const reply = await ask(question);
    if (typeof reply.ok === "string")
      reply.ok = reply.ok.replace(`@${DOMAIN}`, "");
    check(reply, answer, row);
  }
  assert.equal(await listed(), left, row);
}

for (const lines of cases) {
  const [name, ...rest] = lines.split("\n").filter((line) => line.trim());
  const rows = rest.filter((line) => !line.startsWith("  "));
  const override = rest.some((line) => line.trim() === "slot=override");
  test(name, { skip }, async () => {
    await policy.clear();
    Object.assign(policy.settings, {
      policy: override ? "duplicate" : "graceful",
      devices: "on",
    });
    const began = policy.time;
    for (const row of rows) await play(`${row} `, began);
  });
}
