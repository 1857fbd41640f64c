import { PhoneError, fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { checkCall, checkTarget } from "../phone/options.js";
import { DeskCall } from "./call.js";
import { partyOf } from "./line.js";

/** @typedef {import("./seam.js").Commands} Commands */
/** @typedef {import("./seam.js").Events} Events */
/** @typedef {{ call: DeskCall, number?: number, heard(event: any): void }} Entry */

/** The calls of a desk phone, as `phone.calls` has them. */
export class DeskCalls {
  #way;
  #line;
  #appearance;
  /** In the order in which they came. @type {Map<DeskCall, Entry>} */
  #calls = new Map();
  /** By the machine's number. @type {Map<number, Entry>} */
  #numbered = new Map();
  /** Those that the machine is about to number, by the operation. @type {Map<number, Entry>} */
  #made = new Map();
  /** Whether the app hears of calls already. */
  #open = false;

  /**
   * @param {import("./mode.js").Way} way
   * @param {string} line its URI
   * @param {import("./appearance.js").Appearance} appearance
   */
  constructor(way, line, appearance) {
    this.#way = way;
    this.#line = line;
    this.#appearance = appearance;
  }

  /** @returns {DeskCall[]} those that have not ended, oldest first */
  get list() {
    return [...this.#calls.keys()];
  }

  /**
   * @param {string} target
   * @param {import("../index.js").CallOptions & { signal?: AbortSignal }} [options]
   */
  call(target, options = {}) {
    const to = checkTarget(target);
    const { signal } = checkCall(options, this.#way.settings.log);
    const call = new DeskCall(this, {
      id: this.#way.number(),
      direction: "outgoing",
      remote: { uri: to, displayName: "" },
    });
    const giveUp = () => call.hangup().catch(() => {});
    signal?.addEventListener("abort", giveUp);
    call.once("ended", () => signal?.removeEventListener("abort", giveUp));
    // Listeners hear of it after the app has the call in hand.
    queueMicrotask(() => this.#make(call, to));
    if (signal?.aborted) giveUp();
    return call;
  }

  /** From now on the app hears of calls; first of those that are there. */
  open() {
    this.#open = true;
    for (const call of this.list) this.#announce(call);
  }

  /** @param {PhoneError} error why nothing more is heard of them */
  drop(error) {
    for (const entry of [...this.#calls.values()]) fail(entry, error);
  }

  // ---- for a DeskCall

  /**
   * @param {DeskCall} call
   * @param {(event: any) => void} heard
   */
  join(call, heard) {
    this.#calls.set(call, { call, heard });
    this.#look();
  }

  /** @param {DeskCall} call */
  leave(call) {
    const { number } = this.#calls.get(call) ?? {};
    this.#calls.delete(call);
    if (number !== undefined) this.#numbered.delete(number);
    this.#look();
  }

  /** Whoever looks at the phone's calls hears of it after those who make and end them. */
  #look() {
    queueMicrotask(() => this.#way.phone.look());
  }

  /**
   * The machine's number of a call.
   *
   * @param {unknown} call
   */
  numberOf(call) {
    return this.#calls.get(/** @type {DeskCall} */ (call))?.number;
  }

  /**
   * @template {keyof Commands} C
   * @param {DeskCall} call
   * @param {C} command
   * @param {import("./call.js").About<C>} args
   */
  ask(call, command, ...args) {
    const number = this.numberOf(call) ?? 0;
    return this.#appearance.control.ask(
      command,
      .../** @type {any} */ ([number, ...args]),
    );
  }

  // ---- what the machine says

  /** @param {Events["call"]} view */
  heard({ call: number, op, incoming, can, ...view }) {
    let entry = this.#numbered.get(number) ?? this.#made.get(op ?? 0);
    const isNew = !entry;
    const { displayName } = view;
    const remote = { ...partyOf(view.remote), displayName };
    entry ??= this.#appear(incoming, remote);
    entry.number = number;
    this.#numbered.set(number, entry);
    const { call } = entry;
    entry.heard({
      state: view.state,
      remote,
      parties: view.parties.map(partyOf),
      services: new Set(can),
    });
    if (isNew && this.#open) this.#announce(call);
  }

  /** @param {Events["callEnded"]} event */
  ended({ call, ...event }) {
    this.#numbered.get(call)?.heard({ name: "ended", ...event });
  }

  /**
   * @param {boolean} incoming
   * @param {import("../index.js").RemoteParty} remote
   */
  #appear(incoming, remote) {
    const call = new DeskCall(this, {
      id: this.#way.number(),
      direction: incoming ? "incoming" : "outgoing",
      remote,
      ...(incoming && { to: this.#line }),
    });
    return /** @type {Entry} */ (this.#calls.get(call));
  }

  /** @param {DeskCall} call */
  #announce(call) {
    emit(this.#way.phone, call.state === "incoming" ? "incoming" : "call", {
      call,
    });
  }

  /**
   * @param {DeskCall} call
   * @param {string} to
   */
  #make(call, to) {
    const entry = this.#calls.get(call);
    if (!entry) return;
    const control = this.#appearance.control;
    const op = control.number({
      command: "make",
      resolve: () => this.#made.delete(op),
      reject: (/** @type {any} */ error) => {
        this.#made.delete(op);
        // Of the rest the machine tells as of any other end.
        if (PhoneError.is(error) && OUT.includes(error.code))
          fail(entry, error);
        else if (entry.number === undefined)
          fail(entry, fault("deskCallFailed", { reason: error.reason }));
      },
    });
    this.#made.set(op, entry);
    control.tell("make", op, to);
  }
}

/** No matter of this call alone: told as it is. @type {string[]} */
const OUT = ["eOutOfService", "eNotSupported", "eInternal"];

/**
 * @param {Entry} entry
 * @param {PhoneError} error
 */
const fail = ({ heard }, error) =>
  heard({ name: "ended", cause: "failed", reason: "", error });
