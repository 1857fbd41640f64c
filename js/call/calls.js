import { Call } from "./call.js";
import { PhoneError, fault } from "../errors/error.js";
import { checkCall, checkTarget } from "../phone/options.js";

/** @typedef {{ method: string, resolve(): void, reject(error: PhoneError): void }} Operation */
/** @typedef {import("../core/host.js").Host} Host */
/** @typedef {import("../core/seam.js").Commands} Commands */

/** The calls of a phone: numbers them, and brings to each what the core says of it. */
export class Calls {
  #settings;
  #host;
  /** @type {(name: string, payload: object) => void} */
  #emit;
  /** @type {Map<number, { call: Call, heard(event: any): void }>} */
  #calls = new Map();
  /** @type {Map<number, Operation>} */
  #operations = new Map();
  #operation = 0;
  /** Outgoing calls have odd numbers, incoming ones get even ones from the core. */
  #last = -1;

  /**
   * @param {any} settings of the phone
   * @param {() => Host | undefined} host
   * @param {(name: string, payload: object) => void} emit fires an event of the phone
   */
  constructor(settings, host, emit) {
    this.#settings = settings;
    this.#host = host;
    this.#emit = emit;
  }

  /** @returns {Call[]} those that have not ended, oldest first */
  get list() {
    return [...this.#calls.values()].map(({ call }) => call);
  }

  /**
   * @param {string} target
   * @param {import("../index.js").CallOptions & { signal?: AbortSignal }} [options]
   * @param {string} [replaces] the call to take up, as a Replaces header (RFC 3891)
   */
  call(target, options = {}, replaces = undefined) {
    const to = checkTarget(target);
    const { signal, ...wanted } = checkCall(options, this.log);
    const { extraHeaders, followRedirects } = wanted;
    const more = { extraHeaders, followRedirects, replaces };
    const call = this.#dial(to, wanted, more);
    const giveUp = () => call.hangup().catch(() => {});
    signal?.addEventListener("abort", giveUp);
    call.once("ended", () => signal?.removeEventListener("abort", giveUp));
    if (signal?.aborted) giveUp();
    return call;
  }

  /**
   * @param {string} target
   * @param {string} body
   * @param {{ contentType?: string }} [options]
   */
  async message(target, body, { contentType = "text/plain" } = {}) {
    await this.ask(
      "message",
      checkTarget(target),
      checkTarget(contentType),
      String(body),
    );
  }

  /** Loads the default handler ahead of the first call, which would wait for it. */
  prepare() {
    if (!this.#settings.media && globalThis.RTCPeerConnection)
      loadHandler().catch(() => {}); // the call that needs it will try again, and say so
  }

  /**
   * @param {any} event of the core
   */
  heard({ name, op, call, ...event }) {
    switch (name) {
      case "done":
        return this.#settle(op, event.error);
      case "incoming":
        return this.#ring(call, event);
      case "refer":
        return this.#follow(call, event);
      case "messageReceived":
        return this.#emit("message", event);
      case "abandoned":
        return this.#offer(event);
    }
    this.#calls.get(call)?.heard({ name, ...event });
  }

  /**
   * Whoever waits for it is told, and else the app.
   *
   * @param {string} command that the core does not take
   * @param {any} number of the operation, or of the call
   * @param {PhoneError} error
   */
  refused(command, number, error) {
    if (this.#operations.get(number)?.method === command)
      return this.#settle(number, error);
    this.#emit("error", error);
    if (command === "call") this.#fail(number, error);
  }

  /**
   * Ends what the core, which is gone, cannot end any more.
   *
   * @param {PhoneError} error
   */
  drop(error) {
    for (const id of this.#calls.keys()) this.#fail(id, error);
    for (const op of [...this.#operations.keys()]) this.#settle(op, error);
  }

  // ---- for a Call

  get log() {
    return this.#settings.log;
  }

  /**
   * @param {Call} call
   * @param {(event: any) => void} heard
   */
  join(call, heard) {
    this.#calls.set(call.id, { call, heard });
  }

  /** @param {Call} call */
  leave(call) {
    this.#calls.delete(call.id);
  }

  /**
   * @template {keyof Commands} C
   * @param {C} method
   * @param {Commands[C]} args
   */
  tell(method, ...args) {
    this.#host()?.call(method, ...args);
  }

  /**
   * @template {keyof Commands} C
   * @param {C} method
   * @param {Commands[C] extends [op: number, ...infer A] ? A : never} args what
   *   follows the number of the operation
   * @returns {Promise<void>} settled by the core
   */
  ask(method, ...args) {
    return new Promise((resolve, reject) => {
      const host = this.#host();
      if (!host) throw fault("neverRegistered");
      const op = ++this.#operation;
      this.#operations.set(op, { method, resolve, reject });
      host.call(method, .../** @type {any} */ ([op, ...args]));
    });
  }

  /**
   * @param {Omit<import("../index.js").MediaContext, "iceServers" | "log">} context
   * @returns {Promise<import("../index.js").MediaHandler>}
   */
  async createMedia(context) {
    const { media, iceServers = [], log } = this.#settings;
    const create = media ?? (await loadHandler()).createPeerMedia;
    return create({
      ...context,
      iceServers: async () =>
        typeof iceServers === "function" ? iceServers() : iceServers,
      log: (/** @type {any} */ entry) => log?.(entry),
    });
  }

  /** @param {Call} call that was answered */
  async watch(call) {
    const { mediaTimeout } = this.#settings;
    if (!mediaTimeout) return;
    const { fallsSilent } = await import("../media/silence.js");
    if (!(await fallsSilent(call, mediaTimeout))) return;
    this.tell("fail", call.id, `${mediaTimeout}`);
  }

  // ---- what the core says

  /**
   * @param {string} target
   * @param {import("./call.js").Wanted} wanted
   * @param {object} options of the core
   */
  #dial(target, wanted, options) {
    const id = (this.#last += 2);
    const remote = { uri: target, displayName: "" };
    const call = new Call(this, { id, direction: "outgoing", remote }, wanted);
    // Listeners hear of it after the app has the call in hand.
    queueMicrotask(() => {
      if (call.state === "ended") return;
      if (this.#host()) return this.tell("call", id, target, options);
      this.#fail(id, fault("neverRegistered"));
    });
    return call;
  }

  /**
   * @param {number} call that could not be made, or is lost
   * @param {PhoneError} error
   */
  #fail(call, error) {
    this.heard({ name: "callEnded", call, cause: "failed", error });
  }

  /**
   * @param {number} id
   * @param {any} event
   */
  #ring(id, { from: remote, replaces, ...more }) {
    const call = new Call(this, {
      id,
      direction: "incoming",
      remote,
      replaces: this.#calls.get(replaces)?.call ?? null,
      ...more,
    });
    this.#emit("incoming", { call });
    // RFC 3891 §3: who replaces a call that is in progress does not ring.
    if (call.replaces) call.answer().catch(() => {});
  }

  /**
   * A call of the page load before, whose far end may still be there.
   *
   * @param {any} event
   */
  #offer({ remote, replaces }) {
    const resume = (/** @type {any} */ options) =>
      this.call(remote.uri, options, replaces);
    this.#emit("resumable", { remote, resume });
  }

  /**
   * RFC 3515: the far end of a call asks us to call somebody else.
   *
   * @param {number} id
   * @param {any} event
   */
  #follow(id, { refer, target }) {
    const from = this.#calls.get(id)?.call;
    if (!from) return this.tell("refuseRefer", refer);
    const call = this.#dial(target, from.wanted, { refer });
    this.#emit("transferred", { from, call });
  }

  /**
   * @param {number} op
   * @param {any} [error]
   */
  #settle(op, error) {
    const operation = this.#operations.get(op);
    this.#operations.delete(op);
    if (!error) operation?.resolve();
    else
      operation?.reject(
        error instanceof PhoneError ? error : fault(error.at, error),
      );
  }
}

/** On demand: who only registers, or brings a handler of his own, does not load it. */
const loadHandler = () => import("../media/peer.js");
