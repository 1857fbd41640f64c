import { existsSync } from "node:fs";
import {
  compareInstructions,
  countInstructions,
  ensureInstructionTarget,
  mustBeRecorded,
} from "./instructions.mjs";
import { packAndInstall, testProject } from "./packed.mjs";
import { Missing, inOutput, output } from "./log.mjs";
import { ensureNodePackages } from "./node-packages.mjs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";
import {
  cargoFeatures,
  ensureRust,
  ensureRustLinters,
  ensureWasmBindgen,
  wasmTarget,
} from "./rust.mjs";
import {
  ensureBaresip,
  ensureBrowser,
  ensureFirefox,
  ensureKamailio,
  ensureNetworkTools,
  ensureRtpengine,
  ensureValgrind,
} from "./system-packages.mjs";
import { builds } from "./wasm.mjs";
import { runWebTests } from "./web.mjs";
import { countCommands, runCargoTests, runNodeTests } from "./count.mjs";

/**
 * @typedef {object} Stage
 * @property {string} name for `npm test -- NAME`
 * @property {string} title
 * @property {string} lane stages of one lane run one after the other
 * @property {(() => unknown)[]} prepare what it needs; a {@link Missing} thing means that it cannot run here
 * @property {() => Promise<import("./count.mjs").Count>} run
 */

/** What pages load, and the libraries of the servers. */
const pages = once(() =>
  build("client", "csta", "script", "controller", "libraries"),
);
/** That, and what runs in Node: of another profile, which is compiled beside it. */
const everything = once(() =>
  Promise.all([pages(), build("gateway", "registrar")]),
);
const pack = once(packAndInstall);
const nodePackages = once(ensureNodePackages);
const browser = once(ensureBrowser);
const kamailio = once(ensureKamailio);

/** Features of the wasm builds, and of front ends in Rust, as cargo's arguments. */
const wasmBuilds = [...Object.values(builds), { features: "browser" }].map(
  ({ features }) => [`--target=${wasmTarget}`, `--features=${features}`],
);

/**
 * Features of the crate that nothing else compiles alone for wasm. `bare` and `internals`
 * are no choice of a program's.
 */
const alone = cargoFeatures().filter(
  (feature) =>
    !["bare", "internals"].includes(feature) &&
    !wasmBuilds.some((args) => args.includes(`--features=${feature}`)),
);

/** @type {Stage[]} */
export const stages = [
  {
    name: "fmt",
    lane: "compilers",
    title: "Rust formatting",
    prepare: [ensureRustLinters],
    run: () =>
      countCommands(
        ["cargo", "fmt", "--all", "--check"],
        ...[
          "tools/wasm-bindgen",
          "fuzz",
          "benches/native",
          "tests/library",
        ].map((crate) => [
          ...["cargo", "fmt", "--check"],
          `--manifest-path=${crate}/Cargo.toml`,
        ]),
      ),
  },
  {
    name: "clippy",
    lane: "compilers",
    title: "Rust lints, native and wasm; each feature alone",
    prepare: [ensureRustLinters],
    run: () =>
      countCommands(
        ...[["--all-targets"], ...wasmBuilds].map((target) => [
          ...["cargo", "clippy", "--locked", ...target],
          ...["--", "--deny=warnings"],
        ]),
        ...alone.map((feature) => [
          ...["cargo", "check", "--locked", "--lib"],
          ...[`--target=${wasmTarget}`, `--features=${feature}`],
        ]),
      ),
  },
  {
    name: "rust",
    lane: "compilers",
    title: "the two machines in virtual time",
    prepare: [ensureRust],
    run: async () => {
      const own = await runCargoTests(["test", "--locked"]);
      const library = await runCargoTests([
        ...["test", "--locked", "--manifest-path=tests/library/Cargo.toml"],
        `--target-dir=${inRoot("target", "library")}`,
      ]);
      return {
        passed: own.passed + library.passed,
        failed: own.failed + library.failed,
        failures: [...(own.failures ?? []), ...(library.failures ?? [])],
      };
    },
  },
  {
    name: "instructions",
    lane: "compilers",
    title: "instruction counts against the recorded ones",
    prepare: [mustBeRecorded, ensureInstructionTarget, ensureValgrind],
    run: async () => compareInstructions(await countInstructions()),
  },
  {
    name: "web",
    lane: "compilers",
    title: "wasm in headless Chromium",
    prepare: [
      () => mustExist("tests/web.rs"),
      ensureRust,
      ensureWasmBindgen,
      nodePackages,
      everything,
      browser,
    ],
    run: runWebTests,
  },
  {
    name: "lint",
    lane: "checks",
    title: "JavaScript formatting, lints and types; the page of errors",
    prepare: [nodePackages, everything],
    run: () =>
      countCommands(
        [nodeProgram("prettier"), "--check", "."],
        [nodeProgram("eslint"), "--max-warnings=0", "."],
        [nodeProgram("tsc"), "--project", "tsconfig.json"],
        [nodeProgram("tsc"), "--project", "tests/tsconfig.json"],
        [process.execPath, inRoot("scripts", "errors.mjs"), "--check"],
      ),
  },
  {
    name: "sizes",
    lane: "checks",
    title: "the shipped sizes against their budgets",
    prepare: [nodePackages, everything],
    run: () =>
      countCommands([process.execPath, inRoot("scripts", "sizes.mjs")]),
  },
  {
    name: "js",
    lane: "pages",
    title: "the packed tarball's API in Node",
    prepare: [nodePackages, everything, pack],
    run: () => runNodeTests("tests/js", { cwd: testProject }),
  },
  {
    name: "packaging",
    lane: "pages",
    title: "the packed tarball in other people's projects",
    prepare: [ensureRust, nodePackages, everything, pack, browser],
    run: () => runNodeTests("tests/packaging", { concurrency: 1 }),
  },
  {
    name: "browser",
    lane: "pages",
    title: "pages in Chromium",
    prepare: [nodePackages, everything, browser],
    run: () => runNodeTests("tests/browser", { concurrency: 2 }),
  },
  {
    name: "interop",
    lane: "servers",
    title: "a real Kamailio, with JsSIP and SIP.js as rivals",
    prepare: [nodePackages, pages, kamailio],
    run: () => runNodeTests("tests/interop", { concurrency: 3 }),
  },
  {
    name: "gateway",
    lane: "servers",
    title: "the CTI gateway's drivers, with a real baresip",
    prepare: [nodePackages, everything, kamailio, ensureBaresip],
    run: () => runNodeTests("tests/gateway", { concurrency: 1 }),
  },
  {
    name: "kamailio",
    lane: "servers",
    title: "deploy/kamailio: graceful registration on real servers",
    prepare: [nodePackages, everything, kamailio],
    run: () => runNodeTests("tests/kamailio", { concurrency: 4 }),
  },
  {
    name: "networks",
    lane: "sound",
    title: "calls of a host that loses its networks, in Chromium",
    prepare: [
      mustBeRoot,
      nodePackages,
      pages,
      browser,
      kamailio,
      ensureNetworkTools,
    ],
    run: () => runNodeTests("tests/networks", { concurrency: 1 }),
  },
  {
    name: "calls",
    lane: "sound",
    title: "calls between browsers and a desk phone, with what is heard",
    prepare: [
      nodePackages,
      everything,
      browser,
      kamailio,
      ensureRtpengine,
      ensureBaresip,
      ensureFirefox,
    ],
    run: () => runNodeTests("tests/real-calls", { concurrency: 1 }),
  },
];

/**
 * A preparation that several stages share: done once, and its failure is told
 * to each of them. It gives way to nobody, whoever asks first: others wait for it.
 *
 * @template T
 * @param {() => Promise<T>} work
 */
function once(work) {
  /** @type {Promise<T> | undefined} */
  let result;
  return () => (result ??= inOutput({ ...output(), niceness: 0 }, work));
}

/** @param {string[]} parts of scripts/build.mjs */
function build(...parts) {
  return run(process.execPath, [inRoot("scripts", "build.mjs"), ...parts]);
}

/** @param {string} name */
function nodeProgram(name) {
  return inRoot("node_modules", ".bin", name);
}

function mustBeRoot() {
  if (process.getuid?.() !== 0)
    throw new Missing("Only root can make network namespaces.");
}

/** @param {string} path */
function mustExist(path) {
  if (!existsSync(inRoot(path))) throw new Missing(`${path} is missing.`);
}
