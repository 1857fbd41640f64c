// The build puts the functions of a module in another order (scripts/lib/order.mjs):
// whoever calls one must find it where it is now.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Functions } from "../../scripts/lib/functions.mjs";
import { orderedForCompression } from "../../scripts/lib/order.mjs";
import { assembled } from "./assembled.mjs";

/** Two kinds of functions by turns; everything that names a function by its number. */
const text = `(module
  (type $plain (func (result i32)))
  (import "host" "told" (func $told (param i32)))
  (table $table 4 funcref)
  (elem (table $table) (i32.const 1) func $low0 $high0 $low1)
  (memory 1)
  (global $started (mut i32) (i32.const 0))
  (export "all" (func $all))
  (export "started" (global $started))
  (start $start)
  (func $low0 (result i32) (i32.const 1))
  (func $high0 (result i32) (local f64 i64) (drop (f64.const -1.5))
    (i32.mul (i32.const 0x01020300) (i32.clz (i32.const 0x00ffffff))))
  (func $low1 (result i32) (i32.const 2))
  (func $start (global.set $started (i32.const 7)) (call $told (i32.const 5)))
  (func $high1 (result i32) (local f64 i64) (drop (f64.const -1.5))
    (i32.mul (i32.const 0x01020300) (i32.clz (i32.const 0x00feffff))))
  (func $chosen (param $which i32) (result i32)
    (block $c (block $b (block $a
      (br_table $a $b $c (local.get $which)))
      (return (call $low1)))
      (return (call $high1)))
    (memory.fill (i32.const 0) (i32.const 3) (i32.const 8))
    (memory.copy (i32.const 8) (i32.const 0) (i32.const 4))
    (i32.load offset=4 align=1 (i32.const 4)))
  (func $all (param $which i32) (result i32)
    (i32.add
      (call_indirect $table (type $plain) (i32.add (local.get $which) (i32.const 1)))
      (call $chosen (local.get $which)))))`;

/** @param {Uint8Array} bytes */
async function results(bytes) {
  const told = [];
  const host = { told: (/** @type {number} */ it) => told.push(it) };
  const { exports } = await WebAssembly.instantiate(
    await WebAssembly.compile(Uint8Array.from(bytes)),
    { host },
  );
  const { all, started } = /** @type {any} */ (exports);
  return { told, started: started.value, all: [0, 1, 2].map((it) => all(it)) };
}

const module = assembled(text);

test("in whichever order its functions are, a module does the same", async () => {
  const { list } = new Functions(module);
  const given = [...list.keys()];
  const expected = await results(module);
  assert.deepEqual(expected.told, [5]);
  assert.equal(new Set(expected.all).size, 3);
  assert.deepEqual(new Functions(module).inOrder(given), module);
  for (const order of [given.toReversed(), [...given.slice(3), 0, 1, 2]]) {
    const moved = new Functions(module).inOrder(order);
    assert.notDeepEqual(moved, module);
    assert.deepEqual(await results(moved), expected, `${order}`);
  }
});

test("those that are alike stand beside each other", async () => {
  const ordered = orderedForCompression(module);
  assert.deepEqual(await results(ordered), await results(module));
  const sizes = new Functions(ordered).list.map(({ body }) => body.length);
  const high = new Functions(module).list[1].body.length;
  assert.equal(sizes.lastIndexOf(high) - sizes.indexOf(high), 1);
});

test("an instruction that nobody expects is told, not skipped", () => {
  const vectors = "(module (func (drop (i8x16.splat (i32.const 1)))))";
  assert.throws(() => new Functions(assembled(vectors)), /instruction 0xfd/);
});
