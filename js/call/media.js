import { PhoneError, fault } from "../errors/error.js";
import { emit } from "../phone/events.js";

/** @typedef {import("../index.js").MediaHandler} MediaHandler */

/** What the core and the app want of a call's media handler, which is made when it is needed first. */
export class CallMedia {
  /** The far end's last answer to an offer of ours. */
  answer = "";
  /** What went wrong last. @type {PhoneError | undefined} */
  failure;
  /** @type {MediaHandler | undefined} */
  handler;
  #call;
  #calls;
  #over;
  #failed;
  /** @type {Promise<MediaHandler> | undefined} */
  #opening;
  /** The requests of the core are served one after the other. */
  #turn = Promise.resolve();

  /**
   * @param {import("./call.js").Call} call
   * @param {import("./calls.js").Calls} calls
   * @param {Promise<never>} over rejects when the call ends
   * @param {(error: PhoneError) => void} failed outside of what the app asked for
   */
  constructor(call, calls, over, failed) {
    this.#call = call;
    this.#calls = calls;
    this.#over = over;
    this.#failed = failed;
  }

  /** The microphone, ahead of the core: refused, the call still rings. */
  async open() {
    try {
      const media = await this.#open();
      await Promise.race([media.open?.(), this.#over]);
    } catch (cause) {
      this.release();
      throw mediaError(cause);
    }
  }

  /**
   * @param {"sendDtmf" | "setVideo" | "setDevice" | "replaceTrack" | "getStats"} method
   * @param {...any} args
   * @returns {Promise<any>}
   */
  async do(method, ...args) {
    if (!this.handler) throw invalidState(this.#call.state);
    /** @type {any} */
    const act = this.handler[method];
    if (act) return Promise.race([act.apply(this.handler, args), this.#over]);
    if (method !== "sendDtmf") throw fault("noMediaMethod", { method });
  }

  /** @param {any} event of the core */
  serve({ request, want, sdp, sdpType, restart, hold, trickle }) {
    if (want === "end") return this.release();
    const how = { iceRestart: restart, hold, trickle };
    /** @type {Record<string, (media: MediaHandler) => Promise<string | void>>} */
    const wants = {
      offer: (media) => media.createOffer(how),
      answer: (media) => media.createAnswer(sdp, how),
      apply: async (media) => {
        await media.applyAnswer(sdp, sdpType);
        this.answer = sdp;
      },
      rollback: (media) => media.rollback(),
    };
    const { link } = this.#calls;
    const { id } = this.#call;
    this.#inTurn(wants[want]).then(
      (local) => {
        if (local) link.tell("mediaReady", id, request, local);
        else link.tell("mediaDone", id, request);
      },
      (cause) => {
        this.#fail(cause);
        link.tell("mediaFailed", id, request);
      },
    );
  }

  /** @param {string} sdpfrag (RFC 8840) */
  addCandidates(sdpfrag) {
    this.#inTurn((media) => media.addCandidates?.(sdpfrag));
  }

  release() {
    this.handler?.close();
    this.handler = this.#opening = undefined;
  }

  /**
   * @template T
   * @param {(media: MediaHandler) => T} step
   * @returns {Promise<Awaited<T>>}
   */
  #inTurn(step) {
    const result = this.#turn.then(() => this.#open()).then(step);
    const look = () => this.#call.look();
    this.#turn = result.then(look, look);
    return /** @type {any} */ (result);
  }

  /** @returns {Promise<MediaHandler>} */
  #open() {
    return (this.#opening ??= this.#create());
  }

  async #create() {
    const call = this.#call;
    const { link } = this.#calls;
    const { audio = true, video, stream } = call.wanted;
    const media = await this.#calls.createMedia({
      call,
      audio,
      video,
      stream,
      direction: call.direction,
      emit: {
        track: (track, stream) => emit(call, "track", { track, stream }),
        candidates: (sdpfrag) => link.tell("candidates", call.id, sdpfrag),
        disturbed: () => link.tell("look"),
        lost: () => link.tell("mediaLost", call.id),
        renegotiate: (options) =>
          link.ask("renegotiate", call.id, options).catch(() => {}),
        error: (error) => this.#fail(error),
      },
    });
    if (call.state === "ended") {
      media.close();
      throw invalidState("ended");
    }
    this.handler = media;
    media.setMuted?.(call.muted);
    return media;
  }

  /** @param {any} cause */
  #fail(cause) {
    this.#failed((this.failure = mediaError(cause)));
  }
}

/** @param {string} state */
export const invalidState = (state) => fault("callState", { state });

/** @param {any} cause */
const mediaError = (cause) =>
  PhoneError.is(cause) ? cause : fault("media", { why: cause?.message }, cause);

/** @param {unknown} cause */
const fail = (cause) => {
  throw mediaError(cause);
};

// On demand: who only registers, or brings a handler of his own, does not load it.
export const loadHandler = () => import("../media/peer.js").catch(fail);
export const loadDigits = () => import("./digits.js").catch(fail);
export const loadMore = () => import("./more.js").catch(fail);
