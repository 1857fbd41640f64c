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

  /** A call that another one's view has said the end of (`from`). @param {string} id */
  forget(id) {
    this.#calls.delete(id);
  }

  /**
   * The view of a call. A `cause` belongs to the change that it is told with: without
   * another one it is no news.
   *
   * @param {{ id: string, state: string, [member: string]: unknown }} members
   * @returns {boolean} whether it was news
   */
  showCall(members) {
    const { id, state } = members;
    const view = { line: this.line, device: this.device, ...members };
    const last = this.#calls.get(id);
    const known = last ? same(view, last, "cause") : state === "ended";
    if (known) return false;
    if (state === "ended") this.#calls.delete(id);
    else this.#calls.set(id, view);
    if (this.#monitored) this.#receive({ call: view });
    return true;
  }
}

/**
 * @param {object} one
 * @param {object} other
 * @param {string} [but] a member that may differ
 */
function same(one, other, but) {
  const [text, otherText] = [one, other].map((view) =>
    JSON.stringify(view, (key, value) => (key === but ? undefined : value)),
  );
  return text === otherText;
}
