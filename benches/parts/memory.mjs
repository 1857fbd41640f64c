// Live and resident memory of idle registered phones. One library a process,
// which is given by name; needs --expose-gc.

import { MemoryWebSocket } from "../lib/memory-socket.mjs";
import { ScriptedRegistrar } from "../lib/registrar.mjs";
import { account, loaders } from "../peers/index.mjs";

const [name, count] = process.argv.slice(2);
Object.assign(globalThis, { WebSocket: MemoryWebSocket });
new ScriptedRegistrar();

const peer = await loaders[/** @type {keyof typeof loaders} */ (name)]();
/** @type {import("../peers/index.mjs").BenchPhone[]} */
const phones = [];

// What the first ones need is code, and stays.
await add(50);
const before = await measure();
await add(Number(count));
const after = await measure();
console.log(
  JSON.stringify({
    live: (after.live - before.live) / Number(count),
    resident: (after.resident - before.resident) / Number(count),
    phones: phones.length,
  }),
);
process.exit();

/** @param {number} more */
async function add(more) {
  for (let left = more; left > 0; left--) {
    const phone = await peer.phone({
      ...account,
      user: `${phones.length + 10_000}`,
    });
    await phone.register();
    phones.push(phone);
  }
}

async function measure() {
  for (let time = 0; time < 4; time++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc?.();
  }
  // V8 counts the memory of wasm instances as external.
  const { heapUsed, external, rss } = process.memoryUsage();
  return { live: heapUsed + external, resident: rss };
}
