// What a phone sees of a page: the globals of a browser, as far as it uses them.

/** Web Locks (https://w3c.github.io/web-locks/), exclusive ones. */
export class FakeLocks {
  /** @type {Map<string, { steal(): void }>} */
  #held = new Map();
  /** @type {Map<string, (() => void)[]>} */
  #waiting = new Map();
  #awake = new Set();

  request(name, options, callback = options) {
    const { steal, ifAvailable, signal } = Object(options);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const grant = () => {
        const lock = {
          steal: () => reject(new DOMException("stolen", "AbortError")),
        };
        this.#held.set(name, lock);
        Promise.resolve(callback({ name }))
          .then(resolve, reject)
          .finally(() => {
            if (this.#held.get(name) !== lock) return;
            this.#held.delete(name);
            this.#waiting.get(name)?.shift()?.();
          });
      };
      if (steal) this.#held.get(name)?.steal();
      if (steal || !this.#held.has(name)) return grant();
      if (ifAvailable) return resolve(callback(null));
      const queue = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, queue);
      // Node lets a process end that waits for nothing but AbortSignal.timeout.
      const awake = setInterval(() => {}, 1000);
      const next = () => (clearInterval(awake), grant());
      this.#awake.add(awake);
      queue.push(next);
      signal?.addEventListener("abort", () => {
        if (!queue.includes(next)) return;
        clearInterval(awake);
        queue.splice(queue.indexOf(next), 1);
        reject(signal.reason);
      });
    });
  }

  /** Nobody waits any more. */
  end() {
    this.#awake.forEach(clearInterval);
  }

  /** As if its holder had died. */
  free(name) {
    this.#held.delete(name);
    this.#waiting.get(name)?.shift()?.();
  }

  async query() {
    return { held: this.names.map((name) => ({ name })) };
  }

  isHeld(name) {
    return this.#held.has(name);
  }

  get names() {
    return [...this.#held.keys()];
  }
}

/**
 * Gives this process the globals of a page with Web Locks.
 *
 * @returns {{ locks: FakeLocks, fire(name: string, more?: object): void,
 *   show(hidden: boolean): void, listeners(): number, remove(): void }}
 */
export function becomePage() {
  const locks = new FakeLocks();
  const page = new EventTarget();
  const document = new EventTarget();
  document.hidden = false;
  const connection = new EventTarget();
  let listeners = 0;
  for (const target of [page, document, connection]) {
    const add = target.addEventListener;
    target.addEventListener = (name, listener, options) => {
      listeners++;
      options?.signal?.addEventListener("abort", () => listeners--);
      add.call(target, name, listener, options);
    };
  }
  const globals = {
    document,
    navigator: { locks, connection },
    addEventListener: page.addEventListener,
  };
  const originals = {};
  for (const [name, value] of Object.entries(globals)) {
    originals[name] = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  return {
    locks,
    fire: (name, more) =>
      page.dispatchEvent(Object.assign(new Event(name), more)),
    changeNetwork: () => connection.dispatchEvent(new Event("change")),
    show(hidden) {
      document.hidden = hidden;
      document.dispatchEvent(new Event("visibilitychange"));
    },
    listeners: () => listeners,
    remove() {
      locks.end();
      for (const name of Object.keys(globals)) {
        delete globalThis[name];
        if (originals[name])
          Object.defineProperty(globalThis, name, originals[name]);
      }
    },
  };
}

export class MemoryStorage {
  items = new Map();
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    this.items.set(key, String(value));
  }
}
