import { createHmac, randomInt } from "node:crypto";
import { Problem, tooMany } from "./problem.js";

const DIGITS = 6;
const SECONDS = 10 * 60;
/** Codes that are sent within an hour, for one user and to one id: each costs money, and a guess. */
const MOST = 5;
const HOUR = 60 * 60;

/**
 * @typedef {object} Sending
 * @property {string} id where to
 * @property {string} code
 * @property {"sms" | "call"} channel
 */

/** Codes by which a user proves that an id is theirs. A code is kept as a digest. */
export class Codes {
  #store;
  #send;

  /**
   * @param {import("./store/store.js").Store} store
   * @param {(sending: Sending) => Promise<void>} send
   */
  constructor(store, send) {
    this.#store = store;
    this.#send = send;
  }

  /** @param {string} who @param {string} id */
  async make(who, id) {
    const code = `${randomInt(10 ** DIGITS)}`.padStart(DIGITS, "0");
    return {
      code,
      code_hash: await this.digest(who, id, code),
      until: Date.now() + SECONDS * 1000,
    };
  }

  /** @param {string} who @param {string} id @param {string} code */
  async digest(who, id, code) {
    const key = await this.#store.secret("codes");
    const text = `${who}\n${id}\n${code}`;
    return createHmac("sha256", key).update(text).digest("base64url");
  }

  /** One more may be sent. @param {string} who @param {string} id */
  async count(who, id) {
    const keys = [`codes of ${who}`, `codes to ${id}`];
    for (const key of keys) {
      const { count, seconds } = await this.#store.counted(key);
      if (count >= MOST) throw tooMany(Math.max(1, seconds));
    }
    for (const key of keys) await this.#store.count(key, HOUR);
  }

  /** @param {Sending} sending */
  async send(sending) {
    try {
      await this.#send(sending);
    } catch {
      throw new Problem(
        503,
        "eOutOfService",
        "The code could not be sent. Try again later.",
      );
    }
  }
}
