/**
 * What went over the wires of one test, in order, to be printed when it fails and to be counted.
 */

/**
 * @typedef {object} Entry
 * @property {string} who name of the client
 * @property {"sent" | "received" | "note"} direction
 * @property {string} text the whole message
 * @property {number} at milliseconds since the transcript began
 */

export class Transcript {
  /** @type {Entry[]} */
  entries = [];
  #began = performance.now();
  /** @type {Set<() => void>} */
  #watchers = new Set();

  /**
   * @param {string} who
   * @param {Entry["direction"]} direction
   * @param {string} text
   */
  add(who, direction, text) {
    const at = Math.round(performance.now() - this.#began);
    this.entries.push({ who, direction, text, at });
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * The requests that a client sent or received.
   * @param {{ who?: string, method?: string, direction?: Entry["direction"], since?: number }} filter
   *   `since`: an earlier value of `length`
   * @returns {Entry[]}
   */
  requests({ who, method = "REGISTER", direction = "sent", since = 0 }) {
    return this.entries
      .slice(since)
      .filter(
        (entry) =>
          entry.direction === direction &&
          (who === undefined || entry.who === who) &&
          entry.text.startsWith(`${method} `),
      );
  }

  /** How many entries there are: a mark for `since`. */
  get length() {
    return this.entries.length;
  }

  /**
   * Resolves once `predicate` gives something true, tried after every entry.
   * @template T
   * @param {string} what for the error message
   * @param {() => T | undefined | false} predicate
   * @param {number} [milliseconds] deadline
   * @returns {Promise<T>}
   */
  until(what, predicate, milliseconds = 10_000) {
    return new Promise((resolve, reject) => {
      const attempt = () => {
        const value = predicate();
        if (value === undefined || value === false) return;
        finish();
        resolve(value);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`waited ${milliseconds} ms for ${what}`));
      }, milliseconds);
      const finish = () => {
        clearTimeout(timer);
        this.#watchers.delete(attempt);
      };
      this.#watchers.add(attempt);
      attempt();
    });
  }

  /** The whole of it, for people. */
  toString() {
    const arrow = { sent: "-->", received: "<--", note: "   " };
    return this.entries
      .map(
        ({ who, direction, text, at }) =>
          `[${at}] ${who} ${arrow[direction]} ${text}`,
      )
      .join("\n");
  }
}
