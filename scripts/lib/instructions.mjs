import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { Explained, Missing, say, step } from "./log.mjs";
import { inRoot } from "./paths.mjs";
import { answerOf, run } from "./run.mjs";
import { ensureRustTarget } from "./rust.mjs";
import { replaceFile } from "./stamps.mjs";

/** More than this part above what is recorded fails. */
const TOLERANCE = 0.03;

/** What benches/instructions.rs can do. */
const works = ["parse", "write", "cycle", "requests"];

const file = inRoot("benches", "instructions.json");

/** @typedef {{ toolchain: string, counts: Record<string, number> }} Counts */

/** By architecture. @returns {Record<string, Counts>} */
const recorded = () =>
  existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};

/**
 * A C library of its own, linked statically, makes the same instructions on
 * every machine of an architecture: glibc chooses its memcpy by the processor.
 */
const target = () => {
  const known = { x64: "x86_64", arm64: "aarch64" }[arch()];
  if (!known || process.platform !== "linux")
    throw new Missing(
      `Instructions are counted on Linux with x86-64 or ARM64, and this is ${process.platform} with ${arch()}.`,
    );
  return `${known}-unknown-linux-musl`;
};

export const ensureInstructionTarget = () => ensureRustTarget(target());

/** Nothing can be compared on an architecture where nobody counted yet. */
export function mustBeRecorded() {
  if (arch() in recorded()) return;
  throw new Missing(
    `No instruction counts are recorded for ${arch()}: npm run instructions -- --record`,
  );
}

/** @returns {Promise<Counts>} */
export async function countInstructions() {
  const program = await step("building what is counted", buildProgram);
  const draft = mkdtempSync(join(tmpdir(), "graceline-instructions-"));
  /** @type {Record<string, number>} */
  const counts = {};
  try {
    for (const work of works) {
      const { output } = await run(
        "valgrind",
        [
          "--tool=callgrind",
          `--callgrind-out-file=${join(draft, work)}`,
          "--collect-atstart=no",
          "--toggle-collect=*instructions*counted*",
          program,
          work,
        ],
        { stderr: "capture" },
      );
      counts[work] = Number(/Collected : (\d+)/.exec(output)?.[1]);
      if (!counts[work])
        throw new Explained(`callgrind counted nothing:\n${output}`);
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  const toolchain = (await answerOf("rustc", ["--version"])) ?? "unknown";
  return { toolchain, counts };
}

async function buildProgram() {
  const { output } = await run(
    "cargo",
    [
      ...["build", "--release", "--locked", "--bench=instructions"],
      ...[`--target=${target()}`, "--message-format=json-render-diagnostics"],
    ],
    { stdout: "capture" },
  );
  const built = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .find(
      (message) =>
        message.executable && message.target?.name === "instructions",
    );
  if (!built) throw new Explained("cargo built no benches/instructions.rs.");
  return built.executable;
}

/**
 * Compares with what is recorded.
 *
 * @param {Counts} now
 * @returns {{ passed: number, failed: number }}
 */
export function compareInstructions({ toolchain, counts }) {
  mustBeRecorded();
  const before = recorded()[arch()];
  if (before.toolchain !== toolchain)
    say(
      `✘ THE COMPILER IS ANOTHER ONE: recorded with ${before.toolchain}, this is ${toolchain}.\n` +
        "  Counts differ for that alone. Record them anew: npm run instructions -- --record",
    );
  const result = { passed: 0, failed: 0 };
  for (const [work, count] of Object.entries(counts)) {
    const change = count / before.counts[work] - 1;
    const failed = !(change <= TOLERANCE);
    result[failed ? "failed" : "passed"] += 1;
    const percent = `${change < 0 ? "" : "+"}${(change * 100).toFixed(1)} %`;
    say(`${failed ? "✘" : " "} ${work}: ${count} instructions (${percent})`);
    if (change < -TOLERANCE)
      say("  Well done. Keep it: npm run instructions -- --record");
  }
  if (result.failed > 0)
    say(
      `More than ${TOLERANCE * 100} % above benches/instructions.json. If it is worth it, record it, and say why in the commit.`,
    );
  return result;
}

/** @param {Counts} counts */
export function recordInstructions(counts) {
  const all = { ...recorded(), [arch()]: counts };
  replaceFile(file, `${JSON.stringify(all, null, 2)}\n`);
}
