import { Calls } from "../call/calls.js";
import { fault } from "../errors/error.js";
import { Emitter, callApp, emit, isHeard } from "./events.js";
import { Host } from "../core/host.js";
import { getInstance } from "../core/instance.js";
import { followPage } from "./lifecycle.js";
import { checkLogin, checkOptions, coreOptions, invalid } from "./options.js";
import { Store } from "./storage.js";
import { Tab } from "./tabs.js";

/** @typedef {import("../index.js").Registration} Registration */

/**
 * @typedef {object} Attempt one piece of work on behalf of one or more registerPhone calls
 * @property {number} id
 * @property {boolean} force
 * @property {boolean} begun whether the core knows of it
 * @property {Set<Waiter>} waiters
 */

/** @typedef {{ resolve(registration: Registration): void, reject(error: unknown): void }} Waiter */

/** A phone of one user. The types and their documentation stand in index.d.ts. */
export class Phone extends Emitter {
  #settings;
  #store;
  #tab;
  #calls;
  /** @type {import("../index.js").PhoneStatus} */
  #status = "eIdle";
  /** @type {Registration | null} */
  #registration = null;
  /** @type {Host | undefined} */
  #host;
  /** @type {Promise<Host> | undefined} */
  #hosting;
  /** @type {Attempt | undefined} */
  #attempt;
  #attempts = 0;
  /** Connections that the browser does not permit. @type {Set<string>} */
  #forbidden = new Set();
  /** Whether the page was left with a registration, to come back to. */
  #away = false;
  /** Why the app's credentials callback gave nothing. @type {unknown} */
  #noCredentials;
  /** @type {Promise<void> | undefined} */
  #unregistering;
  /** @type {Promise<void> | undefined} */
  #closing;
  /** @type {import("../errors/error.js").PhoneError | undefined} */
  #dead;
  /** What unregisterPhone and close wait for: the core's "unregistered" and "closed". */
  #done = { unregistered: () => {}, closed: () => {} };
  #follower = {
    leave: () => this.#leave(),
    resume: () => this.#resume(),
    look: () => this.#host?.call("look"),
  };
  #unfollow = () => {};

  /** @param {import("../index.js").PhoneOptions} options */
  constructor(options) {
    super();
    const settings = (this.#settings = checkOptions(options));
    this.#store = new Store(settings);
    this.#calls = new Calls(
      settings,
      () => this.#host,
      (name, payload) => emit(this, name, payload),
    );
    const { user, domain, device } = settings;
    this.#tab = new Tab(
      globalThis.document && this.#store.isShared
        ? `graceline:${user}@${domain.toLowerCase()}/${device}/${this.instanceId}`
        : null,
      () => this.#host?.call("silence"),
    );
  }

  /** Vue makes proxies of plain objects, and private fields cannot be had through one. */
  get [Symbol.toStringTag]() {
    return "Phone";
  }

  get status() {
    return this.#status;
  }

  get ready() {
    return this.#status === "eReady";
  }

  get registration() {
    return this.#registration;
  }

  get instanceId() {
    return this.#store.instanceId;
  }

  /**
   * @param {{ forceRegistration?: boolean, signal?: AbortSignal }} [options]
   * @returns {Promise<Registration>}
   */
  registerPhone(options = {}) {
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const { log } = this.#settings;
      const { forceRegistration: force = false, signal } = checkLogin(
        options,
        log,
      );
      if (signal?.aborted) throw fault("aborted", {}, signal.reason);
      if (this.ready && this.#registration && !this.#unregistering)
        return resolve(this.#registration);

      if (force && this.#attempt && !this.#attempt.force)
        this.#cancel("superseded");
      const attempt = (this.#attempt ??= this.#start(force));
      const settled = new AbortController();
      const waiter = {
        /** @param {Registration} registration */
        resolve: (registration) => (settled.abort(), resolve(registration)),
        /** @param {unknown} error */
        reject: (error) => (settled.abort(), reject(error)),
      };
      attempt.waiters.add(waiter);
      signal?.addEventListener(
        "abort",
        () => this.#abort(attempt, waiter, signal.reason),
        {
          signal: settled.signal,
        },
      );
    });
  }

  /** @returns {Promise<void>} */
  unregisterPhone() {
    if (this.#closing) return this.#closing;
    this.#cancel("unregistering");
    return (this.#unregistering ??= this.#unregister().finally(() => {
      this.#unregistering = undefined;
    }));
  }

  /** @returns {Promise<void>} */
  close() {
    return (this.#closing ??= Promise.resolve().then(() => this.#close()));
  }

  get calls() {
    return this.#calls.list;
  }

  /**
   * @param {string} target
   * @param {Parameters<Calls["call"]>[1]} [options]
   */
  call(target, options) {
    this.#assertUsable();
    return this.#calls.call(target, options);
  }

  /**
   * @param {string} target
   * @param {string} body
   * @param {{ contentType?: string }} [options]
   */
  async message(target, body, options) {
    this.#assertUsable();
    await this.#calls.message(target, body, options);
  }

  #assertUsable() {
    if (this.#dead) throw this.#dead;
    if (this.#closing) throw fault("closed");
  }

  // ---- registering

  /** @param {boolean} force */
  #start(force) {
    const attempt = {
      id: ++this.#attempts,
      force,
      begun: false,
      waiters: new Set(),
    };
    this.#begin(attempt).catch((error) => this.#fail(attempt, error));
    return attempt;
  }

  /** @param {Attempt} attempt */
  async #begin(attempt) {
    // Listeners hear of it after registerPhone has returned.
    await this.#unregistering;
    const isCurrent = () => this.#attempt === attempt;
    if (!isCurrent()) return;
    if (!this.#host || this.#isOut()) this.#setStatus("eRegistering");
    if (!(await this.#tab.acquire(attempt.force))) throw this.#refusal();
    if (isCurrent()) await (this.#hosting ??= this.#createHost());
    if (!isCurrent()) return this.#releaseIfOut();
    attempt.begun = true;
    this.#forbidden.clear();
    this.#host?.call("register", attempt.id, attempt.force);
  }

  async #createHost() {
    const settings = this.#settings;
    try {
      const WebSocket = settings.WebSocket ?? globalThis.WebSocket;
      if (!WebSocket)
        throw invalid(
          "WebSocket",
          "is needed where there is no global one, as in Node 20",
        );
      const instance = await getInstance(settings.isolate);
      this.#assertUsable();
      // The memory is read under the lock: the nonce count in it is ours alone.
      const options = coreOptions(settings, {
        instanceId: this.instanceId,
        memory: this.#store.memory,
        trace: !!settings.trace || isHeard(this, "sip"),
      });
      this.#host = new Host(instance, options, WebSocket, {
        event: (event) => this.#heard(event),
        store: (value) => (this.#store.memory = value),
        log: (entry) => callApp(settings.log, entry),
        trace: (trace) => this.#traced(trace),
        transport: (change) => emit(this, "transport", change),
        forbidden: (url, error) => this.#forbid(url, error),
        dead: (error) => this.#die(error),
      });
      this.#unfollow = followPage(this.#follower);
      return this.#host;
    } catch (error) {
      this.#hosting = undefined;
      throw error;
    }
  }

  /**
   * @param {object} [elsewhere] default: another tab of this browser. It is the
   *   same client as we are; no registrar can tell us apart
   */
  #refusal(elsewhere = { instanceId: this.instanceId, sameBrowser: true }) {
    const details = { device: this.#settings.device, elsewhere };
    return fault("deviceHeldHere", { details });
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
    this.#attempt = undefined;
    if (attempt.begun) this.#host?.call("abort");
    else this.#stand();
  }

  /**
   * Rejects the calls that are pending. What the core is doing for them is ended
   * by what comes next: a forced registration, an unregistration, the close.
   *
   * @param {string} why the situation
   */
  #cancel(why) {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.waiters.forEach((waiter) => waiter.reject(fault(why)));
  }

  /**
   * @param {Attempt} attempt
   * @param {any} error
   */
  #fail(attempt, error) {
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    if (!attempt.begun) this.#stand();
    if (error.code === "eDeviceAlreadyRegistered") {
      const { status, reason, details } = error;
      emit(this, error.code, { ...details, status, reason });
    }
    attempt.waiters.forEach((waiter) => waiter.reject(error));
    this.#releaseIfOut();
  }

  // ---- leaving

  async #unregister() {
    const host = this.#host;
    if (host) await this.#until("unregistered", () => host.call("unregister"));
    this.#stand();
    await this.#tab.release();
  }

  async #close() {
    this.#cancel("closing");
    this.#unfollow();
    const host = this.#host;
    if (host) {
      await this.#until("closed", () => host.call("close"));
      host.free();
      this.#host = undefined;
    }
    this.#calls.drop(fault("closed"));
    this.#done.unregistered();
    this.#setStatus("eIdle");
    await this.#tab.release();
  }

  /**
   * @param {"unregistered" | "closed"} event
   * @param {() => void} act
   * @returns {Promise<void>}
   */
  #until(event, act) {
    return new Promise((resolve) => {
      this.#done[event] = resolve;
      act();
    });
  }

  #leave() {
    this.#away = !this.#isOut();
    this.#host?.call("leave");
    this.#tab.release();
  }

  async #resume() {
    if (!this.#away) return;
    this.#away = false;
    // Another tab may have become the phone meanwhile.
    const mine = await this.#tab.acquire(false);
    const attempt = this.#attempt;
    if (attempt?.begun) {
      // The core forgot it on leaving. Asked anew, and politely.
      if (mine) this.#host?.call("register", attempt.id, false);
      else this.#fail(attempt, this.#refusal());
    } else {
      this.#host?.call(mine ? "resume" : "silence");
    }
  }

  // ---- what the core says

  /** @param {any} event one of the seam's */
  #heard({ name, ...event }) {
    switch (name) {
      case "status":
        this.#setStatus(event.status, event.registration);
        return this.#releaseIfOut();
      case "registered":
        return this.#registered(event);
      case "failed":
        return this.#failed(event);
      case "terminated":
        return this.#terminated(event);
      case "credentials":
        this.#askForCredentials(event);
        return;
      case "error":
        return emit(this, "error", fault(event.at, event));
      case "unregistered":
      case "closed":
        return this.#done[/** @type {"closed"} */ (name)]();
      case "refused":
        return this.#refused(event);
      default:
        this.#calls.heard({ name, ...event });
    }
  }

  /** @param {{ attempt: number, registration: Registration }} event */
  #registered({ attempt: id, registration }) {
    const attempt = this.#attempt;
    if (!attempt || attempt.id !== id) return;
    this.#attempt = undefined;
    this.#calls.prepare();
    attempt.waiters.forEach((waiter) =>
      waiter.resolve(this.#registration ?? registration),
    );
  }

  /** @param {any} event */
  #failed({ attempt: id, at, device, elsewhere, ...answer }) {
    const attempt = this.#attempt;
    if (!attempt || attempt.id !== id) return;
    const details = elsewhere && { device, elsewhere };
    const error = fault(at, { ...answer, details });
    if (error.code === "eCredentialsRejected")
      error.cause = this.#noCredentials;
    this.#fail(attempt, error);
  }

  /**
   * A fault of ours, for which nobody may wait for ever.
   *
   * @param {{ command: string, number: unknown }} event
   */
  #refused({ command, number }) {
    const error = fault("notTaken", { command });
    const attempt = this.#attempt;
    if (command === "register" && attempt) return this.#fail(attempt, error);
    if (command === "unregister") this.#done.unregistered();
    if (command === "close") this.#done.closed();
    this.#calls.refused(command, number, error);
  }

  /** @param {{ reason: string, by?: import("../index.js").Elsewhere }} event */
  #terminated({ reason, by }) {
    const attempt = this.#attempt?.begun && this.#attempt;
    if (attempt) this.#attempt = undefined;
    const at = OUSTED.includes(reason) ? reason : "loggedInElsewhere";
    const { message } = fault(at, { agent: by?.userAgent });
    emit(this, "eConnectionTerminated", { reason, message, by });
    // Nobody may be left waiting for a registration that was pending.
    const error = this.#refusal(by);
    if (attempt) attempt.waiters.forEach((waiter) => waiter.reject(error));
    this.#releaseIfOut();
  }

  /** @param {{ id: number, scheme: string, realm: string }} challenge */
  async #askForCredentials({ id, ...challenge }) {
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
    } catch (error) {
      this.#noCredentials = error;
    }
    this.#host?.call("credentials", id, answer ?? null);
  }

  /** @param {{ direction: string, message: string }} trace */
  #traced({ direction, message }) {
    if (this.#settings.trace)
      callApp(this.#settings.log, {
        level: "debug",
        message: `SIP ${direction}`,
        sip: message,
      });
    emit(this, "sip", { direction, message, at: Date.now() });
  }

  /**
   * What the page may not do now it may not do later: nobody is kept waiting.
   *
   * @param {string} url
   * @param {import("../errors/error.js").PhoneError} error
   */
  #forbid(url, error) {
    const { log, connections } = this.#settings;
    callApp(log, { level: "warn", message: error.message });
    this.#forbidden.add(url);
    const attempt = this.#attempt;
    const all = connections.every((/** @type {string} */ one) =>
      this.#forbidden.has(one),
    );
    if (!all || !attempt) return;
    this.#host?.call("abort");
    this.#fail(attempt, error);
  }

  /** @param {import("../errors/error.js").PhoneError} error */
  #die(error) {
    this.#dead = error;
    this.#host = undefined;
    this.#unfollow();
    this.#setStatus("eIdle");
    const attempt = this.#attempt;
    if (attempt) this.#fail(attempt, error);
    this.#calls.drop(error);
    emit(this, "error", error);
    this.#done.unregistered();
    this.#done.closed();
    this.#releaseIfOut();
  }

  // ---- status

  /**
   * @param {import("../index.js").PhoneStatus} status
   * @param {Registration | null} [registration]
   */
  #setStatus(status, registration = null) {
    if (status === this.#status && !registration && !this.#registration) return;
    this.#status = status;
    this.#registration = registration && Object.freeze(registration);
    emit(this, "status", {
      status,
      ready: this.ready,
      registration: this.#registration,
    });
  }

  /** Out: not registered, and not about to be. */
  #isOut() {
    return this.#status === "eIdle" || this.#status === "eConnectionTerminated";
  }

  /** An attempt ended before the core heard of it: undoes the status it set. */
  #stand() {
    if (this.#status === "eRegistering") this.#setStatus("eIdle");
    this.#releaseIfOut();
  }

  #releaseIfOut() {
    if (!this.#attempt && this.#isOut()) this.#tab.release();
  }
}

/** Ways of being logged out that have a sentence of their own. */
const OUSTED = ["sameBrowser", "rivalReturned"];

/** @param {unknown} value */
const isSafe = (value) => typeof value === "string" && !/\p{Cc}/u.test(value);
