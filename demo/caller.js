// One phone of the page: its user, its number field, and its calls.

import { Phone } from "../js/index.js";
import { find, make, say } from "./element.js";
import { Talk } from "./talk.js";

/**
 * @typedef {import("../js/index.js").Call} Call
 * @typedef {import("./server.js").Config} Config
 * @typedef {{ name: string, number: string }} Person
 */

/** Outlives a reload, but not the tab. */
const storage = tabStorage();
const KEY = "graceline-demo-device";
/** Two tabs are two devices of a user, which ring together. */
const DEVICE =
  storage?.getItem(KEY) ??
  `CSF${crypto.randomUUID().slice(0, 8).toUpperCase()}`;
storage?.setItem(KEY, DEVICE);

/** @type {Record<string, { text: string, look: string }>} */
const STATUS = {
  eIdle: { text: "Off", look: "off" },
  eRegistering: { text: "Logging in", look: "busy" },
  eReady: { text: "Ready", look: "ready" },
  eRecoveryPending: { text: "Reconnecting", look: "recovering" },
  eConnectionTerminated: { text: "Logged out", look: "taken" },
  eDeviceNotAuthorised: { text: "Not authorised", look: "taken" },
};

export class Caller {
  /** @type {Map<Call, Talk>} */
  #talks = new Map();
  #phone;
  #voice;
  #chord;
  #headers;
  /** While there are calls. @type {ReturnType<import("./voice.js").Voice["options"]> | undefined} */
  #speech;
  /** @type {Person[]} */
  #others = [];

  /**
   * @param {Person & { password: string, chord: number[], tone: string }} who
   * @param {Config} config
   * @param {import("./voice.js").Voice} voice
   * @param {() => Record<string, string>} headers that calls are sent with
   */
  constructor({ name, number, password, chord, tone }, config, voice, headers) {
    const template = /** @type {HTMLTemplateElement} */ (
      find(document, "#phone-template")
    );
    const copy = /** @type {DocumentFragment} */ (
      template.content.cloneNode(true)
    );
    this.root = find(copy, ".caller");
    this.name = name;
    this.number = number;
    this.url = config.url;
    this.#voice = voice;
    this.#chord = chord;
    this.#headers = headers;
    this.root.id = `phone-${number}`;
    this.root.classList.add(`phone--${tone}`);
    this.root.setAttribute("aria-label", `${name}'s phone`);
    say(find(this.root, ".phone__title"), name);
    say(find(this.root, ".phone__number"), number);
    const own = /** @type {HTMLAnchorElement} */ (
      find(this.root, ".phone__own")
    );
    own.href = `?phone=${number}`;
    own.setAttribute("aria-label", `${name}'s phone in its own window`);
    const input = this.#input;
    input.setAttribute("aria-label", `Number for ${name} to call`);
    find(this.root, ".dial").addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) this.call(input.value.trim());
    });

    this.#phone = new Phone({
      connections: config.url,
      user: number,
      domain: config.domain,
      password,
      device: DEVICE,
      displayName: name,
      userAgent: `Graceline-Demo (${name})`,
      storage,
    });
    this.#phone.on("status", () => this.#show());
    this.#phone.on("incoming", ({ call }) => this.#add(call));
    this.#phone.on("transferred", ({ call }) => this.#add(call));
    this.#phone.on("resumable", (offer) => this.#offer(offer));
    this.#phone.on("error", ({ message }) => this.#say(message));
    this.#phone
      .registerPhone()
      .catch((/** @type {Error} */ { message }) => this.#say(message));
    this.#show();
  }

  /** @param {Person[]} everybody */
  meet(everybody) {
    this.#others = everybody.filter(({ number }) => number !== this.number);
    this.#input.value = this.#others[0]?.number ?? "";
  }

  /** @param {string} number */
  call(number) {
    this.#say("");
    this.#add(this.#phone.call(number, this.#speak()));
  }

  /** Options of a call. All calls of the phone say the same. */
  #speak() {
    this.#speech ??= this.#voice.options(this.#chord);
    return { stream: this.#speech.stream, extraHeaders: this.#headers() };
  }

  /**
   * The page was reloaded in a call: its user says whether to take it up again.
   * @param {import("../js/index.js").PhoneEvents["resumable"]} offer
   */
  #offer({ remote, resume }) {
    const who = this.#nameOf(remote.uri);
    const choice = (
      /** @type {string} */ look,
      /** @type {string} */ text,
      act = () => {},
    ) => {
      const button = make("button", `button ${look}`, text);
      button.type = "button";
      button.addEventListener("click", () => {
        question.remove();
        act();
      });
      return button;
    };
    const question = make(
      "div",
      "offer",
      make("p", "", `You were in a call with ${who}. Take it up again?`),
      make(
        "div",
        "offer__choices",
        choice("button--main", "Take it up", () =>
          this.#add(resume(this.#speak())),
        ),
        choice("", "Leave it"),
      ),
    );
    find(this.root, ".offers").append(question);
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (find(this.root, ".dial__number"));
  }

  /** @param {Call} call */
  #add(call) {
    const talk = new Talk(call, {
      context: () => this.#voice.context,
      nameOf: (uri) => this.#nameOf(uri),
      answer: () => this.#answer(call),
      beforeTalking: () => this.#holdOthers(call),
      targets: () => this.#targets(call),
      trouble: (message) => this.#say(message),
    });
    this.#talks.set(call, talk);
    find(this.root, ".talks").append(talk.root);
    if (call.direction === "outgoing") this.#holdOthers(call);
    call.once("ended", ({ cause, status, reason }) => {
      this.#talks.delete(call);
      talk.root.remove();
      if (!this.#phone.calls.length) {
        this.#speech?.stop();
        this.#speech = undefined;
      }
      const who = this.#nameOf(call.remote.uri);
      const goesOn = this.#phone.calls.some(
        ({ replaces }) => replaces === call,
      );
      this.#say(goesOn ? "" : (ENDINGS[cause]?.(who, reason, status) ?? ""));
      this.#show();
    });
    call.on("state", () => this.#show());
    this.#show();
  }

  /** @param {Call} call */
  async #answer(call) {
    this.#holdOthers(call);
    await call.answer(this.#speak());
  }

  /** One conversation at a time. @param {Call} active */
  #holdOthers(active) {
    for (const call of this.#phone.calls)
      if (call !== active && call.state === "connected")
        call
          .hold()
          .catch((/** @type {Error} */ { message }) => this.#say(message));
  }

  /**
   * Whom a call can be transferred to: the other call, or anybody.
   * @param {Call} call
   */
  #targets(call) {
    const calls = this.#phone.calls
      .filter((other) => other !== call && other.startTime)
      .map((other) => ({
        text: `${this.#nameOf(other.remote.uri)}, on the other call`,
        target: /** @type {string | Call} */ (other),
      }));
    const remote = this.#nameOf(call.remote.uri);
    const people = this.#others
      .filter(({ name }) => name !== remote)
      .map(({ name, number }) => ({
        text: `${name}, without asking`,
        target: /** @type {string | Call} */ (number),
      }));
    return [...calls, ...people];
  }

  /** @param {string} uri or a number */
  #nameOf(uri) {
    const number = uri.replace(/^sips?:/, "").replace(/@.*/, "");
    return this.#others.find((one) => one.number === number)?.name ?? number;
  }

  /** @param {string} text */
  #say(text) {
    say(find(this.root, ".caller__notice"), text);
  }

  #show() {
    const { text, look } = STATUS[this.#phone.status] ?? STATUS.eIdle;
    this.root.dataset.look = look;
    say(find(this.root, ".status__text"), text);
    /** @type {HTMLButtonElement} */ (find(this.root, ".dial__call")).disabled =
      !this.#phone.ready;
  }
}

const nobody = () => "Nobody is there.";
/** What a person is told of some statuses. @type {Record<number, (who: string) => string>} */
const FAILURES = {
  404: nobody,
  480: nobody,
  // Of a call that was to be taken up again (RFC 3891 §3).
  420: (who) => `${who}'s phone cannot take a call up again.`,
  481: (who) => `${who} is not in that call any more.`,
};

/** What a person is told when a call has ended. @type {Record<string, (who: string, reason: string, status?: number) => string>} */
const ENDINGS = {
  local: () => "",
  remote: (who) => `${who} hung up.`,
  // 487: of an incoming call, whose caller did not decline.
  rejected: (who, _, status) =>
    status === 487
      ? "Declined on another device."
      : status === 486
        ? `${who} is busy.`
        : `${who} declined.`,
  failed: (who, reason, status) =>
    FAILURES[status ?? 0]?.(who) ?? `The call failed. ${reason}`,
  cancelled: (who) => `You missed a call from ${who}.`,
  answeredElsewhere: () => "Answered on another device.",
  eConnectionTerminated: () => "You were logged out by another client.",
};

/** Reading the property alone throws where pages may store nothing. */
function tabStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
