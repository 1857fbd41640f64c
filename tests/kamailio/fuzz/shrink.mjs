/**
 * Makes a failing list of cases as short as it goes: without cases, without steps, without headers,
 * without a body.
 * @typedef {import("./generator.mjs").Step} Step
 */

/**
 * @param {Step[][]} cases
 * @param {(cases: Step[][]) => Promise<boolean>} fails
 * @param {number} tries at most
 * @returns {Promise<Step[][]>}
 */
export async function shrink(cases, fails, tries = 120) {
  let best = cases;
  let left = tries;
  for (let shorter = true; shorter && left > 0;) {
    shorter = false;
    for (let index = 0; ; index++) {
      const candidate = [...candidates(best)][index];
      if (!candidate || left-- <= 0) break;
      if (!(await fails(candidate))) continue;
      best = candidate;
      shorter = true;
      index--;
    }
  }
  return best;
}

/**
 * Everything that is one thing shorter, the largest things first.
 * @param {Step[][]} cases
 * @returns {Generator<Step[][]>}
 */
export function* candidates(cases) {
  if (cases.length > 1)
    for (const index of cases.keys()) yield cases.toSpliced(index, 1);
  for (const [at, steps] of cases.entries()) {
    if (steps.length > 1)
      for (const index of steps.keys())
        yield cases.with(at, steps.toSpliced(index, 1));
    for (const [index, step] of steps.entries())
      for (const smaller of shorter(step))
        yield cases.with(at, steps.with(index, smaller));
  }
}

/** @param {Step} step @returns {Generator<Step>} */
function* shorter(step) {
  if (step.body) yield { ...step, body: "" };
  for (const index of (step.headers ?? []).keys())
    yield { ...step, headers: step.headers?.toSpliced(index, 1) };
}
