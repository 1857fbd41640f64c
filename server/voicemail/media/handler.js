import { readOffer, isOfBrowser } from "./offer.js";
import { play } from "./player.js";
import { RtpMedia } from "./rtp.js";
import { WebRtcMedia } from "./webrtc.js";

/**
 * @typedef {(packet: import("./packet.js").Packet & { codec: import("./g711.js").Codec }) => void} Heard
 * @typedef {import("../../../js/index.js").MediaHandler} MediaHandler
 */

/**
 * The sound of one call, for the phone (`MediaHandler` of `graceline`) and for who answers
 * there: of whichever kind the caller offers.
 *
 * @implements {MediaHandler}
 */
export class AnsweringMedia {
  localStream = null;
  remoteStream = null;
  /** @type {RtpMedia | WebRtcMedia | undefined} */
  #media;
  #context;
  #host;
  /** @type {Heard} */
  #heard = () => {};
  #over = new AbortController();

  /**
   * @param {import("../../../js/index.js").MediaContext} context
   * @param {string | undefined} host see RtpMedia.open
   */
  constructor(context, host) {
    this.#context = context;
    this.#host = host;
    // The phone hands on what the answer was given: who listens.
    const { stream } = /** @type {any} */ (context);
    stream?.attach(this);
  }

  /** What is heard from now on. @param {Heard} heard */
  listen(heard) {
    this.#heard = heard;
  }

  /**
   * Plays sound to the caller, once there is a way.
   *
   * @param {Int16Array} samples
   * @param {AbortSignal} signal
   */
  async play(samples, signal) {
    const media = this.#media;
    if (!media) return;
    const over = AbortSignal.any([signal, this.#over.signal]);
    await Promise.race([media.ready(), aborted(over)]);
    if (!over.aborted) await play(samples, media.codec, media.send, over);
  }

  /** @param {string} sdp */
  async createAnswer(sdp) {
    /** @type {Heard} */
    const heard = (packet) => this.#heard(packet);
    if (isOfBrowser(sdp)) {
      this.#media ??= await WebRtcMedia.open(
        heard,
        await this.#context.iceServers(),
        () => this.#context.emit.lost(),
      );
      return /** @type {WebRtcMedia} */ (this.#media).answer(sdp);
    }
    const offered = readOffer(sdp);
    if (!offered) throw new Error("The caller offers no G.711.");
    this.#media ??= await RtpMedia.open(offered, heard, this.#host);
    return /** @type {RtpMedia} */ (this.#media).answer(sdp, offered);
  }

  /** @returns {Promise<never>} */
  async createOffer() {
    throw new Error("A voicemail offers nothing.");
  }

  async applyAnswer() {}

  async rollback() {}

  close() {
    this.#over.abort();
    this.#media?.close();
  }
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
const aborted = (signal) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
