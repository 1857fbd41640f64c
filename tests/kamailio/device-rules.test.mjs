/**
 * The table of a user's devices (tests/rules/devices.txt), played on the policy of deploy/kamailio, as an
 * account service asks it. The test registrar plays the same one (tests/registrar/devices.rs).
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
    const at = word.indexOf("=");
    return [word.slice(0, at), valueOf(word.slice(at + 1))];
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
 * @param {string} row
 * @param {number} began
 */
async function play(row, began) {
  const [question, answer, left = ""] = plain(row, began)
    .split(" | ")
    .map((cell) => cell.trim());
  const wait = /^wait=(\d+)(d?)$/.exec(question);
  if (wait) await policy.pass(Number(wait[1]) * (wait[2] ? DAY : 1));
  else {
    const reply = await ask(question);
    if (typeof reply.ok === "string")
      reply.ok = reply.ok.replace(`@${DOMAIN}`, "");
    check(reply, answer, row);
  }
  assert.equal(await listed(), left, row);
}

for (const lines of cases) {
  const [name, ...rows] = lines.split("\n").filter((line) => line.trim());
  test(name, { skip }, async () => {
    await policy.clear();
    const began = policy.time;
    for (const row of rows) await play(`${row} `, began);
  });
}
