/** What the tables of a user's devices and messages say, done to the policy of deploy/kamailio. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { instance } from "./contacts.mjs";

/** @typedef {import("./policy.mjs").PolicyUnderTest} PolicyUnderTest */

const LIMITS = { mobile: 2, deskphone: 1 };

/** Seconds. */
export const DAY = 86_400;

/**
 * The cases of a table in tests/rules: name, and rows.
 * @param {string} name
 */
export function casesOf(name) {
  const table = new URL(`../../rules/${name}.txt`, import.meta.url);
  const text = readFileSync(table, "utf8").replace(/^#.*\n/gm, "");
  const cases = text.split(/^== /m).slice(1);
  assert.ok(cases.length > 10, `${cases.length} cases`);
  return cases.map((lines) => lines.split("\n").filter((line) => line.trim()));
}

/**
 * A row with its shorthands written out.
 * @param {string} row
 * @param {number} began milliseconds
 */
export const plain = (row, began) =>
  row
    .replace(/\{(.)\}/g, (_, digit) => instance(digit))
    .replace(/<(\d+)>/g, (_, size) => "x".repeat(Number(size)))
    .replace(/@(\d+)/g, (_, seconds) => `${began + 1000 * Number(seconds)}`);

/** What a cell's value means: JSON, or text. @param {string} cell */
export function valueOf(cell) {
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

/** @param {string[]} words @returns {[string, any][]} */
export const pairs = (words) =>
  words.map((word) => {
    const [, name, value] = /^([^=]*)=?(.*)$/s.exec(word) ?? [];
    return [name, valueOf(value)];
  });

/** @param {any} value @param {string} path with points */
const inside = (value, path) =>
  path.split(".").reduce((value, name) => value?.[name], value);

/**
 * A reply is what a cell of the table has.
 * @param {any} reply
 * @param {string} expected
 * @param {string} row
 */
export function check(reply, expected, row) {
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
 * @param {string} verb
 * @param {Record<string, unknown>} args
 */
function completed(verb, args) {
  const made = verb === "authorise" ? { name: args.id, limits: LIMITS } : {};
  return { ...made, ...(verb === "restore" && { limits: LIMITS }), ...args };
}

/**
 * @param {PolicyUnderTest} policy
 * @param {string} question a verb and its arguments
 */
export async function ask(policy, question) {
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

/**
 * A REGISTER of a client, what it is answered, and the requests that follow.
 * @param {PolicyUnderTest} policy
 * @param {string} client
 * @param {string[]} words
 */
export async function register(policy, client, words) {
  const says = pairs(words);
  const said = Object.fromEntries(says);
  const other = said.also && `<sip:${said.also}@${said.also}>;expires=0`;
  const pushed = words.filter((word) => word.startsWith("pn-"));
  const uri = [`sip:${client}@${client}`, ...pushed].join(";");
  let own = `<${uri}>`;
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
  for (const line of reply.headers) {
    const [, service] =
      /^Feature-Caps: [*];[+]sip[.]pns="(.*)"$/.exec(line) ?? [];
    if (service) answer.push("pns", service);
  }
  return { answer: answer.join(" "), requests: reply.notifies };
}
