// One question at a time, in the page's dialog.

import { find } from "../../../demo/element.js";

const dialog = /** @type {HTMLDialogElement} */ (find(document, "#dialog"));
const form = find(dialog, "form");
const field = find(dialog, "#dialog-field");
const input = /** @type {HTMLInputElement} */ (find(dialog, "#dialog-input"));
const action = /** @type {HTMLButtonElement} */ (find(dialog, "#dialog-do"));
const refused = find(dialog, "#dialog-refused");

/** @type {((value: string) => Promise<unknown>) | undefined} */
let perform;

/**
 * Asks, and does what was agreed to. A refusal stands in the dialog, which stays.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text
 * @param {string} question.action the button that agrees
 * @param {boolean} [question.danger] what it does locks somebody out
 * @param {{ label: string, value?: string, mode?: string }} [question.input]
 * @param {(value: string) => Promise<unknown>} question.perform
 */
export function ask(question) {
  perform = question.perform;
  find(dialog, "#dialog-title").textContent = question.title;
  find(dialog, "#dialog-text").textContent = question.text;
  action.textContent = question.action;
  action.className = `button ${question.danger ? "button--danger" : "button--main"}`;
  field.hidden = !question.input;
  input.required = !!question.input;
  input.value = question.input?.value ?? "";
  input.inputMode = question.input?.mode ?? "text";
  find(dialog, "#dialog-label").textContent = question.input?.label ?? "";
  refused.hidden = true;
  dialog.showModal();
  if (question.input) input.select();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  action.disabled = true;
  try {
    await perform?.(input.value.trim());
    dialog.close();
  } catch (error) {
    refused.textContent = /** @type {Error} */ (error).message;
    refused.hidden = false;
  } finally {
    action.disabled = false;
  }
});

find(dialog, "#dialog-cancel").addEventListener("click", () => dialog.close());
