import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Explained, say, step } from "./log.mjs";
import { orderedForCompression } from "./order.mjs";
import { inRoot, pkg, root } from "./paths.mjs";
import { run } from "./run.mjs";
import {
  ensureRust,
  ensureWasmBindgen,
  wasmBindgen,
  wasmTarget,
} from "./rust.mjs";
import { split, withoutNames } from "./split.mjs";
import { digestOf, replaceFile, unlessFresh } from "./stamps.mjs";

/** @template T @param {T} it */
const same = (it) => it;

/** For what is downloaded. */
const smallest = {
  profile: "release",
  // What the compiler does for speed at the cost of size even where it is told to make
  // it small: pointers of their own for the arrays of a loop, and values computed
  // ahead on each way that leads to where they are needed.
  llvm: ["--disable-lsr", "--enable-pre=false"],
  passes: [
    // Nothing is in the first KiB: the stack, which comes first, ends there.
    "--low-memory-unused",
    // Measured after compression, which likes structure made anew, and code
    // said twice better than a local that holds its result.
    ...["--flatten", "--rereloop", "-Oz", "-Oz", "--skip-pass=local-cse"],
    // A function that one other calls is like others more often than like its caller.
    "--one-caller-inline-max-function-size=0",
  ],
  order: orderedForCompression,
};

/** For Node. Objects cross, with glue that wasm-bindgen writes. */
const fastest = {
  profile: "registrar",
  llvm: [],
  // Measured with the parser: more makes nothing faster than the compiler has made it.
  passes: ["-O1"],
  order: same,
  glue: true,
};

/**
 * What only those who have calls need is loaded later: by its name in Rust, what takes the
 * calls of a phone, which `Phone::make_calls` alone makes, or one of them.
 *
 * @param {string} name
 */
const isOfCalls = (name) =>
  /^graceline::call::.*\bCalls>?::/.test(name) ||
  /^graceline::bridge::.*::(obey|write)_call$/.test(name) ||
  /^core::ptr::drop_in_place<graceline::call::Calls?>$/.test(name);

/**
 * How each is made: what pages load as small as can be (the client, and the control
 * of desk phones when it is first asked for), what runs in Node, which nobody
 * downloads, as fast as can be.
 */
export const builds = {
  client: { features: "bridge,bare", ...smallest, later: isOfCalls },
  csta: { features: "bridge-csta,bare", ...smallest },
  // The phone of a gateway, which controls calls of others (RFC 3725).
  controller: {
    features: "bridge,bare,third-party",
    profile: "release",
    llvm: [],
    passes: ["-Oz"],
    order: same,
  },
  gateway: { features: "bridge-gateway", ...fastest },
  registrar: { features: "bridge-registrar", ...fastest },
};

export const wasmNames = /** @type {(keyof typeof builds)[]} */ (
  Object.keys(builds)
);

/** What the compiler reads. */
const rustInputs = [
  "src",
  "Cargo.toml",
  "Cargo.lock",
  "rust-toolchain.toml",
  ".cargo",
  "tools/wasm-bindgen/Cargo.lock",
];

/** The steps themselves: a change of theirs changes the result. */
const scripts = ["wasm", "order", "functions", "split"].map(
  (name) => `scripts/lib/${name}.mjs`,
);

/**
 * Builds `pkg/NAME_bg.wasm` from the crate with the features of that build, and
 * `pkg/NAME.js` where it has glue.
 *
 * @param {keyof typeof builds} name
 * @returns {Promise<boolean>} whether there was anything to do
 */
export function buildWasm(name) {
  return unlessFresh({
    stamp: join(pkg, ".stamps", name),
    digest: digestOf([...rustInputs, ...scripts]),
    outputs: wasmFiles(name).map((file) => join(pkg, file)),
    work: async () => {
      await ensureRust();
      const [module] = await Promise.all([
        step(`compiling the ${name} to wasm`, () => compileAlone(name)),
        hasGlue(name) && ensureWasmBindgen(),
      ]);
      await optimiseUnlessSame(name, module);
    },
  });
}

/** @param {keyof typeof builds} name */
const hasGlue = (name) => "glue" in builds[name];

/** @param {keyof typeof builds} name */
const glueFiles = (name) =>
  hasGlue(name) ? [`${name}.js`, `${name}.d.ts`] : [];

/** The parts of one that is split, and the whole for those who want one file. */
const parts = ["client_bg.wasm", "calls_bg.wasm", "whole_bg.wasm"];

/** In pkg/. @param {keyof typeof builds} name */
export const wasmFiles = (name) => [
  ...("later" in builds[name] ? parts : [`${name}_bg.wasm`]),
  ...glueFiles(name),
];

/** The last compilation of each profile. @type {Map<string, Promise<unknown>>} */
const compiling = new Map();

/**
 * Those of one profile are written to the same file: each is read before the next one
 * is begun. Those of another are compiled beside them.
 *
 * @param {keyof typeof builds} name
 */
function compileAlone(name) {
  const { profile } = builds[name];
  const before = compiling.get(profile) ?? Promise.resolve();
  const module = before.then(() => compile(name));
  const done = module.catch(() => {});
  compiling.set(profile, done);
  return module;
}

/**
 * @param {keyof typeof builds} name
 * @returns {Promise<Buffer>} the module as the compiler wrote it
 */
async function compile(name) {
  const { features, profile, llvm } = builds[name];
  const { output } = await run(
    "cargo",
    [
      // The crate is a library: what makes a module of it is here.
      "rustc",
      "--lib",
      "--crate-type=cdylib",
      `--profile=${profile}`,
      "--locked",
      `--target=${wasmTarget}`,
      `--features=${features}`,
      "--message-format=json-render-diagnostics",
      "--",
      ...llvm.map((option) => `-Cllvm-args=${option}`),
    ],
    { stdout: "capture", env: { CARGO_ENCODED_RUSTFLAGS: await rustFlags() } },
  );
  const module = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === "compiler-artifact")
    .flatMap((message) => message.filenames)
    .filter((file) => file.endsWith("graceline.wasm"))
    .pop();
  if (!module) throw new Explained("cargo built no graceline.wasm.");
  return readFileSync(module);
}

/**
 * Keeps the paths of this machine, which panic messages name, out of the module.
 * (cargo splits these flags at U+001F, so that paths may hold spaces.)
 */
async function rustFlags() {
  // Unpacks the crates: their folders must be there to be named.
  await run("cargo", ["fetch", "--locked", `--target=${wasmTarget}`]);
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const sources = join(cargoHome, "registry", "src");
  const folders = existsSync(sources) ? readdirSync(sources) : [];
  return [
    `--remap-path-prefix=${root}=`,
    ...folders.map((name) => `--remap-path-prefix=${join(sources, name)}=`),
  ].join("\x1f");
}

/**
 * A change elsewhere in the crate often leaves this module as it was: then the
 * slow half is spared.
 *
 * @param {keyof typeof builds} name
 * @param {Buffer} module
 */
function optimiseUnlessSame(name, module) {
  return unlessFresh({
    stamp: join(pkg, ".stamps", `${name}.module`),
    digest: digestOf(
      [...scripts, "package-lock.json", "tools/wasm-bindgen/Cargo.lock"],
      module.toString("base64"),
    ),
    outputs: wasmFiles(name).map((file) => join(pkg, file)),
    work: () => step(`optimising the ${name}`, () => optimise(name, module)),
  });
}

/**
 * @param {keyof typeof builds} name
 * @param {Buffer} module
 */
async function optimise(name, module) {
  const draft = mkdtempSync(join(tmpdir(), "graceline-build-"));
  const wasm = join(draft, `${name}_bg.wasm`);
  try {
    writeFileSync(wasm, module);
    if (hasGlue(name)) {
      const options = ["--target=web", `--out-name=${name}`];
      await run(wasmBindgen, [...options, `--out-dir=${draft}`, wasm]);
    }
    // The one from node_modules: older ones found on machines break the module silently.
    await run(process.execPath, [
      inRoot("node_modules", "binaryen", "bin", "wasm-opt"),
      ...["--strip-dwarf", "--strip-producers", "--strip-target-features"],
      // Names stay, by which parts are told apart; they go with that.
      "--debuginfo",
      ...builds[name].passes,
      wasm,
      "-o",
      wasm,
    ]);
    for (const file of glueFiles(name))
      replaceFile(join(pkg, file), readFileSync(join(draft, file)));
    for (const [file, part] of Object.entries(
      partsOf(name, readFileSync(wasm)),
    )) {
      const done = builds[name].order(part);
      replaceFile(join(pkg, file), done);
      say(`  pkg/${file}: ${done.length} bytes`);
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * @param {keyof typeof builds} name
 * @param {Uint8Array} module with names of functions
 * @returns {Record<string, Uint8Array>} by file
 */
function partsOf(name, module) {
  const build = builds[name];
  if (!("later" in build)) return { [`${name}_bg.wasm`]: withoutNames(module) };
  const { first, second } = split(module, "calls", build.later);
  const [client, calls, whole] = parts;
  return { [client]: first, [calls]: second, [whole]: withoutNames(module) };
}

/** In pkg/. @param {string} name */
export const inlineFile = (name) => join("inline", `${name}_bg.js`);

/**
 * Builds `pkg/inline/NAME_bg.js`, the wasm as base64 in a module, for pages and
 * bundlers that cannot fetch a file.
 *
 * @param {"client" | "csta"} name
 * @returns {Promise<boolean>} whether there was anything to do
 */
export function buildInline(name) {
  const output = join(pkg, inlineFile(name));
  const file = name === "client" ? "whole_bg.wasm" : `${name}_bg.wasm`;
  return unlessFresh({
    stamp: join(pkg, ".stamps", `${name}.inline`),
    digest: digestOf([...scripts, `pkg/${file}`]),
    outputs: [output],
    work: async () => {
      const wasm = readFileSync(join(pkg, file));
      replaceFile(output, `export default "${wasm.toString("base64")}";\n`);
    },
  });
}
