import { RATE } from "./g711.js";

/**
 * Sound in a file of the type WAV: one channel, 8,000 samples a second of 16 bits, which
 * everything plays.
 */

const HEAD = 44;

/** @param {Int16Array} samples */
export function writeWav(samples) {
  const size = samples.length * 2;
  const bytes = Buffer.alloc(HEAD + size);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(HEAD - 8 + size, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(size, 40);
  samples.forEach((sample, at) => bytes.writeInt16LE(sample, HEAD + at * 2));
  return bytes;
}

/**
 * @param {Buffer} bytes
 * @returns {Int16Array | undefined} undefined: it is of another kind
 */
export function readWav(bytes) {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 4) !== "RIFF") return;
  if (bytes.toString("latin1", 8, 12) !== "WAVE") return;
  let fits = false;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = bytes.toString("latin1", at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const end = Math.min(at + 8 + size, bytes.length);
    if (name === "fmt " && end - at >= 24)
      fits =
        bytes.readUInt16LE(at + 8) === 1 &&
        bytes.readUInt16LE(at + 10) === 1 &&
        bytes.readUInt32LE(at + 12) === RATE &&
        bytes.readUInt16LE(at + 22) === 16;
    if (name === "data")
      return fits
        ? Int16Array.from({ length: (end - at - 8) >> 1 }, (_, n) =>
            bytes.readInt16LE(at + 8 + n * 2),
          )
        : undefined;
    // Chunks begin at even places.
    at += 8 + size + (size & 1);
  }
  return undefined;
}
