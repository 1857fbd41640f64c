import { AsyncLocalStorage } from "node:async_hooks";
import { writeSync } from "node:fs";

/**
 * Progress goes to stderr, all of it: stdout belongs to whoever called
 * (`npm pack --json`, for one, prints its answer there). Work that is done beside
 * other work has an output of its own.
 *
 * @typedef {object} Output
 * @property {number} descriptor
 * @property {number} niceness of the commands
 */

/** @type {AsyncLocalStorage<Output>} */
const current = new AsyncLocalStorage();

/** Where what is done here and now tells of itself. @returns {Output} */
export const output = () =>
  current.getStore() ?? { descriptor: 2, niceness: 0 };

/**
 * Does `work` with an output of its own.
 *
 * @template T
 * @param {Output} output
 * @param {() => T} work
 */
export const inOutput = (output, work) => current.run(output, work);

/** @param {string} text */
export const say = (text) => write(`${text}\n`);

/** @param {string} text as it is */
export function write(text) {
  const { descriptor } = output();
  if (descriptor === 2) process.stderr.write(text);
  else writeSync(descriptor, text);
}

/** @param {number} start value of `performance.now()` */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/**
 * Announces a step, does it, and says how long it took.
 *
 * @template T
 * @param {string} title
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = performance.now();
  say(`▸ ${title} …`);
  const result = await work();
  say(`  ${title}: done in ${secondsSince(start)}`);
  return result;
}

/**
 * A failure whose message is all that a person needs: printed without a stack.
 */
export class Explained extends Error {}

/** An explained failure: this machine lacks something that could be installed. */
export class Missing extends Explained {}

/**
 * Runs a script's main function; an explained failure ends it with exit code 1.
 *
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    say(`\n✘ ${error.message}`);
    process.exitCode = 1;
  }
}
