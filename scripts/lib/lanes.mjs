import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inOutput, say } from "./log.mjs";
import { testOutput } from "./paths.mjs";

/** @typedef {import("./stages.mjs").Stage} Stage */

/** Lanes of what takes all that it gets of the processors, and measures no time. */
const patient = ["compilers", "checks"];
/** How much they give way to tests in which time passes: as much as goes. */
const PATIENCE = 19;

/**
 * Runs the stages of a lane one after the other, and the lanes side by side. What
 * a stage says goes to a file in test-output/stages and is shown in one piece when
 * it ends. Where only one lane has something to do it is shown as it comes.
 *
 * @template T
 * @param {Stage[]} stages
 * @param {(stage: Stage) => Promise<T>} work
 * @returns {Promise<T[]>} in the order of the stages
 */
export async function runLanes(stages, work) {
  /** @type {Map<Stage, T>} */
  const results = new Map();
  const lanes = [...new Set(stages.map(({ lane }) => lane))];
  const runLane = async (/** @type {string} */ lane) => {
    for (const stage of stages.filter((one) => one.lane === lane)) {
      const run = () => work(stage);
      results.set(stage, await (lanes.length > 1 ? apart(stage, run) : run()));
    }
  };
  await Promise.all(lanes.map(runLane));
  return stages.map((stage) => /** @type {T} */ (results.get(stage)));
}

/**
 * @template T
 * @param {Stage} stage
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function apart({ name, lane }, work) {
  const file = join(testOutput, "stages", `${name}.log`);
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, "w");
  say(`▸ ${name} begins`);
  try {
    const niceness = patient.includes(lane) ? PATIENCE : 0;
    return await inOutput({ descriptor, niceness }, work);
  } finally {
    closeSync(descriptor);
    say(readFileSync(file, "utf8").trimEnd());
  }
}
