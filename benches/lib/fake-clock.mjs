/**
 * Time that passes at once: setTimeout, setInterval, Date.now and
 * performance.now of this process run on it. Install it before the libraries
 * are imported.
 */
export class FakeClock {
  #now = Date.now();
  #last = 0;
  /** @type {Map<number, { at: number, run: () => void, every?: number }>} */
  #timers = new Map();

  install() {
    const start = this.#now;
    const add = (
      /** @type {number | undefined} */ every,
      /** @type {Function} */ run,
      wait = 0,
      /** @type {any[]} */ args,
    ) => {
      const id = ++this.#last;
      const timer = {
        at: this.#now + Math.max(wait, 0),
        run: () => run(...args),
        every,
      };
      this.#timers.set(id, timer);
      return id;
    };
    const clear = (/** @type {any} */ id) => void this.#timers.delete(id);
    Object.assign(globalThis, {
      setTimeout: (
        /** @type {Function} */ run,
        /** @type {number} */ wait,
        /** @type {any[]} */ ...args
      ) => add(undefined, run, wait, args),
      setInterval: (
        /** @type {Function} */ run,
        /** @type {number} */ wait,
        /** @type {any[]} */ ...args
      ) => add(wait, run, wait, args),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Date.now = () => this.#now;
    performance.now = () => this.#now - start;
  }

  get now() {
    return this.#now;
  }

  /** Timers that wait. */
  get waiting() {
    return this.#timers.size;
  }

  /** Goes to the next timer and fires it; false if there is none. */
  next() {
    let first = -1;
    let at = Infinity;
    for (const [id, timer] of this.#timers)
      if (timer.at < at) [first, at] = [id, timer.at];
    const timer = this.#timers.get(first);
    if (!timer) return false;
    this.#now = Math.max(this.#now, timer.at);
    if (timer.every === undefined) this.#timers.delete(first);
    else timer.at += timer.every;
    timer.run();
    return true;
  }
}

/** Lets promises and the sockets of this process do what they have to. */
export async function settled() {
  for (let turn = 0; turn < 12; turn++) await undefined;
}
