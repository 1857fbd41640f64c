import { invalid } from "../phone/options.js";

/** @typedef {import("../index.js").Desk} Declared */
/** @typedef {import("./appearance.js").Appearance} Appearance */
/** @typedef {import("../index.js").ForwardingRule} ForwardingRule */

const TYPES = ["immediate", "busy", "noAnswer"];

/**
 * A desk phone under control. The types and their documentation stand in index.d.ts.
 *
 * @implements {Declared}
 */
export class Desk {
  #appearance;

  /** @param {Appearance} appearance */
  constructor(appearance) {
    this.#appearance = appearance;
  }

  /** As a Phone has it. @returns {"Desk"} */
  get [Symbol.toStringTag]() {
    return "Desk";
  }

  get line() {
    return this.#appearance.line;
  }

  get device() {
    return this.#appearance.device;
  }

  get state() {
    return /** @type {Declared["state"]} */ (this.#appearance.view.state);
  }

  get features() {
    return this.#appearance.features;
  }

  get doNotDisturb() {
    return this.#appearance.view.doNotDisturb ?? null;
  }

  get messageWaiting() {
    return this.#appearance.view.messageWaiting ?? null;
  }

  get forwarding() {
    const { forwarding = null } = this.#appearance.view;
    return /** @type {Declared["forwarding"]} */ (forwarding);
  }

  /** @param {boolean} on */
  async setDoNotDisturb(on) {
    if (typeof on !== "boolean") throw invalid("on", "must be true or false");
    await this.#appearance.control.ask("doNotDisturb", on);
  }

  /** @param {ForwardingRule} rule */
  async setForwarding(rule) {
    const { type, active, to = "", seconds = 0 } = Object(rule);
    if (!TYPES.includes(type))
      throw invalid("type", `must be one of ${TYPES.join(", ")}`);
    if (typeof active !== "boolean")
      throw invalid("active", "must be true or false");
    if (typeof to !== "string" || /\p{Cc}/u.test(to))
      throw invalid("to", "must be a number or a URI");
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > 600)
      throw invalid("seconds", "must be a whole number from 0 to 600");
    const { control } = this.#appearance;
    await control.ask("forward", type, active, to, seconds);
  }
}
