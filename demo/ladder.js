// The sequence diagram: one row a message, between the lifelines of two phones, A and
// B, and of the server in the middle.

import { clock, make } from "./element.js";
import { read } from "./message.js";

/**
 * @typedef {"a" | "b"} Key
 * @typedef {{ key: Key, name: string, server: string, up: boolean, at: number,
 *   reading: import("./message.js").Reading }} Entry
 */

/** Oldest rows leave, so that an afternoon of ping-pong costs no more than a minute. */
const MOST_ROWS = 300;

/** Pixels from the end within which a reader of the newest row still is "at the end". */
const NEAR_END = 48;

export class Ladder {
  /** @type {(entry: Entry | null) => void} */
  onChoose = () => {};

  #rows;
  #scroll;
  #newest;
  #server;
  /** @type {Map<Element, Entry>} */
  #entries = new Map();
  /**
   * What the REGISTERs were for, by transaction.
   * @type {Map<string, import("./message.js").Purpose>}
   */
  #asked = new Map();
  #following = true;

  /**
   * @param {{ rows: HTMLElement, scroll: HTMLElement, newest: HTMLElement,
   *   clear: HTMLElement }} parts `newest` is the button that leads back to the end
   * @param {string} [server] what the one in the middle is called
   */
  constructor({ rows, scroll, newest, clear }, server = "registrar") {
    this.#server = server;
    this.#rows = rows;
    this.#scroll = scroll;
    this.#newest = newest;
    rows.addEventListener("click", (event) => {
      const button =
        event.target instanceof Element && event.target.closest("button");
      if (button) this.#choose(button);
    });
    rows.addEventListener("keydown", (event) => this.#onKey(event));
    scroll.addEventListener("scroll", () => this.#noteScroll(), {
      passive: true,
    });
    newest.addEventListener("click", () => this.#toEnd());
    clear.addEventListener("click", () => this.clear());
    this.clear();
  }

  clear() {
    this.#entries.clear();
    this.#asked.clear();
    this.#rows.replaceChildren(
      make(
        "li",
        "ladder__empty faint",
        "Log in a phone: its messages appear here.",
      ),
    );
    this.#toEnd();
    this.onChoose(null);
  }

  /**
   * @param {{ key: Key, name: string }} phone
   * @param {{ direction: "sent" | "received", message: string, at?: number,
   *   csta?: string }} event
   * @param {Record<Key, boolean>} registered which phones believe they have the line
   */
  add(phone, event, registered) {
    const at = event.at ?? Date.now();
    const up = event.direction === "sent";
    const reading = read(event.message, {
      registered: registered[phone.key],
      asked: (transaction) => this.#asked.get(transaction) ?? "",
      csta: event.csta,
    });
    if (reading.purpose && reading.request)
      this.#asked.set(reading.transaction, reading.purpose);
    const { key, name } = phone;
    const server = this.#server;
    const entry = { key, name, server, up, at, reading };
    const button = make(
      "button",
      "message",
      make("span", "message__title mono", reading.title),
      " ",
      make("span", "message__caption", reading.caption),
    );
    button.type = "button";
    button.tabIndex = this.#entries.size ? -1 : 0;
    button.dataset.direction = up ? "up" : "down";
    button.dataset.tone = reading.refusal
      ? "refusal"
      : reading.request
        ? "request"
        : "answer";
    button.setAttribute("aria-label", describe(entry));
    this.#entries.set(button, entry);
    const time = make("time", "ladder__time mono faint", clock(at, true));
    this.#append(
      make("li", `ladder__row ladder__row--${phone.key}`, button, time),
      registered,
    );
  }

  /**
   * A remark on a phone's lifeline: what its app was told.
   * @param {{ key: Key }} phone
   * @param {string} text
   * @param {Record<Key, boolean>} registered
   */
  note(phone, text, registered) {
    const pill = make("span", "ladder__pill mono", text);
    pill.dataset.name = text;
    this.#append(
      make("li", `ladder__note ladder__note--${phone.key}`, pill),
      registered,
    );
  }

  /** @param {string} text a line across the diagram */
  divide(text) {
    if (!this.#entries.size) return;
    this.#append(make("li", "ladder__divider", make("span", "", text)), {
      a: false,
      b: false,
    });
  }

  /**
   * @param {HTMLElement} row
   * @param {Record<Key, boolean>} registered
   */
  #append(row, registered) {
    this.#rows.querySelector(".ladder__empty")?.remove();
    row.classList.toggle("has-a", registered.a);
    row.classList.toggle("has-b", registered.b);
    this.#rows.append(row);
    while (this.#rows.children.length > MOST_ROWS)
      this.#drop(this.#rows.children[0]);
    if (this.#following) this.#toEnd();
    else this.#newest.hidden = false;
  }

  /** @param {Element | undefined} row */
  #drop(row) {
    const button = row?.querySelector("button");
    if (button) this.#forget(button);
    row?.remove();
    const first = this.#rows.querySelector("button");
    if (first && !this.#rows.querySelector('button[tabindex="0"]'))
      first.tabIndex = 0;
  }

  /** @param {Element} button */
  #forget(button) {
    this.#asked.delete(this.#entries.get(button)?.reading.transaction ?? "");
    this.#entries.delete(button);
  }

  /** @param {Element} button */
  #choose(button) {
    const entry = this.#entries.get(button);
    if (!entry) return;
    for (const other of this.#entries.keys()) {
      other.removeAttribute("aria-current");
      other.setAttribute("tabindex", "-1");
    }
    button.setAttribute("aria-current", "true");
    button.setAttribute("tabindex", "0");
    this.onChoose(entry);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const buttons = [...this.#entries.keys()];
    const here = buttons.indexOf(/** @type {Element} */ (event.target));
    const index = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    const button = index === undefined ? undefined : buttons[index];
    if (!(button instanceof HTMLElement)) return;
    event.preventDefault();
    button.focus({ preventScroll: true });
    button.scrollIntoView({ block: "nearest" });
    this.#choose(button);
  }

  #noteScroll() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    this.#following = scrollTop + clientHeight > scrollHeight - NEAR_END;
    if (this.#following) this.#newest.hidden = true;
  }

  #toEnd() {
    this.#following = true;
    this.#newest.hidden = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

/**
 * What a screen reader says of an arrow.
 * @param {Entry} entry
 */
function describe({ name, server, up, at, reading }) {
  const ends = up ? `${name} to ${server}` : `${server} to ${name}`;
  // The name begins with what is seen (WCAG 2.5.3).
  const seen = [reading.title, reading.caption].filter(Boolean).join(" ");
  return `${seen}, ${ends}, ${clock(at)}`;
}
