/**
 * Something that changes by itself, and that tests wait for.
 */
const DEADLINE_MS = 10_000;

export class Watched {
  /** @type {Set<() => void>} */
  #attempts = new Set();

  /**
   * Resolves with the first value of a probe, which is tried now and at each change.
   * @template T
   * @param {string} what for the error, after "waited for"
   * @param {() => T | undefined} probe
   * @returns {Promise<T>}
   */
  until(what, probe) {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#attempts.delete(attempt);
      };
      const attempt = () => {
        try {
          const value = probe();
          if (value === undefined) return;
          end();
          resolve(value);
        } catch (error) {
          end();
          reject(error);
        }
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`waited ${DEADLINE_MS} ms for ${what}`));
      }, DEADLINE_MS);
      this.#attempts.add(attempt);
      attempt();
    });
  }

  changed() {
    for (const attempt of [...this.#attempts]) attempt();
  }
}
