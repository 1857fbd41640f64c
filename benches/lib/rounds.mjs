/** @typedef {{ median: number, low: number, high: number }} Figure median and quartiles */

/**
 * Runs every contestant once in each round, so that whatever the machine does
 * meanwhile hits all of them, and begins each round with another one. A first
 * round warms up and is not counted.
 *
 * @template {string} Name
 * @param {number} rounds
 * @param {Record<Name, () => number | Promise<number>>} contestants each gives one measurement
 * @returns {Promise<Record<Name, Figure>>}
 */
export async function interleave(rounds, contestants) {
  const names = /** @type {Name[]} */ (Object.keys(contestants));
  const samples = new Map(
    names.map((name) => [name, /** @type {number[]} */ ([])]),
  );
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      const sample = await contestants[name]();
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  return /** @type {Record<Name, Figure>} */ (
    Object.fromEntries(
      names.map((name) => [name, figure(samples.get(name) ?? [])]),
    )
  );
}

/** @param {number[]} samples @returns {Figure} */
export function figure(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ part) =>
    sorted[Math.round(part * (sorted.length - 1))];
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/**
 * CPU time of this process in µs, its helper threads (collection, compilation)
 * included: what others do on the machine meanwhile does not count.
 */
export function cpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
