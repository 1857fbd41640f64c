// Register, 100 refreshes, unregister: CPU time, in time that passes at once.

import { FakeClock, settled } from "../lib/fake-clock.mjs";
import { MemoryWebSocket } from "../lib/memory-socket.mjs";
import { ScriptedRegistrar } from "../lib/registrar.mjs";
import { cpuMicros, interleave } from "../lib/rounds.mjs";

const [rounds, warmUps] = process.argv.slice(2).map(Number);
const REFRESHES = 100;

const clock = new FakeClock();
clock.install();
Object.assign(globalThis, { WebSocket: MemoryWebSocket });
const { account, everybody } = await import("../peers/index.mjs");
const peers = await everybody();

/** @type {Record<string, Record<string, import("../lib/rounds.mjs").Figure>>} */
const figures = {};
/** @type {string[]} */
const notes = [];
for (const graceful of [false, true]) {
  const kind = graceful ? "graceful registrar" : "plain registrar";
  for (const peer of peers) {
    let registers = 0;
    for (let time = 0; time < warmUps; time++)
      ({ registers } = await cycle(peer, graceful));
    notes.push(`${peer.name}, ${kind}: ${registers} REGISTERs a cycle`);
  }
  figures[kind] = await interleave(
    rounds,
    Object.fromEntries(
      peers.map((peer) => [
        peer.name,
        async () => (await cycle(peer, graceful)).micros,
      ]),
    ),
  );
}
console.log(JSON.stringify({ figures, notes }));
process.exit();

/** @param {import("../peers/index.mjs").Peer} peer @param {boolean} graceful */
async function cycle(peer, graceful) {
  const registrar = new ScriptedRegistrar({ graceful });
  const start = cpuMicros();
  const phone = await peer.phone(account);
  await driven(phone.register());
  while (registrar.refreshes < REFRESHES + 1) {
    if (!clock.next()) throw new Error(`${peer.name} stopped refreshing`);
    await settled();
  }
  await driven(phone.unregister());
  await driven(phone.close());
  const micros = cpuMicros() - start;
  // Timers of transactions that are long over.
  while (clock.next()) await settled();
  return { micros, registers: registrar.registers };
}

/** Lets time pass until a promise is kept. @param {Promise<unknown>} promise */
async function driven(promise) {
  let done = false;
  promise.finally(() => (done = true));
  await settled();
  while (!done && clock.next()) await settled();
  return promise;
}
