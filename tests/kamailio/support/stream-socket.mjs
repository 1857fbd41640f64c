import { EventEmitter } from "node:events";
import { connect } from "node:net";
import WebSocket from "ws";

/**
 * SIP over TCP (RFC 3261 §18.3) behind the face of a WebSocket, for SipClient: a desk phone. It
 * takes Content-Length by the word: what no message ends with is in `rest`.
 */
export class StreamSocket extends EventEmitter {
  /** @type {number} */
  readyState = WebSocket.CONNECTING;
  /** Bytes that came after the last whole message. */
  rest = Buffer.alloc(0);

  /**
   * @param {number} port
   * @param {string} host
   * @param {string} [localAddress]
   */
  constructor(port, host, localAddress) {
    super();
    this.tcp = connect({ port, host, localAddress });
    this.tcp.setNoDelay(true);
    this.tcp.on("connect", () => {
      this.readyState = WebSocket.OPEN;
      this.emit("open");
    });
    this.tcp.on("data", (data) => this.#read(data));
    this.tcp.on("error", () => {});
    this.tcp.on("close", () => {
      this.readyState = WebSocket.CLOSED;
      this.emit("close", 1006);
    });
  }

  /** @param {string} text */
  send(text) {
    this.tcp.write(text);
  }

  close() {
    this.tcp.end();
  }

  terminate() {
    this.tcp.destroy();
  }

  /** @param {Buffer} data */
  #read(data) {
    this.rest = Buffer.concat([this.rest, data]);
    for (;;) {
      const end = this.rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = this.rest.subarray(0, end).toString();
      const said = /^(?:content-length|l)[ \t]*:[ \t]*(\d+)/im.exec(head);
      const size = end + 4 + Number(said?.[1] ?? 0);
      if (this.rest.length < size) return;
      const message = this.rest.subarray(0, size);
      this.rest = this.rest.subarray(size);
      this.emit("message", message);
    }
  }
}
