import { fault } from "../errors/error.js";
import { GONE } from "./wire.js";

/** @typedef {import("./host.js").Seat} Seat */
/** @typedef {import("../index.js").MediaHandler} MediaHandler */
/** @typedef {import("../index.js").MediaContext} MediaContext */

/** How long (ms) a call goes on that has no tab for its sound. */
export const PATIENCE = 12_000;

/**
 * The sound of a call of a shared phone: a media handler that asks the tab where it is.
 * It moves by an agreement that the other tab makes with the far end (a re-INVITE, fresh
 * ICE); until then it stays where it was.
 *
 * @implements {MediaHandler}
 */
export class Sound {
  /** Who has it, or will have it when the call is answered. @type {Seat | undefined} */
  seat;
  /** Who is about to have it. @type {Seat | undefined} */
  #next;
  #id;
  #call;
  #seats;
  #wanted;
  #onDescribed;
  /** Who was asked for something, and so has a handler. @type {Set<Seat>} */
  #asked = new Set();
  /** Our last description, whoever made it. */
  #before = "";
  /** @type {MediaContext | undefined} */
  #context;
  /** Nobody has it. @type {any} */
  #deserted;
  #searching = false;
  /** @type {{ audio: boolean, video: boolean } | undefined} */
  #muted;
  localStream = null;
  remoteStream = null;

  /**
   * @param {number} id of the call, as the tabs know it
   * @param {import("../index.js").Call} call
   * @param {Set<Seat>} seats
   * @param {() => any} wanted what is to be sent
   * @param {() => void} described an agreement was made by a description of ours
   */
  constructor(id, call, seats, wanted, described) {
    this.#id = id;
    this.#call = call;
    this.#seats = seats;
    this.#wanted = wanted;
    this.#onDescribed = described;
  }

  /** @param {Seat | undefined} seat */
  sit(seat) {
    const before = this.seat;
    if (before === seat) return;
    this.seat = seat;
    before?.wire.tell("here", this.#id, false);
    seat?.wire.tell("here", this.#id, true);
  }

  /** What of our last description the next one has to follow: whose it is, and its streams. */
  get description() {
    return (this.#before.match(/^[om]=.*\r?\n/gm) ?? []).join("");
  }

  /**
   * The host before had it.
   *
   * @param {string} description
   * @param {{ audio: boolean, video: boolean }} muted
   */
  adopt(description, muted) {
    this.#before = description;
    this.#muted = muted;
    this.#desert();
  }

  /**
   * A tab comes that had the sound when the host before was there, or not.
   *
   * @param {Seat} seat
   * @param {boolean} here
   */
  claim(seat, here) {
    if (!here || seat === (this.#next ?? this.seat)) return;
    if (this.seat || this.#next) {
      seat.wire.tell("here", this.#id, false);
      return this.#release(seat);
    }
    this.seat = seat;
    this.#asked.add(seat);
    clearTimeout(this.#deserted);
    this.#deserted = undefined;
  }

  /** @param {MediaContext} context @returns {MediaHandler} */
  make(context) {
    this.#context = context;
    return this;
  }

  /** @param {Seat} seat */
  async move(seat) {
    if (this.seat === seat && !this.#deserted) return;
    if (!this.#call.startTime || this.#call.state === "ended" || this.#next)
      throw fault("callState", { state: this.#call.state });
    this.#next = seat;
    try {
      await this.#call.restartIce();
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  /** @param {Seat} seat that is gone */
  lost(seat) {
    this.#asked.delete(seat);
    if (this.#next === seat) this.#next = undefined;
    if (this.seat !== seat) return;
    this.seat = undefined;
    const { state, startTime, direction } = this.#call;
    // Whoever calls must be there to talk; what rings rings on elsewhere.
    if (!startTime && direction === "outgoing") this.#hangUp();
    if (!startTime || state === "ended") return;
    this.#desert();
    this.reconsider();
  }

  #hangUp() {
    this.#call.hangup().catch(() => {});
  }

  #desert() {
    this.#deserted = setTimeout(() => this.#hangUp(), PATIENCE);
  }

  /** Somebody has to take it: a tab that is seen first, and the one that came last. */
  async reconsider() {
    if (!this.#deserted || this.#searching) return;
    this.#searching = true;
    const tried = new Set();
    for (;;) {
      const seat = this.#best(tried);
      if (!seat || !this.#deserted) break;
      tried.add(seat);
      await this.move(seat).catch(() => {});
    }
    this.#searching = false;
  }

  /** @param {Set<Seat>} [tried] */
  #best(tried) {
    const seats = [...this.#seats].reverse().filter((one) => !tried?.has(one));
    return seats.find(({ visible }) => visible) ?? seats[0];
  }

  /**
   * @param {Seat} seat whose handler says it
   * @param {string} name
   * @param {any[]} args
   */
  said(seat, name, args) {
    /** @type {any} */
    const emit = this.#context?.emit;
    // What is about to be left, or not agreed on, says nothing of the call.
    if (seat === (this.#next ?? this.seat)) emit?.[name]?.(...args);
  }

  end() {
    clearTimeout(this.#deserted);
    this.#deserted = undefined;
  }

  // ---- the media handler

  open() {
    return this.#ask("open");
  }

  /** @param {import("../index.js").DescriptionWanted} how */
  async createOffer(how) {
    this.#find();
    // So that a move takes tenths of a second: it need not wait for the far end to
    // begin with DTLS.
    return this.#described("createOffer", { ...how, role: "active" });
  }

  /**
   * @param {string} sdp
   * @param {import("../index.js").DescriptionWanted} how
   */
  async createAnswer(sdp, how) {
    this.#find();
    const answer = await this.#described("createAnswer", how, sdp);
    this.#agreed();
    return answer;
  }

  /**
   * @param {string} sdp
   * @param {"answer" | "pranswer"} type
   */
  async applyAnswer(sdp, type) {
    const seat = this.#next ?? this.seat;
    try {
      await this.#ask("applyAnswer", sdp, type);
    } catch (error) {
      // Agreed with a tab that is gone: the next one makes an agreement of its own.
      if (seat && this.#seats.has(seat)) throw error;
      return;
    }
    if (type === "answer") this.#agreed();
  }

  async rollback() {
    if (this.#next) this.#abandon();
    else await this.#ask("rollback");
  }

  /** @param {string} fragment */
  async addCandidates(fragment) {
    await this.#ask("addCandidates", fragment).catch(() => {});
  }

  /** @param {{ audio: boolean, video: boolean }} muted */
  setMuted(muted) {
    this.#muted = muted;
    for (const seat of this.#asked)
      this.#askOf(seat, "setMuted", muted).catch(() => {});
  }

  /**
   * @param {string} digits
   * @param {{ duration: number, gap: number }} options
   */
  sendDtmf(digits, options) {
    return this.#ask("sendDtmf", digits, options);
  }

  /** @param {boolean | MediaTrackConstraints} video */
  setVideo(video) {
    return this.#ask("setVideo", video);
  }

  /**
   * @param {"audio" | "video"} kind
   * @param {string} deviceId
   */
  setDevice(kind, deviceId) {
    return this.#ask("setDevice", kind, deviceId);
  }

  close() {
    for (const seat of this.#asked) this.#release(seat);
    this.#asked.clear();
  }

  // ---- asking

  /** A new agreement while nobody has it: whoever makes it has it. */
  #find() {
    if (!this.seat) this.#next ??= this.#best();
  }

  /**
   * @param {"createOffer" | "createAnswer"} method
   * @param {any} how
   * @param {string[]} sdp
   */
  async #described(method, how, ...sdp) {
    const wanted = { ...how, before: this.#before || undefined };
    return (this.#before = await this.#ask(method, ...sdp, wanted));
  }

  /**
   * @param {string} method
   * @param {any[]} args
   */
  #ask(method, ...args) {
    const seat = this.#next ?? this.seat;
    if (!seat) throw fault("noTab");
    return this.#askOf(seat, method, ...args);
  }

  /**
   * @param {Seat} seat
   * @param {string} method
   * @param {any[]} args
   */
  async #askOf(seat, method, ...args) {
    if (!this.#asked.has(seat)) {
      this.#asked.add(seat);
      const { direction } = this.#call;
      const about = { ...this.#wanted(), direction, muted: this.#muted };
      seat.wire.tell("mediaWanted", this.#id, about);
    }
    try {
      return await seat.wire.ask("media", this.#id, method, args);
    } catch (error) {
      throw error === GONE ? fault("hostLost") : error;
    }
  }

  #agreed() {
    const [before, next] = [this.seat, this.#next];
    clearTimeout(this.#deserted);
    this.#deserted = undefined;
    this.#onDescribed();
    if (!next) return;
    this.#next = undefined;
    this.sit(next);
    if (before) this.#leave(before);
  }

  /** The move came to nothing. */
  #abandon() {
    const next = this.#next;
    this.#next = undefined;
    if (next && next !== this.seat) this.#leave(next);
  }

  /** @param {Seat} seat */
  #leave(seat) {
    if (this.#asked.delete(seat)) this.#release(seat);
  }

  /** @param {Seat} seat */
  #release(seat) {
    seat.wire.tell("mediaOver", this.#id);
  }
}
