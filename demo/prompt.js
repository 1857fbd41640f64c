// The question "Log in here and log out there?", asked on the phone's own
// screen. Not modal for the page: the other phone is another client, and stays
// usable; only the face behind the question is inert.

import { find, say } from "./element.js";

export class Prompt {
  #dialog;
  #behind;
  #returnTo;
  /** @type {((yes: boolean) => void) | null} */
  #answer = null;

  /**
   * @param {HTMLElement} dialog
   * @param {HTMLElement} behind made inert while the question stands
   * @param {HTMLElement} returnTo focused when it is answered
   */
  constructor(dialog, behind, returnTo) {
    this.#dialog = /** @type {HTMLDialogElement} */ (dialog);
    this.#behind = behind;
    this.#returnTo = returnTo;
    const question = find(dialog, ".prompt__question");
    const detail = find(dialog, ".prompt__detail");
    question.id = `${dialog.parentElement?.id}-question`;
    detail.id = `${dialog.parentElement?.id}-detail`;
    dialog.setAttribute("role", "alertdialog");
    dialog.setAttribute("aria-labelledby", question.id);
    dialog.setAttribute("aria-describedby", detail.id);
    find(dialog, ".prompt__yes").addEventListener("click", () =>
      this.#settle(true),
    );
    find(dialog, ".prompt__no").addEventListener("click", () =>
      this.#settle(false),
    );
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#settle(false);
    });
  }

  /**
   * Asks. Resolves with false if the user declines or the question is withdrawn.
   * @param {string} detail
   * @returns {Promise<boolean>}
   */
  ask(detail) {
    this.withdraw();
    say(find(this.#dialog, ".prompt__detail"), detail);
    // Only who is working at this phone, or nowhere, is brought to the question.
    const active = document.activeElement;
    const here = active === document.body || this.#behind.contains(active);
    this.#behind.inert = true;
    this.#dialog.show();
    if (here) find(this.#dialog, ".prompt__yes").focus();
    else if (active instanceof HTMLElement)
      active.focus({ preventScroll: true });
    return new Promise((resolve) => (this.#answer = resolve));
  }

  /** Takes the question back, as if it had been declined. */
  withdraw() {
    if (this.#answer) this.#settle(false);
  }

  /** @param {boolean} yes */
  #settle(yes) {
    const hadFocus = this.#dialog.contains(document.activeElement);
    this.#dialog.close();
    this.#behind.inert = false;
    if (hadFocus) this.#returnTo.focus({ preventScroll: true });
    this.#answer?.(yes);
    this.#answer = null;
  }
}
