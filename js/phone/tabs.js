/**
 * How long (ms) a polite tab waits for the holder: a page being reloaded or
 * pushed out of the back-forward cache lets go a moment after its successor asks.
 */
const PATIENCE = 300;

/**
 * The right of one tab to be the phone. Tabs of a browser profile share the
 * instance id, so for the registrar they are one client: among themselves they
 * must settle who speaks.
 */
export class Tab {
  #name;
  #stolen;
  #page;
  #held = false;
  /** @type {() => unknown} */
  #letGo = () => {};
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /**
   * @param {string | undefined} name undefined: nobody to share with, every request is granted
   * @param {() => void} stolen another tab took it by force
   * @param {any} [page] the globals to use
   */
  constructor(name, stolen, page = globalThis) {
    this.#name = name;
    this.#stolen = stolen;
    this.#page = page;
  }

  /**
   * Resolves with whether this tab may speak.
   *
   * @param {boolean} force take it from whoever has it
   * @returns {Promise<boolean>}
   */
  acquire(force) {
    return this.#inTurn(async () => (this.#held ||= await this.#take(force)));
  }

  /** Resolves when another tab can have it. */
  release() {
    return this.#inTurn(
      () => this.#held && ((this.#held = false), this.#letGo()),
    );
  }

  /**
   * @template T
   * @param {() => T} step
   * @returns {Promise<Awaited<T>>}
   */
  #inTurn(step) {
    const result = this.#turn.then(step);
    this.#turn = result;
    return /** @type {any} */ (result);
  }

  /** @param {boolean} force */
  #take(force) {
    const { navigator, BroadcastChannel } = this.#page;
    if (!this.#name) return true;
    if (navigator?.locks) return this.#takeLock(navigator.locks, force);
    return BroadcastChannel
      ? this.#takeChannel(new BroadcastChannel(this.#name), force)
      : true;
  }

  /**
   * @param {LockManager} locks
   * @param {boolean} force
   * @returns {Promise<boolean>}
   */
  #takeLock(locks, force) {
    const name = /** @type {string} */ (this.#name);
    return new Promise((decide) => {
      let granted = false;
      const patience = new AbortController();
      // A browser that is busy grants late what nobody holds: that is no refusal.
      const look = async () => {
        const { held } = await locks.query();
        if (held?.some((lock) => lock.name === name)) patience.abort();
        else wait();
      };
      /** @type {any} */
      let timer;
      const wait = () =>
        (timer = setTimeout(() => granted || look(), PATIENCE));
      if (!force) wait();
      const done = locks
        .request(
          name,
          force ? { steal: true } : { signal: patience.signal },
          () => {
            clearTimeout(timer);
            decide((granted = true));
            return new Promise((free) => {
              this.#letGo = () => (free(undefined), done);
            });
          },
        )
        .catch((error) => {
          clearTimeout(timer);
          // Granted before: stolen now. Otherwise the wait is over, or the page
          // may not use locks at all (an opaque origin): then nobody else does.
          if (granted) this.#lose();
          else decide(!/^(Abort|Timeout)Error$/.test(error.name));
        });
    });
  }

  /**
   * Plain http has no locks. Messages, unlike timers, reach a hidden tab at
   * once, and a tab that died leaves nothing stale behind.
   *
   * @param {BroadcastChannel} channel
   * @param {boolean} force
   * @returns {Promise<boolean>}
   */
  #takeChannel(channel, force) {
    const id = Math.random();
    let mine = force;
    this.#letGo = () => channel.close();
    return new Promise((decide) => {
      channel.onmessage = ({ data }) => {
        // Of two that claim at the same time the larger id wins, also where
        // only one of them hears the other.
        const ahead = mine || id > data.claim;
        if (data.force || data.refused === id || (data.claim && !ahead)) {
          channel.close();
          if (mine) this.#lose();
          decide(false);
        } else if (data.claim) {
          channel.postMessage({ refused: data.claim });
        }
      };
      channel.postMessage({ claim: id, force });
      if (force) decide(true);
      else setTimeout(() => decide((mine = true)), PATIENCE);
    });
  }

  #lose() {
    if (!this.#held) return;
    this.#held = false;
    this.#stolen();
  }
}
