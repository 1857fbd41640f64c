import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import WebSocket from "ws";
import { SipMessage } from "../../interop/support/sip-message.mjs";

/** @typedef {"ws" | "tcp" | "udp"} Transport */

/** How a connection of each kind is made: what it sends with, where it is, how it ends. */
const OPEN = {
  /**
   * @param {number} port
   * @param {string} host
   * @param {(text: string) => void} hear
   */
  async ws(port, host, hear) {
    const origin = "http://localhost";
    const socket = new WebSocket(`ws://${host}:${port}/`, "sip", { origin });
    socket.on("message", (data) => hear(data.toString()));
    await once(socket, "open");
    const { localAddress, localPort } = /** @type {any} */ (socket)._socket;
    return {
      local: `${localAddress}:${localPort}`,
      send: (/** @type {string} */ text) => socket.send(text),
      end: () => socket.terminate(),
    };
  },
  /**
   * @param {number} port
   * @param {string} host
   * @param {(text: string) => void} hear
   */
  async tcp(port, host, hear) {
    const socket = connect(port, host);
    socket.on("data", (data) => hear(data.toString()));
    socket.on("error", () => {});
    await once(socket, "connect");
    return {
      local: `${socket.localAddress}:${socket.localPort}`,
      send: (/** @type {string} */ text) => socket.write(text),
      end: () => socket.destroy(),
    };
  },
  /**
   * @param {number} port
   * @param {string} host
   * @param {(text: string) => void} hear
   */
  async udp(port, host, hear) {
    const socket = createSocket("udp4", (data) => hear(data.toString()));
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { address, port: own } = socket.address();
    return {
      local: `${address}:${own}`,
      send: (/** @type {string} */ text) => socket.send(text, port, host),
      end: () => socket.close(),
    };
  },
};

/** A connection that says exactly what it is told to, and keeps what it hears. */
export class Wire {
  /** Messages that came, or pieces of them over TCP, oldest first. @type {string[]} */
  heard = [];
  /** @type {Awaited<ReturnType<typeof OPEN.ws>>} */
  #connection;
  #transcript;
  #ended = false;

  /**
   * @param {{ transcript: import("../../interop/support/transcript.mjs").Transcript, after: (release: () => unknown) => void }} world
   * @param {Transport} transport
   * @param {{ host: string, port: number }} server
   */
  static async open(world, transport, server) {
    const wire = new Wire(world.transcript, transport, server);
    wire.#connection = await OPEN[transport](
      server.port,
      server.host,
      (text) => {
        wire.heard.push(text);
        world.transcript.add(`stranger (${transport})`, "received", text);
      },
    );
    world.after(() => wire.end());
    return wire;
  }

  /**
   * @param {import("../../interop/support/transcript.mjs").Transcript} transcript
   * @param {Transport} transport
   * @param {{ host: string, port: number }} server
   */
  constructor(transcript, transport, server) {
    this.#transcript = transcript;
    this.transport = transport;
    this.server = server;
  }

  /** Our own address, as the server sees it. */
  get local() {
    return this.#connection.local;
  }

  /** The transport as a Via has it. */
  get via() {
    return `SIP/2.0/${this.transport.toUpperCase()}`;
  }

  /**
   * Sends lines as they are.
   * @param {string | string[]} text
   */
  send(text) {
    const whole = typeof text === "string" ? text : text.join("\r\n");
    this.#transcript.add(`stranger (${this.transport})`, "sent", whole);
    this.#connection.send(whole);
  }

  /**
   * Resolves once the server has dealt with everything sent before: it answers in order.
   * @returns {Promise<SipMessage>}
   */
  async settled() {
    const { host, port } = this.server;
    const callId = randomBytes(8).toString("hex");
    this.send([
      `OPTIONS sip:${host}:${port} SIP/2.0`,
      `Via: ${this.via} ${this.local};branch=z9hG4bK${callId}`,
      "Max-Forwards: 70",
      "From: <sip:stranger@nowhere.invalid>;tag=1",
      `To: <sip:${host}:${port}>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 OPTIONS",
      "Content-Length: 0",
      "",
      "",
    ]);
    return this.answer(callId);
  }

  /**
   * The final answer that has this text in it.
   * @param {string} text
   */
  answer(text) {
    return this.#transcript.until(`an answer with ${text}`, () => {
      const whole = this.heard.join("");
      for (const one of whole.split(/(?=^SIP\/2\.0 \d)/m))
        if (/^SIP\/2\.0 [2-6]/.test(one) && one.includes(text))
          return new SipMessage(one);
      return undefined;
    });
  }

  end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.end();
  }
}
