/**
 * The control port of baresip (its module ctrl_tcp): JSON in netstrings, commands with
 * an answer each, in order, and events.
 */
import { connect } from "node:net";
import { Gone } from "../../refusal.js";

/** Longest message. A list of a hundred calls has 10 KiB. */
const MAX_LENGTH = 2 ** 16;
/** Digits of that. */
const MAX_DIGITS = 5;

export class Control {
  #socket;
  #rest = Buffer.alloc(0);
  #onEvent;
  #onClose;
  #count = 0;
  #reason = "baresip has closed the connection";
  /** Of commands, by token. @type {Map<string, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();

  /**
   * @param {string} host
   * @param {number} port
   * @param {object} on
   * @param {() => void} on.open
   * @param {(event: Record<string, any>) => void} on.event
   * @param {(reason: string) => void} on.close
   */
  constructor(host, port, { open, event, close }) {
    this.#onEvent = event;
    this.#onClose = close;
    this.#socket = connect(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.on("connect", open);
    this.#socket.on("data", (part) => this.#read(part));
    this.#socket.on("error", ({ message }) => (this.#reason = message));
    this.#socket.on("close", () => this.#closed());
  }

  /**
   * Has baresip carry out a command of its menu. Resolves with what it prints. It says
   * `ok` to all commands that it knows, whatever comes of them.
   *
   * @param {string} command
   * @param {string} [params]
   * @returns {Promise<string>}
   */
  do(command, params) {
    const token = `${++this.#count}`;
    const text = JSON.stringify({ command, params, token });
    return new Promise((resolve, reject) => {
      if (!this.#socket.writable) return reject(new Gone());
      this.#waiting.set(token, { resolve, reject });
      this.#socket.write(`${Buffer.byteLength(text)}:${text},`);
    });
  }

  close() {
    this.#onClose = () => {};
    this.#onEvent = () => {};
    this.#socket.destroy();
  }

  #closed() {
    for (const { reject } of this.#waiting.values()) reject(new Gone());
    this.#waiting.clear();
    this.#onClose(this.#reason);
  }

  /** @param {Buffer} part */
  #read(part) {
    this.#rest = Buffer.concat([this.#rest, part]);
    for (;;) {
      const colon = this.#rest.indexOf(":");
      const length = Number(this.#rest.subarray(0, Math.max(colon, 0)));
      if (colon > MAX_DIGITS || !(length <= MAX_LENGTH))
        return this.#nonsense();
      const end = colon + 1 + length;
      if (colon < 0 || this.#rest.length <= end) {
        if (colon < 0 && this.#rest.length > MAX_DIGITS) this.#nonsense();
        return;
      }
      const message = objectIn(`${this.#rest.subarray(colon + 1, end)}`);
      if (!message || this.#rest[end] !== 0x2c) return this.#nonsense();
      this.#rest = this.#rest.subarray(end + 1);
      this.#take(message);
    }
  }

  /** @param {Record<string, any>} message */
  #take(message) {
    if (message.event) return this.#onEvent(message);
    const waiting = this.#waiting.get(message.token);
    if (!waiting) return;
    this.#waiting.delete(message.token);
    waiting.resolve(`${message.data ?? ""}`);
  }

  #nonsense() {
    this.#rest = Buffer.alloc(0);
    this.#socket.destroy(
      new Error("What answers there does not speak as baresip's ctrl_tcp does"),
    );
  }
}

/** @param {string} text */
function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
