import { Calls } from "../call/calls.js";
import { fault } from "../errors/error.js";
import { Emitter, emit } from "./events.js";
import { Shown } from "./shown.js";
import { followPage } from "./lifecycle.js";
import { Link } from "./link.js";
import { Login } from "./login.js";
import { checkLogin, checkOptions, checkTarget } from "./options.js";
import { share } from "./share.js";
import { CALLS } from "./inside.js";
import { Store } from "./storage.js";
import { Tab } from "./tabs.js";

/** @typedef {import("../index.js").Registration} Registration */

/** @typedef {import("../index.js").Phone} Declared */

/**
 * A phone of one user. The types and their documentation stand in index.d.ts.
 *
 * @extends {Shown<import("../index.js").PhoneSnapshot>}
 * @implements {Declared}
 */
export class Phone extends Shown {
  #settings;
  #store;
  #tab;
  #link;
  #login;
  #calls;
  /** How it is let in, where there are accounts. @type {import("../account/admission.js").Admission | undefined} */
  #admission;
  /** What the server tells, once that was asked for. @type {import("../watch/watch.js").Watch | undefined} */
  #watch;
  /** What takes its place where tabs share it. @type {Promise<{ watch: any }> | undefined} */
  #shared;
  /** The other mode, once it was asked for. @type {import("../desk/mode.js").DeskMode | undefined} */
  #remote;
  /** @type {import("../index.js").PhoneStatus} */
  #status = "eIdle";
  /** @type {Registration | null} */
  #registration = null;
  /** Whether the page was left with a registration, to come back to. */
  #away = false;
  /** @type {Promise<void> | undefined} */
  #unregistering;
  /** @type {Promise<void> | undefined} */
  #closing;
  /** @type {import("../errors/error.js").PhoneError | undefined} */
  #dead;
  #follower = {
    leave: () => this.#leave(),
    resume: () => this.#resume(),
    look: () => this.#link.tell("look"),
  };
  /** @type {(() => void) | undefined} */
  #unfollow;

  /** @param {import("../index.js").PhoneOptions} options */
  constructor(options) {
    super();
    const settings = (this.#settings = checkOptions(options));
    this.#store = new Store(settings);
    this.#link = new Link(this, settings, {
      event: (event) => this.#heard(event),
      forbidden: (url, error) => this.#login.forbidden(url, error),
      dead: (error) => this.#die(error),
    });
    this.#login = new Login(
      settings,
      this.#link,
      (attempt) => this.#begin(attempt),
      (begun, error) => this.#notRegistered(begun, error),
    );
    this.#calls = new Calls(this, settings, this.#link);
    this.#tab = new Tab(this.#store.sharedAs, () => this.#link.tell("silence"));
    this.on(
      "newListener",
      (name) => WATCHED.includes(name) && this.#told(name),
    );
    if (settings.shared)
      this.#shared = share(this, settings, this.#store, () =>
        this.#loadAdmission(),
      );
  }

  /**
   * Vue makes proxies of plain objects, and private fields cannot be had through one.
   *
   * @returns {"Phone"}
   */
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

  get tabs() {
    return ALONE;
  }

  get account() {
    return this.#admission?.account ?? null;
  }

  /** @param {ServiceWorkerRegistration} worker */
  async enablePush(worker) {
    await (await this.#loadAdmission()).enablePush(worker);
  }

  async disablePush() {
    await (await this.#loadAdmission()).disablePush();
  }

  get mode() {
    return this.#remote?.mode ?? "SoftPhone";
  }

  get desk() {
    return this.#remote?.desk ?? null;
  }

  /**
   * @param {ReturnType<typeof checkLogin>} [options]
   * @returns {Promise<Registration>}
   */
  registerPhone(options = {}) {
    return new Promise((resolve, reject) => {
      this.#assertUsable();
      const wanted = checkLogin(options, this.#settings.log);
      const { signal } = wanted;
      if (signal?.aborted) throw fault("aborted", {}, signal.reason);
      const isThere = this.#remote
        ? this.#remote.is(wanted)
        : wanted.mode !== "DeskPhone";
      if (this.#registration && !this.#unregistering && isThere)
        return resolve(this.#registration);
      this.#login.join(wanted, { resolve, reject });
    });
  }

  /**
   * @param {import("../index.js").PhoneMode} mode
   * @param {import("../index.js").LoginOptions} [options]
   */
  switchMode(mode, options) {
    return this.registerPhone({ ...options, mode });
  }

  /** @param {{ line?: string, signal?: AbortSignal }} [options] */
  async lineAppearances(options) {
    this.#assertUsable();
    return (await this.#loadRemote()).lineAppearances(options);
  }

  /** @returns {Promise<void>} */
  unregisterPhone() {
    if (this.#closing) return this.#closing;
    this.#login.cancel(fault("unregistering"));
    return (this.#unregistering ??= this.#unregister().finally(() => {
      this.#unregistering = undefined;
    }));
  }

  /** @returns {Promise<void>} */
  close() {
    return (this.#closing ??= Promise.resolve().then(() => this.#close()));
  }

  get calls() {
    return this.#line.list;
  }

  /** For js/shared. */
  get [CALLS]() {
    return this.#calls;
  }

  get #line() {
    return this.#remote?.calls ?? this.#calls;
  }

  /**
   * @param {string} target
   * @param {Parameters<Calls["call"]>[1]} [options]
   */
  call(target, options) {
    this.#assertUsable();
    return this.#line.call(target, options);
  }

  /**
   * @param {string} target
   * @param {string} body
   * @param {{ contentType?: string, publicId?: string }} [options]
   */
  async message(target, body, options) {
    this.#assertUsable();
    await this.#calls.message(target, body, options);
  }

  // ---- what the server tells of: js/watch

  get voicemail() {
    return this.#told("voicemail") ?? null;
  }

  get elsewhereCalls() {
    return this.#told("elsewhereCalls") ?? [];
  }

  /** @param {string} id @param {import("../index.js").CallOptions} [options] */
  pickUp(id, options = {}) {
    this.#assertUsable();
    const { target, replaces } = this.#watch?.find(id) ?? {};
    return this.#calls.call(/** @type {any} */ (target), options, replaces);
  }

  /**
   * @param {string} uri
   * @returns {import("../index.js").Presence}
   */
  presence(uri) {
    this.#assertUsable();
    /** @type {any} */
    const presence = new Emitter();
    presence.state = "unknown";
    presence.close = () => this.#tell("forget", presence);
    this.#tell("follow", presence, checkTarget(uri));
    return presence;
  }

  /** @param {{ state?: any, note?: any }} options */
  async setPresence(options) {
    this.#assertUsable();
    await this.#ask("setPresence", options);
  }

  /** @param {"voicemail" | "elsewhereCalls"} name */
  #told(name) {
    this.#tell("ask", name);
    return /** @type {any} */ (this.#watch)?.[name];
  }

  /**
   * @param {"ask" | "follow" | "forget" | "heard"} method
   * @param {any[]} args
   */
  #tell(method, ...args) {
    this.#ask(method, ...args).catch((error) => emit(this, "error", error));
  }

  /**
   * @param {string} method
   * @param {any[]} args
   */
  async #ask(method, ...args) {
    const shared = await this.#shared;
    /** @type {any} */
    const part = shared ?? (await import("../watch/watch.js"));
    /** @type {any} */
    const watch = (this.#watch ??= shared
      ? part.watch
      : new part.Watch(this, this.#settings, this.#link));
    return watch[method](...args);
  }

  #assertUsable() {
    if (this.#dead) throw this.#dead;
    if (this.#closing) throw fault("closed");
  }

  // ---- registering

  /** @param {import("./login.js").Attempt} attempt */
  async #begin(attempt) {
    // Listeners hear of it after registerPhone has returned.
    await this.#unregistering;
    const isCurrent = () => this.#login.attempt === attempt;
    if (!isCurrent()) return;
    if (!this.#link.isOpen || this.#isOut()) this.#setStatus("eRegistering");
    if (!(await this.#tab.acquire(attempt.force))) throw this.#refusal();
    if (isCurrent() && this.#settings.account)
      await (await this.#loadAdmission()).admit();
    if (isCurrent()) await this.#open();
    if (!isCurrent()) return this.#releaseIfOut();
    if ((attempt.mode ?? this.mode) === "SoftPhone")
      return this.#login.send(attempt);
    const remote = await this.#loadRemote();
    if (isCurrent()) await remote.begin(attempt);
  }

  async #loadAdmission() {
    this.#assertUsable();
    const { Admission } = await import("../account/admission.js");
    return (this.#admission ??= new Admission(
      this,
      this.#settings,
      this.#link,
    ));
  }

  async #open() {
    await this.#link.open(this.#store);
    this.#unfollow ??= followPage(this.#follower, this.#settings.page);
  }

  async #loadRemote() {
    const { DeskMode } = await import("../desk/mode.js");
    return (this.#remote ??= new DeskMode({
      phone: this,
      settings: this.#settings,
      link: this.#link,
      login: this.#login,
      calls: this.#calls,
      open: () => this.#open(),
      setStatus: (status, registration) =>
        this.#setStatus(status, registration),
    }));
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
   * @param {boolean} begun whether the core knew of the attempt
   * @param {any} [error]
   */
  #notRegistered(begun, error) {
    // Undoes the status it set.
    if (!begun) this.#stand();
    if (error) this.#name(error);
    this.#releaseIfOut();
  }

  /**
   * Fires the event of an error that has one of its own.
   *
   * @param {import("../errors/error.js").PhoneError} error
   * @returns {boolean} whether it has
   */
  #name({ code, status, reason, message, details }) {
    const { device } = this.#settings;
    if (code === "eDeviceAlreadyRegistered")
      return (emit(this, code, { ...details, status, reason }), true);
    if (code === "eDeviceNotAuthorised")
      return (emit(this, code, { device, status, reason, message }), true);
    return false;
  }

  // ---- leaving

  async #unregister() {
    this.#remote?.leave();
    this.#watch?.leave();
    await this.#link.unregister();
    this.#stand();
    await this.#tab.release();
  }

  async #close() {
    this.#login.cancel(fault("closing"));
    this.#unfollow?.();
    this.#remote?.leave();
    this.#watch?.leave();
    await this.#link.close();
    this.#admission?.close();
    this.#drop(fault("closed"));
    this.#setStatus("eIdle");
    await this.#tab.release();
  }

  #leave() {
    this.#away = !this.#isOut();
    this.#link.tell("leave");
    this.#tab.release();
  }

  async #resume() {
    if (!this.#away) return;
    this.#away = false;
    // Another tab may have become the phone meanwhile.
    const mine = await this.#tab.acquire(false);
    const { attempt } = this.#login;
    if (attempt?.begun) {
      // The core forgot it on leaving. Asked anew, and politely.
      if (mine) this.#login.send(attempt, false);
      else this.#login.fail(this.#refusal());
    } else {
      this.#link.tell(mine ? "resume" : "silence");
    }
  }

  // ---- what the core says

  /** @param {any} event one of the seam's */
  #heard({ name, ...event }) {
    if (this.#remote?.heard({ name, ...event })) return;
    switch (name) {
      case "status":
        this.#setStatus(event.status, event.registration);
        if (this.ready) this.#watch?.registered();
        return this.#releaseIfOut();
      case "registered":
        this.#calls.prepare();
        return this.#login.registered(
          event.attempt,
          this.#registration ?? event.registration,
        );
      case "failed":
        return this.#login.failed(event);
      case "credentials":
        return void this.#login.challenged(event);
      case "notified":
      case "lapsed":
        return this.#tell("heard", { name, ...event });
      case "terminated":
        return this.#terminated(event);
      case "refused":
        return this.#refused(event);
      case "error": {
        const error = fault(event.at, event);
        return this.#name(error) || emit(this, "error", error);
      }
    }
    this.#calls.heard({ name, ...event });
  }

  /** @param {{ reason: string, by?: import("../index.js").Elsewhere }} event */
  #terminated({ reason, by }) {
    // Nobody may be left waiting for a registration that was pending.
    if (this.#login.attempt?.begun) this.#login.cancel(this.#refusal(by));
    const at = OUSTED.includes(reason) ? reason : "loggedInElsewhere";
    const { message } = fault(at, { agent: by?.userAgent });
    emit(this, "eConnectionTerminated", { reason, message, by });
    this.#releaseIfOut();
  }

  /**
   * A fault of ours, for which nobody may wait for ever.
   *
   * @param {{ command: string, number: number }} event
   */
  #refused({ command, number }) {
    const error = fault("notTaken", { command });
    if (command === "register" && this.#login.attempt)
      return this.#login.fail(error);
    emit(this, "error", error);
    if (command === "call") this.#calls.fail(number, error);
  }

  /** @param {import("../errors/error.js").PhoneError} error */
  #die(error) {
    this.#dead = error;
    this.#unfollow?.();
    this.#setStatus("eIdle");
    this.#login.fail(error);
    this.#drop(error);
    emit(this, "error", error);
    this.#releaseIfOut();
  }

  /**
   * Ends what the core, which is gone, cannot end any more.
   *
   * @param {import("../errors/error.js").PhoneError} error
   */
  #drop(error) {
    this.#remote?.leave();
    this.#calls.drop(error);
    this.#link.drop(error);
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
    return OUT.includes(this.#status);
  }

  /** Nothing is under way: undoes what an attempt set of which the core had not heard. */
  #stand() {
    if (this.#status === "eRegistering") this.#setStatus("eIdle");
    this.#releaseIfOut();
  }

  #releaseIfOut() {
    if (!this.#login.attempt && this.#isOut()) this.#tab.release();
  }
}

/** The tabs of a phone that is not shared. */
const ALONE = Object.freeze({ count: 1, leads: true });

/** Events that the server is asked for. */
const WATCHED = ["voicemail", "elsewhereCalls"];

/** Not registered, and not about to be. @type {import("../index.js").PhoneStatus[]} */
const OUT = ["eIdle", "eConnectionTerminated", "eDeviceNotAuthorised"];

/** Ways of being logged out that have a sentence of their own. */
const OUSTED = ["sameBrowser", "rivalReturned"];
