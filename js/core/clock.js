/** Wall and running clock may differ by this much (ms) before one is corrected. */
const TOLERANCE = 1000;

/**
 * Milliseconds since the Unix epoch that never run backwards and do not lose
 * the time a machine spent asleep: `performance.now()` may stand still then,
 * `Date.now()` may be set by anyone. Whichever of the two has advanced further
 * is believed.
 *
 * @param {{ performance: { now(): number }, Date: { now(): number } }} [source]
 * @returns {() => number}
 */
export function createClock({ performance, Date } = globalThis) {
  let ran = performance.now();
  let wall = Date.now();
  let base = wall;
  let last = base;

  return () => {
    const elapsed = performance.now() - ran;
    const passed = Date.now() - wall;
    let now = base + elapsed;
    if (Math.abs(passed - elapsed) > TOLERANCE) {
      now = base + Math.max(elapsed, passed);
      // Anchored anew only here: adding up the larger of two small rounded
      // steps at every reading would make the clock run fast.
      base = now;
      ran += elapsed;
      wall += passed;
    }
    return (last = Math.max(last, Math.floor(now)));
  };
}
