// The calls of one phone: one conversation at a time, and a word when one has ended.

import { Talk } from "./talk.js";
import { ending } from "./wording.js";

/**
 * @typedef {import("../js/index.js").Call} Call
 * @typedef {{ name: string, number: string }} Person
 *
 * @typedef {object} Ground what they stand on
 * @property {HTMLElement} list
 * @property {import("./voice.js").Voice} voice
 * @property {number[]} chord what the phone says, in Hz
 * @property {() => Record<string, string>} [headers] that calls are sent with
 * @property {(text: string) => void} say
 * @property {() => void} [changed] a call has come, gone, or changed its state
 * @property {(call: Call, end: import("../js/index.js").CallEvents["ended"]) => void} [ended]
 */

export class Talks {
  #phone;
  #ground;
  /** While there are calls. @type {ReturnType<import("./voice.js").Voice["options"]> | undefined} */
  #speech;
  /** Whom it may call. @type {Person[]} */
  others = [];

  /**
   * @param {import("../js/index.js").Phone} phone
   * @param {Ground} ground
   */
  constructor(phone, ground) {
    this.#phone = phone;
    this.#ground = ground;
    phone.on("incoming", ({ call }) => this.add(call));
    phone.on("transferred", ({ call }) => this.add(call));
  }

  /** @param {string} number */
  call(number) {
    this.#ground.say("");
    this.add(this.#phone.call(number, this.speak()));
  }

  /** Options of a call. All calls of the phone say the same. */
  speak() {
    const { voice, chord, headers } = this.#ground;
    this.#speech ??= voice.options(chord);
    return { stream: this.#speech.stream, extraHeaders: headers?.() };
  }

  /** @param {Call} call */
  add(call) {
    const { list, voice, say, changed, ended } = this.#ground;
    const talk = new Talk(call, {
      context: () => voice.context,
      nameOf: (uri) => this.nameOf(uri),
      answer: () => this.#answer(call),
      beforeTalking: () => this.#holdOthers(call),
      targets: () => this.#targets(call),
      trouble: say,
    });
    list.append(talk.root);
    if (call.direction === "outgoing") this.#holdOthers(call);
    call.on("state", () => changed?.());
    call.once("ended", (end) => {
      talk.root.remove();
      if (!this.#phone.calls.length) {
        this.#speech?.stop();
        this.#speech = undefined;
      }
      const goesOn = this.#phone.calls.some(
        ({ replaces }) => replaces === call,
      );
      say(goesOn ? "" : ending(this.nameOf(call.remote.uri), end));
      changed?.();
      ended?.(call, end);
    });
    changed?.();
  }

  /** @param {Call} call */
  async #answer(call) {
    this.#holdOthers(call);
    await call.answer(this.speak());
  }

  /** One conversation at a time. @param {Call} active */
  #holdOthers(active) {
    for (const call of this.#phone.calls)
      if (call !== active && call.state === "connected")
        call
          .hold()
          .catch((/** @type {Error} */ { message }) =>
            this.#ground.say(message),
          );
  }

  /**
   * Whom a call can be transferred to: the other call, or anybody.
   * @param {Call} call
   */
  #targets(call) {
    const calls = this.#phone.calls
      .filter((other) => other !== call && other.startTime)
      .map((other) => ({
        text: `${this.nameOf(other.remote.uri)}, on the other call`,
        target: /** @type {string | Call} */ (other),
      }));
    const remote = this.nameOf(call.remote.uri);
    const people = this.others
      .filter(({ name }) => name !== remote)
      .map(({ name, number }) => ({
        text: `${name}, without asking`,
        target: /** @type {string | Call} */ (number),
      }));
    return [...calls, ...people];
  }

  /** @param {string} uri or a number */
  nameOf(uri) {
    const number = uri.replace(/^sips?:/, "").replace(/@.*/, "");
    return this.others.find((one) => one.number === number)?.name ?? number;
  }
}
