import { setTimeout as pause } from "node:timers/promises";

/**
 * Asks a server again and again until it says what is waited for: for facts that nothing
 * announces. Where something does announce them, wait for that.
 * @template T
 * @param {string} what for the error message
 * @param {() => Promise<T | undefined | false>} probe
 * @param {number} [milliseconds] deadline
 * @returns {Promise<T>}
 */
export async function eventually(what, probe, milliseconds = 10_000) {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline)
      throw new Error(`waited ${milliseconds} ms for ${what}`);
    await pause(20);
  }
}
