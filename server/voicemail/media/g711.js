/**
 * G.711 (ITU-T): 8,000 samples a second of 8 bits each, µ-law or A-law, and what they stand
 * for in 16 bits.
 *
 * @typedef {"PCMU" | "PCMA"} Codec as RFC 3551 names them
 */

export const RATE = 8_000;

/** Static payload types (RFC 3551 §6). @type {Record<number, Codec>} */
export const STATIC = { 0: "PCMU", 8: "PCMA" };

/** @param {number} code of µ-law */
function linearOfMu(code) {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
}

/** @param {number} code of A-law */
function linearOfA(code) {
  const bits = code ^ 0x55;
  const step = (bits & 0x70) >> 4;
  const base = ((bits & 0x0f) << 4) + 8;
  const magnitude = step ? (base + 0x100) << (step - 1) : base;
  return bits & 0x80 ? magnitude : -magnitude;
}

/** @param {(code: number) => number} linearOf */
const table = (linearOf) =>
  Int16Array.from({ length: 256 }, (_, code) => linearOf(code));

/** What each code stands for. @type {Record<Codec, Int16Array>} */
export const LINEAR = { PCMU: table(linearOfMu), PCMA: table(linearOfA) };

/** The code nearest to each sample. @type {Record<Codec, Uint8Array>} */
const CODES = { PCMU: nearest("PCMU"), PCMA: nearest("PCMA") };

/** @param {Codec} codec */
function nearest(codec) {
  const codes = [...LINEAR[codec].keys()].sort(
    (a, b) => LINEAR[codec][a] - LINEAR[codec][b],
  );
  const found = new Uint8Array(65_536);
  let at = 0;
  for (let sample = -32_768; sample < 32_768; sample++) {
    const off = (/** @type {number} */ place) =>
      Math.abs(LINEAR[codec][codes[place]] - sample);
    while (at < 255 && off(at + 1) <= off(at)) at++;
    found[sample & 0xffff] = codes[at];
  }
  return found;
}

/**
 * @param {Int16Array} samples
 * @param {Codec} codec
 */
export const encode = (samples, codec) =>
  Uint8Array.from(samples, (sample) => CODES[codec][sample & 0xffff]);
