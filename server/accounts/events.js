import { Problem } from "./problem.js";
import { deviceView, recordView } from "./views.js";

/** Of one user: tabs and devices that listen. */
const MOST_OF_USER = 32;
const MOST = 10_000;
/** So that proxies keep the connection, and a dead client is noticed. */
const BEAT = 25_000;
/** A client that reads nothing is let go with this many messages waiting. */
const MOST_WAITING = 64;

/**
 * What is told when facts of a kind change: the value of a verb, asked for what the change
 * names.
 *
 * @type {Record<string, { event: string, verb: string, of?: (change: Change) => object, view?: (value: any, self?: string) => unknown }>}
 */
const KINDS = {
  devices: {
    event: "devices",
    verb: "devices",
    view: (devices, self) =>
      devices.map((/** @type {any} */ device) => deviceView(device, self)),
  },
  ringsOn: { event: "ringsOn", verb: "rings" },
  rules: { event: "rules", verb: "rules" },
  history: {
    event: "history",
    verb: "history_record",
    of: ({ id }) => ({ id }),
    view: recordView,
  },
  voicemail: { event: "voicemail", verb: "mailbox" },
};
KINDS.push = KINDS.devices;

/** @typedef {import("./sessions.js").Session} Session */
/** @typedef {import("./facts/facts.js").Change} Change */

/**
 * @typedef {object} Listener
 * @property {Session | undefined} session undefined: a server of the operator's
 * @property {(text: string) => void} send
 * @property {() => void} end
 */

/** Server-sent events (WHATWG HTML §9.2): who listens, and what each is told. */
export class Events {
  #facts;
  #isLive;
  /**
   * By user; undefined: those who listen to all of them.
   *
   * @type {Map<string | undefined, Set<Listener>>}
   */
  #listeners = new Map();
  #count = 0;
  /** Changes of one user are told one after the other. @type {Promise<unknown>} */
  #telling = Promise.resolve();
  #beat = setInterval(() => this.#checkAll(), BEAT).unref();

  /**
   * @param {import("./facts/facts.js").Facts["call"]} facts
   * @param {(session: Session) => Promise<boolean>} isLive
   */
  constructor(facts, isLive) {
    this.#facts = facts;
    this.#isLive = isLive;
  }

  /**
   * @param {Session | undefined} session undefined: of all users, and whose each is
   * @param {AbortSignal} signal
   */
  listen(session, signal) {
    const listeners = this.#listeners.get(session?.who) ?? new Set();
    if (listeners.size >= MOST_OF_USER || this.#count >= MOST)
      throw new Problem(429, "eTooManyRequests", "Too many listen already.");
    /** @type {Listener} */
    let listener;
    const leave = () => void this.#leave(listener);
    /** @type {ReadableStream<Buffer>} */
    const stream = new ReadableStream(
      {
        start: (controller) => {
          listener = this.#join(session, controller);
          listener.send(": listening\n\n");
        },
        cancel: leave,
      },
      { highWaterMark: MOST_WAITING },
    );
    signal.addEventListener("abort", leave);
    return stream;
  }

  /** @param {Change} change */
  changed(change) {
    const { who, kind } = change;
    const isHeard = [who, undefined].some((one) => this.#listeners.has(one));
    if (!isHeard || !Object.hasOwn(KINDS, kind)) return;
    this.#telling = this.#telling
      .then(() => this.#tell(change, KINDS[kind]))
      // What could not be asked is told with the next change.
      .catch(() => {});
  }

  /** Those of a user whose sessions are over. @param {string | undefined} who */
  async check(who) {
    for (const listener of this.#of(who))
      if (listener.session && !(await this.#isLive(listener.session)))
        listener.end();
  }

  endAll() {
    for (const listener of this.#all()) listener.end();
  }

  close() {
    clearInterval(this.#beat);
    this.endAll();
  }

  /**
   * @param {Session | undefined} session
   * @param {ReadableStreamDefaultController<Buffer>} controller
   * @returns {Listener}
   */
  #join(session, controller) {
    /** @type {Listener} */
    const listener = {
      session,
      send: (text) => {
        if ((controller.desiredSize ?? 0) <= 0) return listener.end();
        controller.enqueue(Buffer.from(text));
      },
      end: () => {
        if (this.#leave(listener)) controller.close();
      },
    };
    const listeners = this.#listeners.get(session?.who) ?? new Set();
    this.#listeners.set(session?.who, listeners.add(listener));
    this.#count += 1;
    return listener;
  }

  /** @param {Listener} listener @returns {boolean} whether it was there */
  #leave(listener) {
    const who = listener.session?.who;
    const listeners = this.#listeners.get(who);
    if (!listeners?.delete(listener)) return false;
    if (!listeners.size) this.#listeners.delete(who);
    this.#count -= 1;
    return true;
  }

  /** @param {Change} change @param {typeof KINDS[string]} kind */
  async #tell(change, { event, verb, of, view = (value) => value }) {
    const { who } = change;
    await this.check(who);
    const value = await this.#facts(verb, who, of?.(change));
    const tell = (
      /** @type {Listener} */ { send },
      /** @type {unknown} */ data,
    ) => send(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    for (const listener of this.#of(who))
      tell(listener, view(value, listener.session?.device));
    for (const listener of this.#of(undefined))
      tell(listener, { user: who, [event]: view(value) });
  }

  #checkAll() {
    for (const who of [...this.#listeners.keys()])
      this.check(who).catch(() => {});
    for (const { send } of this.#all()) send(": beat\n\n");
  }

  /** @param {string | undefined} who */
  #of(who) {
    return [...(this.#listeners.get(who) ?? [])];
  }

  #all() {
    return [...this.#listeners.values()].flatMap((set) => [...set]);
  }
}
