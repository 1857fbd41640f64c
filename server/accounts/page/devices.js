// The user's devices: what each is, when it was last there, and what can be done about it.

import { find, make, say } from "../../../demo/element.js";
import { ask } from "./dialog.js";

/** @typedef {import("../../../js/account/index.js").Device} Device */

const DAY = 86_400_000;
/** Days without a sign of life from which on, and at which, a device goes from the list. */
const WARNED = 20;
const GONE = 30;

/** @type {Record<Device["class"], string>} */
export const KINDS = {
  mobile: "Mobile phone",
  desktop: "Computer",
  web: "Web browser",
  deskphone: "Desk phone",
};

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** @param {number} at ms since 1970 */
function ago(at) {
  const minutes = Math.round((Date.now() - at) / 60_000);
  if (minutes < 2) return "just now";
  if (minutes < 90) return relative.format(-minutes, "minute");
  if (minutes < 36 * 60)
    return relative.format(-Math.round(minutes / 60), "hour");
  return relative.format(-Math.round(minutes / 1440), "day");
}

export class Devices {
  #parts;
  #list = find(document, "#devices");
  #revoked = find(document, "#revoked");

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @param {Device[]} devices */
  show(devices) {
    const allowed = devices.filter(({ state }) => state === "authorised");
    const revoked = devices.filter(({ state }) => state === "revoked");
    this.#fill(this.#list, allowed);
    this.#fill(this.#revoked, revoked);
    find(document, "#revoked-part").hidden = !revoked.length;
    const there = allowed.filter(({ registered }) => registered).length;
    say(
      find(document, "#devices-count"),
      allowed.length ? `${there} of ${allowed.length} logged in` : "",
    );
    if (!allowed.length)
      this.#list.append(
        make(
          "li",
          "empty",
          "None yet. Log in on a phone or in a web page, and it appears here.",
        ),
      );
  }

  /**
   * @param {HTMLElement} list
   * @param {Device[]} devices
   */
  #fill(list, devices) {
    // Who works with the keyboard is not thrown to the top when something changes.
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const { device, deed } = focused?.dataset ?? {};
    list.replaceChildren(...devices.map((device) => this.#row(device)));
    if (!device || !deed) return;
    for (const button of list.querySelectorAll("button"))
      if (button.dataset.device === device && button.dataset.deed === deed)
        button.focus();
  }

  /** @param {Device} device */
  #row(device) {
    const template = /** @type {HTMLTemplateElement} */ (
      find(document, "#device-template")
    );
    const row = /** @type {HTMLElement} */ (
      /** @type {Element} */ (template.content.firstElementChild).cloneNode(
        true,
      )
    );
    const lastSeen = Date.parse(device.lastSeen);
    find(row, "use").setAttribute("href", `#icon-${device.class}`);
    find(row, ".device__name").append(device.name);
    if (device.this)
      find(row, ".device__name").append(
        " ",
        make("span", "badge", "this device"),
      );
    const facts = [KINDS[device.class]];
    if (device.push) facts.push("can be woken");
    if (!device.registered) facts.push(`last there ${ago(lastSeen)}`);
    say(find(row, ".device__facts"), facts.join(" · "));
    const authorised = device.state === "authorised";
    const idle = Math.floor((Date.now() - lastSeen) / DAY);
    const warning = find(row, ".device__warning");
    warning.hidden = !authorised || device.registered || idle < WARNED;
    if (!warning.hidden)
      say(
        warning,
        `Goes from this list ${relative.format(Math.max(GONE - idle, 0), "day")} unless it logs in.`,
      );
    row.toggleAttribute("data-registered", device.registered);
    say(
      find(row, ".status__text"),
      !authorised
        ? "Locked out"
        : device.registered
          ? "Logged in"
          : "Not logged in",
    );
    find(row, ".device__buttons").append(
      ...(authorised
        ? [
            this.#button(device, "Rename", () => this.#rename(device)),
            this.#button(device, "Lock out", () => this.#revoke(device)),
          ]
        : [this.#button(device, "Let in again", () => this.#restore(device))]),
    );
    return row;
  }

  /**
   * @param {Device} device
   * @param {string} deed
   * @param {() => void} perform
   */
  #button(device, deed, perform) {
    const button = make("button", "button button--quiet", deed);
    button.type = "button";
    button.setAttribute("aria-label", `${deed}: ${device.name}`);
    Object.assign(button.dataset, { device: device.id, deed });
    button.addEventListener("click", perform);
    return button;
  }

  /** @param {Device} device */
  #rename({ id, name }) {
    const { account, speak } = this.#parts;
    ask({
      title: "Rename this device",
      text: "Only you see its name.",
      action: "Rename",
      input: { label: "Name", value: name },
      perform: async (wanted) => {
        await account.rename(id, wanted);
        speak(`${name} is now ${wanted}.`);
      },
    });
  }

  /** @param {Device} device */
  #revoke({ id, name, registered }) {
    const { account, speak } = this.#parts;
    const now = registered
      ? "It is logged out at once, and its calls end. "
      : "";
    ask({
      title: `Lock out ${name}?`,
      text: `${now}It cannot log in until you let it in again.`,
      action: "Lock out",
      danger: true,
      perform: async () => {
        await account.revoke(id);
        speak(`${name} is locked out.`);
      },
    });
  }

  /** @param {Device} device */
  async #restore({ id, name }) {
    const { account, complain, speak } = this.#parts;
    try {
      await account.restore(id);
      speak(`${name} may log in again.`);
    } catch (error) {
      complain(error);
    }
  }
}
