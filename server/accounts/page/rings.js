// Where it rings: by itself, or on devices that the user chooses.

import { find, make, say } from "../../../demo/element.js";

/** @typedef {import("../../../js/account/index.js").Device} Device */

export class Rings {
  #parts;
  #fieldset = find(document, "#rings");
  #chosen = find(document, "#chosen");
  /** @type {Device[]} */
  #devices = [];
  /** @type {"auto" | string[]} */
  #ringsOn = "auto";

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#fieldset.addEventListener("change", () => this.#choose());
  }

  /** @param {{ devices?: Device[], ringsOn?: "auto" | string[] }} news */
  show({ devices = this.#devices, ringsOn = this.#ringsOn }) {
    this.#devices = devices.filter(({ state }) => state === "authorised");
    this.#ringsOn = ringsOn;
    const byHand = ringsOn !== "auto";
    for (const radio of this.#radios())
      radio.checked = (radio.value === "chosen") === byHand;
    this.#chosen.hidden = !byHand;
    const focused = /** @type {HTMLInputElement} */ (document.activeElement)
      ?.value;
    this.#chosen.replaceChildren(
      ...this.#devices.map((device) => {
        const box = make("input", "");
        box.type = "checkbox";
        box.value = device.id;
        box.checked = byHand && ringsOn.includes(device.id);
        return make("label", "", box, make("span", "", device.name));
      }),
    );
    for (const box of this.#boxes()) if (box.value === focused) box.focus();
    say(find(document, "#rings-notice"), this.#notice());
  }

  /** What the user should know: that nothing would ring. */
  #notice() {
    if (!this.#devices.length) return "No device can ring yet.";
    const rings = (/** @type {Device} */ { id, registered, push }) =>
      (registered || push) &&
      (this.#ringsOn === "auto" || this.#ringsOn.includes(id));
    if (this.#devices.some(rings)) return "";
    if (this.#ringsOn === "auto")
      return "No device is logged in: nothing rings now.";
    return this.#ringsOn.length
      ? "None of the chosen devices is logged in or can be woken: nothing rings now."
      : "No device is chosen: nothing rings.";
  }

  /** @returns {NodeListOf<HTMLInputElement>} */
  #radios() {
    return this.#fieldset.querySelectorAll("input[type=radio]");
  }

  /** @returns {NodeListOf<HTMLInputElement>} */
  #boxes() {
    return this.#chosen.querySelectorAll("input");
  }

  async #choose() {
    const { account, complain } = this.#parts;
    const byHand = [...this.#radios()].some(
      ({ value, checked }) => value === "chosen" && checked,
    );
    // Who begins to choose has chosen what rings already.
    const before = this.#ringsOn === "auto";
    const ids = before
      ? this.#devices.filter(({ registered }) => registered).map(({ id }) => id)
      : [...this.#boxes()]
          .filter(({ checked }) => checked)
          .map(({ value }) => value);
    try {
      const wanted = byHand ? ids : "auto";
      await account.setRingsOn(wanted);
      this.show({ ringsOn: wanted });
    } catch (error) {
      this.show({});
      complain(error);
    }
  }
}
