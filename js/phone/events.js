/** @typedef {(payload: any) => void} Listener */
/** @typedef {{ listener: unknown, call: Listener, once?: boolean }} Entry */

/**
 * Delivers an event to the listeners of an emitter. Not a method, so that an
 * app cannot fire a phone's events.
 *
 * @type {(emitter: Emitter, name: string, payload: any) => void}
 */
export let emit;

/**
 * Whether anybody listens.
 *
 * @type {(emitter: Emitter, name: string) => boolean}
 */
export let isHeard;

/**
 * Calls app code. What it throws surfaces as an uncaught error, but never
 * unwinds into the phone.
 *
 * @param {Function | undefined} callback
 * @param {unknown} payload
 */
export function callApp(callback, payload) {
  try {
    callback?.(payload);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export class Emitter {
  /** The lists are replaced, never changed: who is told now is settled. @type {Map<string, Entry[]>} */
  #entries = new Map();

  static {
    emit = (emitter, name, payload) => {
      for (const entry of emitter.#entries.get(name) ?? []) {
        if (entry.once) emitter.#remove(name, entry.listener);
        callApp(entry.call, payload);
      }
      emitter.look();
    };
    isHeard = (emitter, name) => !!emitter.#entries.get(name)?.length;
  }

  /** Something may be different, after each event: for whoever can be looked at. */
  look() {}

  /**
   * @param {string} name
   * @param {Listener} listener
   */
  on(name, listener) {
    this.#add(name, { listener, call: listener });
    return this;
  }

  /**
   * @param {string} name
   * @param {Listener} listener
   */
  once(name, listener) {
    this.#add(name, { listener, call: listener, once: true });
    return this;
  }

  /**
   * @param {string} name
   * @param {unknown} listener
   */
  off(name, listener) {
    this.#remove(name, listener);
    return this;
  }

  /**
   * As in the DOM: the listener gets an event whose `detail` is the payload.
   * The payload's own properties can be read from the event as well.
   *
   * @param {string} name
   * @param {any} listener a function or `{ handleEvent }`
   * @param {{ once?: boolean, signal?: AbortSignal } | boolean} [options]
   */
  addEventListener(name, listener, options) {
    const { once, signal } = Object(options);
    const known = this.#entries.get(name)?.some((e) => e.listener === listener);
    if (!listener || known || signal?.aborted) return;
    this.#add(name, {
      listener,
      once,
      call: (payload) => {
        const event = new CustomEvent(name, { detail: payload });
        Object.assign(event, payload);
        // An Error's message is not enumerable.
        if (payload instanceof Error)
          Object.assign(event, { error: payload, message: payload.message });
        if (typeof listener === "function") listener.call(this, event);
        else listener.handleEvent(event);
      },
    });
    signal?.addEventListener("abort", () => this.#remove(name, listener));
  }

  /**
   * @param {string} name
   * @param {unknown} listener
   */
  removeEventListener(name, listener) {
    this.#remove(name, listener);
  }

  /**
   * @param {string} name
   * @param {Entry} entry
   */
  #add(name, entry) {
    if (!entry.listener)
      throw new TypeError(`The listener of "${name}" is missing`);
    this.#entries.set(name, [...(this.#entries.get(name) ?? []), entry]);
    // As Node's emitters have it: what is heard may have to be asked for.
    emit(this, "newListener", name);
  }

  /**
   * @param {string} name
   * @param {unknown} listener
   */
  #remove(name, listener) {
    const entries = this.#entries.get(name) ?? [];
    const at = entries.findIndex((entry) => entry.listener === listener);
    if (at >= 0)
      this.#entries.set(
        name,
        entries.filter((_, i) => i !== at),
      );
  }
}
