// Long lives of phones in the shipped wasm, in virtual time: refreshes, takeovers,
// network switches, logins and logouts leave nothing behind in the module (whose
// allocator never splits or joins blocks), the timers and the sockets.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Phone } from "graceline";
import { FakeTime } from "./support/fake-time.js";
import { bytesInUse } from "./support/heap.js";
import { MemoryLine } from "./support/memory-line.js";

const HOUR = 3_600_000;

/** @type {WebAssembly.Memory} */
let memory;
const { instantiate } = WebAssembly;

/** @type {FakeTime} */
let time;
before(() => {
  time = new FakeTime(Date.UTC(2026, 0, 1));
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    const { exports } = made.instance ?? made;
    // Node itself has modules in wasm.
    if ("discard" in exports) memory = exports.memory;
    return made;
  };
});
after(() => {
  WebAssembly.instantiate = instantiate;
  time.remove();
});

/** @param {MemoryLine} line */
function phoneOn(line) {
  return new Phone({
    connections: "ws://127.0.0.1/",
    user: "2001",
    domain: "example.test",
    password: "secret",
    WebSocket: /** @type {any} */ (line.WebSocket),
  });
}

test("logging in and out, again and again, takes no more memory", async () => {
  const line = new MemoryLine({ users: { 2001: { password: "secret" } } });
  const phone = phoneOn(line);
  const cycles = async (/** @type {number} */ count) => {
    for (let cycle = 0; cycle < count; cycle++) {
      await time.until(phone.registerPhone());
      await time.until(phone.unregisterPhone());
    }
    return { bytes: bytesInUse(memory), size: memory.buffer.byteLength };
  };
  // Until all that has a limit has reached it.
  const before = await cycles(100);
  const after = await cycles(300);
  assert.equal(after.size, before.size);
  // One block of the smallest size lost in each would be 4800 bytes.
  assert.ok(after.bytes - before.bytes < 256, `${after.bytes - before.bytes}`);
  await time.until(phone.close());
});

for (const [name, options] of Object.entries({
  graceful: {},
  Kamailio: { policy: "normal", dialect: "kamailio" },
}))
  test(`a day ends with the memory it began with (${name})`, async (t) => {
    const users = { 2001: { password: "secret" } };
    const line = new MemoryLine({ users, ...options });
    const [first, second] = [phoneOn(line), phoneOn(line)];

    /** Takes the device over, and waits until the other phone knows. */
    async function takeOver(phone, other) {
      const told = new Promise((resolve) =>
        other.once("eConnectionTerminated", resolve),
      );
      await time.until(phone.registerPhone({ forceRegistration: true }));
      if (other.status !== "eConnectionTerminated") await time.until(told);
    }

    /** An hour in which `times` things of each kind happen. */
    async function hour(times) {
      const end = Date.now() + HOUR;
      for (let round = 0; round < times; round++) {
        await takeOver(second, first);
        await time.run(20_000);
        await takeOver(first, second);
        line.cut();
        await time.run(5_000);
        assert.ok(first.ready);
      }
      await time.run(end - Date.now());
      assert.ok(first.ready);
      const memorySize = memory.buffer.byteLength;
      const { timers } = time;
      return {
        memorySize,
        timers,
        sockets: line.sockets,
        bytes: bytesInUse(memory),
      };
    }

    await time.until(first.registerPhone());
    // Until all that has a limit has reached it, as in tests/day.rs.
    await hour(40);
    await hour(40);
    const early = await hour(4);
    let late = early;
    for (let number = 4; number <= 24; number++) late = await hour(4);
    t.diagnostic(`after 3 h ${JSON.stringify(early)}`);
    t.diagnostic(`after 24 h ${JSON.stringify(late)}`);
    const { bytes, ...counts } = late;
    const { bytes: bytesBefore, ...countsBefore } = early;
    assert.deepEqual(counts, countsBefore);
    // One block of the smallest size lost in an hour would be 336 bytes.
    assert.ok(bytes - bytesBefore < 256, `${bytes - bytesBefore} more bytes`);

    // And this is how a phone shows that is kept.
    const third = phoneOn(line);
    await time.until(third.registerPhone({ forceRegistration: true }));
    assert.ok(bytesInUse(memory) - bytes > 2_000);
    await Promise.all(
      [first, second, third].map((phone) => time.until(phone.close())),
    );
    await time.run(HOUR);
    assert.equal(line.sockets, 0);
    assert.equal(time.timers, 0);
    assert.ok(bytesInUse(memory) < bytesBefore);
  });
