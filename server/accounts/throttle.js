import { tooMany } from "./problem.js";
import { Turns } from "./turns.js";

/** Wrong tries that are heard within {@link SECONDS}, by whom and from where. */
const MOST = { userAndAddress: 5, address: 50, user: 50 };
const SECONDS = 60;
/** A user at whom many guess is heard once in so many seconds over all: not shut out. */
const GUESS_SECONDS = 3;

/** Slows down who guesses passwords, tokens or keys. */
export class Throttle {
  #store;
  /** None is begun before the last one is counted. */
  #turns = new Turns();

  /** @param {import("./store/store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * @template T
   * @param {string} address
   * @param {string | undefined} user at whom somebody may be guessing
   * @param {() => Promise<T | undefined>} prove undefined: wrong
   * @returns {Promise<T | undefined>}
   */
  attempt(address, user, prove) {
    const pair = `${address} ${user ?? ""}`;
    const limits = [{ key: address, most: MOST.address }];
    if (user) limits.push({ key: pair, most: MOST.userAndAddress });
    return this.#turns.take(pair, async () => {
      for (const { key, most } of limits) {
        const { count, seconds } = await this.#store.counted(`wrong ${key}`);
        if (count >= most) throw tooMany(Math.max(1, seconds));
      }
      if (user) await this.#waitFor(user);
      const proved = await prove();
      if (proved === undefined) {
        for (const { key } of limits)
          await this.#store.count(`wrong ${key}`, SECONDS);
        if (user) await this.#store.count(`wrong ${user}`, SECONDS);
      }
      return proved;
    });
  }

  /** @param {string} user */
  async #waitFor(user) {
    const { count } = await this.#store.counted(`wrong ${user}`);
    if (count < MOST.user) return;
    if (!(await this.#store.once(`heard ${user}`, GUESS_SECONDS)))
      throw tooMany(GUESS_SECONDS);
  }
}
