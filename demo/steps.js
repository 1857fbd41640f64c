// "Try this": a list that ticks itself off as the user does it.

import { make, say } from "./element.js";

/**
 * @typedef {import("./server.js").RegistrationType} RegistrationType
 * @typedef {"first" | "second" | "refused" | "forced" | "told" | "fought" | "read"} Deed
 * @typedef {{ deed: Deed, text: string, hint: string }} Step
 */

/** @type {Step} */
const FIRST = {
  deed: "first",
  text: "Log in Phone A.",
  hint: "It gets the line.",
};
/** @type {Step} */
const READ = {
  deed: "read",
  text: "Choose a message below.",
  hint: "Read what was said on the wire.",
};

/** @type {Record<RegistrationType, Step[]>} */
const STEPS = {
  graceful: [
    FIRST,
    {
      deed: "refused",
      text: "Log in Phone B.",
      hint: "It is refused, and asks you.",
    },
    {
      deed: "told",
      text: "Choose “Log in here”.",
      hint: "Phone A is told, and stays out.",
    },
    READ,
  ],
  duplicate: [
    FIRST,
    {
      deed: "second",
      text: "Log in Phone B.",
      hint: "It takes the line without asking.",
    },
    {
      deed: "told",
      text: "Look at Phone A.",
      hint: "It was told, and stays out.",
    },
    READ,
  ],
  normal: [
    FIRST,
    {
      deed: "second",
      text: "Log in Phone B.",
      hint: "Nobody is asked, nobody is told.",
    },
    {
      deed: "fought",
      text: "Wait a few seconds.",
      hint: "Each refresh takes the line back.",
    },
    READ,
  ],
};

export class Steps {
  #list;
  #said;
  /** @type {Step[]} */
  #steps = [];
  /** @type {Set<Deed>} */
  #done = new Set();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} said where progress is spoken
   */
  constructor(list, said) {
    this.#list = list;
    this.#said = said;
  }

  /** @param {RegistrationType} type */
  begin(type) {
    this.#steps = STEPS[type];
    this.#done.clear();
    this.#list.replaceChildren(
      ...this.#steps.map(({ text, hint }) =>
        make(
          "li",
          "step",
          make("span", "step__text", text),
          make("span", "step__hint faint", hint),
        ),
      ),
    );
    this.#mark();
  }

  /** @param {Deed} deed */
  did(deed) {
    const step = this.#steps.find((step) => step.deed === deed);
    if (!step || this.#done.has(deed)) return;
    this.#done.add(deed);
    this.#mark();
    say(this.#said, `Done: ${step.text} ${step.hint}`);
  }

  #mark() {
    const next = this.#steps.findIndex(({ deed }) => !this.#done.has(deed));
    this.#steps.forEach(({ deed }, index) => {
      const item = this.#list.children[index];
      item?.classList.toggle("step--done", this.#done.has(deed));
      if (index === next) item?.setAttribute("aria-current", "step");
      else item?.removeAttribute("aria-current");
    });
  }
}
