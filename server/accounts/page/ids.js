// The numbers and names by which others reach the user.

import { find, make } from "../../../demo/element.js";
import { ask } from "./dialog.js";

/** @typedef {import("../../../js/account/index.js").PublicId} PublicId */

/** @type {Record<PublicId["kind"], string>} */
const KINDS = { tel: "number", name: "name", social: "social name" };

export class Ids {
  #parts;
  #list = find(document, "#ids");

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const form = find(document, "#add-id");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
  }

  /** @param {PublicId[]} ids */
  show(ids) {
    this.#list.replaceChildren(...ids.map((id) => this.#row(id)));
    if (!ids.length) this.#list.append(make("li", "empty", "None yet."));
  }

  /** @param {PublicId} id */
  #row(id) {
    const row = make(
      "li",
      "id",
      make("span", "id__name mono", id.id),
      make(
        "span",
        "faint",
        id.confirmed ? KINDS[id.kind] : "not confirmed yet",
      ),
    );
    if (!id.confirmed)
      row.append(this.#button(id, "Enter code", () => this.#confirm(id)));
    row.append(this.#button(id, "Remove", () => this.#remove(id)));
    return row;
  }

  /**
   * @param {PublicId} id
   * @param {string} deed
   * @param {() => void} perform
   */
  #button({ id }, deed, perform) {
    const button = make("button", "button button--quiet", deed);
    button.type = "button";
    button.setAttribute("aria-label", `${deed}: ${id}`);
    button.addEventListener("click", perform);
    return button;
  }

  async #add() {
    const { account, complain } = this.#parts;
    const input = /** @type {HTMLInputElement} */ (find(document, "#new-id"));
    try {
      const added = await account.addPublicId(input.value.trim());
      input.value = "";
      await this.#refresh();
      if (!added.confirmed) this.#confirm(added);
    } catch (error) {
      complain(error);
    }
  }

  /** @param {PublicId} id */
  #confirm({ id }) {
    const { account, speak } = this.#parts;
    ask({
      title: `Is ${id} yours?`,
      text: "A code was sent to it. It holds for ten minutes.",
      action: "Confirm",
      input: { label: "Code", mode: "numeric" },
      perform: async (code) => {
        await account.confirmPublicId(id, code);
        await this.#refresh();
        speak(`${id} is yours.`);
      },
    });
  }

  /** @param {PublicId} id */
  #remove({ id }) {
    const { account, speak } = this.#parts;
    ask({
      title: `Remove ${id}?`,
      text: "Nobody reaches you by it any more, and somebody else may take it.",
      action: "Remove",
      danger: true,
      perform: async () => {
        await account.removePublicId(id);
        await this.#refresh();
        speak(`${id} is removed.`);
      },
    });
  }

  async #refresh() {
    this.show(await this.#parts.account.publicIds());
  }
}
