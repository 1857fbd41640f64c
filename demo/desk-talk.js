// One call of the desk phone, as the page shows and drives it.

import { find, make, say } from "./element.js";

/**
 * @typedef {import("../js/index.js").Call} Call
 * @typedef {{ nameOf: (uri: string) => string, others: () => Call[],
 *   trouble: (message: string) => void }} Surroundings
 */

const KEYS = "123456789*0#";

/** @type {Record<string, string>} */
const STATES = {
  incoming: "Calls you",
  calling: "Dialling",
  ringing: "Rings",
  connected: "Talking",
  held: "On hold",
};

export class DeskTalk {
  #call;
  #around;
  #keypad;
  #actions = make("div", "talk__actions");

  /**
   * @param {Call} call
   * @param {Surroundings} around
   */
  constructor(call, around) {
    this.#call = call;
    this.#around = around;
    this.#keypad = make(
      "div",
      "keypad",
      ...[...KEYS].map((key) => this.#button(key, () => call.sendDtmf(key))),
    );
    this.#keypad.hidden = true;
    this.#keypad.setAttribute("aria-label", "Keypad");
    const state = make("p", "talk__state");
    state.setAttribute("role", "status");
    this.root = make(
      "li",
      "talk",
      make("header", "talk__head", make("p", "talk__party"), state),
      this.#actions,
      this.#keypad,
    );
    for (const event of /** @type {const} */ (["state", "remote"]))
      call.on(event, () => this.show());
    this.show();
  }

  show() {
    const call = this.#call;
    if (call.state === "ended") return;
    this.root.dataset.state = call.state;
    const parties = call.parties?.length ? call.parties : [call.remote];
    const names = parties.map(
      ({ uri, displayName }) => displayName || this.#around.nameOf(uri),
    );
    say(find(this.root, ".talk__party"), names.join(" and "));
    say(find(this.root, ".talk__state"), STATES[call.state] ?? "");
    const focused = this.#actions.contains(document.activeElement)
      ? document.activeElement?.textContent
      : null;
    this.#actions.replaceChildren(...this.#buttons());
    for (const button of this.#actions.querySelectorAll("button"))
      if (button.textContent === focused) button.focus();
    if (call.state !== "connected") this.#keypad.hidden = true;
  }

  /** @returns {HTMLButtonElement[]} */
  #buttons() {
    const call = this.#call;
    const end = this.#button("Hang up", () => call.hangup(), "button--end");
    if (call.state === "incoming")
      return [
        this.#button("Answer", () => call.answer(), "button--main"),
        this.#button("Decline", () => call.reject(), "button--end"),
      ];
    if (call.state === "held")
      return [this.#button("Resume", () => call.resume()), end];
    if (call.state !== "connected") return [end];
    const joins = this.#around.others().flatMap((other) => {
      const who = this.#around.nameOf(other.remote.uri);
      return [
        this.#button(`Transfer to ${who}`, () => call.transfer(other)),
        this.#button(`Confer with ${who}`, () => call.conference(other)),
      ];
    });
    return [
      this.#button("Hold", () => call.hold()),
      this.#button("Keypad", async () => {
        this.#keypad.hidden = !this.#keypad.hidden;
      }),
      ...joins,
      end,
    ];
  }

  /**
   * @param {string} text
   * @param {() => Promise<unknown>} act
   * @param {string} [look]
   */
  #button(text, act, look = "") {
    const button = make("button", `button ${look}`.trim(), text);
    button.type = "button";
    button.addEventListener("click", () =>
      act().catch((/** @type {Error} */ { message }) => {
        if (this.#call.state !== "ended") this.#around.trouble(message);
      }),
    );
    return button;
  }
}
