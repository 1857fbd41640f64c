// What may cross the boundary of the core, by the list that is made of
// src/bridge/protocol.

import { readFileSync } from "node:fs";

const seam = JSON.parse(
  readFileSync(new URL("seam.json", import.meta.url), "utf8"),
);

/** Names of the commands. */
export const commands = Object.keys(seam.commands);

/** Those that begin with the number of a promise. */
export const operations = commands.filter(
  (name) => "op" in seam.commands[name],
);

const isNumber = (value) =>
  Number.isInteger(value) && value >= 0 && value < 2 ** 32;

/** By type. */
const checks = {
  // Times are larger than the numbers of commands.
  number: (value) => Number.isSafeInteger(value) && value >= 0,
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  "[string, string][]": (value) =>
    Array.isArray(value) && value.flat().every(checks.string),
  "string[]": (value) => Array.isArray(value) && value.every(checks.string),
  "Element[]": (value, partial) =>
    value.every((one) => !flawIn(one, seam.shapes.Element, partial)),
  "Record<string, string | true>": (value) =>
    Object.values(value).every((one) => one === true || checks.string(one)),
  "Registration | null": (value, partial) =>
    value === null || !flawIn(value, seam.shapes.Registration, partial),
};

/**
 * Whether the core takes these arguments.
 *
 * @param {string} name
 * @param {any[]} args
 */
export function takes(name, args) {
  if (!Object.hasOwn(seam.commands, name)) return false;
  const fields = Object.values(seam.commands[name]);
  return fields.every((type, at) => {
    if (type === "number") return isNumber(args[at]);
    if (type === "string") return checks.string(args[at]);
    return true; // flags, and objects, of which it reads what it knows
  });
}

/**
 * Something of the right type for every field of a command.
 *
 * @param {string} name
 * @returns {any[]}
 */
export const sample = (name) =>
  Object.values(seam.commands[name]).map(
    (type) => ({ number: 486, string: "sip", boolean: true })[type] ?? {},
  );

/** The fields of a command that are numbers, by their places. @param {string} name */
export const numbers = (name) =>
  Object.values(seam.commands[name]).flatMap((type, at) =>
    type === "number" ? [at] : [],
  );

/**
 * What is wrong with something that a core said.
 *
 * @param {any} output
 * @param {{ partial?: boolean }} [options] partial: fields may be missing
 * @returns {string | undefined}
 */
export function flawOf(output, { partial = false } = {}) {
  const { type, name, ...fields } = output;
  // These are of js/core/core.js.
  if (type === "send" || name === "refused") return undefined;
  const shape = type === "event" ? seam.events[name] : seam.outputs[type];
  const flaw = shape ? flawIn(fields, shape, partial) : "is not of the seam";
  return flaw && `${type} ${name ?? ""}: ${flaw}`;
}

/**
 * @param {any} object
 * @param {Record<string, string>} shape
 * @param {boolean} partial
 */
function flawIn(object, shape, partial) {
  for (const name of Object.keys(object))
    if (!(name in shape)) return `there is no ${name}`;
  for (const [name, declared] of Object.entries(shape)) {
    const type = declared.replace(/\?$/, "");
    const value = object[name];
    if (value === undefined) {
      if (partial || type !== declared) continue;
      return `${name} is missing`;
    }
    const check =
      checks[type] ?? ((value) => !flawIn(value, seam.shapes[type], partial));
    if (!check(value, partial)) return `${name} is no ${type}`;
  }
}
