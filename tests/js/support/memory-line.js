// A registrar behind WebSockets that are made of memory: no port, no network.

import { RegistrarCore } from "../../../pkg/registrar.js";
import { loadWasm } from "../../../js/testing/wasm.js";

/** One way, in ms. */
const LATENCY = 10;

export class MemoryLine {
  #core;
  #timer;
  /** @type {Map<number, any>} */
  #sockets = new Map();
  #last = 0;

  /** @param {object} options of the registrar's core */
  constructor(options) {
    loadWasm();
    this.#core = new RegistrarCore(options, new Uint8Array(32), Date.now());
    this.WebSocket = socketOf(this);
  }

  /** Sockets that are open. */
  get sockets() {
    return this.#sockets.size;
  }

  /** Cuts every socket; both ends see it. */
  cut() {
    for (const [connection, socket] of this.#sockets) {
      this.closed(connection);
      setTimeout(() => socket.end(1006), LATENCY);
    }
  }

  opened(socket) {
    const connection = ++this.#last;
    this.#sockets.set(connection, socket);
    this.#enter("opened", connection);
    return connection;
  }

  received(connection, data) {
    if (this.#sockets.has(connection))
      this.#enter("received", connection, data);
  }

  closed(connection) {
    if (this.#sockets.delete(connection)) this.#enter("closed", connection);
  }

  #enter(method, ...args) {
    this.#core[method](Date.now(), ...args);
    let output;
    while ((output = this.#core.poll())) this.#perform(output);
    clearTimeout(this.#timer);
    const deadline = this.#core.deadline();
    if (deadline === undefined) return;
    const wait = deadline - Date.now();
    this.#timer = setTimeout(() => this.#enter("wake"), wait);
  }

  #perform({ type, connection, data, code }) {
    const socket = this.#sockets.get(connection);
    if (type === "send") setTimeout(() => socket?.hear(data), LATENCY);
    if (type === "close") {
      this.#sockets.delete(connection);
      setTimeout(() => socket?.end(code), LATENCY);
    }
  }
}

/** The WebSocket class of a line. @param {MemoryLine} line */
function socketOf(line) {
  return class MemorySocket {
    protocol = "sip";
    /** @type {number | undefined} */
    #connection;
    #ended = false;

    constructor(url) {
      this.url = url;
      setTimeout(() => {
        if (this.#ended) return;
        this.#connection = line.opened(this);
        this.onopen?.({});
      }, LATENCY);
    }

    send(data) {
      setTimeout(() => line.received(this.#connection, data), LATENCY);
    }

    hear(data) {
      if (this.#ended) return;
      this.onmessage?.({ data: data.buffer ?? data });
    }

    close() {
      this.#ended = true;
      setTimeout(() => line.closed(this.#connection), LATENCY);
    }

    end(code) {
      if (this.#ended) return;
      this.#ended = true;
      this.onclose?.({ code, reason: "" });
    }
  };
}
