import { fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { Shown } from "../phone/shown.js";
import { checkTarget, invalid } from "../phone/options.js";

/** @typedef {import("../index.js").Call} Declared */
/** @typedef {import("./seam.js").Commands} Commands */
/**
 * What follows the numbers of the operation and of the call.
 *
 * @template {keyof Commands} C
 * @typedef {Commands[C] extends [op: number, call: number, ...infer A] ? A : never} About
 */

/** What waits this long (ms) in a string of digits is a comma. */
const COMMA = 2000;

/**
 * A call of a desk phone: the page drives it, and has no media of it. The types and
 * their documentation stand in index.d.ts, as those of any other call.
 *
 * @extends {Shown<import("../index.js").CallSnapshot>}
 * @implements {Declared}
 */
export class DeskCall extends Shown {
  #calls;
  /** @type {import("../index.js").CallState} */
  #state;
  /** @type {import("../index.js").RemoteParty} */
  #remote;
  /** @type {import("../index.js").RemoteParty[]} */
  #parties = [];
  /** @type {Set<string>} */
  #services = new Set();
  /** @type {Date | null} */
  #startTime = null;
  /** Digits wait for those before. @type {Promise<unknown>} */
  #dialling = Promise.resolve();
  /** Rejects when the call ends. @type {Promise<never>} */
  #over;
  /** @type {(error: unknown) => void} */
  #finish = () => {};

  /**
   * @param {import("./calls.js").DeskCalls} calls
   * @param {{ id: number, direction: "incoming" | "outgoing", remote: import("../index.js").RemoteParty, to?: string }} facts
   */
  constructor(calls, { id, direction, remote, to }) {
    super();
    this.#calls = calls;
    this.id = id;
    this.direction = direction;
    this.to = to;
    this.#remote = remote;
    this.#state = direction === "incoming" ? direction : "calling";
    this.#over = new Promise((_, reject) => (this.#finish = reject));
    this.#over.catch(() => {});
    calls.join(this, (event) => this.#heard(event));
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

  get parties() {
    return this.#parties;
  }

  get services() {
    return this.#services;
  }

  get startTime() {
    return this.#startTime;
  }

  get heldBy() {
    return this.#state === "held" ? "local" : null;
  }

  /** @returns {"deskPhone"} */
  get media() {
    return "deskPhone";
  }

  get here() {
    return false;
  }

  get muted() {
    return UNMUTED;
  }

  /** @type {[string, string][]} */
  headers = [];
  callInfo = null;
  replaces = null;
  localStream = null;
  peerConnection = null;
  remoteStream = null;

  // ---- what the app does

  async answer() {
    this.#mustBe("incoming");
    await this.#ask("answer");
  }

  /** @param {number} [code] of a softphone alone */
  async reject(code = 486) {
    if (!(Number.isInteger(code) && code >= 400 && code <= 699))
      throw invalid("code", "must be a SIP status from 400 to 699");
    this.#mustBe("incoming");
    await this.#ask("clear");
  }

  /** @param {string} target */
  async deflect(target) {
    const to = checkTarget(target);
    this.#mustBe("incoming");
    await this.#ask("deflect", to);
  }

  async hangup() {
    // The machine hears of a new call a moment after the app has it in hand.
    await null;
    if (this.#state !== "ended") await this.#ask("clear");
  }

  async hold() {
    if (this.#state !== "held") await this.#talk("hold");
  }

  async resume() {
    if (this.#state === "connected") return;
    // Of two calls one goes on and the other waits: a phone has one handset.
    const active = this.#calls.list.find(({ state }) => state === "connected");
    const other = active && this.#calls.numberOf(active);
    if (other !== undefined && this.#services.has("AlternateCall"))
      await this.#talk("alternate", other);
    else await this.#talk("retrieve");
  }

  /** @param {string} digits */
  async sendDtmf(digits) {
    if (typeof digits !== "string" || !/^[\d*#a-d,]+$/i.test(digits))
      throw invalid("digits", "must be of 0-9, *, #, A-D and the comma");
    this.#mustTalk();
    const before = this.#dialling;
    const sent = Promise.race([before, this.#over]).then(() =>
      this.#dial(digits.toUpperCase()),
    );
    this.#dialling = sent.catch(() => {});
    return sent;
  }

  /** @param {string} digits */
  async #dial(digits) {
    for (const part of digits.split(/(,)/)) {
      if (part === ",") await pause(COMMA, this.#over);
      else if (part) await this.#ask("digits", part);
    }
  }

  /** @param {string | DeskCall} target */
  async transfer(target) {
    this.#mustTalk();
    if (typeof target === "string")
      return this.#ask("singleStepTransfer", checkTarget(target));
    await this.#ask("transfer", this.#other(target));
  }

  /** @param {DeskCall} call that joins this one, and ends */
  async conference(call) {
    this.#mustTalk();
    await this.#ask("conference", this.#other(call));
  }

  /**
   * The machine's number of another call of this desk phone.
   *
   * @param {DeskCall} call
   */
  #other(call) {
    const number = this.#calls.numberOf(call);
    if (number === undefined)
      throw invalid("call", "must be another call of the same desk phone");
    return number;
  }

  mute() {
    return cannot("mute");
  }

  unmute() {
    return cannot("unmute");
  }

  setVideo() {
    return cannot("setVideo");
  }

  setDevice() {
    return cannot("setDevice");
  }

  replaceTrack() {
    return cannot("replaceTrack");
  }

  shareScreen() {
    return cannot("shareScreen");
  }

  restartIce() {
    return cannot("restartIce");
  }

  sendInfo() {
    return cannot("sendInfo");
  }

  bringHere() {
    return cannot("bringHere");
  }

  getStats() {
    return cannot("getStats");
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
   * @template {keyof Commands} C
   * @param {C} command
   * @param {About<C>} args
   */
  async #talk(command, ...args) {
    this.#mustTalk();
    await this.#ask(command, ...args);
  }

  /**
   * @template {keyof Commands} C
   * @param {C} command
   * @param {About<C>} args
   */
  async #ask(command, ...args) {
    await this.#calls.ask(this, command, ...args);
  }

  // ---- what the machine says

  /** @param {any} event */
  #heard({ name, ...event }) {
    if (name === "ended") return this.#end(event);
    const { state, remote, parties, services } = event;
    const canOther = isNew([...services], [...this.#services]);
    if (canOther) this.#services = services;
    if (isNew(remote, this.#remote) || isNew(parties, this.#parties)) {
      this.#remote = remote;
      this.#parties = parties;
      emit(this, "remote", { remote });
    }
    if (state !== this.#state) this.#become(state);
    if (canOther) emit(this, "services", { services });
  }

  /** @param {import("../index.js").CallState} state */
  #become(state) {
    this.#state = state;
    const first = !this.#startTime && /connected|held/.test(state);
    if (first) this.#startTime = new Date();
    emit(this, "state", { state, heldBy: this.heldBy, early: false });
    if (first) emit(this, "connected", { startTime: this.#startTime });
  }

  /** @param {{ cause: string, reason: string, error?: import("../index.js").PhoneError }} event */
  #end({ cause, reason, error }) {
    if (this.#state === "ended") return;
    this.#calls.leave(this);
    const failed = cause === "failed";
    const why = failed
      ? (error ?? fault("deskCallFailed", { reason }))
      : fault("endedMeanwhile", { reason });
    this.#finish(why);
    this.#become("ended");
    if (failed) emit(this, "error", why);
    emit(this, "ended", { cause, reason: error ? error.message : reason });
  }
}

/** Its microphone is the desk phone's own matter. */
const UNMUTED = Object.freeze({ audio: false, video: false });

/** @param {string} state */
const invalidState = (state) => fault("callState", { state });

/**
 * @param {string} method
 * @returns {Promise<never>}
 */
const cannot = async (method) => {
  throw fault("notRemote", { method });
};

/**
 * @param {any} one
 * @param {any} other
 */
const isNew = (one, other) => JSON.stringify(one) !== JSON.stringify(other);

/**
 * @param {number} time ms
 * @param {Promise<never>} over
 */
function pause(time, over) {
  /** @type {any} */
  let timer;
  const pause = new Promise((resolve) => (timer = setTimeout(resolve, time)));
  return Promise.race([pause, over]).finally(() => clearTimeout(timer));
}
