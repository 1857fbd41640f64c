import { PhoneError, fault } from "../errors/error.js";
import { Emitter, emit } from "../phone/events.js";
import { checkCall, checkTarget, invalid } from "../phone/options.js";

/** @typedef {import("../core/seam.js").Commands} Commands */
/**
 * What follows the numbers of the operation and of the call.
 *
 * @template {keyof Commands} C
 * @typedef {Commands[C] extends [op: number, call: number, ...infer A] ? A : never} About
 */
/** @typedef {import("../index.js").MediaHandler} MediaHandler */
/** @typedef {Pick<ReturnType<typeof checkCall>, "audio" | "video" | "stream" | "extraHeaders">} Wanted */

/** What waits this long (ms) in a string of digits is a comma. */
const COMMA = 2000;

/** One call. The types and their documentation stand in index.d.ts. */
export class Call extends Emitter {
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
  #muted = { audio: false, video: false };
  /** @type {Promise<MediaHandler> | undefined} */
  #opening;
  /** @type {MediaHandler | undefined} */
  #media;
  /** The media requests of the core are served one after the other. */
  #turn = Promise.resolve();
  /** Operations of the app that may fail for the sake of the media. */
  #asked = 0;
  /** What went wrong with the media last, and what of it the app has been told. */
  /** @type {PhoneError | undefined} */
  #failure;
  /** @type {PhoneError | undefined} */
  #told;
  /** Digits wait for those before. @type {Promise<unknown>} */
  #dialling = Promise.resolve();
  /** The far end's last answer to an offer of ours. */
  #answer = "";
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
    const { id, direction, remote, to, hasOffer, headers = [] } = facts;
    this.#line = line;
    this.id = id;
    this.direction = direction;
    this.to = to;
    /** Whether the caller said what it wants to send. */
    this.hasOffer = hasOffer;
    /** @type {[string, string][]} */
    this.headers = headers;
    /** @type {Call | null} */
    this.replaces = facts.replaces ?? null;
    this.callInfo = facts.callInfo ?? null;
    this.wanted = wanted;
    this.#remote = remote;
    this.#state = direction === "incoming" ? direction : "calling";
    this.#over = new Promise((_, reject) => (this.#finish = reject));
    this.#over.catch(() => {});
    line.join(this, (event) => this.#heard(event));
  }

  /** As a Phone has it. */
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
    return { ...this.#muted };
  }

  get localStream() {
    return this.#media?.localStream ?? null;
  }

  get remoteStream() {
    return this.#media?.remoteStream ?? null;
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
    // The microphone first: refused, the call still rings and can be answered again.
    try {
      const media = await this.#open();
      await Promise.race([media.open?.(), this.#over]);
    } catch (cause) {
      this.#release();
      throw mediaError(cause);
    }
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
   * @param {{ duration?: number, gap?: number }} [options]
   */
  async sendDtmf(digits, { duration = 100, gap = 70 } = {}) {
    if (typeof digits !== "string" || !/^[\d*#a-d,]+$/i.test(digits))
      throw invalid("digits", "must be of 0-9, *, #, A-D and the comma");
    this.#mustTalk();
    // The bounds that browsers set to tones within the sound.
    const tones = {
      duration: Math.min(Math.max(Number(duration) || 0, 40), 6000),
      gap: Math.min(Math.max(Number(gap) || 0, 30), 6000),
    };
    const before = this.#dialling;
    const played = Promise.race([before, this.#over]).then(() =>
      this.#dial(digits, tones),
    );
    this.#dialling = played.catch(() => {});
    return played;
  }

  /**
   * @param {string} digits
   * @param {{ duration: number, gap: number }} tones
   */
  async #dial(digits, tones) {
    if (await this.#mediaDoes("sendDtmf", digits, tones)) return;
    // RFC 4733 was not agreed on: as INFO, which gateways understand.
    const { duration, gap } = tones;
    for (const digit of digits.toUpperCase()) {
      if (digit === ",") await this.#pause(COMMA);
      else
        await Promise.all([
          this.sendInfo(
            "application/dtmf-relay",
            `Signal=${digit}\r\nDuration=${duration}\r\n`,
          ),
          this.#pause(duration + gap),
        ]);
    }
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
    await this.#mediaDoes("setVideo", video);
    this.#answer = "";
    try {
      await this.#change("renegotiate", {});
    } catch (error) {
      await this.#media?.rollback();
      throw error;
    }
    const answer = this.#answer;
    if (!(video && answer) || takesPictures(answer, !!this.#heldBy)) return;
    await this.#mediaDoes("setVideo", false);
    throw fault("noPictures");
  }

  /**
   * @param {"audio" | "video"} kind
   * @param {string} deviceId
   */
  async setDevice(kind, deviceId) {
    await this.#mediaDoes("setDevice", kind, deviceId);
  }

  /** @param {MediaStreamTrack} track */
  async replaceTrack(track) {
    await this.#mediaDoes("replaceTrack", track);
  }

  async getStats() {
    return this.#mediaDoes("getStats");
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
      await this.#line.ask(method, .../** @type {any} */ ([this.id, ...args]));
    } catch (error) {
      // Of the media the core knows no more than that they failed.
      throw PhoneError.is(error, "eMediaFailed") ? this.#failure : error;
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
    for (const each of /** @type {("audio" | "video")[]} */ ([
      "audio",
      "video",
    ]))
      if (!kind || kind === each) this.#muted[each] = muted;
    this.#media?.setMuted?.(this.muted);
  }

  /**
   * @param {"sendDtmf" | "setVideo" | "setDevice" | "replaceTrack" | "getStats"} method
   * @param {...any} args
   * @returns {Promise<any>}
   */
  async #mediaDoes(method, ...args) {
    const media = this.#media;
    if (!media) throw invalidState(this.#state);
    /** @type {any} */
    const act = media[method];
    if (act) return Promise.race([act.apply(media, args), this.#over]);
    if (method !== "sendDtmf") throw fault("noMediaMethod", { method });
  }

  /** @param {number} time ms */
  #pause(time) {
    /** @type {any} */
    let timer;
    const pause = new Promise((resolve) => (timer = setTimeout(resolve, time)));
    return Promise.race([pause, this.#over]).finally(() => clearTimeout(timer));
  }

  // ---- what the core says

  /** @param {any} event */
  #heard({ name, ...event }) {
    switch (name) {
      case "callState":
        return this.#become(event);
      case "media":
        return this.#serve(event);
      case "candidates":
        return void this.#inTurn((media) =>
          media.addCandidates?.(event.sdpfrag),
        );
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
    this.#release();
    // In words of ours, where there is a situation or an error; else in theirs.
    let why = error ?? fault(at ?? "callRefused", said);
    if (why.code === "eMediaFailed") why = this.#failure ?? why;
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

  // ---- media

  /** @param {any} event */
  #serve({ request, want, sdp, sdpType, restart, hold, trickle }) {
    if (want === "end") return this.#release();
    const how = { iceRestart: restart, hold, trickle };
    /** @type {Record<string, (media: MediaHandler) => Promise<string | void>>} */
    const wants = {
      offer: (media) => media.createOffer(how),
      answer: (media) => media.createAnswer(sdp, how),
      apply: async (media) => {
        await media.applyAnswer(sdp, sdpType);
        this.#answer = sdp;
      },
      rollback: (media) => media.rollback(),
    };
    this.#inTurn(wants[want]).then(
      (local) => {
        if (local) this.#line.tell("mediaReady", this.id, request, local);
        else this.#line.tell("mediaDone", this.id, request);
      },
      (cause) => {
        this.#mediaFailed(cause);
        this.#line.tell("mediaFailed", this.id, request);
      },
    );
  }

  /**
   * @template T
   * @param {(media: MediaHandler) => T} step
   * @returns {Promise<Awaited<T>>}
   */
  #inTurn(step) {
    const result = this.#turn.then(() => this.#open()).then(step);
    this.#turn = result.then(
      () => {},
      () => {},
    );
    return /** @type {any} */ (result);
  }

  /** @returns {Promise<MediaHandler>} */
  #open() {
    return (this.#opening ??= this.#create());
  }

  async #create() {
    const { audio = true, video, stream } = this.wanted;
    const media = await this.#line.createMedia({
      audio,
      video,
      stream,
      direction: this.direction,
      emit: {
        track: (track, stream) => emit(this, "track", { track, stream }),
        candidates: (sdpfrag) =>
          this.#line.tell("candidates", this.id, sdpfrag),
        disturbed: () => this.#line.tell("look"),
        lost: () => this.#line.tell("mediaLost", this.id),
        renegotiate: (options) =>
          this.#line.ask("renegotiate", this.id, options).catch(() => {}),
        error: (error) => this.#mediaFailed(error),
      },
    });
    if (this.#state === "ended") {
      media.close();
      throw invalidState("ended");
    }
    this.#media = media;
    media.setMuted?.(this.muted);
    return media;
  }

  #release() {
    this.#media?.close();
    this.#media = this.#opening = undefined;
  }

  /** @param {any} cause */
  #mediaFailed(cause) {
    const error = (this.#failure = mediaError(cause));
    // Who asked for the change hears of it by his promise.
    if (this.#state === "ended" || this.#asked) return;
    this.#told = error;
    emit(this, "error", error);
  }
}

/**
 * Whether an answer has room for our pictures: an open section (RFC 3264 §6) into
 * which we may send, unless nobody may because of a hold.
 *
 * @param {string} answer
 * @param {boolean} held
 */
const takesPictures = (answer, held) =>
  answer
    .split(/^(?=m=)/m)
    .some(
      (section) =>
        /^m=video (?!0 )/.test(section) &&
        (held || !/^a=(sendonly|inactive)/m.test(section)),
    );

/** @param {string} state */
const invalidState = (state) => fault("callState", { state });

/** @param {any} cause */
const mediaError = (cause) =>
  PhoneError.is(cause) ? cause : fault("media", { why: cause?.message }, cause);
