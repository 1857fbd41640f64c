// Where calls go that do not ring or are not answered.

import { find, make } from "../../../demo/element.js";

/** @typedef {import("../../../js/account/index.js").Rules} Rules */
/** @typedef {"always" | "noAnswer" | "busy" | "offline"} Name */

/** In the order in which a person thinks of them. @type {Record<Name, { when: string, otherwise: string }>} */
const ROWS = {
  noAnswer: { when: "Nobody answers", otherwise: "It rings on" },
  busy: { when: "You are busy", otherwise: "The caller is told" },
  offline: { when: "No phone is logged in", otherwise: "The caller is told" },
  always: { when: "Every call, at once", otherwise: "It rings" },
};
const SECONDS = 20;

export class CallRules {
  #parts;
  #list = find(document, "#rules");
  #quiet = /** @type {HTMLInputElement} */ (find(document, "#quiet"));
  /** @type {Map<Name, Row>} */
  #rows = new Map();

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#quiet.addEventListener("change", () =>
      this.#set({ doNotDisturb: this.#quiet.checked }),
    );
    for (const name of /** @type {Name[]} */ (Object.keys(ROWS)))
      this.#rows.set(name, new Row(name, (rules) => this.#set(rules)));
    this.#list.replaceChildren(
      ...[...this.#rows.values()].map(({ element }) => element),
    );
  }

  /** @param {Rules} rules */
  show(rules) {
    this.#quiet.checked = rules.doNotDisturb;
    for (const [name, row] of this.#rows) row.show(rules[name]);
  }

  /** @param {Partial<Rules>} rules */
  async #set(rules) {
    const { account, complain, speak } = this.#parts;
    try {
      // What they are now comes as an event, in order with the changes of others.
      await account.setRules(rules);
      speak("Saved.");
    } catch (error) {
      complain(error);
      this.show(await account.rules());
    }
  }
}

/** One rule: a choice, and what it needs to be known. */
class Row {
  #name;
  #choice = make("select", "input rule__choice");
  #target = make("input", "input mono");
  #seconds = make("input", "input rule__seconds");
  #details = make("span", "rule__details");
  #save = make("button", "button", "Save");
  /** Nothing that comes from elsewhere is put over what a person is typing. */
  #isEdited = false;

  /**
   * @param {Name} name
   * @param {(rules: Partial<Rules>) => Promise<void>} set
   */
  constructor(name, set) {
    this.#name = name;
    const { when, otherwise } = ROWS[name];
    for (const [value, text] of [
      ["", otherwise],
      ["voicemail", "Voicemail"],
      ["other", "Number or address"],
    ]) {
      const option = make("option", "", text);
      option.value = value;
      this.#choice.append(option);
    }
    this.#choice.setAttribute("aria-label", when);
    this.#target.setAttribute("aria-label", `${when}: number or address`);
    this.#target.maxLength = 256;
    this.#target.autocapitalize = "none";
    this.#target.spellcheck = false;
    this.#seconds.type = "number";
    this.#seconds.min = "5";
    this.#seconds.max = "120";
    this.#seconds.value = `${SECONDS}`;
    this.#seconds.required = true;
    if (name === "noAnswer")
      this.#details.append(
        make("label", "rule__after", "after ", this.#seconds, " seconds"),
      );
    this.#details.append(this.#target, this.#save);
    this.element = make(
      "form",
      "rule",
      make("span", "rule__when", when),
      this.#choice,
      this.#details,
    );
    this.element.addEventListener("input", () => this.#edited());
    this.#choice.addEventListener("change", () => {
      // Nothing more is to be known.
      if (!this.#choice.value) this.element.requestSubmit();
      else if (this.#choice.value === "other") this.#target.focus();
    });
    this.element.addEventListener("submit", async (event) => {
      event.preventDefault();
      this.#isEdited = false;
      await set({ [name]: this.#value() });
    });
  }

  /** @param {Rules[Name]} rule */
  show(rule) {
    if (this.#isEdited) return;
    const to = typeof rule === "string" ? rule : (rule?.to ?? "");
    this.#choice.value = !to || to === "voicemail" ? to : "other";
    this.#target.value = to === "voicemail" ? "" : to;
    if (rule && typeof rule !== "string")
      this.#seconds.value = `${rule.seconds}`;
    this.#fit();
  }

  #edited() {
    this.#isEdited = true;
    this.#fit();
  }

  #fit() {
    const isOther = this.#choice.value === "other";
    this.#target.hidden = !isOther;
    this.#target.required = isOther;
    this.#details.hidden = !this.#choice.value;
    this.#save.hidden = !this.#isEdited;
  }

  /** @returns {Rules[Name]} */
  #value() {
    const chosen = this.#choice.value;
    const to = chosen === "other" ? this.#target.value.trim() : chosen;
    if (!to) return null;
    return this.#name === "noAnswer"
      ? { to, seconds: this.#seconds.valueAsNumber }
      : to;
  }
}
