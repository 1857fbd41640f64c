import { LINEAR, RATE } from "./g711.js";

/** What comes in later than this, in samples, is of another stream. */
const JUMP = 5 * RATE;

/**
 * What a caller says, put together from RTP packets: where each belongs its timestamp says
 * (RFC 3550 §5.1), so that silence that was not sent is as long as it was, and packets may
 * come in any order. It is in memory until the call ends: 16,000 bytes a second.
 */
export class Tape {
  #samples;
  #length = 0;
  /** Where the timestamp 0 of the stream would be. */
  #origin = 0;
  /** @type {number | undefined} */
  #stream;

  /** @param {number} seconds no more fits on it */
  constructor(seconds) {
    this.#samples = new Int16Array(seconds * RATE);
  }

  get isFull() {
    return this.#length === this.#samples.length;
  }

  /** What is on it. */
  get samples() {
    return this.#samples.subarray(0, this.#length);
  }

  /**
   * @param {import("./packet.js").Packet & { codec: import("./g711.js").Codec }} packet
   */
  add({ stream, timestamp, codec, payload }) {
    let at = (timestamp - this.#origin) | 0;
    if (stream !== this.#stream || Math.abs(at - this.#length) > JUMP) {
      this.#stream = stream;
      this.#origin = (timestamp - this.#length) | 0;
      at = this.#length;
    }
    const room = this.#samples.length;
    for (let n = 0; n < payload.length; n++, at++)
      if (at >= 0 && at < room) this.#samples[at] = LINEAR[codec][payload[n]];
    this.#length = Math.min(Math.max(this.#length, at), room);
  }
}
