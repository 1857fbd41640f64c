// "Try this": a list that ticks itself off as the user does it.

import { make, say } from "./element.js";

/** @typedef {{ deed: string, text: string, hint: string }} Step */

export class Steps {
  #list;
  #said;
  /** @type {Step[]} */
  #steps = [];
  /** @type {Set<string>} */
  #done = new Set();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} said where progress is spoken
   */
  constructor(list, said) {
    this.#list = list;
    this.#said = said;
  }

  /** @param {Step[]} steps */
  begin(steps) {
    this.#steps = steps;
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

  /** @param {string} deed */
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
