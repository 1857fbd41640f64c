import { Call } from "./call.js";
import { fault } from "../errors/error.js";
import { loadDigits, loadHandler } from "./media.js";
import { emit } from "../phone/events.js";
import { checkCall, checkTarget } from "../phone/options.js";

/** @typedef {import("../errors/error.js").PhoneError} PhoneError */

/** The calls of a phone: numbers them, and brings to each what the core says of it. */
export class Calls {
  #phone;
  #settings;
  /** @type {Map<number, { call: Call, heard(event: any): void }>} */
  #calls = new Map();
  /** Outgoing calls have odd numbers, incoming ones get even ones from the core. */
  #last = -1;

  /**
   * @param {import("../phone/events.js").Emitter} phone
   * @param {any} settings
   * @param {import("../phone/link.js").Link} link
   */
  constructor(phone, settings, link) {
    this.#phone = phone;
    this.#settings = settings;
    this.link = link;
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
   * @param {{ contentType?: string, publicId?: string }} [options]
   */
  async message(target, body, { contentType = "text/plain", publicId } = {}) {
    await this.link.ask(
      "message",
      checkTarget(target),
      checkTarget(contentType),
      String(body),
      this.#shownAs(checkCall({ publicId }, this.log)) ?? "",
    );
  }

  /**
   * Goes on with a call of a host that is gone.
   *
   * @param {any} facts as the app knows them
   * @param {string} dialog what that host told last of it
   */
  adopt({ wanted, ...facts }, dialog) {
    const call = new Call(this, { ...facts, id: this.number() }, wanted);
    this.link.tell("adopt", call.id, dialog);
    return call;
  }

  /** Loads ahead what a call would wait for: where that fails it tries again, and says so. */
  prepare() {
    this.link.prepare();
    if (!this.#settings.media && globalThis.RTCPeerConnection)
      for (const part of [loadHandler(), loadDigits()]) part.catch(() => {});
  }

  /**
   * @param {any} event of the core
   */
  heard({ name, call, ...event }) {
    switch (name) {
      case "incoming":
        return this.#ring(call, event);
      case "refer":
        return this.#follow(call, event);
      case "messageReceived":
        return emit(this.#phone, "message", event);
      case "abandoned":
        return this.#offer(event);
    }
    this.#calls.get(call)?.heard({ name, ...event });
    this.#phone.look();
  }

  /**
   * @param {number} call that could not be made, or is lost
   * @param {PhoneError} error
   */
  fail(call, error) {
    this.heard({ name: "callEnded", call, cause: "failed", error });
  }

  /**
   * Ends what the core, which is gone, cannot end any more.
   *
   * @param {PhoneError} error
   */
  drop(error) {
    for (const id of this.#calls.keys()) this.fail(id, error);
  }

  /** A new one, for a call or a session of ours. */
  number() {
    return (this.#last += 2);
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
   * @param {Omit<import("../index.js").MediaContext, "iceServers" | "iceTransportPolicy" | "log">} context
   * @returns {Promise<import("../index.js").MediaHandler>}
   */
  async createMedia(context) {
    const { media, iceServers = [], iceTransportPolicy, log } = this.#settings;
    const create = media ?? (await loadHandler()).createPeerMedia;
    return create({
      ...context,
      iceTransportPolicy,
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
    this.link.tell("fail", call.id, `${mediaTimeout}`);
  }

  /** @param {{ publicId?: string }} wanted */
  #shownAs({ publicId = this.#settings.publicId }) {
    return publicId;
  }

  // ---- what the core says

  /**
   * @param {string} target
   * @param {import("./call.js").Wanted} wanted
   * @param {object} more options of the core
   */
  #dial(target, wanted, more) {
    const options = { ...more, publicId: this.#shownAs(wanted) };
    const id = this.number();
    const remote = { uri: target, displayName: "" };
    const call = new Call(this, { id, direction: "outgoing", remote }, wanted);
    // Listeners hear of it after the app has the call in hand.
    queueMicrotask(() => {
      this.#phone.look();
      if (call.state === "ended") return;
      if (this.link.isOpen) return this.link.tell("call", id, target, options);
      this.fail(id, fault("neverRegistered"));
    });
    return call;
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
    emit(this.#phone, "incoming", { call });
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
    emit(this.#phone, "resumable", { remote, resume });
  }

  /**
   * RFC 3515: the far end of a call asks us to call somebody else.
   *
   * @param {number} id
   * @param {any} event
   */
  #follow(id, { refer, target }) {
    const from = this.#calls.get(id)?.call;
    if (!from) return this.link.tell("refuseRefer", refer);
    const call = this.#dial(target, from.wanted, { refer });
    emit(this.#phone, "transferred", { from, call });
  }
}
