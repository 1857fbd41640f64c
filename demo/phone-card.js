// How one phone looks: status, notice, facts, the one button, and the prompt.

import { find, make, say, shortInstance } from "./element.js";
import { Prompt } from "./prompt.js";

/**
 * @typedef {"off" | "busy" | "ready" | "deceived" | "recovering" | "taken"} Look
 * @typedef {{ look: Look, status: string, notice: string, alert: boolean, action: string,
 *   enabled: boolean, quiet?: boolean }} Face `quiet`: it flips too often to be spoken
 */

export class PhoneCard {
  /** @type {() => void} */
  onAction = () => {};

  #root;
  #face;
  #status;
  #notice;
  #button;
  #name;

  /**
   * @param {HTMLElement} root
   * @param {{ name: string, place: string }} who
   */
  constructor(root, who) {
    const template = /** @type {HTMLTemplateElement} */ (
      find(document, "#phone-template")
    );
    root.append(template.content.cloneNode(true));
    this.#root = root;
    this.#name = who.name;
    this.#face = find(root, ".phone__face");
    this.#status = find(root, ".status__text");
    this.#notice = find(root, ".phone__notice");
    this.#button = find(root, ".phone__action");
    this.prompt = new Prompt(find(root, ".prompt"), this.#face, this.#button);
    say(find(root, ".phone__title"), who.name);
    say(find(root, ".phone__place"), who.place);
    this.#button.addEventListener("click", () => this.onAction());
  }

  /** @param {{ line: string, device: string, instanceId: string }} facts */
  describe(facts) {
    say(find(this.#root, ".phone__line"), facts.line);
    say(find(this.#root, ".phone__device"), facts.device);
    say(find(this.#root, ".phone__instance"), shortInstance(facts.instanceId));
  }

  /** @param {Face} face */
  show(face) {
    this.#root.dataset.look = face.look;
    for (const region of [this.#status.parentElement, this.#notice]) {
      region?.setAttribute("aria-live", face.quiet ? "off" : "polite");
    }
    say(this.#status, face.status);
    this.#showNotice(face);
    this.#button.textContent = "";
    this.#button.append(face.action, make("span", "hidden", ` ${this.#name}`));
    this.#button.classList.toggle("button--main", face.action === "Log in");
    /** @type {HTMLButtonElement} */ (this.#button).disabled = !face.enabled;
  }

  /** @param {Face} face */
  #showNotice(face) {
    if (this.#notice.textContent === face.notice) return;
    // The role is set first: an alert interrupts, a status waits its turn.
    this.#notice.setAttribute("role", face.alert ? "alert" : "status");
    if (face.alert) this.#notice.removeAttribute("aria-live");
    this.#notice.classList.toggle("notice--alert", face.alert);
    say(this.#notice, face.notice);
  }
}
