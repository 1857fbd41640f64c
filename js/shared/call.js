import { loadMore } from "../call/media.js";
import { fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { Shown } from "../phone/shown.js";

/** @typedef {import("../index.js").Call} Declared */
/** @typedef {import("../index.js").MediaHandler} MediaHandler */

/**
 * A call of a phone that tabs share, as one of them has it: what is asked of it is done by
 * the host; its sound is made here, if it is here.
 *
 * @extends {Shown<import("../index.js").CallSnapshot>}
 * @implements {Declared}
 */
export class SharedCall extends Shown {
  #calls;
  /** What the host said last. @type {any} */
  #facts;
  #here;
  #wanted;
  /** @type {any} */
  #about = {};
  /** @type {MediaHandler | undefined} */
  #handler;
  /** @type {Promise<MediaHandler> | undefined} */
  #opening;

  /**
   * @param {import("./calls.js").SharedCalls} calls
   * @param {number} id
   * @param {any} facts
   * @param {boolean} here
   * @param {any} [wanted] of the app
   */
  constructor(calls, id, facts, here, wanted = {}) {
    super();
    this.#calls = calls;
    this.id = id;
    this.#facts = facts;
    this.#here = here;
    this.#wanted = wanted;
  }

  /** As a Phone has it. @returns {"Call"} */
  get [Symbol.toStringTag]() {
    return "Call";
  }

  /** @returns {"outgoing" | "incoming"} */
  get direction() {
    return this.#facts.direction;
  }

  /** @returns {import("../index.js").CallState} */
  get state() {
    return this.#facts.state;
  }

  /** @returns {"local" | "remote" | "both" | null} */
  get heldBy() {
    return this.#facts.heldBy;
  }

  /** @returns {import("../index.js").RemoteParty} */
  get remote() {
    return this.#facts.remote;
  }

  /** @returns {string | undefined} */
  get to() {
    return this.#facts.to;
  }

  /** @returns {[string, string][]} */
  get headers() {
    return this.#facts.headers;
  }

  /** @returns {import("../index.js").CallInfo | null} */
  get callInfo() {
    return this.#facts.callInfo;
  }

  /** @returns {SharedCall | null} */
  get replaces() {
    return this.#facts.replaces ?? null;
  }

  get here() {
    return this.#here;
  }

  /** @returns {"here" | "deskPhone"} */
  get media() {
    return this.#facts.media;
  }

  /** @returns {import("../index.js").RemoteParty[] | undefined} */
  get parties() {
    return this.#facts.parties;
  }

  /** @returns {ReadonlySet<string> | undefined} */
  get services() {
    return this.#facts.services;
  }

  /** @returns {Date | null} */
  get startTime() {
    return this.#facts.startTime;
  }

  /** @returns {{ audio: boolean, video: boolean }} */
  get muted() {
    return this.#facts.muted;
  }

  get localStream() {
    return this.#handler?.localStream ?? null;
  }

  get remoteStream() {
    return this.#handler?.remoteStream ?? null;
  }

  get peerConnection() {
    return this.#handler?.peerConnection ?? null;
  }

  /** What another host needs to go on with it. @returns {import("./lines.js").Survivor | undefined} */
  get survivor() {
    const { kept, replaces, ...facts } = this.#facts;
    void replaces;
    if (!kept || this.state === "ended") return undefined;
    const wanted = this.#here ? crossing(this.#wanted) : undefined;
    return { id: this.id, kept, facts: { ...facts, wanted }, here: this.#here };
  }

  // ---- what the app does

  /** @param {import("../index.js").CallOptions} [options] */
  async answer(options) {
    const wanted = options && this.#calls.checked(options);
    if (wanted) this.#wanted = wanted;
    await this.#do("answer", wanted && crossing(wanted));
  }

  /** @param {number} [code] */
  reject(code) {
    return this.#do("reject", code);
  }

  /** @param {string} target */
  deflect(target) {
    return this.#do("deflect", target);
  }

  async hangup() {
    if (this.state !== "ended") await this.#do("hangup");
  }

  hold() {
    return this.#do("hold");
  }

  resume() {
    return this.#do("resume");
  }

  /** @param {"audio" | "video"} [kind] */
  mute(kind) {
    return this.#do("mute", kind);
  }

  /** @param {"audio" | "video"} [kind] */
  unmute(kind) {
    return this.#do("unmute", kind);
  }

  /**
   * @param {string} digits
   * @param {{ duration?: number, gap?: number }} [tones]
   */
  sendDtmf(digits, tones) {
    return this.#do("sendDtmf", digits, tones);
  }

  /** @param {string | Declared} target */
  transfer(target) {
    return this.#do("transfer", named(target));
  }

  /** @param {Declared} call */
  async conference(call) {
    if (this.media === "deskPhone") return this.#do("conference", named(call));
    // The worker has no sound.
    const { confer } = await loadMore();
    await confer(this, call);
  }

  /** @param {DisplayMediaStreamOptions | false} [options] */
  async shareScreen(options) {
    const { shareScreen } = await loadMore();
    await shareScreen(this, options);
  }

  /**
   * @param {string} contentType
   * @param {string} body
   */
  sendInfo(contentType, body) {
    return this.#do("sendInfo", contentType, body);
  }

  /** @param {boolean | MediaTrackConstraints} video */
  setVideo(video) {
    return this.#do("setVideo", video);
  }

  /**
   * @param {"audio" | "video"} kind
   * @param {string} deviceId
   */
  setDevice(kind, deviceId) {
    return this.#do("setDevice", kind, deviceId);
  }

  restartIce() {
    return this.#do("restartIce");
  }

  bringHere() {
    return this.#do("bringHere");
  }

  /** @param {MediaStreamTrack} track */
  async replaceTrack(track) {
    await this.#media("replaceTrack", track);
  }

  /** @returns {Promise<RTCStatsReport>} */
  async getStats() {
    return this.#media("getStats");
  }

  /**
   * @param {string} verb
   * @param {any[]} args
   * @returns {Promise<void>}
   */
  async #do(verb, ...args) {
    const { state } = this;
    if (state === "ended") throw fault("callState", { state });
    // The host hears of a new call a moment after the app has it in hand.
    await null;
    await this.#calls.way.ask("do", { id: this.id, verb, args });
  }

  /**
   * What can be done only where the sound is.
   *
   * @param {"replaceTrack" | "getStats"} method
   * @param {any[]} args
   */
  #media(method, ...args) {
    /** @type {any} */
    const handler = this.#here && this.#handler;
    if (!handler) throw fault("callState", { state: this.state });
    if (!handler[method]) throw fault("noMediaMethod", { method });
    return handler[method](...args);
  }

  // ---- what the host says

  /**
   * @param {string} method
   * @param {any[]} args
   */
  heard(method, args) {
    switch (method) {
      case "call":
        return this.#said(.../** @type {[string, any, any]} */ (args));
      case "here":
        return this.#move(args[0]);
      case "mediaWanted":
        [this.#about] = args;
        break;
      case "media":
        return this.#serve(args[0], args[1]);
      case "mediaOver":
        return this.#release();
    }
  }

  /**
   * @param {string} name
   * @param {any} payload
   * @param {any} facts
   */
  #said(name, payload, facts) {
    if (name === "kept") {
      this.#facts.kept = payload;
      return;
    }
    for (const [name, fact] of Object.entries(facts))
      if (isNew(fact, this.#facts[name])) this.#facts[name] = fact;
    // Nothing that has an event: what is muted alone.
    if (name === "muted") return this.look();
    if (name === "ended") {
      this.#calls.forget(this);
      this.#release();
    }
    emit(this, name, payload);
  }

  /** @param {boolean} here */
  #move(here) {
    if (here === this.#here) return;
    this.#here = here;
    emit(this, "here", { here });
  }

  /**
   * @param {string} method
   * @param {any[]} args
   */
  async #serve(method, args) {
    /** @type {any} */
    const handler = await (this.#opening ??= this.#open());
    const result = await handler[method]?.(...args);
    this.look();
    return result;
  }

  async #open() {
    const { direction, muted, audio = true, video } = this.#about;
    const { stream } = this.#wanted;
    const say =
      (/** @type {string} */ name) =>
      (/** @type {any[]} */ ...args) =>
        this.#calls.way.tell("mediaSaid", this.id, name, args);
    const handler = await this.#calls.createMedia({
      ...{ call: this, audio, video, stream, direction },
      emit: {
        track: (/** @type {any} */ track, /** @type {any} */ stream) =>
          emit(this, "track", { track, stream }),
        ...{ candidates: say("candidates"), disturbed: say("disturbed") },
        ...{ lost: say("lost"), renegotiate: say("renegotiate") },
        error: say("error"),
      },
    });
    if (muted) handler.setMuted?.(muted);
    this.#handler = handler;
    return handler;
  }

  #release() {
    const opening = this.#opening;
    this.#opening = this.#handler = undefined;
    opening?.then((handler) => handler.close()).catch(() => {});
  }
}

/**
 * What is told again is what it was: whoever holds on to it finds it again.
 *
 * @param {any} one
 * @param {any} other
 */
const isNew = (one, other) => written(one) !== written(other);

/** @param {any} fact */
const written = (fact) =>
  JSON.stringify(fact instanceof Set ? [...fact] : fact);

/** @param {any} target */
const named = (target) =>
  Object(target) === target ? { call: target.id } : target;

/** Without what is for the tab alone. @param {Record<string, any>} options */
export const crossing = ({ stream, signal, ...options }) => {
  void [stream, signal];
  return options;
};
