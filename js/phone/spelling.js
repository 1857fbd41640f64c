import { callApp } from "./events.js";

// Loads where an option is misspelt: who makes no mistakes does without.

/**
 * An option that is misspelt has no effect, and nobody would know why.
 *
 * @param {string[]} unknown
 * @param {string[]} known
 * @param {import("../index.js").PhoneOptions["log"]} log default: the console
 */
export function warnOf(unknown, known, log) {
  const warn =
    typeof log === "function"
      ? log
      : (/** @type {any} */ { message }) => console.warn(message);
  for (const name of unknown) {
    const meant = nearest(name, known);
    const help = meant
      ? `Did you mean "${meant}"?`
      : `There are: ${known.join(", ")}.`;
    const message = `Graceline knows no option "${name}". ${help}`;
    callApp(warn, { level: "warn", message, option: name });
  }
}

/**
 * The option that was meant: two letters off at most, or with something added to it.
 *
 * @param {string} name
 * @param {string[]} known
 */
function nearest(name, known) {
  const written = plain(name);
  const off = (/** @type {string} */ option) =>
    distance(written, plain(option));
  return known
    .filter(
      (option) =>
        off(option) <= Math.min(2, written.length / 2) ||
        written.startsWith(plain(option)),
    )
    .sort((a, b) => off(a) - off(b))[0];
}

/** @param {string} name */
const plain = (name) => name.toLowerCase().replace(/[_-]/g, "");

/**
 * How many letters are wrong, missing or too many.
 *
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let above = [...Array(b.length + 1).keys()];
  [...a].forEach((letter, i) => {
    let left = i + 1;
    above = above.map(
      (up, j) =>
        (left = j
          ? Math.min(left + 1, up + 1, above[j - 1] + +(letter !== b[j - 1]))
          : left),
    );
  });
  return above[b.length];
}
