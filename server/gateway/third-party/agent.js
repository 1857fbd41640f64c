import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { instantiate } from "../../../js/core/core.js";
import { Emitter } from "../../../js/phone/events.js";
import { Link } from "../../../js/phone/link.js";
import { checkOptions } from "../../../js/phone/options.js";
import { fault } from "../../../js/errors/error.js";
import { Leg } from "./leg.js";

/** @type {WebAssembly.Module | undefined} */
let compiled;

/**
 * An instance of the core that can ask for offers, which that of the pages cannot.
 *
 * @returns {Promise<import("../../../js/core/instance.js").Instance>}
 */
async function getInstance() {
  const file = new URL("../../../pkg/controller_bg.wasm", import.meta.url);
  compiled ??= new WebAssembly.Module(readFileSync(file));
  return {
    Core: await instantiate(compiled),
    hosts: new Set(),
    extend: () => Promise.resolve(),
    dead: false,
  };
}

/** There is one login in the life of an agent. */
const LOGIN = 1;

/**
 * @typedef {object} AgentHandlers
 * @property {() => void} ready it is registered
 * @property {(reason: string) => void} lost it is not, and will not be by itself
 */

/** @typedef {import("../../../js/core/seam.js").Events} Events */

/**
 * @typedef {object} Watcher hears of a phone that is watched. What the server does not
 *   tell, or not any more, is missing.
 * @property {(event: Partial<Events["dialogs"]>) => void} dialogs
 * @property {(event: Partial<Events["presence"]>) => void} presence
 */

/** A client of the SIP server that makes calls to connect others by (RFC 3725). */
export class Agent {
  #handlers;
  #link;
  #instanceId = `urn:uuid:${crypto.randomUUID()}`;
  /** @type {Map<number, Leg>} */
  #legs = new Map();
  /** Outgoing calls have odd numbers. */
  #last = -1;
  /** By their numbers. @type {Map<number, (event: any) => void>} */
  #watchers = new Map();
  #lastWatch = 0;
  #status = "eIdle";

  /**
   * @param {import("../../../js/index.js").PhoneOptions} options
   * @param {AgentHandlers} handlers
   */
  constructor(options, handlers) {
    const settings = checkOptions({
      WebSocket: /** @type {any} */ (WebSocket),
      // Two agents of one account are two devices: neither takes the other's place.
      device: `controller-${crypto.randomUUID().slice(0, 8)}`,
      ...options,
    });
    settings.getInstance = getInstance;
    this.user = settings.user;
    this.domain = settings.domain;
    this.#handlers = handlers;
    this.#link = new Link(new Emitter(), settings, {
      event: (event) => this.#heard(event),
      forbidden: (_, error) => handlers.lost(error.message),
      dead: (error) => this.#die(error),
    });
  }

  get isReady() {
    return this.#status === "eReady";
  }

  async open() {
    await this.#link.open(
      /** @type {any} */ ({ instanceId: this.#instanceId }),
    );
    this.#link.tell("register", LOGIN, false);
  }

  /** Hangs up, and logs out. */
  async close() {
    await this.#link.close();
    this.#drop("closed");
  }

  /** A call to somebody, which `askOffer` of the leg begins. */
  leg() {
    const id = (this.#last += 2);
    const leg = new Leg(id, this.#link);
    this.#legs.set(id, leg);
    return leg;
  }

  /**
   * Watches a phone: the calls that it is in, and whether it is there.
   *
   * @param {string} target its URI
   * @param {Watcher} watcher
   * @returns {() => void} ends that
   */
  watch(target, { dialogs, presence }) {
    const numbers = [++this.#lastWatch, ++this.#lastWatch];
    this.#watchers.set(numbers[0], dialogs).set(numbers[1], presence);
    this.#link.tell("watchDialogs", numbers[0], target);
    this.#link.tell("watchRegistration", numbers[1], target);
    return () => {
      for (const number of numbers) {
        this.#watchers.delete(number);
        this.#link.tell("unwatch", number);
      }
    };
  }

  /** @param {any} event of the core */
  #heard({ name, call, ...event }) {
    switch (name) {
      case "dialogs":
      case "presence":
      case "unwatched":
        return this.#watchers.get(event.watch)?.(event);
      case "status":
        return this.#become(event.status);
      case "failed":
        return this.#handlers.lost(fault(event.at, event).message);
      case "incoming":
        // It is called by nobody; what was meant is a phone.
        return this.#refuse(call);
      case "refer":
        return this.#link.tell("refuseRefer", event.refer);
    }
    this.#legs.get(call)?.heard({ name, ...event });
    if (name === "callEnded") this.#legs.delete(call);
  }

  /** @param {string} status */
  #become(status) {
    const before = this.#status;
    this.#status = status;
    if (status === "eReady" && before === "eRegistering")
      this.#handlers.ready();
    if (status === "eConnectionTerminated")
      this.#handlers.lost("another client has taken the account over");
  }

  /** @param {number} call */
  #refuse(call) {
    this.#link.ask("reject", call, 480).catch(() => {});
  }

  /** @param {Error} error */
  #die(error) {
    this.#drop("closed");
    this.#handlers.lost(error.message);
  }

  /** @param {string} at */
  #drop(at) {
    const error = fault(at);
    this.#link.drop(error);
    for (const leg of this.#legs.values())
      leg.heard({ name: "callEnded", cause: "failed" });
    this.#legs.clear();
  }
}
