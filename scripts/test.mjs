// npm test: installs what is missing and runs every test.
//
//   npm test                     all stages
//   npm test -- js browser       the named stages
//
// The last line counts all of them. What this machine cannot run is named; with
// the environment variable CI set it also counts as failed.

import { Explained, Missing, runMain, say, secondsSince } from "./lib/log.mjs";
import { checkNode } from "./lib/node-packages.mjs";
import { stages } from "./lib/stages.mjs";

await runMain(async () => {
  checkNode();
  const start = performance.now();
  const report = { passed: 0, failed: 0 };
  /** @type {string[]} */
  const trouble = [];
  for (const stage of stagesNamed(process.argv.slice(2))) {
    const { passed, failed, notRun } = await runStage(stage);
    report.passed += passed;
    report.failed += failed;
    if (failed > 0) trouble.push(`${stage.name}: ${failed} failed`);
    if (notRun) trouble.push(`${stage.name}: NOT RUN. ${notRun}`);
  }
  say(`\nAll stages took ${secondsSince(start)}.`);
  for (const line of trouble) say(`✘ ${line}`);
  if (report.failed > 0) process.exitCode = 1;
  console.log(`${report.passed} passed, ${report.failed} failed`);
});

/**
 * @param {import("./lib/stages.mjs").Stage} stage
 * @returns {Promise<{ passed: number, failed: number, notRun?: string }>}
 */
async function runStage({ name, title, prepare, run }) {
  const start = performance.now();
  say(`\n━━ ${name}: ${title}`);
  try {
    for (const need of prepare) await need();
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    if (error instanceof Missing) {
      say(`✘ ${name} CANNOT RUN HERE: ${error.message}`);
      const failed = process.env.CI ? 1 : 0;
      return { passed: 0, failed, notRun: error.message };
    }
    say(`✘ ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  const { passed, failed } = await run();
  say(
    `━━ ${name}: ${passed} passed, ${failed} failed (${secondsSince(start)})`,
  );
  return { passed, failed };
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
