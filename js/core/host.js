import { createClock } from "./clock.js";
import { fault } from "../errors/error.js";

/** @typedef {import("../errors/error.js").PhoneError} PhoneError */

/** What setTimeout can wait at most, in ms. */
const LONGEST_TIMER = 0x7fff_ffff;
/** `readyState` of a WebSocket. */
const OPEN = 1;
const CLOSED = 3;
/** RFC 6455 §7.1.5: closed without a Close frame. */
const NO_WORD = { code: 1006, reason: "" };
/** How long (ms) a server may take to answer our close before `ws` cuts the connection. */
const CLOSING_TIME = 1000;

/** @typedef {import("./seam.js").Commands} Commands */
/** @typedef {import("./seam.js").Output} Output */

/**
 * @typedef {object} Handlers what a host does with the core's outputs
 * @property {(event: import("./seam.js").Event) => void} event
 * @property {(value: string) => void} store
 * @property {(entry: any) => void} log
 * @property {(trace: any) => void} trace
 * @property {(change: object) => void} transport
 * @property {(url: string, error: PhoneError) => void} forbidden the page may not connect there
 * @property {(error: PhoneError) => void} unable what calls need could not be loaded
 * @property {(error: PhoneError) => void} dead
 */

/**
 * Drives one wasm core: brings it the time, what sockets say and the phone's
 * commands, and performs its outputs. The core is never entered from within
 * itself: what arrives while outputs are being performed (a listener that
 * calls back, a WebSocket that delivers inside `send`) waits its turn.
 */
export class Host {
  #core;
  #instance;
  #handlers;
  #WebSocket;
  #now;
  /** @type {Map<string, WebSocket>} */
  #sockets = new Map();
  /** @type {[keyof Commands, ...any[]][]} */
  #inputs = [];
  #running = false;
  /** What calls need is being loaded: until then all that comes waits, in order. */
  #extending = false;
  #ending = false;
  /** @type {any} */
  #timer;
  /** When the timer comes, if it is set. */
  #wakesAt = Infinity;
  /** When the core is to be woken. */
  #deadline = Infinity;

  /**
   * @param {import("./instance.js").Instance} instance
   * @param {any} options of the core
   * @param {any} WebSocket a class
   * @param {Handlers} handlers
   * @param {() => number} [clock]
   */
  constructor(instance, options, WebSocket, handlers, clock = createClock()) {
    this.#instance = instance;
    this.#handlers = handlers;
    this.#WebSocket = WebSocket;
    this.#now = clock;
    const seed = crypto.getRandomValues(new Uint8Array(32));
    try {
      this.#core = new instance.Core(options, seed);
    } catch (error) {
      throw this.#trap(error);
    }
    instance.hosts.add(this);
  }

  /**
   * Makes one call into the core, now or as soon as the current one is done.
   *
   * @template {keyof Commands} C
   * @param {C} method
   * @param {Commands[C]} args what follows `now`
   */
  call(method, ...args) {
    this.#inputs.push([method, ...args]);
    // A page that goes away has no time to wait.
    if (this.#extending && method === "leave") return this.#goOn(true);
    if (!this.#running) this.#run();
  }

  /** Frees the core, once the outputs in hand are performed. */
  free() {
    this.#ending = true;
    if (!this.#running) this.#run();
  }

  /**
   * Drops the core without entering it again: its memory cannot be trusted.
   *
   * @param {PhoneError} error
   */
  die(error) {
    if (!this.#core) return;
    this.#core.abandon?.();
    this.#drop();
    this.#handlers.dead(error);
  }

  #run() {
    this.#running = true;
    try {
      let input;
      while (this.#core && !this.#extending && (input = this.#inputs.shift())) {
        const [method, ...args] = input;
        if (this.#core.command(method, this.#now(), ...args))
          this.#extend(input);
        let output;
        while ((output = this.#core?.poll())) this.#perform(output);
      }
      if (this.#ending && this.#core) {
        this.#core.free();
        this.#drop();
      }
      this.#arm();
    } catch (error) {
      this.#trap(error);
    } finally {
      this.#running = false;
    }
  }

  /** Loads what calls need ahead of the first one. */
  prepare() {
    this.#instance.extend().catch(() => {
      // Whoever needs it will hear why.
    });
  }

  /** @param {[keyof Commands, ...any[]]} input to be said again then */
  async #extend(input) {
    this.#extending = true;
    this.#inputs.unshift(input);
    try {
      await this.#instance.extend();
      this.#goOn(false);
    } catch (error) {
      this.#handlers.unable(/** @type {PhoneError} */ (error));
      this.#goOn(true);
    }
  }

  /** @param {boolean} without callers hear that nobody is there, the app that it cannot be done */
  #goOn(without) {
    this.#extending = false;
    if (!this.#core) return;
    this.#core.without = without;
    if (!this.#running) this.#run();
    if (this.#core) this.#core.without = false;
  }

  /**
   * Every message puts the deadline off: a timer that comes too early is set
   * anew then, which costs less than to do it each time.
   */
  #arm() {
    const deadline = (this.#deadline = this.#core?.deadline() ?? Infinity);
    if (this.#wakesAt <= deadline && deadline < Infinity) return;
    this.#setTimer();
  }

  #setTimer() {
    clearTimeout(this.#timer);
    this.#wakesAt = this.#deadline;
    if (this.#deadline === Infinity) return;
    const wait = Math.max(this.#deadline - this.#now(), 0);
    this.#timer = setTimeout(
      () => {
        this.#wakesAt = Infinity;
        if (this.#now() < this.#deadline) this.#setTimer();
        else this.call("wake");
      },
      Math.min(wait, LONGEST_TIMER),
    );
  }

  /** @param {Output} output */
  #perform(output) {
    // Nearly all that there is: no copy is made of it.
    if (output.type === "send") return this.#send(output);
    const { type, ...content } = /** @type {any} */ (output);
    switch (type) {
      case "open":
        return this.#open(content);
      case "closeSocket":
        return this.#close(content.slot, content.generation);
      case "store":
        return this.#handlers.store(content.value);
      case "log":
        return this.#handlers.log(content);
      case "trace":
        return this.#handlers.trace(content);
      case "event":
        return this.#handlers.event(content);
    }
  }

  /** @param {import("./seam.js").Outputs["send"]} output */
  #send({ slot, generation, data }) {
    try {
      this.#sockets.get(`${slot}:${generation}`)?.send(data);
    } catch {
      this.#close(slot, generation);
      this.call("socketClosed", slot, generation);
    }
  }

  /** @param {import("./seam.js").Outputs["open"]} output */
  #open({ slot, generation, url }) {
    const { transport } = this.#handlers;
    transport({ state: "connecting", url });
    /** @type {WebSocket} */
    let socket;
    try {
      socket = new this.#WebSocket(url, "sip");
    } catch (error) {
      // Firefox, where the page's policy forbids it; mixed content.
      return this.#forbidden(slot, generation, url, error);
    }
    // Chromium, where the page's policy forbids it: an error follows, and no close.
    if (socket.readyState === CLOSED)
      return this.#forbidden(slot, generation, url);
    const key = `${slot}:${generation}`;
    this.#sockets.set(key, socket);
    socket.binaryType = "arraybuffer";
    const opened = (socket.onopen = () => {
      transport({ state: "connected", url });
      // A class of the app's own may not say which protocol it speaks.
      this.call("socketOpened", slot, generation, socket.protocol ?? "sip");
    });
    // One that was opened early may be there.
    if (socket.readyState === OPEN) opened();
    socket.onmessage = ({ data }) =>
      this.call(
        "socketMessage",
        slot,
        generation,
        data instanceof ArrayBuffer ? new Uint8Array(data) : data,
      );
    socket.onclose = ({ code, reason }) => {
      if (!this.#sockets.delete(key)) return;
      transport({ state: "disconnected", url, code, reason });
      this.call("socketClosed", slot, generation);
    };
    // In Node an error nobody handles would end the process. Its close follows, or
    // should: a socket that is closed already is taken at its word.
    socket.onerror = () => {
      if (socket.readyState === CLOSED)
        setTimeout(() => socket.onclose?.(/** @type {any} */ (NO_WORD)));
    };
  }

  /**
   * @param {number} slot
   * @param {number} generation
   * @param {string} url
   * @param {any} [cause]
   */
  #forbidden(slot, generation, url, cause) {
    const { transport, forbidden } = this.#handlers;
    transport({ state: "disconnected", url, ...NO_WORD });
    // Without the path and query, which may be secret; and as a policy names it.
    const { origin } = new URL(url);
    const why = cause && (cause.message || cause.name);
    forbidden(url, fault("connectionForbidden", { origin, why }, cause));
    this.call("socketClosed", slot, generation);
  }

  /**
   * @param {number} slot
   * @param {number} generation
   */
  #close(slot, generation) {
    const key = `${slot}:${generation}`;
    const socket = /** @type {any} */ (this.#sockets.get(key));
    if (!this.#sockets.delete(key)) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // `ws` would keep a process alive for 30 s if the server never answers.
    if (socket.terminate) {
      const cut = setTimeout(() => socket.terminate(), CLOSING_TIME);
      socket.onclose = () => clearTimeout(cut);
    }
    try {
      socket.close();
    } catch {
      // The app's own class misbehaves; we are done with it anyway.
    }
    this.#handlers.transport({
      state: "disconnected",
      url: socket.url,
      code: 1000,
      reason: "",
    });
  }

  #drop() {
    this.#core = undefined;
    this.#inputs = [];
    clearTimeout(this.#timer);
    this.#instance.hosts.delete(this);
    for (const key of this.#sockets.keys()) {
      const [slot, generation] = key.split(":");
      this.#close(+slot, +generation);
    }
  }

  /**
   * A throw from the core is a trap: every phone of its instance is lost.
   *
   * @param {unknown} cause
   */
  #trap(cause) {
    const error = fault("trap", {}, cause);
    this.#instance.dead = true;
    for (const host of [...this.#instance.hosts]) host.die(error);
    return error;
  }
}
