// npm run fuzz: what strangers may send, made up by libFuzzer.
//
//   npm run fuzz                          every target for ten minutes
//   npm run fuzz -- phone --seconds=60    the named targets for a minute
//   npm run fuzz -- kamailio --seed=1     deploy/kamailio on real servers, by a
//                                         fuzzer of its own (tests/kamailio/fuzz)
//   npm run fuzz -- kamailio --mutants    with the configuration's remedies taken
//                                         out in turn: finds what each keeps out
//
// Works with stable Rust: coverage needs no nightly, only sanitizers do, and the
// crate has no unsafe code for them to watch. An input that fails is kept in
// fuzz/artifacts and runs again with
// `cargo fuzz run --sanitizer=none TARGET FILE`.

import { existsSync, readdirSync } from "node:fs";
import { delimiter, join, parse } from "node:path";
import { parseArgs } from "node:util";
import { Explained, runMain, say, step } from "./lib/log.mjs";
import { inRoot } from "./lib/paths.mjs";
import { answerOf, run } from "./lib/run.mjs";
import { ensureRust } from "./lib/rust.mjs";
import { ensureCxx, ensureKamailio } from "./lib/system-packages.mjs";

const version = "0.13.2";
const tools = inRoot("fuzz", "target", "tools");
const env = { PATH: [join(tools, "bin"), process.env.PATH].join(delimiter) };

/** 8 KiB and 5 s for an input, half a GiB for all of them. */
const limits = ["-max_len=8192", "-timeout=5", "-rss_limit_mb=512"];

await runMain(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "600" },
      seed: { type: "string" },
      mutants: { type: "boolean", default: false },
    },
  });
  const { seconds, seed } = values;
  if (positionals.length === 1 && positionals[0] === "kamailio") {
    await ensureKamailio();
    if (values.mutants) return runFuzzer("mutants.mjs", []);
    const drawn = seed === undefined ? [] : [`--seed=${seed}`];
    return runFuzzer("run.mjs", [`--seconds=${seconds}`, ...drawn]);
  }
  const known = readdirSync(inRoot("fuzz", "fuzz_targets"));
  const targets = known.map((file) => parse(file).name);
  const unknown = positionals.find((name) => !targets.includes(name));
  if (unknown) {
    throw new Explained(
      `There is no target "${unknown}": ${targets.join(", ")}; kamailio, alone.`,
    );
  }
  await ensureRust();
  await ensureCxx();
  await ensureCargoFuzz();
  await run("cargo", ["fuzz", "build", "--sanitizer=none"], { env });
  const failed = [];
  for (const target of positionals.length > 0 ? positionals : targets) {
    if (!(await fuzz(target, seconds))) failed.push(target);
  }
  if (failed.length > 0) throw new Explained(`Failed: ${failed.join(", ")}.`);
});

/**
 * @param {string} target
 * @param {string} seconds
 */
async function fuzz(target, seconds) {
  const start = performance.now();
  const { code, output } = await run(
    "cargo",
    [
      ...["fuzz", "run", "--sanitizer=none", target, "--", ...limits],
      ...["-print_final_stats=1", `-max_total_time=${seconds}`],
    ],
    { env, stderr: "capture", mayFail: true },
  );
  /** @param {RegExp} pattern */
  const last = (pattern) => [...output.matchAll(pattern)].at(-1)?.[1] ?? "?";
  if (code !== 0) say(output.slice(-4000));
  const passed = Math.round((performance.now() - start) / 1000);
  console.log(
    [
      `${target}: ${code === 0 ? "nothing found" : "FAILED"}`,
      `${last(/number_of_executed_units: +(\d+)/g)} inputs in ${passed} s`,
      `${last(/ cov: +(\d+)/g)} places reached`,
      `the slowest took ${last(/slowest_unit_time_sec: +(\d+)/g)} s`,
      `${last(/peak_rss_mb: +(\d+)/g)} MiB at most`,
    ].join(", "),
  );
  return code === 0;
}

/**
 * The fuzzer of deploy/kamailio.
 *
 * @param {string} program
 * @param {string[]} args
 */
async function runFuzzer(program, args) {
  const path = inRoot("tests", "kamailio", "fuzz", program);
  const { code } = await run(process.execPath, [path, ...args], {
    stdout: "show",
    mayFail: true,
  });
  if (code !== 0) throw new Explained("Failed: kamailio.");
}

async function ensureCargoFuzz() {
  const found = await answerOf("cargo", ["fuzz", "--version"]);
  if (found?.includes(version) || existsSync(join(tools, "bin"))) return;
  await step("building cargo-fuzz (once, a minute or two)", () =>
    run("cargo", [
      ...["install", "cargo-fuzz", `--version=${version}`],
      ...["--locked", `--root=${tools}`],
    ]),
  );
}
