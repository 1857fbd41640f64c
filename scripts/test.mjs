// npm test: installs what is missing and runs every test.
//
//   npm test                     all stages, in lanes side by side
//   npm test -- js browser       the named stages
//   npm test -- --serial         one after the other, with their output as it comes
//
// A table says what each stage took, and the last line counts all of them. What this
// machine cannot run is named; with the environment variable CI set it also counts
// as failed.

import { parseArgs } from "node:util";
import { runLanes } from "./lib/lanes.mjs";
import { Explained, Missing, runMain, say, secondsSince } from "./lib/log.mjs";
import { checkNode } from "./lib/node-packages.mjs";
import { stages } from "./lib/stages.mjs";

await runMain(async () => {
  checkNode();
  const start = performance.now();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { serial: { type: "boolean", default: false } },
  });
  const wanted = stagesNamed(positionals);
  const lanes = values.serial ? wanted.map(inOneLane) : wanted;
  const results = await runLanes(lanes, runStage);
  tell(results);
  say(`\nAll stages took ${secondsSince(start)}.`);
  for (const { name, failed, failures, notRun } of results) {
    if (failed > 0) say(`✘ ${name}: ${failed} failed`);
    for (const line of failures) say(`  ✘ ${line}`);
    if (notRun) say(`✘ ${name}: NOT RUN. ${notRun}`);
  }
  const failed = sum(results.map((result) => result.failed));
  if (failed > 0) process.exitCode = 1;
  console.log(
    `${sum(results.map((result) => result.passed))} passed, ${failed} failed`,
  );
});

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} failures what failed, a line each
 * @property {string} prepared how long that took; what two stages share counts for both
 * @property {string} took
 * @property {string} [notRun] why
 */

/**
 * A line for each stage.
 *
 * @param {Result[]} results
 */
function tell(results) {
  say("");
  for (const { name, passed, failed, prepared, took } of results) {
    const counts = `${passed} passed, ${failed} failed`.padEnd(26);
    const times = `${took.padStart(9)}, prepared in ${prepared.padStart(7)}`;
    say(`${name.padEnd(14)}${counts}${times}`);
  }
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** @param {import("./lib/stages.mjs").Stage} stage */
function inOneLane(stage) {
  return { ...stage, lane: "all" };
}

/**
 * @param {import("./lib/stages.mjs").Stage} stage
 * @returns {Promise<Result>}
 */
async function runStage({ name, title, prepare, run }) {
  say(`\n━━ ${name}: ${title}`);
  const begun = performance.now();
  const problem = await prepareAll(prepare);
  const prepared = secondsSince(begun);
  const start = performance.now();
  const result = (/** @type {Partial<Result>} */ found) => ({
    ...{ name, passed: 0, failed: 0, failures: [] },
    ...{ prepared, took: secondsSince(start) },
    ...found,
  });
  if (problem instanceof Missing) {
    say(`✘ ${name} CANNOT RUN HERE: ${problem.message}`);
    const failed = process.env.CI ? 1 : 0;
    return result({ failed, notRun: problem.message });
  }
  if (problem) {
    say(`✘ ${problem.message}`);
    return result({ failed: 1 });
  }
  const { passed, failed, failures = [] } = await run();
  say(
    `━━ ${name}: ${passed} passed, ${failed} failed (${secondsSince(start)})`,
  );
  return result({ passed, failed, failures });
}

/**
 * @param {(() => unknown)[]} needs
 * @returns {Promise<Explained | undefined>} what went wrong
 */
async function prepareAll(needs) {
  try {
    for (const need of needs) await need();
  } catch (error) {
    if (error instanceof Explained) return error;
    throw error;
  }
}

/** @param {string[]} names */
function stagesNamed(names) {
  if (names.length === 0) return stages;
  const unknown = names.find((name) => !stages.some((s) => s.name === name));
  if (unknown) {
    throw new Explained(
      `There is no stage "${unknown}": ${stages.map(({ name }) => name).join(", ")}.`,
    );
  }
  return stages.filter(({ name }) => names.includes(name));
}
