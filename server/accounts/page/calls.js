// Which calls there were, the newest first.

import { find, icon, make } from "../../../demo/element.js";
import { lengthOf, nameOf, when } from "./words.js";

/** @typedef {import("../../../js/account/index.js").CallRecord} CallRecord */

const PAGE = 20;

/** What became of a call that nobody talked in. @type {Partial<Record<CallRecord["result"], string>>} */
const RESULTS = {
  missed: "Missed",
  declined: "Declined",
  busy: "Busy",
  cancelled: "Not answered",
  failed: "Could not be reached",
  voicemail: "Voicemail",
};

export class Calls {
  #parts;
  #list = find(document, "#calls");
  #older = find(document, "#older-calls");
  /** By id. @type {Map<string, string>} */
  #devices = new Map();
  /** The oldest that is shown. @type {string | undefined} */
  #last;

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#older.addEventListener("click", () => this.#showOlder());
  }

  /** @param {import("../../../js/account/index.js").Device[]} devices whose names are told */
  know(devices) {
    for (const { id, name } of devices) this.#devices.set(id, name);
  }

  /** @param {CallRecord[]} records the newest */
  show(records) {
    this.#list.replaceChildren();
    this.#append(records);
    if (!records.length)
      this.#list.append(make("li", "empty", "No calls yet."));
  }

  /** @param {CallRecord} record of a call that has just ended */
  add(record) {
    this.#list.querySelector(".empty")?.remove();
    this.#list.prepend(this.#row(record));
    this.#last ??= record.id;
  }

  /** The newest. */
  async first() {
    return this.#parts.account.history({ limit: PAGE });
  }

  async #showOlder() {
    const { account, complain } = this.#parts;
    try {
      const page = { before: this.#last, limit: PAGE };
      const records = await account.history(page);
      const place = this.#list.children.length;
      this.#append(records);
      // The button may be gone: who reads by keyboard goes on at what came.
      /** @type {HTMLElement | undefined} */ (
        this.#list.children[place]
      )?.focus();
    } catch (error) {
      complain(error);
    }
  }

  /** @param {CallRecord[]} records */
  #append(records) {
    this.#list.append(...records.map((record) => this.#row(record)));
    this.#last = records.at(-1)?.id ?? this.#last;
    this.#older.hidden = records.length < PAGE;
  }

  /** @param {CallRecord} record */
  #row(record) {
    const isIncoming = record.direction === "incoming";
    const time = make("time", "call__time faint", when(record.start));
    time.dateTime = record.start;
    const row = make(
      "li",
      "call",
      icon(isIncoming ? "incoming" : "outgoing", "call__icon"),
      make(
        "div",
        "call__text",
        make(
          "h3",
          "call__who",
          nameOf(isIncoming ? record.from : record.to, this.#parts.domain),
        ),
        make("p", "call__facts faint", this.#facts(record)),
      ),
      time,
    );
    row.tabIndex = -1;
    row.dataset.result = record.result;
    return row;
  }

  /** @param {CallRecord} record */
  #facts(record) {
    const { result, forwardedTo, answered, end, answeredBy, device } = record;
    const name = this.#devices.get(answeredBy ?? device ?? "");
    const facts = [record.direction === "incoming" ? "Incoming" : "Outgoing"];
    if (result === "forwarded") facts.push(`Forwarded to ${forwardedTo}`);
    else if (RESULTS[result]) facts.push(RESULTS[result]);
    else if (answered) facts.push(lasted(answered, end));
    if (name) facts.push(name);
    return facts.join(" · ");
  }
}

/** @param {string} from @param {string} to */
const lasted = (from, to) =>
  lengthOf(Math.round((Date.parse(to) - Date.parse(from)) / 1000));
