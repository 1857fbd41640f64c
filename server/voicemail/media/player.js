import { RATE, encode } from "./g711.js";

/** Of one packet, in ms and in samples. */
const SPAN = 20;
const SIZE = (RATE * SPAN) / 1000;

/**
 * @typedef {(payload: Uint8Array, at: number, isFirst: boolean) => void} Send `at`: the sample
 *   that it begins with
 */

/**
 * Sends sound in packets of 20 ms, each when its time has come; what a busy process comes too
 * late for is made up for at the next turn.
 *
 * @param {Int16Array} samples
 * @param {import("./g711.js").Codec} codec
 * @param {Send} send
 * @param {AbortSignal} signal
 * @returns {Promise<void>} once it is played, or not to be
 */
export function play(samples, codec, send, signal) {
  const codes = encode(samples, codec);
  const begin = performance.now();
  let at = 0;
  return new Promise((resolve) => {
    const turn = setInterval(() => {
      const due = ((performance.now() - begin) / SPAN + 1) * SIZE;
      for (; at < codes.length && at + SIZE <= due; at += SIZE)
        send(codes.subarray(at, at + SIZE), at, !at);
      if (at >= codes.length) end();
    }, SPAN);
    const end = () => {
      clearInterval(turn);
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

/**
 * A tone that fades in and out, so that it does not click.
 *
 * @param {number} hertz
 * @param {number} seconds
 */
export function tone(hertz, seconds) {
  const length = Math.round(seconds * RATE);
  const edge = Math.min(length / 2, RATE / 50);
  return Int16Array.from({ length }, (_, n) => {
    const level = Math.min(1, n / edge, (length - n) / edge);
    return 8_000 * level * Math.sin((2 * Math.PI * hertz * n) / RATE);
  });
}
