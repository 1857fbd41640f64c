// The client's allocator never splits or joins blocks: a phone that lives for
// long must come by with the memory that it once had.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Phone } from "graceline";
import { startRegistrar } from "graceline/testing";

const CYCLES = 300;

/** @type {WebAssembly.Memory} */
let memory;
const { instantiate } = WebAssembly;

let registrar;
before(async () => {
  registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    const { exports } = made.instance ?? made;
    // Node's own fetch is made of wasm as well.
    if (exports.core_poll) memory = exports.memory;
    return made;
  };
});
after(async () => {
  WebAssembly.instantiate = instantiate;
  await registrar.stop();
});

function phone() {
  return new Phone({
    connections: registrar.url,
    user: "2001",
    domain: "example.test",
    password: "secret",
    isolate: true,
    WebSocket,
  });
}

test("logging in and out, again and again, takes no more memory", async () => {
  const one = phone();
  const cycles = async (/** @type {number} */ count) => {
    for (let cycle = 0; cycle < count; cycle++) {
      await one.registerPhone();
      await one.unregisterPhone();
    }
    return memory.buffer.byteLength;
  };
  const before = await cycles(20);
  // A page is 64 KiB: 300 cycles show what loses 220 bytes in each.
  assert.equal(await cycles(CYCLES), before);
  await one.close();
});
