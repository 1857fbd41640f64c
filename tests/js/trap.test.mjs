// A real trap in the real wasm: the memory of an instance is destroyed under a
// registered phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { Phone, PhoneError } from "graceline";
import { startRegistrar } from "graceline/testing";

/** The memories of the instances made since the last look. @type {WebAssembly.Memory[]} */
const memories = [];
const { instantiate } = WebAssembly;

let registrar;
before(async () => {
  registrar = await startRegistrar({ users: { 2001: { password: "secret" } } });
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    const { exports } = made.instance ?? made;
    // Node's own fetch is made of wasm as well.
    if (exports.discard) memories.push(exports.memory);
    return made;
  };
});
after(async () => {
  WebAssembly.instantiate = instantiate;
  await registrar.stop();
});

/** @param {object} [options] */
async function registered(options) {
  const phone = new Phone({
    connections: registrar.url,
    user: "2001",
    domain: "example.test",
    password: "secret",
    WebSocket,
    ...options,
  });
  await phone.registerPhone();
  return phone;
}

test("a trap is eInternal for the phones of its instance, and for no others", async () => {
  const first = await registered({ device: "A" });
  const second = await registered({ device: "B" });
  assert.equal(memories.length, 1, "they share an instance");
  const apart = await registered({ device: "C", isolate: true });
  assert.equal(memories.length, 2);

  const errors = [first, second].map(
    (phone) => new Promise((resolve) => phone.once("error", resolve)),
  );
  new Uint8Array(memories[0].buffer).fill(0xff);
  await first.unregisterPhone();
  for (const error of await Promise.all(errors))
    assert.ok(PhoneError.is(error, "eInternal"), String(error));
  for (const phone of [first, second]) {
    await assert.rejects(phone.registerPhone(), { code: "eInternal" });
    await phone.close();
  }

  assert.equal(apart.status, "eReady");
  await apart.unregisterPhone();
  assert.equal((await apart.registerPhone()).device, "C");

  const next = await registered({ device: "D" });
  assert.equal(memories.length, 3, "the next phone gets a fresh instance");
  assert.equal(next.status, "eReady");
  await Promise.all([apart.close(), next.close()]);
});
