import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { say } from "./log.mjs";
import { inRoot, root } from "./paths.mjs";
import { run } from "./run.mjs";
import { filesUnder } from "./stamps.mjs";

/**
 * @typedef {object} Count
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} [failures] a line for each, as far as they have names
 */

/** Milliseconds after which a file of tests counts as hanging. */
const patience = 300_000;

/**
 * Runs commands that pass or fail as a whole: each counts as one test.
 *
 * @param {string[][]} commands
 * @returns {Promise<Count>}
 */
export async function countCommands(...commands) {
  const count = {
    passed: 0,
    failed: 0,
    failures: /** @type {string[]} */ ([]),
  };
  for (const [command, ...args] of commands) {
    const { code } = await run(command, args, { mayFail: true });
    if (code === 0) {
      count.passed += 1;
    } else {
      count.failed += 1;
      const words = [command, ...args].join(" ").replaceAll(root, "");
      count.failures.push(words);
      say(`✘ failed: ${words}`);
    }
  }
  return count;
}

/**
 * Runs cargo's tests and adds up its result lines. What does not even compile
 * counts as one failure.
 *
 * @param {string[]} args of cargo
 * @param {Record<string, string | undefined>} [env]
 * @returns {Promise<Count>}
 */
export async function runCargoTests(args, env) {
  const { code, output } = await run("cargo", args, {
    env,
    stdout: "tee",
    mayFail: true,
  });
  const failures = output.match(/^test .*(?= \.\.\. FAILED$)/gm) ?? [];
  const count = { passed: 0, failed: 0, failures: [...failures] };
  for (const [, passed, failed] of output.matchAll(
    /test result: \w+\. (\d+) passed; (\d+) failed/g,
  )) {
    count.passed += Number(passed);
    count.failed += Number(failed);
  }
  if (code !== 0 && count.failed === 0) count.failed = 1;
  return count;
}

/**
 * Runs the files `*.test.js` and `*.test.mjs` of a folder with Node's test
 * runner.
 *
 * @param {string} folder relative to the top of the repository
 * @param {object} [options]
 * @param {string} [options.cwd] where to run them; default: the top of the repository
 * @param {number} [options.concurrency] files at a time
 * @returns {Promise<Count>}
 */
export async function runNodeTests(
  folder,
  { cwd = root, concurrency = 2 } = {},
) {
  const files = filesUnder(folder).filter((file) => /\.test\.m?js$/.test(file));
  if (files.length === 0) {
    say(`✘ ${folder} holds no test`);
    return { passed: 0, failed: 1 };
  }
  const draft = mkdtempSync(join(tmpdir(), "graceline-count-"));
  const result = join(draft, "count.json");
  try {
    const { code } = await run(
      process.execPath,
      [
        "--test",
        `--test-timeout=${patience}`,
        `--test-concurrency=${concurrency}`,
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        `--test-reporter=${inRoot("scripts", "lib", "count-reporter.mjs")}`,
        `--test-reporter-destination=${result}`,
        ...files,
      ],
      { cwd, mayFail: true },
    );
    const counted = readFileSync(result, { encoding: "utf8", flag: "a+" });
    if (counted === "") {
      say(`✘ the test runner of ${folder} was ended before it had counted`);
      return { passed: 0, failed: 1 };
    }
    const { passed, failed, skipped, failures } = JSON.parse(counted);
    if (skipped > 0) {
      say(`✘ ${skipped} tests skipped${process.env.CI ? ": failed" : ""}`);
    }
    const wrong = failed + (process.env.CI ? skipped : 0);
    return {
      ...{ passed, failed: code !== 0 ? Math.max(wrong, 1) : wrong },
      failures: failures.map((/** @type {string} */ line) =>
        line.replaceAll(root, ""),
      ),
    };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
