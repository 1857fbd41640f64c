/**
 * What every method of a phone throws or rejects with. `code` is stable and
 * meant for programs, `message` is a sentence for people.
 */
export class PhoneError extends Error {
  /**
   * @param {import("../index.js").PhoneErrorCode} code
   * @param {string} message
   * @param {{ status?: number, reason?: string, details?: any, cause?: unknown }} [more]
   */
  constructor(code, message, { status, reason, details, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PhoneError";
    this.code = code;
    /** @type {number | undefined} */
    this.status = status;
    /** @type {string | undefined} */
    this.reason = reason;
    this.details = details;
  }

  /**
   * Recognised by name, not by class: a page may hold two copies of the package.
   *
   * @param {any} error
   * @param {string} [code]
   */
  static is(error, code) {
    return (
      error instanceof Error &&
      error.name === "PhoneError" &&
      (code === undefined || /** @type {any} */ (error).code === code)
    );
  }
}
