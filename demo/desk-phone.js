// A desk phone as it stands on a desk: handset, screen, soft keys, key pad.

import { find, make, say } from "./element.js";
import { use } from "./desk-server.js";

/** @typedef {import("./desk-server.js").DeskPhone} View */
/** @typedef {import("./desk-server.js").DeskPhoneCall} Call */

const KEYS = "123456789*0#";
const MOST_DIGITS = 15;

/** What the screen says of a call. @type {Record<string, (who: string) => string>} */
const WORDS = {
  initiated: () => "Dial a number",
  dialling: (who) => `Dialling ${who}`,
  alerting: (who) => `${who} rings`,
  ringing: (who) => `${who} calls`,
  connected: (who) => who,
  held: (who) => `${who}, on hold`,
  failed: (who) => `${who} cannot be reached`,
};

/**
 * The soft keys of a call, by what hands can do.
 * @type {Record<string, [act: string, text: string][]>}
 */
const SOFT = {
  ringing: [
    ["answer", "Answer"],
    ["hangup", "Decline"],
  ],
  connected: [
    ["hold", "Hold"],
    ["hangup", "End"],
  ],
  held: [
    ["resume", "Resume"],
    ["hangup", "End"],
  ],
};
const END = /** @type {[string, string][]} */ ([["hangup", "End"]]);

export class DeskPhone {
  #owner;
  #device;
  #trouble;
  /** @type {View | undefined} */
  #view;
  /** What was typed and not dialled yet. */
  #typed = "";

  /**
   * @param {{ owner: string, device: string, tone: string, names: Record<string, string> }} who
   *   `names` of numbers
   * @param {(error: unknown) => void} trouble
   */
  constructor({ owner, device, tone, names }, trouble) {
    this.#owner = owner;
    this.#device = device;
    this.#trouble = trouble;
    this.names = names;
    const template = /** @type {HTMLTemplateElement} */ (
      find(document, "#desk-template")
    );
    const copy = /** @type {DocumentFragment} */ (
      template.content.cloneNode(true)
    );
    this.root = find(copy, ".desk");
    this.root.id = `desk-${device}`;
    this.root.classList.add(`phone--${tone}`);
    this.root.setAttribute("aria-label", `${owner}'s desk phone`);
    say(find(this.root, ".phone__title"), `${owner}'s desk phone`);
    say(find(this.root, ".phone__place"), device);
    const keys = find(this.root, ".desk__keys");
    keys.setAttribute("aria-label", `Keys of ${owner}'s desk phone`);
    keys.append(
      ...[...KEYS].map((key) => {
        const button = make("button", "button mono", key);
        button.type = "button";
        button.addEventListener("click", () => this.#press(key));
        return button;
      }),
    );
    this.#on(".desk__handset", () => this.#lift());
    this.#on(".desk__plug", () =>
      this.#do(this.#view?.inService ? "unplug" : "plug"),
    );
    this.root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** @param {View} view */
  show(view) {
    this.#view = view;
    const { inService } = view;
    const call = this.#call;
    this.root.dataset.state = inService ? (call?.state ?? "idle") : "unplugged";
    const screen = find(this.root, ".desk__screen");
    const lines = this.#lines();
    if (screen.textContent !== lines.join(""))
      screen.replaceChildren(...lines.map((line) => make("p", "", line)));
    const handset = find(this.root, ".desk__handset");
    const off = this.#isOff;
    handset.setAttribute(
      "aria-label",
      `${off ? "Put down" : "Lift"} the handset of ${this.#owner}'s desk phone`,
    );
    handset.setAttribute("aria-pressed", `${off}`);
    this.#showSoft(call);
    say(find(this.root, ".desk__plug"), inService ? "Unplug" : "Plug in");
    for (const button of this.root.querySelectorAll("button"))
      if (!button.matches(".desk__plug")) button.disabled = !inService;
  }

  /** Of two calls the one that has the sound, or wants to have it. */
  get #call() {
    const calls = this.#view?.calls ?? [];
    const rank = ["connected", "ringing", "initiated"];
    return (
      rank
        .map((state) => calls.find((call) => call.state === state))
        .find(Boolean) ?? calls[0]
    );
  }

  get #isOff() {
    return (this.#view?.calls ?? []).some(({ state }) => state !== "ringing");
  }

  /** @returns {string[]} */
  #lines() {
    if (!this.#view?.inService) return ["Unplugged"];
    const calls = this.#view.calls.map((call) => {
      const parties = call.parties?.length ? call.parties : [call.remote ?? ""];
      const who = parties.map((one) => this.names[one] ?? one).join(" and ");
      const heard = call.digits ? ` (hears ${call.digits})` : "";
      return (WORDS[call.state]?.(who) ?? call.state) + heard;
    });
    const typed = this.#typed ? [this.#typed] : [];
    const idle = calls.length || typed.length ? [] : ["Ready"];
    return [...calls, ...typed, ...idle];
  }

  /** @param {Call | undefined} call */
  #showSoft(call) {
    const dial = this.#typed && (!call || call.state === "initiated");
    const keys = [
      ...(dial ? [/** @type {[string, string]} */ (["dial", "Dial"])] : []),
      ...(call ? (SOFT[call.state] ?? END) : []),
    ];
    const place = find(this.root, ".desk__soft");
    const text = keys.map(([, word]) => word).join();
    if (place.dataset.keys === text) return;
    place.dataset.keys = text;
    const focused = place.contains(document.activeElement);
    place.replaceChildren(
      ...keys.map(([act, word]) => {
        const button = make("button", "button", word);
        button.type = "button";
        button.append(make("span", "hidden", ` (${this.#owner})`));
        button.addEventListener("click", () =>
          act === "dial" ? this.#dial() : this.#do(act),
        );
        return button;
      }),
    );
    // Redrawn under a hand that rests on it.
    if (focused) place.querySelector("button")?.focus();
  }

  // ---- hands

  /** @param {string} key */
  #press(key) {
    if (this.#call?.state === "connected") return this.#do("press", key);
    this.#typed = (this.#typed + key).slice(-MOST_DIGITS);
    this.#redraw();
  }

  #dial() {
    const number = this.#typed;
    if (!number) return;
    this.#typed = "";
    this.#redraw();
    this.#do("dial", number);
  }

  #lift() {
    if (this.#call?.state === "ringing" && !this.#isOff)
      return this.#do("answer");
    if (this.#isOff) return this.#do("hangup");
    return this.#typed ? this.#dial() : this.#do("lift");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1 && KEYS.includes(event.key))
      return this.#press(event.key);
    if (event.key === "Backspace") {
      this.#typed = this.#typed.slice(0, -1);
      this.#redraw();
    }
  }

  #redraw() {
    if (this.#view) this.show(this.#view);
  }

  /** @param {string} act @param {string} [text] */
  #do(act, text) {
    use({ device: this.#device, act, text }).catch(this.#trouble);
  }

  /** @param {string} selector @param {() => void} act */
  #on(selector, act) {
    find(this.root, selector).addEventListener("click", act);
  }
}
