import { pageStorage } from "../phone/storage.js";

/** Which desk phone of a line a user chose last: kept for the next page. */
export class Kept {
  #storage;
  #key;

  /** @param {any} settings */
  constructor({ user, domain, storage = pageStorage() }) {
    this.#storage = storage;
    this.#key = `graceline:${user}@${domain.toLowerCase()}:desk`;
  }

  /**
   * @param {string} line
   * @returns {string | undefined}
   */
  device(line) {
    const kept = this.#read();
    const isOurs = kept.line === line && typeof kept.device === "string";
    return isOurs && kept.device ? kept.device : undefined;
  }

  /**
   * @param {string} line
   * @param {string} device empty: none is known
   */
  keep(line, device) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify({ line, device }));
    } catch {
      // Full or blocked: the next page asks again, nothing worse.
    }
  }

  /** @returns {any} */
  #read() {
    try {
      return Object(JSON.parse(this.#storage?.getItem(this.#key) ?? "{}"));
    } catch {
      return {}; // blocked, or spoilt by somebody
    }
  }
}
