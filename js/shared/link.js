import { connectWorker, needsLeader } from "./connect.js";
import { live, outlive, unique, watchPulse } from "./locks.js";
import { Wire } from "./wire.js";

/**
 * @typedef {object} Tab whose link it is
 * @property {true | { worker?: string | URL }} shared the option
 * @property {string} client whose phone it wants
 * @property {string} phoneLock the lock of a phone that is not shared
 * @property {(lock: string, lasting: boolean, partial: boolean) => import("./host.js").Joining} joining
 *   what it says of itself; partial: others could read it
 * @property {import("./wire.js").Serve} serve does what the host tells or asks
 * @property {() => void} joined
 * @property {() => void} lost the host is gone: another one takes its place
 * @property {(error: any) => void} failed no other one could be found
 */

/** A tab's link to the host of its phone, whoever that is at the moment. */
export class HostLink {
  /** @type {Wire | undefined} */
  wire;
  /** The page was left, perhaps for good. */
  isAway = false;
  /** @type {Promise<void>} */
  connected;
  #tab;
  /** Ends the way to the host, or what has been done to find one. */
  #way = new AbortController();
  /** It is back. @type {(connected: Promise<void>) => void} */
  #back = () => {};
  /** Where there are no workers. @type {import("./leader.js").Leadership | undefined} */
  #leadership;

  /** @param {Tab} tab */
  constructor(tab) {
    this.#tab = tab;
    this.connected = this.#connect();
    // Who asks for something hears of it.
    this.connected.catch(() => {});
  }

  /**
   * Becomes the host, where one of the tabs has to be that.
   *
   * @param {() => boolean} wanted once there is one
   */
  async lead(wanted) {
    await this.connected;
    if (!this.#leadership?.leads && wanted()) await this.#replace("takeOver");
  }

  /** The page goes: what is to be said is said now. */
  goAway() {
    this.#leadership?.leave();
    this.leave();
  }

  comeBack() {
    this.isAway = false;
    this.#back(this.#connect());
  }

  leave() {
    this.isAway = true;
    this.#end();
    this.connected = new Promise((resolve) => (this.#back = resolve));
  }

  /** It has no part in finding a host any more. */
  close() {
    this.#leadership?.end();
  }

  /** The host is gone. */
  lose() {
    this.#end();
    this.#leadership?.forget();
    this.#tab.lost();
    this.connected = this.#connect();
    this.connected.catch(this.#tab.failed);
  }

  #end() {
    this.#way.abort();
    this.wire = undefined;
  }

  /**
   * What becomes of it may come too late: the page was left meanwhile, or another host has
   * taken the place of the one that was found.
   *
   * @returns {Promise<void>}
   */
  async #connect() {
    const way = (this.#way = new AbortController());
    try {
      await this.#join(way.signal);
    } catch (error) {
      if (!way.signal.aborted) throw error;
      return this.connected;
    }
  }

  /** @param {AbortSignal} signal */
  async #join(signal) {
    const until = (/** @type {() => void} */ end) => {
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
      signal.throwIfAborted();
    };
    const lock = unique();
    until(await live(lock));
    const { shared, serve, joining, joined } = this.#tab;
    const { port, failed, lasting } = needsLeader(shared)
      ? await this.#connectLeader()
      : connectWorker(shared);
    const follows = !!this.#leadership && !this.#leadership.leads;
    const wire = new Wire(port, serve);
    until(() => {
      wire.tell("leave");
      wire.close();
    });
    const host = await Promise.race([
      wire.ask("join", joining(lock, lasting, follows)),
      failed,
    ]);
    signal.throwIfAborted();
    this.wire = wire;
    until(outlive(host, () => this.lose()));
    if (follows)
      until(
        watchPulse(
          () => wire.ask("alive"),
          () => this.#replace("replace"),
        ),
      );
    joined();
  }

  /** @returns {Promise<import("./connect.js").Way>} */
  async #connectLeader() {
    const { Leadership } = await import("./leader.js");
    const { client, phoneLock } = this.#tab;
    this.#leadership ??= new Leadership(
      client,
      phoneLock,
      () => this.#way.signal.aborted || this.lose(),
    );
    const port = await this.#leadership.connect();
    return { port, failed: new Promise(() => {}), lasting: false };
  }

  /**
   * Becomes the host, or finds the one that is.
   *
   * @param {"replace" | "takeOver"} how
   */
  async #replace(how) {
    const way = this.#way;
    await this.#leadership?.[how]();
    // The old one may have said that it is gone.
    if (way === this.#way) this.lose();
    await this.connected;
  }
}
