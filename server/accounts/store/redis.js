import { randomBytes } from "node:crypto";

/** @typedef {import("./store.js").Store} Store */

const PREFIX = "graceline:accounts:";
/** Longer than a session lasts, in seconds. */
const SESSIONS_SECONDS = 31 * 24 * 60 * 60;

/** KEYS: the sessions of a user. ARGV: which, the expected value, the next, seconds. */
const SWAP = `
local found = redis.call("HGET", KEYS[1], ARGV[1]) or ""
if found ~= ARGV[2] then return 0 end
if ARGV[3] == "" then redis.call("HDEL", KEYS[1], ARGV[1])
else redis.call("HSET", KEYS[1], ARGV[1], ARGV[3]) end
redis.call("EXPIRE", KEYS[1], ARGV[4])
return 1
`;

/**
 * What copies of the service share, in Redis. Session and proof are kept as digests.
 *
 * @implements {Store}
 */
export class RedisStore {
  #redis;
  /** @type {Map<string, Promise<Buffer>>} */
  #secrets = new Map();

  /** @param {import("ioredis").Redis} redis */
  constructor(redis) {
    this.#redis = redis;
  }

  /** @param {string} name */
  secret(name) {
    const secret = this.#secrets.get(name) ?? this.#agreeOn(name);
    this.#secrets.set(name, secret);
    secret.catch(() => this.#secrets.delete(name));
    return secret;
  }

  /** The first copy that asks makes it. @param {string} name */
  async #agreeOn(name) {
    const key = `${PREFIX}secret:${name}`;
    await this.#redis.set(key, randomBytes(32).toString("hex"), "NX");
    return Buffer.from((await this.#redis.get(key)) ?? "", "hex");
  }

  /** @param {string} key @param {string} value @param {number} seconds */
  async keep(key, value, seconds) {
    await this.#redis.set(`${PREFIX}${key}`, value, "EX", seconds);
  }

  /** @param {string} key */
  async kept(key) {
    return this.#redis.get(`${PREFIX}${key}`);
  }

  /** @param {string} key @param {number} seconds */
  async once(key, seconds) {
    const set = await this.#redis.set(
      `${PREFIX}${key}`,
      "1",
      "EX",
      seconds,
      "NX",
    );
    return set === "OK";
  }

  /** @param {string} key */
  async counted(key) {
    const name = `${PREFIX}count:${key}`;
    const [count, seconds] = await Promise.all([
      this.#redis.get(name),
      this.#redis.ttl(name),
    ]);
    return { count: Number(count), seconds: Math.max(0, seconds) };
  }

  /** @param {string} key @param {number} seconds */
  async count(key, seconds) {
    const name = `${PREFIX}count:${key}`;
    await this.#redis.multi().incr(name).expire(name, seconds, "NX").exec();
  }

  /** @param {string} who @param {string} id */
  session(who, id) {
    return this.#redis.hget(`${PREFIX}sessions:${who}`, id);
  }

  /** @param {string} who */
  sessions(who) {
    return this.#redis.hgetall(`${PREFIX}sessions:${who}`);
  }

  /**
   * @param {string} who
   * @param {string} id
   * @param {string | null} expected
   * @param {string | null} next
   */
  async swapSession(who, id, expected, next) {
    const swapped = await this.#redis.eval(
      SWAP,
      1,
      `${PREFIX}sessions:${who}`,
      ...[id, expected ?? "", next ?? "", SESSIONS_SECONDS],
    );
    return swapped === 1;
  }

  async close() {
    this.#redis.disconnect();
  }
}
