// Parse and typed access from JavaScript: a string goes in, the fields are read
// in JavaScript. All parsers in one process, in turns.

import { everybody } from "../peers/index.mjs";
import { messages } from "../lib/messages.mjs";
import { cpuMicros, interleave } from "../lib/rounds.mjs";

const [rounds, slice, warmUp] = process.argv.slice(2).map(Number);
const texts = [...messages.values()];
const peers = await everybody();

/** What a peer sees. @param {import("../peers/index.mjs").Peer} peer @param {string} text */
function fieldsOf(peer, text) {
  /** @type {unknown[]} */
  const fields = [];
  try {
    peer.read(peer.parse(text), (value) => fields.push(value || ""));
  } catch {
    fields.length = 0;
  }
  return fields.map((field) => String(field).toLowerCase()).join("|");
}

/** Keeps the fields from being optimised away. */
let seen = 0;
const see = (/** @type {string | number | undefined} */ value) => {
  seen += typeof value === "string" ? value.length : value || 0;
};

/** @param {import("../peers/index.mjs").Peer} peer @param {number} [millis] of CPU */
function measure(peer, millis = slice) {
  let count = 0;
  const start = cpuMicros();
  const end = start + millis * 1000;
  let now = start;
  while (now < end) {
    for (const text of texts) peer.read(peer.parse(text), see);
    count += texts.length;
    now = cpuMicros();
  }
  return (now - start) / count;
}

// V8 takes seconds to compile the large generated grammars as well as it can.
for (const peer of peers) measure(peer, warmUp);
const figures = await interleave(
  rounds,
  Object.fromEntries(peers.map((peer) => [peer.name, () => measure(peer)])),
);
const notes = peers
  .slice(1)
  .map((peer) => {
    const differs = [...messages].filter(
      ([, text]) => fieldsOf(peer, text) !== fieldsOf(peers[0], text),
    );
    return differs.length
      ? `${peer.name} reads otherwise: ${differs.map(([name]) => name).join(", ")}`
      : "";
  })
  .filter(Boolean);
console.log(JSON.stringify({ figures, notes, seen: seen > 0 }));
