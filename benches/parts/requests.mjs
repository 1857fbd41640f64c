// A request in through the WebSocket, handled, and its answer out, through the
// public API, each phone registered.

import { MemoryWebSocket } from "../lib/memory-socket.mjs";
import { ScriptedRegistrar } from "../lib/registrar.mjs";
import { cpuMicros, interleave } from "../lib/rounds.mjs";
import { account, everybody } from "../peers/index.mjs";

Object.assign(globalThis, { WebSocket: MemoryWebSocket });
const [rounds, slice, warmUp] = process.argv.slice(2).map(Number);
/** Requests between two turns of the event loop. */
const BATCH = 50;

/** What follows Call-ID and CSeq, by method. @type {Record<string, (line: Line) => string>} */
const kinds = {
  OPTIONS: () => "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n",
  MESSAGE: () =>
    withBody(
      "Content-Type: text/plain\r\n",
      "The customer from Geneva is on line two.",
    ),
  // Cisco's, which needs no subscription: the only kind that all three take.
  NOTIFY: ({ callId }) =>
    withBody(
      "Event: service-control\r\nSubscription-State: active\r\nContent-Type: text/plain\r\n",
      `action=check-version\r\nRegisterCallId={${callId}}\r\n`,
    ),
};

/** @typedef {{ socket: MemoryWebSocket, contact: string, callId: string }} Line */

const registrar = new ScriptedRegistrar();
let answered = 0;
let last = "";
registrar.onAnswer = (text) => {
  answered += 1;
  last = text;
};
let sent = 0;

/** @type {string[]} */
const notes = [];
/** @type {Record<string, Record<string, import("../lib/rounds.mjs").Figure>>} */
const figures = {};
const lines = [];
for (const peer of await everybody()) {
  const phone = await peer.phone(account);
  await phone.register();
  const { socket, contact, callId } = registrar;
  if (!socket) throw new Error(`${peer.name} is not registered`);
  lines.push({ peer, phone, line: { socket, contact, callId } });
}
for (const method of Object.keys(kinds)) {
  for (const { peer, line } of lines) {
    await measure(method, line, warmUp);
    notes.push(
      `${peer.name} answers ${method} with ${last.slice(8, last.indexOf("\r\n"))}`,
    );
  }
  figures[method] = await interleave(
    rounds,
    Object.fromEntries(
      lines.map(({ peer, line }) => [
        peer.name,
        () => measure(method, line, slice),
      ]),
    ),
  );
}
console.log(JSON.stringify({ figures, notes }));
process.exit();

/** @param {string} method @param {Line} line @param {number} millis of CPU */
async function measure(method, line, millis) {
  let spent = 0;
  let count = 0;
  while (spent < millis * 1000) {
    const batch = Array.from({ length: BATCH }, () => request(method, line));
    answered = 0;
    const start = cpuMicros();
    for (const text of batch) line.socket.deliver(text);
    // What is put off to the next turn of the event loop is part of it.
    await new Promise((resolve) => setImmediate(resolve));
    spent += cpuMicros() - start;
    if (answered !== BATCH)
      throw new Error(`${answered} of ${BATCH} ${method} answered`);
    count += BATCH;
  }
  return spent / count;
}

/** @param {string} method @param {Line} line */
function request(method, line) {
  const id = (++sent).toString(16).padStart(8, "0");
  return (
    `${method} ${line.contact} SIP/2.0\r\n` +
    `Via: SIP/2.0/WSS 198.51.100.20:443;branch=z9hG4bK1c5a.${id}7f9e3b1d.0\r\n` +
    "Max-Forwards: 70\r\n" +
    `From: "Bob Example" <sip:2002@example.com>;tag=uloc-${id}\r\n` +
    "To: <sip:2001@example.com>\r\n" +
    `Call-ID: 5d0f7c21-3b8e9a64-${id}@198.51.100.20\r\n` +
    `CSeq: 1 ${method}\r\n` +
    "User-Agent: kamailio (5.6.3 (x86_64/linux))\r\n" +
    kinds[method](line)
  );
}

/** @param {string} headers @param {string} body */
function withBody(headers, body) {
  return `${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}
