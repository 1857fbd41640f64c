import { PhoneError, fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { Shown } from "../phone/shown.js";
import { checkCall, checkTarget, invalid } from "../phone/options.js";
import { CallMedia, invalidState, loadDigits, loadMore } from "./media.js";

/** @typedef {import("../core/seam.js").Commands} Commands */
/**
 * What follows the numbers of the operation and of the call.
 *
 * @template {keyof Commands} C
 * @typedef {Commands[C] extends [op: number, call: number, ...infer A] ? A : never} About
 */
/** @typedef {Pick<ReturnType<typeof checkCall>, "audio" | "video" | "stream" | "extraHeaders" | "publicId">} Wanted */

/** @typedef {import("../index.js").Call} Declared */

/**
 * One call. The types and their documentation stand in index.d.ts.
 *
 * @extends {Shown<import("../index.js").CallSnapshot>}
 * @implements {Declared}
 */
export class Call extends Shown {
  #line;
  /** @type {import("../index.js").CallState} */
  #state;
  #remote;
  /** Where the call was redirected to without being followed. @type {string | undefined} */
  #redirect;
  /** @type {Date | null} */
  #startTime = null;
  /** @type {"local" | "remote" | "both" | null} */
  #heldBy = null;
  /** @type {Readonly<Declared["muted"]>} */
  #muted = Object.freeze({ audio: false, video: false });
  #media;
  /** Operations of the app that may fail for the sake of the media. */
  #asked = 0;
  /** What went wrong with the media, as the app has been told. @type {PhoneError | undefined} */
  #told;
  /** Digits wait for those before. @type {Promise<unknown>} */
  #dialling = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #answering;
  /** Rejects when the call ends, for those who wait for the media. @type {Promise<never>} */
  #over;
  /** @type {(error: PhoneError) => void} */
  #finish = () => {};

  /**
   * @param {import("./calls.js").Calls} line
   * @param {any} facts
   * @param {Wanted} [wanted]
   */
  constructor(line, facts, wanted = {}) {
    super();
    const { id, direction, remote, to, headers = [] } = facts;
    this.#line = line;
    this.id = id;
    this.direction = direction;
    this.to = to;
    /** @type {[string, string][]} */
    this.headers = headers;
    /** @type {Call | null} */
    this.replaces = facts.replaces ?? null;
    this.callInfo = facts.callInfo ?? null;
    this.wanted = wanted;
    this.#remote = remote;
    this.#state =
      facts.state ?? (direction === "incoming" ? direction : "calling");
    this.#startTime = facts.startTime ?? null;
    this.#heldBy = facts.heldBy ?? null;
    this.#muted = facts.muted ?? this.#muted;
    this.#over = new Promise((_, reject) => (this.#finish = reject));
    this.#over.catch(() => {});
    this.#media = new CallMedia(this, line, this.#over, (error) => {
      // Who asked for the change hears of it by his promise.
      if (this.#state === "ended" || this.#asked) return;
      this.#told = error;
      emit(this, "error", error);
    });
    line.join(this, (event) => this.#heard(event));
  }

  /** As a Phone has it. @returns {"Call"} */
  get [Symbol.toStringTag]() {
    return "Call";
  }

  get state() {
    return this.#state;
  }

  get remote() {
    return this.#remote;
  }

  get startTime() {
    return this.#startTime;
  }

  get heldBy() {
    return this.#heldBy;
  }

  get muted() {
    return this.#muted;
  }

  /** @returns {"here"} */
  get media() {
    return "here";
  }

  get here() {
    return true;
  }

  async bringHere() {}

  get localStream() {
    return this.#media.handler?.localStream ?? null;
  }

  get remoteStream() {
    return this.#media.handler?.remoteStream ?? null;
  }

  get peerConnection() {
    return this.#media.handler?.peerConnection ?? null;
  }

  // ---- what the app does

  /**
   * @param {Wanted} [options]
   * @returns {Promise<void>}
   */
  answer(options) {
    return (this.#answering ??= this.#accept(options).finally(
      () => (this.#answering = undefined),
    ));
  }

  /** @param {Wanted} [options] */
  async #accept(options) {
    this.#mustBe("incoming");
    // Who replaces a call gets the media that this one had.
    this.wanted = options
      ? checkCall(options, this.#line.log)
      : (this.replaces?.wanted ?? this.wanted);
    await this.#media.open();
    const { extraHeaders } = this.wanted;
    await this.#ask("answer", { extraHeaders });
  }

  /** @param {number} [code] */
  async reject(code = 486) {
    if (!(Number.isInteger(code) && code >= 400 && code <= 699))
      throw invalid("code", "must be a SIP status from 400 to 699");
    this.#mustBe("incoming");
    await this.#ask("reject", code);
  }

  /** @param {string} target */
  async deflect(target) {
    const to = checkTarget(target);
    this.#mustBe("incoming");
    await this.#ask("deflect", to);
  }

  async hangup() {
    // The core hears of a new call a moment after the app has it in hand.
    await null;
    if (this.#state !== "ended") await this.#ask("hangup");
  }

  async hold() {
    if (this.#heldBy === "local" || this.#heldBy === "both") return;
    await this.#change("hold");
  }

  async resume() {
    if (this.#state !== "connected" && this.#heldBy !== "remote")
      await this.#change("resumeCall");
  }

  async restartIce() {
    await this.#change("renegotiate", { iceRestart: true });
  }

  /** @param {"audio" | "video"} [kind] */
  mute(kind) {
    return this.#setMuted(true, kind);
  }

  /** @param {"audio" | "video"} [kind] */
  unmute(kind) {
    return this.#setMuted(false, kind);
  }

  /**
   * @param {string} digits
   * @param {{ duration?: number, gap?: number }} [tones]
   */
  async sendDtmf(digits, tones = {}) {
    if (typeof digits !== "string" || !/^[\d*#a-d,]+$/i.test(digits))
      throw invalid("digits", "must be of 0-9, *, #, A-D and the comma");
    this.#mustTalk();
    const before = this.#dialling;
    const played = Promise.race([before, this.#over]).then(async () => {
      const { sendDigits } = await loadDigits();
      await sendDigits(this, this.#media, digits, tones, this.#over);
    });
    this.#dialling = played.catch(() => {});
    return played;
  }

  /** @param {string | Call} target */
  async transfer(target) {
    this.#mustTalk();
    if (!(target instanceof Call)) {
      return this.#ask("transfer", checkTarget(target));
    }
    target.#mustTalk();
    return this.#ask("transferTo", target.id);
  }

  /** @param {Call} call */
  async conference(call) {
    await (await loadMore()).confer(this, call);
  }

  /** @param {DisplayMediaStreamOptions | false} [options] */
  async shareScreen(options) {
    await (await loadMore()).shareScreen(this, options);
  }

  /**
   * @param {string} contentType
   * @param {string} body
   */
  async sendInfo(contentType, body) {
    this.#mustTalk();
    await this.#ask("info", contentType, body);
  }

  /** @param {boolean | MediaTrackConstraints} video */
  async setVideo(video) {
    this.#mustTalk();
    const { setVideo } = await loadMore();
    const offer = () => this.#change("renegotiate", {});
    await setVideo(this.#media, video, offer, () => !!this.#heldBy);
  }

  /**
   * @param {"audio" | "video"} kind
   * @param {string} deviceId
   */
  async setDevice(kind, deviceId) {
    await this.#media.do("setDevice", kind, deviceId);
  }

  /** @param {MediaStreamTrack} track */
  async replaceTrack(track) {
    await this.#media.do("replaceTrack", track);
  }

  /** @returns {Promise<RTCStatsReport>} */
  async getStats() {
    return this.#media.do("getStats");
  }

  /** @param {string} state */
  #mustBe(state) {
    if (this.#state !== state) throw invalidState(this.#state);
  }

  #mustTalk() {
    if (!this.#startTime || this.#state === "ended")
      throw invalidState(this.#state);
  }

  /**
   * What needs a new agreement about the media.
   *
   * @template {keyof Commands} C
   * @param {C} method
   * @param {About<C>} args
   */
  async #change(method, ...args) {
    this.#mustTalk();
    await this.#ask(method, ...args);
  }

  /**
   * @template {keyof Commands} C
   * @param {C} method of the core
   * @param {About<C>} args
   */
  async #ask(method, ...args) {
    this.#asked++;
    try {
      await this.#line.link.ask(
        method,
        .../** @type {any} */ ([this.id, ...args]),
      );
    } catch (error) {
      // Of the media the core knows no more than that they failed.
      throw PhoneError.is(error, "eMediaFailed") ? this.#media.failure : error;
    } finally {
      this.#asked--;
    }
  }

  /**
   * @param {boolean} muted
   * @param {string} [kind]
   */
  async #setMuted(muted, kind) {
    if (kind !== undefined && kind !== "audio" && kind !== "video")
      throw invalid("kind", 'must be "audio", "video" or nothing for both');
    if (this.#state === "ended") throw invalidState(this.#state);
    const { audio, video } = this.#muted;
    const now = {
      audio: kind === "video" ? audio : muted,
      video: kind === "audio" ? video : muted,
    };
    if (now.audio !== audio || now.video !== video)
      this.#muted = Object.freeze(now);
    this.#media.handler?.setMuted?.(this.muted);
    this.look();
  }

  // ---- what the core says

  /** @param {any} event */
  #heard({ name, ...event }) {
    switch (name) {
      case "callState":
        return this.#become(event);
      case "media":
        return this.#media.serve(event);
      case "candidates":
        return this.#media.addCandidates(event.sdpfrag);
      case "transferred":
        return emit(this, "transfer", event);
      case "callEnded":
        return this.#end(event);
      case "remote":
        this.#remote = event.remote;
        break;
      case "redirect":
        if (!event.followed) this.#redirect ??= event.uri;
        break;
      case "callInfo":
        this.callInfo = event.callInfo;
    }
    emit(this, name, event);
  }

  /** @param {any} event */
  #become({ state, heldBy = null, early = false }) {
    this.#state = state;
    this.#heldBy = heldBy;
    const first = !this.#startTime && /connected|held/.test(state);
    if (first) this.#startTime = new Date();
    emit(this, "state", { state, heldBy, early });
    if (!first) return;
    emit(this, "connected", { startTime: this.#startTime });
    this.#line.watch(this);
  }

  /** @param {any} event */
  #end({ cause, error, at, ...said }) {
    if (this.#state === "ended") return;
    this.#line.leave(this);
    this.#media.release();
    // In words of ours, where there is a situation or an error; else in theirs.
    let why = error ?? fault(at ?? "callRefused", said);
    if (why.code === "eMediaFailed") why = this.#media.failure ?? why;
    const { message, remedy } = why;
    const { status } = said;
    const reason = error || at !== undefined ? message : (said.reason ?? "");
    const target = this.#redirect;
    const details = status && status < 400 && target ? { target } : undefined;
    const more = { status, reason, details, remedy };
    const failed = cause === "failed";
    const over = failed
      ? new PhoneError("eCallFailed", message, more)
      : fault("endedMeanwhile", more);
    this.#finish(over);
    this.#become({ state: "ended" });
    if (failed && why !== this.#told) emit(this, "error", over);
    emit(this, "ended", { cause, status, reason });
  }
}
