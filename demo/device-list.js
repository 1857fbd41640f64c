// The user's devices, as the account service tells them to one of them; and where calls ring.

import { button, find, make, say } from "./element.js";

/**
 * @typedef {import("../js/account/index.js").Device} Device
 * @typedef {import("../js/account/index.js").RingsOn} RingsOn
 * @typedef {import("./device-phone.js").DevicePhone} DevicePhone
 */

/** @param {Device} device */
const stateOf = ({ state, registered, push }) =>
  state === "revoked"
    ? { text: "Locked out", look: "out" }
    : registered
      ? { text: "Logged in", look: "in" }
      : push
        ? { text: "Asleep, can be woken", look: "asleep" }
        : { text: "Not logged in", look: "off" };

const CLASSES = {
  web: "Web page",
  desktop: "Computer",
  mobile: "Mobile",
  deskphone: "Desk phone",
};

export class DeviceList {
  #root;
  #phones;
  #rows;
  /** Whose account is asked. @type {DevicePhone | undefined} */
  #viewer;
  /** @type {Device[]} */
  #devices = [];
  /** @type {RingsOn} */
  #ringsOn = "auto";
  #hear = {
    devices: (/** @type {Device[]} */ devices) => {
      this.#devices = devices;
      for (const phone of this.#phones) {
        const { instanceId } = phone;
        phone.seen(devices.find((one) => one.instanceId === instanceId));
      }
      this.#show();
    },
    ringsOn: (/** @type {RingsOn} */ ringsOn) => {
      this.#ringsOn = ringsOn;
      this.#show();
    },
  };

  /**
   * @param {HTMLElement} root
   * @param {DevicePhone[]} phones
   */
  constructor(root, phones) {
    this.#root = root;
    this.#phones = phones;
    this.#rows = find(root, ".list__rows");
    const viewers = find(root, "#viewers");
    viewers.append(...phones.map((phone, index) => segment(phone.name, index)));
    viewers.addEventListener("change", ({ target }) => {
      const { value } = /** @type {HTMLInputElement} */ (target);
      this.#lookFrom(phones[Number(value)]);
    });
    find(root, "#rings").addEventListener("change", ({ target }) => {
      const { value } = /** @type {HTMLInputElement} */ (target);
      this.#ring(value === "auto" ? "auto" : this.#ringing());
    });
    this.#show();
  }

  /** Somebody came or went: who looks may have to be another one. */
  lookAgain() {
    this.#phones.forEach((phone, index) => {
      this.#radio("#viewers", index).disabled =
        phone !== this.#viewer && !phone.ready;
    });
    if (!this.#viewer || this.#viewer.isOut)
      this.#lookFrom(this.#phones.find(({ ready }) => ready));
  }

  /** @param {DevicePhone | undefined} phone nobody: nothing is known */
  #lookFrom(phone) {
    if (phone === this.#viewer) return;
    this.#viewer?.account.off("devices", this.#hear.devices);
    this.#viewer?.account.off("ringsOn", this.#hear.ringsOn);
    this.#viewer = phone;
    this.#devices = [];
    this.#phones.forEach((one, index) => {
      this.#radio("#viewers", index).checked = one === phone;
    });
    phone?.account.on("devices", this.#hear.devices);
    phone?.account.on("ringsOn", this.#hear.ringsOn);
    this.#try(async () => {
      if (!phone) return;
      const { account } = phone;
      const devices = await account.devices();
      const ringsOn = await account.ringsOn();
      if (phone !== this.#viewer) return;
      this.#ringsOn = ringsOn;
      this.#hear.devices(devices);
    });
    this.#show();
  }

  /** @param {string} group @param {number} index @returns {HTMLInputElement} */
  #radio(group, index) {
    return /** @type {any} */ (find(this.#root, group)).querySelectorAll(
      "input",
    )[index];
  }

  // ---- what is done

  /** @param {() => Promise<unknown>} work */
  async #try(work) {
    const trouble = find(this.#root, ".list__trouble");
    try {
      await work();
      say(trouble, "");
    } catch (/** @type {any} */ error) {
      say(trouble, error.message);
    }
    trouble.hidden = !trouble.textContent;
  }

  /** @param {RingsOn} ringsOn */
  async #ring(ringsOn) {
    await this.#try(async () => {
      this.#ringsOn =
        (await this.#viewer?.account.setRingsOn(ringsOn)) ?? "auto";
    });
    this.#show();
  }

  /** What rings at the moment. */
  #ringing() {
    return this.#devices.filter((one) => this.#rings(one)).map(({ id }) => id);
  }

  /** @param {Device} device */
  #rings({ id, state, registered, push }) {
    if (state === "revoked") return false;
    if (this.#ringsOn !== "auto") return this.#ringsOn.includes(id);
    return registered || push;
  }

  // ---- what is seen

  #show() {
    const byHand = this.#ringsOn !== "auto";
    [0, 1].forEach((index) => {
      const radio = this.#radio("#rings", index);
      radio.checked = byHand === !!index;
      radio.disabled = !this.#viewer;
    });
    // Who works with the keyboard is not thrown to the top when something changes.
    const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset
      .deed;
    this.#rows.replaceChildren(
      ...(this.#viewer
        ? this.#devices.map((device) => this.#row(device))
        : [
            make(
              "li",
              "list__empty faint",
              "Log in a device: it is let in, and sees the others from then on.",
            ),
          ]),
    );
    if (focused) this.#focus(focused);
    this.lookAgain();
  }

  /** The same, or what has taken its place. @param {string} deed */
  #focus(deed) {
    const [, id] = deed.split(" ");
    const boxes = /** @type {HTMLElement[]} */ ([
      ...this.#rows.querySelectorAll("[data-deed]"),
    ]);
    const same = boxes.find(({ dataset }) => dataset.deed === deed);
    const next = boxes.find(
      ({ dataset, tagName }) =>
        tagName === "BUTTON" && dataset.deed?.endsWith(` ${id}`),
    );
    (same ?? next ?? find(this.#root, "#over")).focus();
  }

  /** @param {Device} device */
  #row(device) {
    const { text, look } = stateOf(device);
    const name = make("p", "list__name", device.name);
    if (device.this) name.append(" ", make("span", "badge", "this device"));
    const dot = make("span", "dot");
    dot.setAttribute("aria-hidden", "true");
    const row = make(
      "li",
      "list__row",
      make(
        "div",
        "list__what",
        name,
        make("p", "list__class faint", CLASSES[device.class]),
      ),
      make("p", "status", dot, text),
      this.#ringBox(device),
      this.#deeds(device),
    );
    row.dataset.state = look;
    return row;
  }

  /** @param {Device} device */
  #ringBox(device) {
    const box = make("input", "");
    box.type = "checkbox";
    box.checked = this.#rings(device);
    box.disabled = this.#ringsOn === "auto" || device.state === "revoked";
    box.dataset.deed = `rings ${device.id}`;
    box.addEventListener("change", () => {
      const others = this.#ringing().filter((id) => id !== device.id);
      this.#ring(box.checked ? [...others, device.id] : others);
    });
    const label = make("label", "list__rings", box, make("span", "", "Rings"));
    label.append(make("span", "hidden", ` ${device.name}`));
    return label;
  }

  /** @param {Device} device */
  #deeds(device) {
    const deeds =
      device.state === "revoked"
        ? { "Let in again": "restore", "Take off": "forget" }
        : { "Lock out": "revoke" };
    return make(
      "div",
      "list__deeds",
      ...Object.entries(deeds).map(([text, method]) => {
        const act = () =>
          this.#try(async () => {
            const account = /** @type {any} */ (this.#viewer?.account);
            await account[method](device.id);
          });
        const element = button(text, act, () => {}, "button--quiet");
        element.dataset.deed = `${method} ${device.id}`;
        element.append(make("span", "hidden", ` ${device.name}`));
        return element;
      }),
    );
  }
}

/** @param {string} text @param {number} value */
function segment(text, value) {
  const radio = make("input", "");
  radio.type = "radio";
  radio.name = "viewer";
  radio.value = String(value);
  radio.disabled = true;
  return make("label", "segment", radio, make("span", "", text));
}
