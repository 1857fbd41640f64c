import { openEarly } from "../core/early.js";
import { Host } from "../core/host.js";
import { getInstance } from "../core/instance.js";
import { fault } from "../errors/error.js";
import { callApp, emit, isHeard } from "./events.js";
import { coreOptions, invalid } from "./options.js";

/** @typedef {import("../errors/error.js").PhoneError} PhoneError */
/** @typedef {import("../core/seam.js").Commands} Commands */
/** @typedef {{ command: string, resolve(answer?: any): void, reject(error: PhoneError): void }} Waiter */

/**
 * @typedef {object} Handlers what a phone does with what its core says
 * @property {(event: any) => void} event one of the seam's, unless it is settled here
 * @property {(url: string, error: PhoneError) => void} forbidden the page may not connect there
 * @property {(error: PhoneError) => void} dead
 */

/** A phone's link to its core: one host, and those who wait for what the core settles. */
export class Link {
  #phone;
  #settings;
  #handlers;
  /** @type {Host | undefined} */
  #host;
  /** @type {Promise<void> | undefined} */
  #opening;
  /** By the number of the operation, or the event that ends it. @type {Map<number | string, Waiter>} */
  #waiting = new Map();
  #last = 0;
  /** Nothing is opened any more. */
  #closed = false;

  /**
   * @param {import("./events.js").Emitter} phone
   * @param {any} settings
   * @param {Handlers} handlers
   */
  constructor(phone, settings, handlers) {
    this.#phone = phone;
    this.#settings = settings;
    this.#handlers = handlers;
  }

  get isOpen() {
    return !!this.#host;
  }

  /**
   * Loads and starts the core, once; where that failed, anew.
   *
   * @param {import("./storage.js").Store} store
   */
  open(store) {
    return (this.#opening ??= this.#open(store).catch((error) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  /** Calls are near. */
  prepare() {
    this.#host?.prepare();
  }

  /**
   * @template {keyof Commands} C
   * @param {C} method
   * @param {Commands[C]} args
   */
  tell(method, ...args) {
    this.#host?.call(method, ...args);
  }

  /**
   * @template {keyof Commands} C
   * @param {C} method
   * @param {Commands[C] extends [op: number, ...infer A] ? A : never} args what
   *   follows the number of the operation
   * @returns {Promise<any>} settled by the core, with what `done` says
   */
  ask(method, ...args) {
    const op = ++this.#last;
    return this.#wait(op, method, .../** @type {any} */ ([op, ...args]));
  }

  /** Resolves when the core is through, or gone. */
  async unregister() {
    await this.#wait("unregistered", "unregister").catch(() => {});
  }

  /** Resolves when the core is through, and gone. */
  async close() {
    this.#closed = true;
    await this.#wait("closed", "close").catch(() => {});
    this.#host?.free();
    this.#host = undefined;
  }

  /**
   * Rejects what the core, which is gone, cannot settle any more.
   *
   * @param {PhoneError} error
   */
  drop(error) {
    for (const key of this.#waiting.keys()) this.#settle(key, error);
  }

  /** @param {import("./storage.js").Store} store */
  async #open(store) {
    const phone = this.#phone;
    const settings = this.#settings;
    const WebSocket = settings.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket)
      throw invalid(
        "WebSocket",
        "is needed where there is no global one, as in Node 20",
      );
    const early = openEarly(WebSocket, settings.connections[0]);
    const instance = await (settings.getInstance ?? getInstance)(
      settings.isolate,
    ).finally(() => setTimeout(early.close));
    if (this.#closed) throw fault("closed");
    // The memory is read under the lock: the nonce count in it is ours alone.
    const options = coreOptions(settings, {
      instanceId: store.instanceId,
      memory: store.memory,
      trace: !!settings.trace || isHeard(phone, "sip"),
    });
    const { event, forbidden, dead } = this.#handlers;
    this.#host = new Host(instance, options, early.WebSocket, {
      event: (said) => this.#settles(said) || event(said),
      store: (value) => (store.memory = value),
      log: (entry) => callApp(settings.log, entry),
      trace: ({ direction, message }) => {
        if (settings.trace)
          callApp(settings.log, {
            level: "debug",
            message: `SIP ${direction}`,
            sip: message,
          });
        emit(phone, "sip", { direction, message, at: Date.now() });
      },
      transport: (change) => emit(phone, "transport", change),
      forbidden,
      unable: (error) => emit(phone, "error", error),
      dead: (error) => {
        this.#host = undefined;
        dead(error);
      },
    });
  }

  /**
   * @template {keyof Commands} C
   * @param {number | string} key
   * @param {C} command
   * @param {Commands[C]} args
   * @returns {Promise<any>}
   */
  #wait(key, command, ...args) {
    return new Promise((resolve, reject) => {
      if (!this.#host) throw fault("neverRegistered");
      this.#waiting.set(key, { command, resolve, reject });
      this.tell(command, ...args);
    });
  }

  /**
   * Whether nobody else need hear of it.
   *
   * @param {any} event
   */
  #settles({ name, op, error, command, number, ...answer }) {
    switch (name) {
      case "done":
        return this.#settle(op, error && fault(error.at, error), answer);
      case "unregistered":
      case "closed":
        return this.#settle(name);
      case "refused": {
        // A fault of ours, for which nobody may wait for ever.
        const key = ENDS[command] ?? number;
        const awaited = this.#waiting.get(key)?.command === command;
        if (awaited) this.#settle(key, fault("notTaken", { command }));
        return awaited && key === number;
      }
    }
  }

  /**
   * @param {number | string} key
   * @param {PhoneError} [error]
   * @param {any} [answer]
   */
  #settle(key, error, answer) {
    const waiter = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (error) waiter?.reject(error);
    else waiter?.resolve(answer);
    return true;
  }
}

/** Commands without a number, and the event that ends them. @type {Record<string, string>} */
const ENDS = { unregister: "unregistered", close: "closed" };
