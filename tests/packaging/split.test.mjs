// The build cuts a module in two (scripts/lib/split.mjs): together they do what it did.

import assert from "node:assert/strict";
import { test } from "node:test";
import { demangled, split } from "../../scripts/lib/split.mjs";
import { assembled } from "./assembled.mjs";

/** Of later: what `open` reaches, and by the gate; `$both` is of both, `$placed` in the table. */
const text = `(module
  (type $binary (func (param i32 i64) (result i32)))
  (memory (export "memory") 1)
  (global $stack (mut i32) (i32.const 64))
  (table 2 2 funcref)
  (elem (i32.const 1) $placed)
  (func $both (param i32) (result i32)
    (global.set $stack (i32.add (global.get $stack) (i32.const 1)))
    (i32.add (local.get 0) (i32.const 1)))
  (func $placed (param i32 i64) (result i32) (i32.const 40))
  (func $gate (param i32 i64) (result i32)
    (i32.store (i32.const 8) (local.get 0))
    (call $inner (i32.add (local.get 0) (i32.wrap_i64 (local.get 1)))))
  (func $inner (param i32) (result i32) (i32.mul (call $both (local.get 0)) (i32.const 10)))
  (func (export "open") (result i32) (call $inner (i32.const 0)))
  (func (export "stack") (result i32) (global.get $stack))
  (func (export "stored") (result i32) (i32.load (i32.const 8)))
  (func (export "pass") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $gate (local.get 0) (i64.const 2)))
      (else (call_indirect (type $binary) (i32.const 0) (i64.const 0) (i32.const 1))))))`;

const parts = () =>
  split(assembled(text, "--debuginfo"), "open", (name) => name === "gate");

/** @param {any} bytes @param {Record<string, any>} [imports] @returns {any} */
const started = (bytes, imports = {}) =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;

test("together they do what it did, with one memory, one table and one stack", () => {
  const { first, second } = parts();
  const one = started(first);
  assert.equal(one.open, undefined);
  assert.equal(one.pass(0), 40, "what stays in the table is there");
  const two = started(second, { "": one });
  assert.equal(two.open(), 10);
  assert.equal(one.pass(3), 60);
  assert.equal(one.stored(), 3);
  assert.equal(one.stack(), 66);
});

test("a gate before the second part is there is a trap, and no call of another function", () => {
  const one = started(parts().first);
  assert.throws(() => one.pass(3), WebAssembly.RuntimeError);
});

test("parts of two modules do not fit", () => {
  const one = started(parts().first);
  const other = split(
    assembled(text.replace("i32.const 10", "i32.const 11"), "--debuginfo"),
    "open",
    (name) => name === "gate",
  );
  assert.throws(
    () => started(other.second, { "": one }),
    WebAssembly.LinkError,
  );
});

test("names are read as people write them", () => {
  const names = {
    "_ZN9graceline4call5usage76_$LT$impl$u20$graceline..usage..Usage$u20$for$u20$graceline..call..Calls$GT$14handle_request17h43a39f46cdab6bc1E":
      "graceline::call::usage::<impl graceline::usage::Usage for graceline::call::Calls>::handle_request",
    "_ZN4core3ptr42drop_in_place$LT$graceline..call..Call$GT$17h24746ac045853baaE":
      "core::ptr::drop_in_place<graceline::call::Call>",
    gate: "gate",
  };
  for (const [mangled, name] of Object.entries(names))
    assert.equal(demangled(mangled), name);
});
