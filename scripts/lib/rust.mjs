import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Missing, step } from "./log.mjs";
import { inRoot } from "./paths.mjs";
import { answerOf, findProgram, run } from "./run.mjs";
import { digestOf, unlessFresh } from "./stamps.mjs";

export const wasmTarget = "wasm32-unknown-unknown";

const tools = inRoot("tools", "wasm-bindgen", "target", "release");

/** The wasm-bindgen program of the version that Cargo.lock pins. */
export const wasmBindgen = join(tools, "wasm-bindgen");

/** The environment in which cargo finds the runner of .cargo/config.toml. */
export const runnerEnv = {
  PATH: [tools, process.env.PATH].join(delimiter),
};

/** The names of the crate's features. */
export function cargoFeatures() {
  const manifest = readFileSync(inRoot("Cargo.toml"), "utf8");
  const [, features = ""] = /^\[features\]\n([^]*?)\n\[/m.exec(manifest) ?? [];
  return [...features.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
}

/** The toolchain of rust-toolchain.toml with the wasm target. */
export const ensureRust = () => ensureRustTarget(wasmTarget);

/**
 * The toolchain with a target.
 *
 * @param {string} target
 */
export async function ensureRustTarget(target) {
  if (!findProgram("cargo")) {
    throw new Missing(
      "Rust is needed, and there is no cargo in PATH. Install rustup (https://rustup.rs), open a new shell, and run this again.",
    );
  }
  // Shown, not captured: rustup may download the toolchain here.
  const { output } = await run("rustc", ["--print", "sysroot"], {
    stdout: "capture",
  });
  const installed = join(output.trim(), "lib", "rustlib", target, "lib");
  if (existsSync(installed)) return;
  if (!findProgram("rustup")) {
    throw new Missing(
      `This Rust has no ${target} target, and there is no rustup to add it. Install rustup (https://rustup.rs) and run this again.`,
    );
  }
  await step(`adding the Rust target ${target}`, () =>
    run("rustup", ["target", "add", target]),
  ).catch((error) => {
    throw new Missing(
      `${error.message}\nIt could not be added. Check the network, then run: rustup target add ${target}`,
    );
  });
}

/** rustfmt and clippy, which only the tests need. */
export async function ensureRustLinters() {
  await ensureRust();
  for (const [component, program] of [
    ["rustfmt", "fmt"],
    ["clippy", "clippy"],
  ]) {
    if (await answerOf("cargo", [program, "--version"])) continue;
    await step(`adding the Rust component ${component}`, () =>
      run("rustup", ["component", "add", component]),
    );
  }
}

/** @type {Promise<unknown> | undefined} */
let wasmBindgenIsBuilt;

/**
 * Builds wasm-bindgen and its test runner from tools/wasm-bindgen, once: the
 * program must be of exactly the version of the crate, with a locked dependency
 * tree.
 */
export function ensureWasmBindgen() {
  return (wasmBindgenIsBuilt ??= buildWasmBindgen());
}

function buildWasmBindgen() {
  const inputs = ["Cargo.toml", "Cargo.lock", "src"];
  return unlessFresh({
    stamp: join(tools, "graceline.stamp"),
    digest: digestOf(inputs.map((name) => join("tools", "wasm-bindgen", name))),
    outputs: [wasmBindgen, join(tools, "wasm-bindgen-test-runner")],
    work: async () => {
      await ensureRust();
      await step("building wasm-bindgen (once, a minute or two)", () =>
        run("cargo", ["build", "--release", "--locked"], {
          cwd: inRoot("tools", "wasm-bindgen"),
          env: { CARGO_TARGET_DIR: undefined },
        }),
      );
    },
  });
}
