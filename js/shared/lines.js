import { fault } from "../errors/error.js";
import { CALLS } from "../phone/inside.js";
import { PATIENCE, Sound } from "./sound.js";

/** @typedef {import("../index.js").Call} Call */
/** @typedef {import("./host.js").Seat} Seat */

/** Events of a call that every tab hears. */
const EVENTS = [
  ...["state", "remote", "redirect", "connected", "services"],
  ...["transfer", "info", "callInfo", "error", "ended"],
];
/** What may be asked of a call. */
const VERBS = [
  ...["reject", "deflect", "hangup", "hold", "resume", "mute", "unmute"],
  ...["sendDtmf", "transfer", "conference", "setVideo", "setDevice"],
  ...["restartIce", "sendInfo"],
];

/**
 * @typedef {object} Line a call, as the tabs know it
 * @property {number} id
 * @property {Call} call
 * @property {{ audio?: any, video?: any }} wanted
 * @property {Sound} sound
 * @property {Kept} [kept]
 */

/**
 * @typedef {object} Kept what another host needs to go on with a call
 * @property {string} dialog of the core: lines of no meaning to others
 * @property {string} description what of our last one the next has to follow
 */

/**
 * @typedef {object} Survivor a call of a host that is gone, as a tab knows it
 * @property {number} id
 * @property {Kept} kept
 * @property {any} facts
 * @property {boolean} here whether the tab has its sound
 */

/** The calls of a shared phone: who knows of them, and who has their sound. */
export class Lines {
  /** @type {Map<number, Line>} */
  #lines = new Map();
  #seats;
  /** Told apart from what another host numbered. */
  #last = Math.floor(Math.random() * 0x8000) * 0x10000;
  /** Calls of the host before, until there is a phone that adopts them. @type {Map<number, Survivor & { seat: Seat }>} */
  #survivors = new Map();
  /** Until when. @type {any} */
  #patience;
  /** Orders to them wait for that. @type {(() => void)[]} */
  #orders = [];
  /** An offer to take a call of an earlier page load up. @type {((options: any) => Call) | undefined} */
  #resume;

  /** @param {Set<Seat>} seats oldest first */
  constructor(seats) {
    this.#seats = seats;
  }

  get size() {
    return this.#lines.size;
  }

  // ---- calls of the host before

  /**
   * @param {Seat} seat that knows them
   * @param {Survivor[]} calls
   * @param {boolean} isNew whether this host could go on with one
   */
  rescue(seat, calls, isNew) {
    if (calls.length && isNew)
      this.#patience ??= setTimeout(() => this.abandon(), PATIENCE);
    for (const call of calls) {
      const line = this.#lines.get(call.id);
      if (line) line.sound.claim(seat, call.here);
      else if (!isNew) this.#miss(seat, call.id);
      else if (call.here || !this.#survivors.has(call.id))
        this.#survivors.set(call.id, { ...call, seat });
    }
  }

  /** @param {import("../phone/phone.js").Phone} phone that is registered */
  adopt(phone) {
    const { link } = phone[CALLS];
    link.tell("handOver");
    for (const { id, kept, facts, here, seat } of this.#survivors.values()) {
      const call = phone[CALLS].adopt(facts, kept.dialog);
      const line = this.#add(call, { id, wanted: facts.wanted });
      line.kept = kept;
      line.sound.adopt(kept.description, facts.muted);
      if (this.#seats.has(seat)) line.sound.claim(seat, here);
    }
    this.#forget();
  }

  /** There is no phone that could go on with them. */
  abandon() {
    for (const id of this.#survivors.keys())
      for (const seat of this.#seats) this.#miss(seat, id);
    this.#forget();
  }

  #forget() {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#survivors.clear();
    for (const go of this.#orders.splice(0)) go();
  }

  /**
   * @param {Seat} seat
   * @param {number} id
   */
  #miss(seat, id) {
    seat.wire.tell("lost", id);
  }

  /** @param {import("../phone/phone.js").Phone} phone */
  follow(phone) {
    phone.on("incoming", ({ call }) => {
      const replaced = call.replaces && this.#of(call.replaces);
      const line = this.#add(call, { wanted: replaced?.wanted });
      // It is answered by itself, where the other one is.
      if (replaced?.sound.seat) line.sound.sit(replaced.sound.seat);
      this.#tell(line, "incoming");
    });
    phone.on("call", ({ call }) => this.#tell(this.#add(call), "call"));
    phone.on("transferred", ({ from, call }) => {
      const before = this.#of(from);
      const line = this.#add(call, { wanted: before?.wanted });
      if (before?.sound.seat) line.sound.sit(before.sound.seat);
      this.#tell(line, "transferred", before?.id);
    });
    phone.on("resumable", ({ remote, resume }) => {
      this.#resume = resume;
      for (const { wire } of this.#seats) wire.tell("resumable", remote);
    });
  }

  /** What makes and takes the media of a phone's calls. @type {import("../index.js").MediaHandlerFactory} */
  media = (context) => {
    const { sound } = /** @type {Line} */ (
      this.#of(/** @type {Call} */ (context.call))
    );
    return sound.make(context);
  };

  /** What a tab that comes finds. @param {Seat} seat */
  welcome(seat) {
    for (const line of this.#lines.values()) {
      const ringing = line.call.state === "incoming";
      this.#introduce(seat, line, ringing ? "incoming" : "call");
    }
    for (const { sound } of this.#lines.values()) sound.reconsider();
  }

  /** @param {Seat} seat that is gone */
  lost(seat) {
    for (const { sound } of this.#lines.values()) sound.lost(seat);
  }

  /** The phone is closed, or about to be. */
  async hangup() {
    const calls = [...this.#lines.values()].map(({ call }) => call.hangup());
    await Promise.allSettled(calls);
  }

  // ---- what tabs ask for

  /**
   * @param {Seat} seat
   * @param {import("../phone/phone.js").Phone} phone
   * @param {{ id: number, target: string, options: any, resume?: boolean, pickUp?: string }} wanted
   */
  call(seat, phone, { id, target, options, resume, pickUp }) {
    const dial = () =>
      pickUp ? phone.pickUp(pickUp, options) : phone.call(target, options);
    const call = resume ? this.#resume?.(options) : dial();
    if (!call) throw fault("callOver");
    const line = this.#add(call, { id, wanted: options });
    if (call.media === "here") line.sound.sit(seat);
    this.#tell(line, "call", undefined, seat);
  }

  /**
   * @param {Seat} seat
   * @param {{ id: number, verb: string, args: any[] }} asked
   */
  async do(seat, { id, verb, args }) {
    if (this.#survivors.has(id))
      await new Promise((resolve) => this.#orders.push(() => resolve(null)));
    const line = this.#lines.get(id);
    if (!line) throw fault("callOver");
    if (verb === "answer") return this.#answer(seat, line, args[0]);
    if (verb === "bringHere") return line.sound.move(seat);
    if (!VERBS.includes(verb)) throw fault("notTaken", { command: verb });
    const [first, ...rest] = args;
    const other = first?.call && this.#lines.get(first.call)?.call;
    if (first?.call && !other) throw fault("callOver");
    /** @type {any} */
    const call = line.call;
    const done = call[verb](other ?? first, ...rest);
    // Nobody else says so.
    if (/mute$/.test(verb)) this.#say(line, "muted", undefined);
    return done;
  }

  /**
   * @param {number} id
   * @param {Seat} seat whose media handler says it
   * @param {string} name
   * @param {any[]} args
   */
  mediaSaid(id, seat, name, args) {
    this.#lines.get(id)?.sound.said(seat, name, args);
  }

  /**
   * The first tab that answers does: another one is refused.
   *
   * @param {Seat} seat
   * @param {Line} line
   * @param {any} options
   */
  async #answer(seat, { call, sound, ...line }, options) {
    const { state } = call;
    if (state !== "incoming" || (sound.seat && sound.seat !== seat))
      throw fault("callState", { state });
    sound.sit(seat);
    Object.assign(line.wanted, options);
    try {
      await call.answer(options);
    } catch (error) {
      // It rings on: another tab may have a microphone.
      if (call.state === "incoming") sound.sit(undefined);
      throw error;
    }
  }

  // ---- lines

  /** @param {Call} call */
  #of(call) {
    return [...this.#lines.values()].find((line) => line.call === call);
  }

  /**
   * @param {Call} call
   * @param {{ id?: number, wanted?: any }} [more]
   */
  #add(call, { id = (this.#last += 2), wanted = {} } = {}) {
    const { audio, video } = wanted;
    /** @type {Line} */
    const line = {
      ...{ id, call, wanted: { audio, video } },
      sound: new Sound(
        id,
        call,
        this.#seats,
        () => line.wanted,
        () => this.#keep(line, line.kept?.dialog),
      ),
    };
    this.#lines.set(id, line);
    /** @type {any} */ (call).on("dialog", (/** @type {any} */ { dialog }) =>
      this.#keep(line, dialog),
    );
    for (const name of EVENTS)
      call.on(/** @type {any} */ (name), (payload) => {
        if (name === "ended") {
          this.#lines.delete(id);
          line.sound.end();
        }
        this.#say(line, name, payload);
      });
    return line;
  }

  /**
   * Tells the tabs what another host needs, as both the dialog and the description change.
   *
   * @param {Line} line
   * @param {string | undefined} dialog
   */
  #keep(line, dialog) {
    if (!dialog) return;
    line.kept = { dialog, description: line.sound.description };
    this.#say(line, "kept", line.kept);
  }

  /**
   * @param {Line} line
   * @param {string} how
   * @param {number} [from]
   * @param {Seat} [maker] who knows of it already
   */
  #tell(line, how, from, maker) {
    for (const seat of this.#seats)
      if (seat !== maker) this.#introduce(seat, line, how, from);
  }

  /**
   * @param {Seat} seat
   * @param {Line} line
   * @param {string} how
   * @param {number} [from]
   */
  #introduce(seat, line, how, from) {
    const { id, call, sound, kept } = line;
    const { direction, to, headers } = call;
    const replaces = call.replaces && this.#of(call.replaces)?.id;
    const facts = { direction, to, headers, replaces, kept, ...factsOf(call) };
    seat.wire.tell("line", id, facts, how, sound.seat === seat, from);
  }

  /**
   * @param {Line} line
   * @param {string} name
   * @param {any} payload
   */
  #say({ id, call }, name, payload) {
    for (const { wire } of this.#seats)
      wire.tell("call", id, name, payload, factsOf(call));
  }
}

/** @param {Call} call */
function factsOf(call) {
  const { state, heldBy, remote, callInfo, media, startTime, muted } = call;
  const { parties, services } = call;
  return {
    ...{ state, heldBy, remote, callInfo, media, startTime, muted },
    ...{ parties, services },
  };
}
