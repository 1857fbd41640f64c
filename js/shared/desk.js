/** @typedef {import("../index.js").Desk} Declared */

/**
 * The desk phone that a shared phone controls, as a tab has it.
 *
 * @implements {Declared}
 */
export class SharedDesk {
  /** What the host said last. @type {any} */
  #facts;
  #way;

  /**
   * @param {any} facts
   * @param {import("./calls.js").Way} way
   */
  constructor(facts, way) {
    this.#facts = facts;
    this.#way = way;
  }

  /** As a Phone has it. @returns {"Desk"} */
  get [Symbol.toStringTag]() {
    return "Desk";
  }

  /** @returns {string} */
  get line() {
    return this.#facts.line;
  }

  /** @returns {string} */
  get device() {
    return this.#facts.device;
  }

  /** @returns {Declared["state"]} */
  get state() {
    return this.#facts.state;
  }

  /** @returns {Declared["features"]} */
  get features() {
    return this.#facts.features;
  }

  /** @returns {Declared["doNotDisturb"]} */
  get doNotDisturb() {
    return this.#facts.doNotDisturb;
  }

  /** @returns {Declared["messageWaiting"]} */
  get messageWaiting() {
    return this.#facts.messageWaiting;
  }

  /** @returns {Declared["forwarding"]} */
  get forwarding() {
    return this.#facts.forwarding;
  }

  /**
   * Takes what is new of it.
   *
   * @param {any} facts
   * @returns {boolean} whether they are of this desk phone
   */
  learn(facts) {
    const isSame = facts.line === this.line && facts.device === this.device;
    if (isSame) this.#facts = facts;
    return isSame;
  }

  /** @param {boolean} on */
  setDoNotDisturb(on) {
    return this.#way.ask("desk", ["setDoNotDisturb", on]);
  }

  /** @param {import("../index.js").ForwardingRule} rule */
  setForwarding(rule) {
    return this.#way.ask("desk", ["setForwarding", rule]);
  }
}

/** What crosses of it. @param {Declared | null} desk */
export function factsOf(desk) {
  if (!desk) return null;
  const { line, device, state, features } = desk;
  const { doNotDisturb, messageWaiting, forwarding } = desk;
  return {
    ...{ line, device, state, features },
    ...{ doNotDisturb, messageWaiting, forwarding },
  };
}
