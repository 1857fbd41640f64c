/** The one phone that a page has: made for the options of a login, and let go for others. */

export class Phones {
  /** @type {any} */
  current = null;
  /** What it, or the last one, was made from. @type {Record<string, unknown>} */
  options = {};
  /** That of the last one made. */
  instanceId = "";
  /** The core is gone: a reboot is needed. */
  broken = false;
  #page;
  #follow;
  /** Settles when every phone that was let go has closed. */
  #ending = Promise.resolve();

  /**
   * @param {import("./page.js").Page} page
   * @param {(phone: any) => void} follow  listens to a new one
   */
  constructor(page, follow) {
    this.#page = page;
    this.#follow = follow;
  }

  /** Whether there is one that was made from these. @param {Record<string, unknown>} options */
  fits(options) {
    return (
      !!this.current &&
      Object.keys({ ...options, ...this.options }).every((name) =>
        same(options[name], this.options[name]),
      )
    );
  }

  /** @param {Record<string, unknown>} options */
  make(options) {
    const page = this.#page;
    const log = (/** @type {any} */ entry) =>
      /warn|error/.test(entry.level)
        ? page.log(entry.message, entry)
        : page.verbose(entry.message, entry);
    const phone = new page.host.Phone({ log, ...options });
    this.current = phone;
    this.options = options;
    this.broken = false;
    this.instanceId = phone.instanceId;
    this.#follow(phone);
    return phone;
  }

  /** Its core is gone. */
  lose() {
    this.broken = true;
    this.current = null;
  }

  /** Resolves when there is none any more. */
  release() {
    const phone = this.current;
    this.current = null;
    if (phone) {
      const closing = (async () => phone.close())();
      this.#ending = Promise.allSettled([this.#ending, closing]).then(
        () => undefined,
      );
    }
    return this.#ending;
  }
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  if (a === b) return true;
  const isPlain = (/** @type {unknown} */ value) =>
    Object(value) === value &&
    /^(Array|Object)$/.test(`${Object(value).constructor?.name}`);
  return isPlain(a) && isPlain(b) && JSON.stringify(a) === JSON.stringify(b);
}
