// The crate in a Rust program for wasm: tests/library, which has an allocator and a
// panic handler of its own.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inRoot, root } from "../../scripts/lib/paths.mjs";
import { wasmTarget } from "../../scripts/lib/rust.mjs";
import { builds } from "../../scripts/lib/wasm.mjs";

const target = inRoot("target", "library");

/** @param {string[]} more arguments of cargo */
const build = (...more) =>
  execFileSync(
    "cargo",
    [
      ...["build", "--lib", "--locked", `--target=${wasmTarget}`],
      ...[`--target-dir=${target}`, ...more],
    ],
    { cwd: inRoot("tests", "library"), stdio: ["ignore", "ignore", "pipe"] },
  );

test("links with the program's own allocator and panic handler, and nothing else", async () => {
  build();
  const file = `${target}/${wasmTarget}/debug/graceline_library.wasm`;
  const module = await WebAssembly.compile(readFileSync(file));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const { exports } = /** @type {any} */ (
    await WebAssembly.instantiate(module)
  );
  assert.equal(exports.bytes_handed_out(), 0);
  assert.equal(exports.sockets_of_a_login(), 1);
  assert.ok(exports.bytes_handed_out() > 1000);
});

test("with those of the npm package it does not link", () => {
  assert.throws(
    () => build("--features=graceline/bare"),
    ({ stderr }) => /global.allocator|panic_impl/.test(String(stderr)),
  );
});

/**
 * The crates that are compiled with some features, the crate's own features after its name.
 *
 * @param {string} features
 */
const treeOf = (features) =>
  execFileSync(
    "cargo",
    [
      ...["tree", "--locked", `--target=${wasmTarget}`, "--edges=normal"],
      ...["--prefix=none", "--format={p} [{f}]", `--features=${features}`],
    ],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );

test("the npm package's wasm is made without anything of `browser`", () => {
  const of = /^(web-sys|gloo-|futures-channel|serde-wasm-bindgen)|\bbrowser\b/m;
  for (const [name, { features }] of Object.entries(builds))
    assert.doesNotMatch(treeOf(features), of, name);
  const own = treeOf("browser");
  for (const crate of ["web-sys", "gloo-timers", "serde-wasm-bindgen"])
    assert.ok(own.includes(`\n${crate} v`), crate);
});
