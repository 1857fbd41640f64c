/**
 * What a switch knows: appearances, calls, and each appearance's leg of a call, with
 * the views of docs/cti-link.md.
 *
 * @typedef {"initiated" | "dialling" | "alerting" | "ringing" | "connected" | "held"
 *   | "failed" | "ended"} State
 * @typedef {{ type: "immediate" | "busy" | "noAnswer", active: boolean, to?: string,
 *   seconds?: number }} Rule
 */

/** A line on a device. */
export class Appearance {
  inService = true;
  doNotDisturb = false;
  messageWaiting = false;
  /** @type {Set<Leg>} */
  legs = new Set();

  /**
   * @param {string} line
   * @param {string} device
   * @param {Rule[]} rules of the line
   * @param {Record<string, string>} names of other lines
   */
  constructor(line, device, rules, names) {
    this.names = names;
    this.line = line;
    this.device = device;
    this.rules = rules;
  }

  get view() {
    const { line, device, inService, doNotDisturb, messageWaiting } = this;
    const forwarding = [...this.rules];
    return {
      ...{ line, device, inService },
      ...{ doNotDisturb, messageWaiting, forwarding },
    };
  }
}

export class Call {
  /** @type {Set<Leg>} */
  legs = new Set();

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  get ringing() {
    return [...this.legs].filter(({ state }) => state === "ringing");
  }

  get inside() {
    return [...this.legs].filter(({ state }) => state !== "ringing");
  }
}

/** One appearance's part in a call. */
export class Leg {
  /** @type {string | undefined} */
  dialled;
  /** @type {string | undefined} */
  cause;
  /** @type {"local" | undefined} */
  by;
  /** @type {string | undefined} */
  to;
  /** @type {string | undefined} */
  elsewhere;
  /** @type {string[] | undefined} */
  from;
  /** Digits that the far end sent. */
  heard = "";
  /** Who was there before somebody left. @type {string[]} */
  last = [];
  /** The view that was told last. */
  told = "";

  /**
   * @param {Call} call
   * @param {Appearance} at
   * @param {State} state
   * @param {"incoming" | "outgoing"} direction
   */
  constructor(call, at, state, direction) {
    this.call = call;
    this.at = at;
    this.state = state;
    this.direction = direction;
  }

  /** Lines of the others. */
  get others() {
    const others = [...this.call.legs].map(({ at }) => at.line);
    return [...new Set(others)].filter((line) => line !== this.at.line);
  }

  /** Who is at the far end, if that is known. @returns {{ number?: string, name?: string }} */
  get remote() {
    const others = this.state === "ended" ? this.last : this.others;
    const number = others[0] ?? this.last[0] ?? this.dialled;
    const name = number && this.at.names[number];
    return number === undefined ? {} : { number, ...(name && { name }) };
  }

  get view() {
    const { state, direction, cause, from, by, to, elsewhere } = this;
    const others = state === "ended" ? this.last : this.others;
    return {
      ...{ line: this.at.line, device: this.at.device },
      ...{ id: this.call.id, state, direction },
      remote: this.remote,
      parties: others.length > 1 ? others : undefined,
      ...{ cause, from, by, to, elsewhere },
    };
  }
}
