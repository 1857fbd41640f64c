import { sources } from "../core/instance.js";
import { fault, learn } from "../errors/error.js";
import { shared as catalogue } from "../errors/shared.js";
import { callApp, emit, isHeard } from "../phone/events.js";
import { followPage } from "../phone/lifecycle.js";
import { checkLogin } from "../phone/options.js";
import { SharedCalls } from "./calls.js";
import { SharedDesk } from "./desk.js";
import { HostLink } from "./link.js";
import { Told } from "./told.js";
import { GONE, VERSION } from "./wire.js";
import { needsLeader, withoutSecrets } from "./connect.js";

learn(catalogue);

/** @typedef {import("../index.js").PhoneStatus} PhoneStatus */
/** @typedef {import("./wire.js").Wire} Wire */
/** @typedef {import("../index.js").Registration} Registration */
/** @typedef {{ status: PhoneStatus, registration: Registration | null, mode: import("../index.js").PhoneMode, desk: any }} State */

/** Options that stay in the tab. */
const OWN = ["credentials", "iceServers", "log", "media", "shared"];
/** What a login may ask of an account. */
const ACCOUNT = ["authorise", "sipCredentials"];
/** Events of a refused login. */
const NAMED = ["eDeviceAlreadyRegistered", "eDeviceNotAuthorised"];
/** Not registered, and not about to be. @type {PhoneStatus[]} */
const OUT = ["eIdle", "eConnectionTerminated", "eDeviceNotAuthorised"];
/** What may be asked of the next host if the one before is gone. */
const AGAIN = ["registerPhone", "unregisterPhone"];

/** @type {State} */
const IDLE = {
  ...{ status: "eIdle", registration: null, mode: "SoftPhone", desk: null },
};

/** What of the app's phone is done or known here. */
const METHODS = [
  ...["registerPhone", "unregisterPhone", "close", "message", "call"],
  ...["pickUp", "lineAppearances"],
];
const GETTERS = [
  ...["calls", "mode", "desk"],
  "status",
  "ready",
  "registration",
  "instanceId",
  "tabs",
];

/** A tab's part of the phone that it shares with others. */
export class SharedPhone {
  /** The app's. */
  #phone;
  #settings;
  #store;
  #admit;
  /** @type {State} */
  #state = IDLE;
  /** @type {SharedDesk | null} */
  #desk = null;
  /** @type {import("../index.js").Tabs} */
  #tabs = { count: 1, leads: true };
  #link;
  #ending = new AbortController();
  /** @type {Promise<void> | undefined} */
  #closing;
  /** Who waits for a login. @type {Set<(error: any) => void>} */
  #waiting = new Set();
  #follower = {
    leave: () => this.#link.goAway(),
    resume: () => this.#link.comeBack(),
    look: () => this.#tell("look"),
  };
  #unfollow;
  #calls;
  /** @type {import("./calls.js").Way} */
  #way = {
    ask: (method, argument) => this.#ask(method, argument),
    tell: (method, ...args) => this.#tell(method, ...args),
  };
  /** What takes the place of js/watch. */
  watch = new Told(this.#way);

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {any} settings
   * @param {import("../phone/storage.js").Store} store
   * @param {() => Promise<unknown>} admit loads what lets it in, where there are accounts
   */
  constructor(phone, settings, store, admit) {
    this.#phone = phone;
    this.#settings = { ...settings };
    this.#store = store;
    this.#admit = admit;
    /** @type {any} */
    const self = this;
    for (const name of METHODS)
      Object.assign(phone, {
        [name]: (/** @type {any[]} */ ...args) => self[name](...args),
      });
    for (const name of GETTERS)
      Object.defineProperty(phone, name, { get: () => self[name] });
    this.#calls = new SharedCalls(phone, settings, this.#way);
    phone.on("newListener", (name) => {
      if (name === "sip") this.#tell("hear", name);
    });
    this.#unfollow = followPage(this.#follower);
    globalThis.document?.addEventListener(
      "visibilitychange",
      () => this.#tell("visible", isVisible()),
      { signal: this.#ending.signal },
    );
    this.#link = new HostLink({
      shared: settings.shared,
      client: this.#client,
      phoneLock: `${store.sharedAs}`,
      joining: (...of) => this.#joining(...of),
      serve: (method, args) => this.#serve(method, args),
      joined: () => this.#joined(),
      lost: () => this.#lost(),
      failed: (error) => emit(phone, "error", error),
    });
  }

  get status() {
    return this.#state.status;
  }

  get ready() {
    return this.status === "eReady";
  }

  get registration() {
    return this.#state.registration;
  }

  get instanceId() {
    return this.#store.instanceId;
  }

  get tabs() {
    return this.#tabs;
  }

  get mode() {
    return this.#state.mode;
  }

  get desk() {
    return this.#desk;
  }

  get calls() {
    return this.#calls.list;
  }

  /**
   * @param {ReturnType<typeof checkLogin>} [options]
   * @returns {Promise<Registration>}
   */
  async registerPhone(options = {}) {
    this.#assertUsable();
    const { signal, ...wanted } = checkLogin(options, this.#settings.log);
    if (signal?.aborted) throw fault("aborted", {}, signal.reason);
    // The asking tab's options count, and its password stays here.
    if (needsLeader(this.#settings.shared))
      await this.#link.lead(() => OUT.includes(this.status));
    const registration = await this.#login(wanted, signal);
    if (this.#settings.account) await this.#admit();
    return this.#state.registration ?? registration;
  }

  async unregisterPhone() {
    if (this.#closing) return this.#closing;
    await this.#ask("unregisterPhone");
  }

  /**
   * @param {string} target
   * @param {any} [options]
   */
  call(target, options) {
    this.#assertUsable();
    return this.#calls.call(target, options);
  }

  /**
   * @param {string} id
   * @param {import("../index.js").CallOptions} [options]
   */
  pickUp(id, options) {
    this.#assertUsable();
    const { remote } = this.watch.find(id) ?? {};
    return this.#calls.call(remote?.uri, options, { pickUp: id });
  }

  /** @param {{ line?: string, signal?: AbortSignal }} [options] */
  async lineAppearances({ line, signal } = {}) {
    this.#assertUsable();
    const aborted = new Promise((_, reject) => {
      const abort = () => reject(fault("aborted", {}, signal?.reason));
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
    });
    return Promise.race([this.#ask("lineAppearances", { line }), aborted]);
  }

  /** @param {any[]} args */
  async message(...args) {
    this.#assertUsable();
    await this.#ask("message", args);
  }

  close() {
    return (this.#closing ??= this.#close());
  }

  #assertUsable() {
    if (this.#closing) throw fault("closed");
  }

  /**
   * @param {any} wanted
   * @param {AbortSignal} [signal]
   * @returns {Promise<Registration>}
   */
  #login(wanted, signal) {
    return new Promise((resolve, reject) => {
      const fail = (/** @type {any} */ error) => {
        const { code, message, details, status, reason } = error;
        const { device } = this.#settings;
        if (code === NAMED[0])
          emit(this.#phone, code, { ...details, status, reason });
        if (code === NAMED[1])
          emit(this.#phone, code, { device, status, reason, message });
        reject(error);
      };
      /** @type {() => void} */
      let giveUp = () => {};
      const abort = () => {
        giveUp();
        reject(fault("aborted", {}, signal?.reason));
      };
      this.#waiting.add(reject);
      signal?.addEventListener("abort", abort);
      this.#ask("registerPhone", wanted, (wire, id) => {
        giveUp = () => wire.tell("giveUp", id);
        if (signal?.aborted) giveUp();
      })
        .then(resolve, fail)
        .finally(() => {
          this.#waiting.delete(reject);
          signal?.removeEventListener("abort", abort);
        });
    });
  }

  /**
   * @param {string} method
   * @param {any} [argument]
   * @param {(wire: Wire, id: number) => void} [asked]
   * @returns {Promise<any>}
   */
  async #ask(method, argument, asked) {
    for (;;) {
      if (this.#closing && method !== "close") throw fault("closed");
      await this.#link.connected;
      const wire = /** @type {Wire} */ (this.#link.wire);
      const { id, answer } = wire.begin(method, argument);
      asked?.(wire, id);
      try {
        return await answer;
      } catch (error) {
        if (error !== GONE) throw error;
        if (this.#closing) throw fault("closed");
        if (!AGAIN.includes(method)) throw fault("hostLost");
      }
    }
  }

  async #close() {
    for (const reject of this.#waiting) reject(fault("closing"));
    this.#unfollow();
    this.#ending.abort();
    if (!this.#link.isAway) {
      // Where there is no host there is nothing to leave.
      await this.#link.connected
        .then(() => this.#link.wire?.ask("close"))
        .catch(() => {});
      this.#link.leave();
    }
    this.#link.close();
    this.#calls.drop(fault("closed"));
    this.#become(IDLE);
  }

  // ---- the way to the host

  /**
   * @param {string} method
   * @param {any[]} args
   */
  #tell(method, ...args) {
    this.#link.wire?.tell(method, ...args);
  }

  get #client() {
    const { user, domain, device, instanceId } = this.#settings;
    const client = `${user}@${domain.toLowerCase()}/${device}`;
    return instanceId ? `${client}/${instanceId}` : client;
  }

  /**
   * @param {string} lock
   * @param {boolean} lasting
   * @param {boolean} partial
   * @returns {import("./host.js").Joining}
   */
  #joining(lock, lasting, partial) {
    const settings = this.#settings;
    const isOwn = (/** @type {string} */ name) =>
      OWN.includes(name) || typeof settings[name]?.authorise === "function";
    const options = Object.fromEntries(
      Object.entries(settings).filter(([name]) => !isOwn(name)),
    );
    return {
      version: VERSION,
      client: this.#client,
      partial,
      instanceId: this.instanceId,
      options: partial ? withoutSecrets(options) : options,
      asks: Object.keys(settings).filter(isOwn),
      lock,
      visible: isVisible(),
      lasting,
      resume: !OUT.includes(this.status),
      calls: this.#calls.survivors,
    };
  }

  /**
   * @param {string} instanceId of the phone: two tabs may have made one at the same time
   * @param {State} state
   * @param {number} index
   */
  #welcome(instanceId, state, index) {
    this.#calls.follow(index);
    if (instanceId !== this.#store.instanceId) {
      this.#store.instanceId = instanceId;
      this.#store.memory = undefined;
    }
    this.#become(state);
  }

  #joined() {
    this.watch.joined();
    if (isHeard(this.#phone, "sip")) this.#tell("hear", "sip");
  }

  #lost() {
    this.#calls.survive(fault("hostLost"));
    if (!OUT.includes(this.status))
      this.#become({ ...IDLE, status: "eRecoveryPending" });
  }

  // ---- what the host says

  /**
   * @param {string} method
   * @param {any[]} args
   */
  #serve(method, args) {
    switch (method) {
      case "welcome":
        return this.#welcome(.../** @type {[string, State, number]} */ (args));
      case "told":
        return this.watch.keep(args[0], args[1]);
      case "presence":
        return this.watch.show(args[0], args[1]);
      case "line":
        return this.#calls.introduce(
          .../** @type {[number, any, string, boolean, number]} */ (args),
        );
      case "call":
      case "here":
      case "media":
      case "mediaWanted":
      case "mediaOver":
        return this.#calls.heard(method, /** @type {[number]} */ (args));
      case "lost":
        return this.#calls.lose(args[0], fault("hostLost"));
      case "resumable":
        return this.#calls.offer(args[0]);
      case "event":
        return this.#heard(.../** @type {[string, any, State]} */ (args));
      case "tabs":
        return this.#count(args[0]);
      case "gone":
        return this.#link.lose();
      case "wasm":
      case "calls":
      case "csta":
        return portable(sources[method]);
      case "log":
        return callApp(this.#settings.log, args[0]);
      case "credentials":
        return this.#settings.credentials(...args);
      case "account":
        return this.#account(args[0], args[1]);
    }
    throw fault("notTaken", { command: method });
  }

  /**
   * @param {string} method of an Account of the app's
   * @param {any[]} args
   */
  #account(method, args) {
    if (!ACCOUNT.includes(method)) throw fault("notTaken", { command: method });
    return this.#settings.account[method](...args);
  }

  /**
   * @param {string} name
   * @param {any} payload
   * @param {State} state
   */
  #heard(name, payload, state) {
    if (name === "status") return this.#become(state);
    this.#learn(state);
    this.watch.keep(name, payload);
    emit(this.#phone, name, payload);
  }

  /** @param {import("../index.js").Tabs} tabs */
  #count(tabs) {
    if (JSON.stringify(tabs) === JSON.stringify(this.#tabs)) return;
    this.#tabs = Object.freeze(tabs);
    emit(this.#phone, "tabs", tabs);
  }

  /** @param {State} state */
  #become(state) {
    const before = this.#state;
    this.#learn(state);
    const { status, registration } = this.#state;
    if (status === before.status && !registration && !before.registration)
      return;
    if (registration) this.#calls.prepare();
    emit(this.#phone, "status", { status, ready: this.ready, registration });
  }

  /** @param {State} state */
  #learn({ registration, ...state }) {
    const before = this.#state.registration;
    const isSame = JSON.stringify(before) === JSON.stringify(registration);
    // Whoever holds on to it finds it again.
    const now = isSame ? before : registration && Object.freeze(registration);
    this.#state = { ...state, registration: now };
    if (!state.desk) this.#desk = null;
    else if (!this.#desk?.learn(state.desk))
      this.#desk = new SharedDesk(state.desk, this.#way);
  }
}

const isVisible = () => !globalThis.document?.hidden;

/**
 * What a worker can make something of: it does not know the page's address, and a module
 * does not get there.
 *
 * @param {import("../core/instance.js").Source} [source]
 */
async function portable(source) {
  /** @type {any} */
  const wasm = await source?.();
  const url = wasm instanceof Response ? wasm.url : wasm;
  if (typeof url === "string" || url instanceof URL)
    return new URL(url, globalThis.document?.baseURI).href;
  return wasm instanceof WebAssembly.Module ? undefined : wasm;
}
