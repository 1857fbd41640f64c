/**
 * What a driver has told the gateway of an appearance. A driver says how things are as
 * often as it likes; passed on is what differs from the last time, and while the
 * appearance is monitored (docs/cti-link.md).
 */
export class Appearance {
  #receive;
  #monitored = false;
  /** @type {Record<string, unknown>} */
  #device = {};
  /** Views by the calls' ids. @type {Map<string, Record<string, unknown>>} */
  #calls = new Map();

  /**
   * @param {string} line
   * @param {string} device
   * @param {(message: import("./driver.js").LinkMessage) => void} receive
   */
  constructor(line, device, receive) {
    this.line = line;
    this.device = device;
    this.#receive = receive;
  }

  /** @param {unknown} line @param {unknown} device */
  is(line, device) {
    return this.line === line && this.device === device;
  }

  /** The result of `monitor`. */
  monitor() {
    this.#monitored = true;
    return { device: this.#device, calls: [...this.#calls.values()] };
  }

  unmonitor() {
    this.#monitored = false;
  }

  /** @param {{ inService: boolean, messageWaiting?: boolean }} members */
  showDevice(members) {
    const view = { line: this.line, device: this.device, ...members };
    if (same(view, this.#device)) return;
    this.#device = view;
    if (this.#monitored) this.#receive({ device: view });
  }

  /** @param {{ id: string, state: string, [member: string]: unknown }} members */
  showCall(members) {
    const { id, state } = members;
    const view = { line: this.line, device: this.device, ...members };
    const last = this.#calls.get(id);
    if (last ? same(view, last) : state === "ended") return;
    if (state === "ended") this.#calls.delete(id);
    else this.#calls.set(id, view);
    if (this.#monitored) this.#receive({ call: view });
  }
}

/** @param {object} one @param {object} other */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
