// Media of a caller that is no browser: plain RTP with G.711 over UDP, a tone that is said, and
// what is heard.

import { createSocket } from "node:dgram";
import { once } from "node:events";

const SPAN = 20;
const SIZE = 160;

/** A µ-law code (G.711) of each sample: sign, exponent, mantissa. */
function muLaw(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32_635) + 0x84;
  const exponent = Math.floor(Math.log2(magnitude)) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** Makes media handlers; `made` are those that there were. */
export function rtpMedia({ hertz = 440 } = {}) {
  const made = [];
  const create = (context) => {
    const handler = new RtpCaller(context, hertz);
    made.push(handler);
    return handler;
  };
  return Object.assign(create, { made });
}

class RtpCaller {
  localStream = null;
  remoteStream = null;
  /** Payloads of what came. */
  heard = [];
  #socket = createSocket("udp4");
  #hertz;
  #at = 0;
  #waiting = [];
  #isClosed = false;

  constructor(context, hertz) {
    this.context = context;
    this.#hertz = hertz;
    this.#socket.on("message", (bytes) => {
      this.heard.push(bytes.subarray(12));
      this.#waiting = this.#waiting.filter((is) => !is());
    });
  }

  async createOffer() {
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
    const { port } = this.#socket.address();
    return [
      "v=0",
      "o=- 1 1 IN IP4 127.0.0.1",
      "s=-",
      "c=IN IP4 127.0.0.1",
      "t=0 0",
      `m=audio ${port} RTP/AVP 18 0 101`,
      "a=rtpmap:101 telephone-event/8000",
      "m=video 9 RTP/AVP 96",
      "",
    ].join("\r\n");
  }

  async applyAnswer(sdp) {
    this.answer = sdp;
    const [, port] = /^m=audio (\d+) RTP\/AVP 0$/m.exec(
      sdp.replaceAll("\r", ""),
    );
    this.port = Number(port);
  }

  /** So many packets have come. @param {number} count @returns {Promise<void>} */
  packets(count) {
    return new Promise((resolve) => {
      const is = () => {
        if (this.heard.length < count) return false;
        resolve();
        return true;
      };
      if (!is()) this.#waiting.push(is);
    });
  }

  /** Says a tone of so many seconds, as long as that takes, or until the call is over. @returns {Promise<void>} */
  say(seconds) {
    const begin = performance.now();
    const end = this.#at + seconds * 8000;
    const first = this.#at;
    return new Promise((resolve) => {
      const turn = setInterval(() => {
        const due = first + (performance.now() - begin) * 8;
        while (!this.#isClosed && this.#at < Math.min(due, end)) this.#send();
        if (!this.#isClosed && this.#at < end) return;
        clearInterval(turn);
        resolve();
      }, SPAN);
    });
  }

  #send() {
    const packet = Buffer.alloc(12 + SIZE);
    packet[0] = 0x80;
    packet.writeUInt16BE((this.#at / SIZE) % 65_536, 2);
    packet.writeUInt32BE(this.#at, 4);
    packet.writeUInt32BE(4711, 8);
    for (let k = 0; k < SIZE; k++) {
      const turns = (this.#hertz * (this.#at + k)) / 8000;
      packet[12 + k] = muLaw(Math.round(8000 * Math.sin(2 * Math.PI * turns)));
    }
    this.#at += SIZE;
    this.#socket.send(packet, this.port, "127.0.0.1");
  }

  async rollback() {}

  close() {
    this.#isClosed = true;
    this.#socket.close();
  }
}
