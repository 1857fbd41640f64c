// One call on a phone: who, how long, what can be done, how it sounds.

import { button, find, icon, live, make, say } from "./element.js";
import { Level, quality } from "./meter.js";
import { showSecurity } from "./security.js";

/**
 * @typedef {import("../js/index.js").Call} Call
 * @typedef {object} Surroundings
 * @property {() => AudioContext} context
 * @property {(uri: string) => string} nameOf
 * @property {() => Promise<void>} answer
 * @property {() => void} beforeTalking
 * @property {() => { text: string, target: string | Call }[]} targets
 * @property {(message: string) => void} trouble
 */

/** How often levels and quality are looked at, in ms. */
const LEVELS = 100;
const QUALITY = 1000;

const KEYS = "123456789*0#";

export class Talk {
  #call;
  #around;
  #audio = new Audio();
  /** Of what is said, and of what is heard. @type {Level[]} */
  #levels = [];
  /** @type {any[]} */
  #timers = [];

  /**
   * @param {Call} call
   * @param {Surroundings} around
   */
  constructor(call, around) {
    this.#call = call;
    this.#around = around;
    this.root = this.#blank();
    call.on("state", () => this.#show());
    call.on("remote", () => this.#show());
    call.on("track", () => this.#hear());
    call.on("callInfo", ({ callInfo }) => this.#showSecurity(callInfo));
    call.on("error", ({ message }) => around.trouble(message));
    call.once("connected", () => this.#measure());
    call.once("ended", () => this.#end());
    this.#showSecurity(call.callInfo);
    this.#show();
  }

  // ---- what it looks like

  #blank() {
    const security = live(
      "p",
      "security",
      icon("", "security__icon"),
      make(
        "span",
        "",
        make("b", "security__name"),
        " ",
        make("span", "security__meaning faint"),
      ),
    );
    security.hidden = true;
    const keypad = make(
      "div",
      "keypad",
      ...[...KEYS].map((key) =>
        this.#button(key, () => this.#call.sendDtmf(key)),
      ),
    );
    keypad.setAttribute("aria-label", "Keypad");
    keypad.setAttribute("role", "group");
    keypad.hidden = true;
    const transfer = make("div", "transfer");
    transfer.hidden = true;
    return make(
      "li",
      "talk",
      make(
        "header",
        "talk__head",
        make("p", "talk__party"),
        live("p", "talk__state"),
      ),
      security,
      make(
        "div",
        "talk__sound",
        level("Says"),
        level("Hears"),
        make(
          "p",
          "talk__quality faint",
          make("b", "talk__verdict"),
          " ",
          make("span", "talk__figures"),
        ),
      ),
      make("div", "talk__actions"),
      keypad,
      transfer,
    );
  }

  /** @param {Call["callInfo"]} callInfo */
  #showSecurity(callInfo) {
    showSecurity(find(this.root, ".security"), callInfo);
  }

  #show() {
    const call = this.#call;
    if (call.state === "ended") return;
    this.root.dataset.state = call.state;
    const name =
      call.remote.displayName || this.#around.nameOf(call.remote.uri);
    say(find(this.root, ".talk__party"), name);
    this.#showState();
    const actions = find(this.root, ".talk__actions");
    const focused = actions.contains(document.activeElement)
      ? document.activeElement?.textContent
      : null;
    actions.replaceChildren(...this.#actions());
    // Redrawn under a hand that rests on a button.
    for (const button of actions.querySelectorAll("button"))
      if (button.textContent === focused) button.focus();
    if (call.state !== "connected") this.#close(".keypad");
  }

  #showState() {
    const { state, heldBy, startTime } = this.#call;
    const seconds = startTime
      ? Math.floor((Date.now() - startTime.getTime()) / 1000)
      : 0;
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const text = {
      incoming: "Calls you",
      calling: "Calling",
      ringing: "Rings",
      connected: time,
      held: heldBy === "remote" ? `Holds you ${time}` : `On hold ${time}`,
      ended: "",
    }[state];
    const place = find(this.root, ".talk__state");
    // The time ticks; only the words are spoken.
    place.setAttribute("aria-live", startTime ? "off" : "polite");
    say(place, text);
  }

  /** @returns {HTMLButtonElement[]} */
  #actions() {
    const call = this.#call;
    const hangUp = this.#button("Hang up", () => call.hangup(), "button--end");
    switch (call.state) {
      case "incoming":
        return [
          this.#button("Answer", this.#around.answer, "button--main"),
          this.#button("Busy", () => call.reject()),
          this.#button("Decline everywhere", () => call.reject(603)),
        ];
      case "calling":
      case "ringing":
        return [hangUp];
    }
    const holds = call.heldBy === "local" || call.heldBy === "both";
    const mute = this.#button("Mute", async () => {
      await (call.muted.audio ? call.unmute("audio") : call.mute("audio"));
      this.#show();
    });
    mute.setAttribute("aria-pressed", `${call.muted.audio}`);
    return [
      holds
        ? this.#button("Resume", async () => {
            this.#around.beforeTalking();
            await call.resume();
          })
        : this.#button("Hold", () => call.hold()),
      ...(call.state === "connected"
        ? [mute, this.#button("Keypad", () => this.#toggle(".keypad"))]
        : []),
      this.#button("Transfer", () => this.#offerTransfer()),
      hangUp,
    ];
  }

  /**
   * @param {string} text
   * @param {() => unknown} act
   * @param {string} [look]
   */
  #button(text, act, look = "") {
    const trouble = (/** @type {Error} */ { message }) => {
      if (this.#call.state !== "ended") this.#around.trouble(message);
    };
    return button(text, act, trouble, look);
  }

  #offerTransfer() {
    const place = this.#toggle(".transfer");
    place.replaceChildren(
      ...this.#around.targets().map(({ text, target }) =>
        this.#button(`To ${text}`, async () => {
          this.#close(".transfer");
          await this.#call.transfer(target);
        }),
      ),
    );
  }

  /** @param {string} part */
  #toggle(part) {
    const place = find(this.root, part);
    place.hidden = !place.hidden;
    return place;
  }

  /** @param {string} part */
  #close(part) {
    find(this.root, part).hidden = true;
  }

  // ---- what it sounds like

  #hear() {
    this.#audio.srcObject = this.#call.remoteStream;
    // Refused before the page's first click: the call is heard once there was one.
    this.#audio.play().catch(() => {});
    this.#listen(1, this.#call.remoteStream);
  }

  /**
   * @param {0 | 1} which
   * @param {MediaStream | null} stream
   */
  #listen(which, stream) {
    this.#levels[which]?.close();
    this.#levels[which] = new Level(this.#around.context(), stream);
  }

  #measure() {
    const bars = this.root.querySelectorAll(".level__bar");
    this.#listen(0, this.#call.localStream);
    const draw = () =>
      this.#levels.forEach((level, i) => {
        const bar = /** @type {HTMLElement} */ (bars[i]);
        bar.style.setProperty("--level", level.read().toFixed(2));
      });
    /** @type {import("./meter.js").Sample | undefined} */
    let last;
    const judge = async () => {
      this.#showState();
      const stats = await this.#call.getStats().catch(() => null);
      if (!stats) return;
      const now = quality(stats, last);
      last = now.sample;
      say(find(this.root, ".talk__verdict"), now.verdict);
      say(find(this.root, ".talk__figures"), now.figures);
    };
    this.#timers = [setInterval(draw, LEVELS), setInterval(judge, QUALITY)];
    judge();
  }

  #end() {
    this.#timers.forEach(clearInterval);
    for (const level of this.#levels) level.close();
    this.#audio.srcObject = null;
  }
}

/** How loud something is. @param {string} name */
function level(name) {
  const bar = make("span", "level__bar", make("i", ""));
  bar.setAttribute("aria-hidden", "true");
  return make("p", "level", make("span", "level__name faint", name), bar);
}
