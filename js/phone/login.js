import { fault } from "../errors/error.js";
import { callApp } from "./events.js";

/** @typedef {import("../errors/error.js").PhoneError} PhoneError */
/** @typedef {import("../index.js").Registration} Registration */

/**
 * @typedef {object} Attempt one piece of work on behalf of one or more registerPhone calls
 * @property {number} id
 * @property {boolean} force
 * @property {import("../index.js").PhoneMode} [mode] these three: default as it is
 * @property {string} [line]
 * @property {string} [device]
 * @property {boolean} begun whether the core knows of it
 * @property {Set<Waiter>} waiters
 * @property {() => void} [leave] what else ends with it
 */

/** @typedef {{ resolve(registration: Registration): void, reject(error: unknown): void }} Waiter */

/**
 * The login that is under way, and who waits for it. Calls that overlap share one
 * attempt; a forced one takes the place of an unforced one.
 */
export class Login {
  #settings;
  #link;
  #begin;
  #ended;
  /** @type {Attempt | undefined} */
  #attempt;
  #attempts = 0;
  /** Connections that the browser does not permit. @type {Set<string>} */
  #forbidden = new Set();
  /** Why the app's credentials callback gave nothing. @type {unknown} */
  #noCredentials;

  /**
   * @param {any} settings of the phone
   * @param {import("./link.js").Link} link
   * @param {(attempt: Attempt) => Promise<void>} begin
   * @param {(begun: boolean, error?: any) => void} ended without a registration
   */
  constructor(settings, link, begin, ended) {
    this.#settings = settings;
    this.#link = link;
    this.#begin = begin;
    this.#ended = ended;
  }

  /** The attempt that is under way. */
  get attempt() {
    return this.#attempt;
  }

  /**
   * @param {ReturnType<typeof import("./options.js").checkLogin>} wanted
   * @param {Waiter} waiter
   */
  join(wanted, { resolve, reject }) {
    const { forceRegistration: force = false, signal } = wanted;
    const isOther = (/** @type {"mode"} */ name) =>
      wanted[name] && wanted[name] !== this.#attempt?.[name];
    if (
      (force && !this.#attempt?.force) ||
      /** @type {"mode"[]} */ (["mode", "line", "device"]).some(isOther)
    )
      this.cancel(fault("superseded"));
    const attempt = (this.#attempt ??= this.#start(force, wanted));
    const giveUp = () => this.#abort(attempt, waiter, signal?.reason);
    const leave = () => signal?.removeEventListener("abort", giveUp);
    /** @type {Waiter} */
    const waiter = {
      resolve: (registration) => (leave(), resolve(registration)),
      reject: (error) => (leave(), reject(error)),
    };
    attempt.waiters.add(waiter);
    signal?.addEventListener("abort", giveUp);
  }

  /**
   * Gives the attempt to the core.
   *
   * @param {Attempt} attempt
   * @param {boolean} [force]
   */
  send(attempt, force = attempt.force) {
    attempt.begun = true;
    this.#forbidden.clear();
    this.#link.tell("register", attempt.id, force);
  }

  /**
   * Rejects the calls that are pending. What the core is doing for them is ended
   * by what comes next: a forced registration, an unregistration, the close.
   *
   * @param {PhoneError} error
   */
  cancel(error) {
    this.#take()?.waiters.forEach((waiter) => waiter.reject(error));
  }

  /** @param {any} error */
  fail(error) {
    const attempt = this.#attempt;
    this.cancel(error);
    if (attempt) this.#ended(attempt.begun, error);
  }

  // ---- what the core says

  /**
   * @param {number} id of the attempt
   * @param {Registration} registration
   */
  registered(id, registration) {
    if (this.#attempt?.id !== id) return;
    this.#take()?.waiters.forEach((waiter) => waiter.resolve(registration));
  }

  /** @param {any} event */
  failed({ attempt, at, device, elsewhere, ...answer }) {
    if (this.#attempt?.id !== attempt) return;
    const details = elsewhere && { device, elsewhere };
    const error = fault(at, { ...answer, details });
    if (error.code === "eCredentialsRejected")
      error.cause = this.#noCredentials;
    this.fail(error);
  }

  /** @param {{ id: number, scheme: string, realm: string }} challenge */
  async challenged({ id, ...challenge }) {
    let answer;
    this.#noCredentials = undefined;
    try {
      const given = await this.#settings.credentials(challenge);
      const { username = "", password, token } = Object(given);
      if (![username, password ?? token].every(isSafe))
        throw new TypeError(
          "credentials must resolve to { username?, password } or { token }",
        );
      answer = given;
    } catch (/** @type {any} */ error) {
      this.#noCredentials = error;
      // Not asked by apps, but by the account.
      if (error?.code === "eDeviceNotAuthorised") answer = { cutOff: true };
    }
    this.#link.tell("credentials", id, answer ?? null);
  }

  /**
   * What the page may not do now it may not do later: nobody is kept waiting.
   *
   * @param {string} url
   * @param {PhoneError} error
   */
  forbidden(url, error) {
    const { log, connections } = this.#settings;
    callApp(log, { level: "warn", message: error.message });
    this.#forbidden.add(url);
    const all = connections.every((/** @type {string} */ one) =>
      this.#forbidden.has(one),
    );
    if (!all || !this.#attempt) return;
    this.#link.tell("abort");
    this.fail(error);
  }

  // ---- attempts

  /**
   * @param {boolean} force
   * @param {Pick<Attempt, "mode" | "line" | "device">} where
   */
  #start(force, { mode, line, device }) {
    /** @type {Attempt} */
    const attempt = {
      id: ++this.#attempts,
      force,
      mode,
      line,
      device,
      begun: false,
      waiters: new Set(),
    };
    this.#begin(attempt).catch((error) => {
      if (this.#attempt === attempt) this.fail(error);
    });
    return attempt;
  }

  /**
   * @param {Attempt} attempt
   * @param {Waiter} waiter
   * @param {unknown} reason
   */
  #abort(attempt, waiter, reason) {
    attempt.waiters.delete(waiter);
    waiter.reject(fault("aborted", {}, reason));
    if (attempt.waiters.size || this.#attempt !== attempt) return;
    this.#take();
    if (attempt.begun) this.#link.tell("abort");
    else this.#ended(false);
  }

  /** The attempt, which is over. */
  #take() {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.leave?.();
    return attempt;
  }
}

/** @param {unknown} value */
const isSafe = (value) => typeof value === "string" && !/\p{Cc}/u.test(value);
