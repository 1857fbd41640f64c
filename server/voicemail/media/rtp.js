import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { STATIC } from "./g711.js";
import { writeAnswer } from "./offer.js";
import { readPacket, writePacket } from "./packet.js";

/** @typedef {import("./offer.js").Offered} Offered */

/** Sound as desk phones speak it: plain RTP over UDP. */
export class RtpMedia {
  #offered;
  #socket;
  #heard;
  #address;
  #stream = randomInt(2 ** 32);
  #start = randomInt(2 ** 32);
  #sequence = randomInt(2 ** 16);
  #version = 0;
  /**
   * Where its sound comes from, which from behind a NAT is not what it said.
   *
   * @type {import("node:dgram").RemoteInfo | undefined}
   */
  #source;

  /**
   * @param {Offered} offered
   * @param {import("./handler.js").Heard} heard
   * @param {string | undefined} host address that far ends send to; default: the one by
   *   which this machine reaches them
   */
  static async open(offered, heard, host) {
    const socket = createSocket(isIPv6(offered.address) ? "udp6" : "udp4");
    socket.bind(0);
    await once(socket, "listening");
    const address = host ?? (await ownAddress(offered));
    return new RtpMedia(offered, heard, socket, address);
  }

  /**
   * @param {Offered} offered
   * @param {import("./handler.js").Heard} heard
   * @param {import("node:dgram").Socket} socket
   * @param {string} address
   */
  constructor(offered, heard, socket, address) {
    this.#offered = offered;
    this.#heard = heard;
    this.#socket = socket;
    this.#address = address;
    socket.on("message", (bytes, source) => this.#received(bytes, source));
    // The far end does not listen (ICMP): its signalling says so, too.
    socket.on("error", () => {});
  }

  get codec() {
    return STATIC[this.#offered.type];
  }

  /**
   * @param {string} sdp
   * @param {Offered} offered what that says: in the course of a call it may move
   */
  answer(sdp, offered) {
    const { address, port } = this.#offered;
    if (offered.address !== address || offered.port !== port)
      this.#source = undefined;
    this.#offered = offered;
    return writeAnswer(sdp, {
      address: this.#address,
      port: this.#socket.address().port,
      id: this.#stream,
      version: ++this.#version,
    });
  }

  async ready() {}

  /** @type {import("./player.js").Send} */
  send = (payload, at, isFirst) => {
    const { address, port } = this.#source ?? this.#offered;
    const packet = writePacket({
      type: this.#offered.type,
      isFirst,
      sequence: this.#sequence++ % 2 ** 16,
      timestamp: (this.#start + at) % 2 ** 32,
      stream: this.#stream,
      payload,
    });
    this.#socket.send(packet, port, address, () => {});
  };

  close() {
    this.#socket.close();
  }

  /**
   * Who sends first is the far end, and nobody else is heard after it: else anybody could
   * speak into the message.
   *
   * @param {Buffer} bytes
   * @param {import("node:dgram").RemoteInfo} source
   */
  #received(bytes, source) {
    const packet = readPacket(bytes);
    const codec = packet && STATIC[packet.type];
    if (!codec) return;
    const { address, port } = (this.#source ??= source);
    if (source.address !== address || source.port !== port) return;
    this.#heard({ ...packet, codec });
  }
}

/** @param {Offered} offered */
async function ownAddress({ address, port }) {
  const probe = createSocket(isIPv6(address) ? "udp6" : "udp4");
  probe.connect(port, address);
  await once(probe, "connect");
  const own = probe.address().address;
  probe.close();
  return own;
}
