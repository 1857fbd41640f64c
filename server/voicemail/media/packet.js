/** Of a packet without extras, in bytes. */
const HEAD = 12;

/**
 * An RTP packet (RFC 3550 §5.1).
 *
 * @typedef {object} Packet
 * @property {number} type of its payload
 * @property {number} timestamp
 * @property {number} stream SSRC
 * @property {Uint8Array} payload
 */

/**
 * @param {Buffer} bytes
 * @returns {Packet | undefined} undefined: it is none, or empty
 */
export function readPacket(bytes) {
  if (bytes.length < HEAD || bytes[0] >> 6 !== 2) return undefined;
  let at = HEAD + (bytes[0] & 0x0f) * 4;
  if (bytes[0] & 0x10) {
    if (bytes.length < at + 4) return undefined;
    at += 4 + bytes.readUInt16BE(at + 2) * 4;
  }
  const end = bytes.length - (bytes[0] & 0x20 ? bytes[bytes.length - 1] : 0);
  if (end <= at) return undefined;
  return {
    type: bytes[1] & 0x7f,
    timestamp: bytes.readUInt32BE(4),
    stream: bytes.readUInt32BE(8),
    payload: bytes.subarray(at, end),
  };
}

/**
 * @param {Packet & { sequence: number, isFirst: boolean }} packet isFirst: of what is said
 *   after silence
 */
export function writePacket(packet) {
  const { type, timestamp, stream, payload, sequence, isFirst } = packet;
  const bytes = Buffer.alloc(HEAD + payload.length);
  bytes[0] = 0x80;
  bytes[1] = type | (isFirst ? 0x80 : 0);
  bytes.writeUInt16BE(sequence, 2);
  bytes.writeUInt32BE(timestamp, 4);
  bytes.writeUInt32BE(stream, 8);
  bytes.set(payload, HEAD);
  return bytes;
}
