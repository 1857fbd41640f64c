/** The phone that is logged in, and the page, as conversations see them. */

import { fault } from "../errors/error.js";
import { failureParts } from "./errors.js";

export class Station {
  #page;
  #phones;
  #registration;

  /**
   * @param {import("./page.js").Page} page
   * @param {import("./phones.js").Phones} phones
   * @param {import("./registration.js").Registration} registration
   */
  constructor(page, phones, registration) {
    this.#page = page;
    this.#phones = phones;
    this.#registration = registration;
  }

  /** Whose phone it is. */
  get user() {
    return this.#registration.facts.user ?? "";
  }

  /** Where the page called `init`. */
  get target() {
    return this.#page.target;
  }

  /**
   * Calls somebody; throws where that cannot be.
   *
   * @param {string} target
   * @param {object} options
   */
  call(target, options) {
    if (!this.#phones.current) throw fault("notLoggedIn");
    return this.#phones.current.call(target, options);
  }

  /** Tells a page that has called `init`. @param {string} event @param {object} properties */
  tell(event, properties) {
    if (this.#page.started) this.#page.trigger(event, properties);
  }

  /**
   * Tells of what failed as CWIC told it; the page's own mistakes have names of their own.
   *
   * @template T
   * @param {T} target
   * @param {unknown} callback
   * @param {any} failure
   * @param {string} backup  the native code that tells of it
   * @param {object} [context]
   * @returns {T}
   */
  fail(target, callback, failure, backup, context) {
    const { name, details, properties } = failureParts(failure);
    const denied = failure?.cause?.name === "NotAllowedError";
    const nativeError = denied ? "eNotUserAuthorized" : backup;
    const key = /^e(Invalid|NotSupported)/.test(name) ? name : nativeError;
    return this.#page.fail(
      target,
      callback,
      this.#page.errors.entry(key),
      nativeError,
      ...details,
      { ...properties, nativeError },
      context,
    );
  }
}
