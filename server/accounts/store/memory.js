import { randomBytes } from "node:crypto";

/** @typedef {import("./store.js").Store} Store */

/** Entries kept of each kind: then the oldest goes. Each is some hundred bytes. */
const MOST = 100_000;

/**
 * What copies of the service share, where there is one alone.
 *
 * @implements {Store}
 */
export class MemoryStore {
  /** @type {Map<string, Buffer>} */
  #secrets = new Map();
  /** @type {Expiring<true>} */
  #seen = new Expiring();
  /** @type {Expiring<{ count: number }>} */
  #counts = new Expiring();
  /** @type {Expiring<string>} */
  #kept = new Expiring();
  /** By user, then by session. @type {Map<string, Map<string, string>>} */
  #sessions = new Map();

  /** @param {string} name */
  async secret(name) {
    const secret = this.#secrets.get(name) ?? randomBytes(32);
    this.#secrets.set(name, secret);
    return secret;
  }

  /** @param {string} key @param {number} seconds */
  async once(key, seconds) {
    if (this.#seen.get(key)) return false;
    this.#seen.set(key, true, seconds);
    return true;
  }

  /** @param {string} key */
  async counted(key) {
    const count = this.#counts.get(key)?.count ?? 0;
    return { count, seconds: this.#counts.secondsLeft(key) };
  }

  /** @param {string} key @param {number} seconds */
  async count(key, seconds) {
    const known = this.#counts.get(key);
    if (known) known.count += 1;
    else this.#counts.set(key, { count: 1 }, seconds);
  }

  /** @param {string} key @param {string} value @param {number} seconds */
  async keep(key, value, seconds) {
    this.#kept.set(key, value, seconds);
  }

  /** @param {string} key */
  async kept(key) {
    return this.#kept.get(key) ?? null;
  }

  /** @param {string} who @param {string} id */
  async session(who, id) {
    return this.#sessions.get(who)?.get(id) ?? null;
  }

  /** @param {string} who */
  async sessions(who) {
    return Object.fromEntries(this.#sessions.get(who) ?? []);
  }

  /**
   * @param {string} who
   * @param {string} id
   * @param {string | null} expected
   * @param {string | null} next
   */
  async swapSession(who, id, expected, next) {
    const sessions = this.#sessions.get(who) ?? new Map();
    if ((sessions.get(id) ?? null) !== expected) return false;
    if (next === null) sessions.delete(id);
    else sessions.set(id, next);
    if (sessions.size) this.#sessions.set(who, sessions);
    else this.#sessions.delete(who);
    return true;
  }

  async close() {}
}

/**
 * Values that go by themselves.
 *
 * @template T
 */
class Expiring {
  /** @type {Map<string, { value: T, until: number }>} */
  #entries = new Map();

  /** @param {string} key */
  get(key) {
    const entry = this.#entries.get(key);
    if (entry && entry.until > Date.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** @param {string} key @param {T} value @param {number} seconds */
  set(key, value, seconds) {
    this.#entries.delete(key);
    if (this.#entries.size >= MOST) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { value, until: Date.now() + seconds * 1000 });
  }

  /** @param {string} key */
  secondsLeft(key) {
    const until = this.#entries.get(key)?.until ?? 0;
    return Math.max(0, Math.ceil((until - Date.now()) / 1000));
  }
}
