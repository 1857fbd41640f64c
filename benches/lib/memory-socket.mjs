/**
 * A WebSocket without a network, the same for everybody. What it is opened with
 * decides who answers: {@link MemoryWebSocket.accept}.
 */
export class MemoryWebSocket {
  static OPEN = 1;

  /** Gets every new socket. @type {(socket: MemoryWebSocket) => (text: string) => void} */
  static accept = () => () => {};

  readyState = 0;
  binaryType = "blob";
  bufferedAmount = 0;
  protocol = "sip";
  extensions = "";
  /** @type {Record<string, (event: any) => void>} */
  #listeners = {};
  #heard;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.#heard = MemoryWebSocket.accept(this);
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.#emit("open", { type: "open", target: this });
    });
  }

  /** @param {string} text */
  send(text) {
    this.#heard(text);
  }

  close(code = 1000, reason = "") {
    if (this.readyState > 1) return;
    this.readyState = 3;
    queueMicrotask(() =>
      this.#emit("close", {
        type: "close",
        target: this,
        code,
        reason,
        wasClean: code === 1000,
      }),
    );
  }

  /** @param {string} type @param {(event: any) => void} listener */
  addEventListener(type, listener) {
    this.#listeners[type] = listener;
  }

  /** @param {string} type */
  removeEventListener(type) {
    delete this.#listeners[type];
  }

  /** A message arrives, now. @param {string} data */
  deliver(data) {
    if (this.readyState === 1)
      this.#emit("message", { type: "message", target: this, data });
  }

  /** The network cuts the connection. */
  cut() {
    this.close(1006);
  }

  /** @param {string} type @param {object} event */
  #emit(type, event) {
    /** @type {any} */ (this)[`on${type}`]?.(event);
    this.#listeners[type]?.(event);
  }
}

Object.assign(MemoryWebSocket.prototype, {
  CONNECTING: 0,
  OPEN: 1,
  CLOSING: 2,
  CLOSED: 3,
});
