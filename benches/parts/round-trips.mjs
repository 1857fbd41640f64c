// REGISTERs on the wire: to registered, refused, and back after a lost socket.

import { FakeClock, settled } from "../lib/fake-clock.mjs";
import { MemoryWebSocket } from "../lib/memory-socket.mjs";
import { ScriptedRegistrar } from "../lib/registrar.mjs";

/** Seconds after which nobody is waited for any more. */
const PATIENCE = 300;

const clock = new FakeClock();
clock.install();
Object.assign(globalThis, { WebSocket: MemoryWebSocket });
const { account, everybody } = await import("../peers/index.mjs");

/** @type {Record<string, Record<string, number | null>>} */
const counts = {};
/** @type {string[]} */
const notes = [];
for (const graceful of [false, true]) {
  const kind = graceful ? "graceful registrar" : "plain registrar";
  const [registered, refused, back] = [
    "registered",
    "refused",
    "back after a lost socket",
  ].map(
    (what) =>
      (counts[`${what}, ${kind}`] =
        /** @type {Record<string, number | null>} */ ({})),
  );
  for (const peer of await everybody()) {
    const registrar = new ScriptedRegistrar({ graceful });
    let phone = await peer.phone(account);
    phone.register();
    await passing(() => registrar.refreshes > 0);
    registered[peer.name] = registrar.registers;

    const before = { ...registrar, at: clock.now };
    registrar.socket?.cut();
    const isBack = await passing(() => registrar.socket !== before.socket);
    back[peer.name] = isBack ? registrar.registers - before.registers : null;
    notes.push(
      `${peer.name}, ${kind}: ` +
        (isBack
          ? `back after ${(clock.now - before.at) / 1000} s`
          : `not back after ${PATIENCE} s`),
    );

    const refusing = new ScriptedRegistrar({ graceful });
    refusing.refuses = true;
    phone = await peer.phone({ ...account, user: "2002" });
    phone.register().catch(() => {});
    // Nothing else is to come: timers that are left belong to the one above.
    for (let turn = 0; turn < 20; turn++) await settled();
    refused[peer.name] = refusing.registers;
  }
}
console.log(JSON.stringify({ counts, notes }));
process.exit();

/** Lets time pass until something is so. @param {() => boolean} isSo */
async function passing(isSo) {
  const end = clock.now + PATIENCE * 1000;
  await settled();
  while (!isSo() && clock.now < end && clock.next()) await settled();
  return isSo();
}
