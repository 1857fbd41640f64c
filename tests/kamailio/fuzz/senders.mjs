/** Those who send whatever they are given, byte by byte, and hear what comes back. */
import { createSocket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import WebSocket from "ws";

/** Milliseconds for what nothing announces: an answer that may not come. */
const PATIENCE_MS = 300;

/** Resolves with the event, or with nothing when it does not come. */
const within = (
  /** @type {EventEmitter} */ emitter,
  /** @type {string} */ event,
) =>
  once(emitter, event, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(
    () => undefined,
  );

/**
 * @typedef {object} Target
 * @property {string} host
 * @property {number} port
 * @property {number} udpPort
 * @property {number} clusterPort
 */

/** One connection, or one port. */
class Sender extends EventEmitter {
  /** What came back, all of it. */
  heard = "";

  /** @param {string | Buffer} data */
  hear(data) {
    this.heard += data.toString();
    this.emit("heard");
  }

  /**
   * Waits until it has heard something.
   * @param {RegExp} pattern
   */
  async until(pattern) {
    while (!pattern.test(this.heard) && (await within(this, "heard")));
    return pattern.exec(this.heard);
  }
}

class WebSocketSender extends Sender {
  /** @param {Target} target */
  constructor({ host, port }) {
    super();
    this.socket = new WebSocket(`ws://${host}:${port}/`, "sip", {
      origin: "http://localhost",
    });
    this.socket.on("message", (data) => this.hear(data.toString()));
    this.socket.on("error", () => {});
  }

  get address() {
    const { _socket: socket } = /** @type {any} */ (this.socket);
    return `127.0.0.1:${socket?.localPort}`;
  }

  async open() {
    await within(this.socket, "open");
  }

  /** @param {string} text */
  send(text) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  /** When it is over everything that was sent has been looked at. */
  async finish() {
    if (this.socket.readyState === WebSocket.OPEN) {
      const closed = within(this.socket, "close");
      this.socket.close();
      await closed;
    }
    this.socket.terminate();
  }
}

class StreamSender extends Sender {
  /**
   * @param {Target} target
   * @param {boolean} cluster
   * @param {string} localAddress
   */
  constructor({ host, port, clusterPort }, cluster, localAddress) {
    super();
    this.socket = connect({
      host,
      port: cluster ? clusterPort : port,
      localAddress,
    });
    this.socket.setNoDelay(true);
    this.socket.on("data", (data) => this.hear(data));
    this.socket.on("error", () => {});
  }

  get address() {
    return `${this.socket.localAddress}:${this.socket.localPort}`;
  }

  async open() {
    await within(this.socket, "connect");
  }

  /** @param {string} text */
  send(text) {
    if (this.socket.writable) this.socket.write(text);
  }

  /** The node closes its end when it has read everything. */
  async finish() {
    if (this.socket.destroyed) return;
    const closed = within(this.socket, "close");
    this.socket.end();
    await closed;
    this.socket.destroy();
  }
}

const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: example.test",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: sip",
  "Sec-WebSocket-Version: 13",
  "",
  "",
].join("\r\n");

/** A WebSocket whose frames are made by hand: what is sent is their bytes, in hexadecimal. */
class FrameSender extends StreamSender {
  async open() {
    await super.open();
    super.send(HANDSHAKE);
    await this.until(/\r\n\r\n/);
  }

  /** @param {string} hex */
  send(hex) {
    if (this.socket.writable) this.socket.write(Buffer.from(hex, "hex"));
  }
}

class DatagramSender extends Sender {
  #socket = createSocket("udp4");
  #target;
  #count = 0;

  /**
   * @param {Target} target
   * @param {string} localAddress
   */
  constructor(target, localAddress) {
    super();
    this.#target = target;
    this.localAddress = localAddress;
    this.#socket.on("message", (data) => this.hear(data));
  }

  get address() {
    return `${this.localAddress}:${this.#socket.address().port}`;
  }

  async open() {
    this.#socket.bind(0, this.localAddress);
    await once(this.#socket, "listening");
  }

  /** @param {string} text */
  send(text) {
    const { host, udpPort } = this.#target;
    this.#socket.send(text, udpPort, host);
  }

  /** What was sent before has been taken from the socket when this is answered. */
  async finish() {
    const id = `last-${++this.#count}-${this.address}`;
    this.send(
      [
        "OPTIONS sip:example.test SIP/2.0",
        `Via: SIP/2.0/UDP ${this.address};branch=z9hG4bK${id};rport`,
        "From: <sip:x@x.invalid>;tag=x",
        "To: <sip:example.test>",
        `Call-ID: ${id}`,
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    );
    await this.until(new RegExp(id));
    this.#socket.close();
  }
}

/** The address of those who are no node, and of one who is on a node's host. */
const ELSEWHERE = "127.0.0.9";
const PEER = "127.0.0.3";

/**
 * Opens a way to a node.
 * @param {NonNullable<import("./generator.mjs").Step["via"]>} via
 * @param {Target} target
 */
export async function openSender(via, target) {
  const sender = makeSender(via, target);
  await sender.open();
  return sender;
}

/**
 * @param {NonNullable<import("./generator.mjs").Step["via"]>} via
 * @param {Target} target
 */
function makeSender(via, target) {
  if (via === "ws") return new WebSocketSender(target);
  if (via === "udp") return new DatagramSender(target, ELSEWHERE);
  if (via === "frames") return new FrameSender(target, false, ELSEWHERE);
  if (via === "peer") return new StreamSender(target, true, PEER);
  return new StreamSender(target, via === "cluster", ELSEWHERE);
}
