import { fault } from "../errors/error.js";

/** Numbers of our attempts, which are none of the login's. */
const FIRST = 2 ** 31;

/**
 * The phone's flow to its server while the phone is not registered there: the gateway
 * is reached by it all the same.
 */
export class Flow {
  #link;
  #attempt = FIRST;
  /** @type {Promise<void> | undefined} */
  #holding;
  /** @type {(error?: unknown) => void} */
  #done = () => {};
  #held = false;

  /** @param {import("../phone/link.js").Link} link */
  constructor(link) {
    this.#link = link;
  }

  /**
   * Resolves when there is one, and there is going to be one from then on.
   *
   * @returns {Promise<void>}
   */
  hold() {
    return (this.#holding ??= new Promise((resolve, reject) => {
      this.#done = (error) => {
        this.#held = !error;
        if (error) this.#holding = undefined;
        if (error) reject(error);
        else resolve();
      };
      this.#link.tell("control", ++this.#attempt);
    }));
  }

  /** Closes it. */
  release() {
    if (this.#holding) this.#link.tell("unregister");
    this.#done(fault("deskGivenUp"));
  }

  /** It is closed. */
  lost() {
    if (this.#held) this.#holding = undefined;
  }

  /**
   * Whether it is of ours.
   *
   * @param {any} event of the core
   */
  heard({ name, attempt, ...event }) {
    if (attempt !== this.#attempt) return false;
    this.#done(name === "failed" ? fault(event.at, event) : undefined);
    return true;
  }
}
