import { fault, PhoneError } from "../errors/error.js";
import { sign } from "./keys.js";

/** So long before its end, in ms, a token is not shown any more. */
const MARGIN = 10_000;

/**
 * @typedef {object} Who
 * @property {string} user
 * @property {string} domain
 * @property {string} [password]
 * @property {string | (() => string | Promise<string>)} [token] the operator's
 *
 * @typedef {import("./keys.js").Known} Known
 *
 * @typedef {object} KnownHere devices of this browser
 * @property {() => Promise<Known[]>} find
 * @property {(known: Known) => Promise<void>} forget
 */

/**
 * A session at the account service. What the app gave opens it, so that a wrong password
 * is noticed, whatever this browser knows; where it gave nothing, the key of the device
 * does. It then goes on by itself.
 */
export class Session {
  #service;
  #who;
  #knownHere;
  #token = "";
  #until = 0;
  #refreshToken = "";
  /** The device that this is, and its key. @type {Known | undefined} */
  #known;
  /** What the app gave was accepted. */
  #isProven = false;
  /** @type {Promise<string> | undefined} */
  #opening;

  /**
   * @param {import("./service.js").Service} service
   * @param {Who} who
   * @param {KnownHere} knownHere
   */
  constructor(service, who, knownHere) {
    this.#service = service;
    this.#who = who;
    this.#knownHere = knownHere;
  }

  /** Id of the device that this is, once that is known. */
  get device() {
    return this.#known?.id;
  }

  /** @param {Known} known */
  bind(known) {
    this.#known = known;
  }

  /**
   * Where keys alone open it, this one does, and none of another device.
   *
   * @param {Known} known
   */
  async prefer(known) {
    if (this.#isGiven) return;
    while (this.#opening) await this.#opening.catch(() => {});
    if (this.device === known.id) return;
    const ending = this.end();
    this.#known = known;
    await ending.catch(() => {});
  }

  /** @returns {Promise<string>} one that is good for a while */
  async token() {
    if (this.#token && Date.now() < this.#until) return this.#token;
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** @param {string} token that was refused before its time */
  drop(token) {
    if (this.#token === token) this.#token = "";
  }

  /** Signs out, where anybody was signed in. */
  async end() {
    const token = this.#token;
    this.#token = this.#refreshToken = "";
    // A page that is left at once has signed out all the same.
    const keepalive = true;
    if (token)
      await this.#service.ask("DELETE", "session", { token, keepalive });
  }

  /** The app gave something to sign in with. */
  get #isGiven() {
    const { password, token } = this.#who;
    return password !== undefined || token !== undefined;
  }

  async #open() {
    const given = this.#isGiven;
    const ways = [() => this.#byRefreshing()];
    if (!given || (this.#isProven && this.#known))
      ways.push(() => this.#byKeys());
    if (given) ways.push(() => this.#byWhatWasGiven());
    for (const way of ways) {
      const opened = await way();
      if (opened) return opened;
    }
    throw fault(given ? "signInRefused" : "noProof", { status: 401 });
  }

  async #byRefreshing() {
    const refreshToken = this.#refreshToken;
    // It counts once.
    this.#refreshToken = "";
    return refreshToken && this.#prove("session/refresh", { refreshToken });
  }

  /** By the key of this device; where it is not known yet which that is, by one of them. */
  async #byKeys() {
    const several = this.#known ? [this.#known] : await this.#knownHere.find();
    for (const known of several) {
      const opened = await this.#byKey(known);
      this.#known = opened ? known : undefined;
      if (opened) return opened;
      // Its device was taken off the list. Asked again and again it counts as guessing.
      await this.#knownHere.forget(known);
    }
    return undefined;
  }

  /** @param {Known} known */
  async #byKey(known) {
    const { user, domain } = this.#who;
    const claim = { user, domain, deviceId: known.id };
    const { nonce } = await this.#service.ask("POST", "session/challenge", {
      body: claim,
    });
    const text = ["graceline-session", `${user}@${domain}`, known.id, nonce];
    const signature = await sign(known.keys, text.join("\n"));
    return this.#prove("session", { ...claim, nonce, signature });
  }

  async #byWhatWasGiven() {
    const { user, domain, password, token } = this.#who;
    const proof =
      password !== undefined
        ? { user, domain, password }
        : { token: typeof token === "function" ? await token() : token };
    const opened = await this.#prove("session", proof);
    this.#isProven ||= !!opened;
    return opened;
  }

  /**
   * @param {string} path
   * @param {object} body
   * @returns {Promise<string | undefined>} undefined: it proves nothing
   */
  async #prove(path, body) {
    try {
      const opened = await this.#service.ask("POST", path, { body });
      this.#token = opened.token;
      this.#until = Date.now() + opened.expiresIn * 1000 - MARGIN;
      this.#refreshToken = opened.refreshToken ?? "";
      return opened.token;
    } catch (error) {
      if (PhoneError.is(error, "eCredentialsRejected")) return undefined;
      throw error;
    }
  }
}
