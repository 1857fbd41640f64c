// One phone of the page: its user, its number field, and its calls.

import { Phone } from "../js/index.js";
import { button, find, live, make, say } from "./element.js";
import { Talks } from "./talks.js";
import { tabStorage } from "./tab-storage.js";
import { STATUS } from "./wording.js";

/**
 * @typedef {import("./server.js").Config} Config
 * @typedef {import("./talks.js").Person} Person
 */

const storage = tabStorage();
const KEY = "graceline-demo-device";
/** Two tabs are two devices of a user, which ring together. */
const DEVICE =
  storage?.getItem(KEY) ??
  `CSF${crypto.randomUUID().slice(0, 8).toUpperCase()}`;
storage?.setItem(KEY, DEVICE);

export class Caller {
  #phone;
  #talks;

  /**
   * @param {Person & { password: string, chord: number[], tone: string }} who
   * @param {Config} config
   * @param {import("./voice.js").Voice} voice
   * @param {() => Record<string, string>} [headers] that calls are sent with
   */
  constructor({ name, number, password, chord, tone }, config, voice, headers) {
    this.root = card(name, number);
    this.root.classList.add(`phone--${tone}`);
    this.name = name;
    this.number = number;
    this.url = config.url;
    const input = this.#input;
    find(this.root, ".dial").addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) this.#talks.call(input.value.trim());
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
    this.#talks = new Talks(this.#phone, {
      ...{ list: find(this.root, ".talks"), voice, chord, headers },
      say: (text) => this.#say(text),
    });
    this.#phone.on("status", () => this.#show());
    this.#phone.on("resumable", (offer) => this.#offer(offer));
    this.#phone.on("error", ({ message }) => this.#say(message));
    this.#phone
      .registerPhone()
      .catch((/** @type {Error} */ { message }) => this.#say(message));
    this.#show();
  }

  get phone() {
    return this.#phone;
  }

  /** @param {Person[]} everybody */
  meet(everybody) {
    const others = everybody.filter(({ number }) => number !== this.number);
    this.#talks.others = others;
    this.#input.value = others[0]?.number ?? "";
  }

  /**
   * The page was reloaded in a call: its user says whether to take it up again.
   * @param {import("../js/index.js").PhoneEvents["resumable"]} offer
   */
  #offer({ remote, resume }) {
    const who = this.#talks.nameOf(remote.uri);
    const choice = (
      /** @type {string} */ look,
      /** @type {string} */ text,
      act = () => {},
    ) =>
      button(
        text,
        () => {
          question.remove();
          act();
        },
        ({ message }) => this.#say(message),
        look,
      );
    const question = make(
      "div",
      "offer",
      make("p", "", `You were in a call with ${who}. Take it up again?`),
      make(
        "div",
        "offer__choices",
        choice("button--main", "Take it up", () =>
          this.#talks.add(resume(this.#talks.speak())),
        ),
        choice("", "Leave it"),
      ),
    );
    find(this.root, ".offers").append(question);
  }

  get #input() {
    return /** @type {HTMLInputElement} */ (find(this.root, ".dial__number"));
  }

  /** @param {string} text */
  #say(text) {
    say(find(this.root, ".caller__notice"), text);
  }

  #show() {
    const { text = "", look = "" } =
      STATUS[this.#phone.status] ?? STATUS.eIdle ?? {};
    this.root.dataset.look = look;
    say(find(this.root, ".status__text"), text);
    /** @type {HTMLButtonElement} */ (find(this.root, ".dial__call")).disabled =
      !this.#phone.ready;
  }
}

/**
 * The head of a phone: whose it is, and its state in a word.
 * @param {string} title
 * @param {...(Node | string)} place
 */
export function phoneHead(title, ...place) {
  const dot = make("span", "dot");
  dot.setAttribute("aria-hidden", "true");
  return make(
    "header",
    "phone__head",
    make(
      "div",
      "",
      make("h2", "phone__title", title),
      make("p", "phone__place faint", ...place),
    ),
    live("p", "status", dot, make("span", "status__text")),
  );
}

/** @param {string} name @param {string} number */
function card(name, number) {
  const own = make("a", "phone__own", "Its own window");
  own.href = `/demo/calls.html?phone=${number}`;
  own.target = "_blank";
  own.rel = "noopener";
  own.setAttribute("aria-label", `${name}'s phone in its own window`);
  const input = make("input", "dial__number mono");
  input.type = "text";
  input.inputMode = "tel";
  input.placeholder = "Number";
  input.setAttribute("aria-label", `Number for ${name} to call`);
  const dial = make(
    "form",
    "dial",
    input,
    make("button", "button button--main dial__call", "Call"),
  );
  dial.autocomplete = "off";
  const root = make(
    "section",
    "phone caller panel",
    phoneHead(name, make("span", "phone__number mono", number), " ", own),
    dial,
    live("p", "notice caller__notice"),
    live("div", "offers"),
    make("ul", "talks"),
  );
  root.id = `phone-${number}`;
  root.setAttribute("aria-label", `${name}'s phone`);
  return root;
}
