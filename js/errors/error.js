import { core, left, page } from "./catalogue.js";

/**
 * @typedef {import("./catalogue.js").Sentence} Sentence
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 */

/**
 * What every method of a phone throws or rejects with. `code` is stable and
 * meant for programs, `message` is a sentence for people, which ends with the
 * `remedy`.
 */
export class PhoneError extends Error {
  /**
   * @param {import("../index.js").PhoneErrorCode} code
   * @param {string} message
   * @param {{ status?: number, reason?: string, details?: any, remedy?: string, cause?: unknown }} [more]
   */
  constructor(
    code,
    message,
    { status, reason, details, remedy = "", cause } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PhoneError";
    this.code = code;
    /** @type {number | undefined} */
    this.status = status;
    /** @type {string | undefined} */
    this.reason = reason;
    this.details = details;
    this.remedy = remedy;
  }

  /**
   * Recognised by name, not by class: a page may hold two copies of the package.
   *
   * @param {any} error
   * @param {string} [code]
   * @returns {error is PhoneError}
   */
  static is(error, code) {
    return (
      error instanceof Error &&
      error.name === "PhoneError" &&
      (code === undefined || /** @type {any} */ (error).code === code)
    );
  }
}

/** The code of each situation, the core's first. @type {Record<string, string>} */
const codes = {};
/** @type {Record<string, Sentence>} */
const sentences = { left: [left] };

/**
 * Adds what a part that loads on demand may have to say. What was translated
 * before stays so.
 *
 * @param {Catalogue} catalogue
 */
export function learn(catalogue) {
  for (const code in catalogue)
    for (const at in catalogue[code]) {
      codes[at] = code;
      sentences[at] ??= catalogue[code][at];
    }
}

learn(core);
const names = Object.keys(codes);
learn(page);

/** @param {Record<string, Sentence>} translations by situation, as in docs/errors.md */
export function translate(translations) {
  Object.assign(sentences, translations);
}

/**
 * The error of a situation.
 *
 * @param {number | string} at its place among the core's, or its name
 * @param {Record<string, any>} [values] what its sentence names; status, reason
 *   and details become the error's
 * @param {unknown} [cause]
 */
export function fault(at, values = {}, cause) {
  const name = names[/** @type {number} */ (at)] ?? at;
  const [happened, remedy] = sentences[name];
  const { status, reason, details } = values;
  const message = [happened, remedy, values.left && sentences.left[0]]
    .filter(Boolean)
    .map((template) => fill(template, values))
    .join(" ");
  const code = /** @type {any} */ (codes[name]);
  const more = { status, reason, details, remedy, cause };
  return new PhoneError(code, message, more);
}

/**
 * @param {string} template
 * @param {Record<string, any>} values
 */
const fill = (template, values) =>
  template
    .replace(/\[(.*?{(\w+)}.*?)\]/g, (_, part, name) =>
      values[name] ? part : "",
    )
    .replace(/{(\w+)}(\.?)/g, (_, name, stop) => {
      const value = `${values[name] ?? ""}`.replace(/\.$/, "");
      return value + (/[!?…]$/.test(value) ? "" : stop);
    });
