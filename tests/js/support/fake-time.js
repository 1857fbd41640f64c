// Time that goes on when it is told to.

/** Node's own, before they are replaced. */
const { setImmediate } = globalThis;

/**
 * Takes the place of the globals that tell time or wait for it, until
 * {@link FakeTime.remove}.
 */
export class FakeTime {
  #now;
  /** @type {Map<object, { at: number, run(): void }>} in the order of their making */
  #timers = new Map();
  #before = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    dateNow: Date.now,
  };

  /** @param {number} start in ms since the Unix epoch */
  constructor(start) {
    this.#now = start;
    const after = (run, wait = 0, ...args) => {
      const timer = { ref: () => timer, unref: () => timer };
      const at = this.#now + Math.max(wait, 0);
      this.#timers.set(timer, { at, run: () => run(...args) });
      return timer;
    };
    Object.assign(globalThis, {
      setTimeout: after,
      clearTimeout: (timer) => void this.#timers.delete(timer),
    });
    Date.now = () => this.#now;
    performance.now = () => this.#now - start;
  }

  /** Timers that wait. */
  get timers() {
    return this.#timers.size;
  }

  /** Lets `ms` pass: what falls due runs in its order, with all it promises. */
  async run(ms) {
    const end = this.#now + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      let next;
      for (const [timer, { at }] of this.#timers)
        if (at <= end && !(at >= next?.at)) next = { timer, at };
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      const { run } = this.#timers.get(next.timer);
      this.#timers.delete(next.timer);
      run();
    }
    this.#now = end;
  }

  /** Lets time pass until `promise` settles, at most a minute. */
  async until(promise) {
    let pending = true;
    const settled = () => (pending = false);
    promise.then(settled, settled);
    for (let ms = 0; pending && ms < 60_000; ms += 10) await this.run(10);
    return promise;
  }

  remove() {
    const { dateNow, ...timers } = this.#before;
    Object.assign(globalThis, timers);
    Date.now = dateNow;
    delete performance.now;
  }
}
