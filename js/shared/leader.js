// Where there are no shared workers one of the tabs is the host. Who that is, a lock says (Web
// Locks), for which all of them queue; they talk over a BroadcastChannel. What crosses that can
// be read by every page of the origin, so no password does: the host logs in with what its own
// tab knows, and a tab whose options are to count becomes the host.

import { Hosts } from "./hosts.js";
import { alone, steal, unique } from "./locks.js";

/** @typedef {import("./wire.js").Port} Port */

/** How long (ms) a leader has to say that it leads before another tab takes its place. */
const ANSWER = 250;

/** One tab's part in finding who leads, and in leading. */
export class Leadership {
  #name;
  /** The lock that keeps a phone off that is not shared. */
  #phone;
  #channel;
  #me = unique();
  /** The phone, if it is here. @type {Hosts | undefined} */
  #hosts;
  /** Who leads, as far as is known. */
  #leader = "";
  /** When that one began to. */
  #since = 0;
  #moved;
  /** Who waits to know it. @type {Set<(value?: any) => void>} */
  #waiting = new Set();
  /** By their names. @type {Map<string, ChannelPort>} */
  #ports = new Map();
  #ending = new AbortController();
  /** Lets others lead. */
  #resign = () => {};

  /**
   * @param {string} client whose phone it is
   * @param {string} phone the lock of that
   * @param {() => void} moved another one leads than the one that was connected to
   */
  constructor(client, phone, moved) {
    this.#name = `graceline:tabs:${client}`;
    this.#phone = phone;
    this.#moved = moved;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    this.#queue({ signal: this.#ending.signal });
  }

  /** Whether the host is in this tab. */
  get leads() {
    return !!this.#hosts;
  }

  /** @returns {Promise<Port>} to the host */
  async connect() {
    while (!this.#hosts && !this.#leader) await this.#known();
    if (!this.#hosts) return this.#port(this.#leader, unique());
    const { port1, port2 } = new MessageChannel();
    this.#hosts.accept(port1);
    return port2;
  }

  /** Leads instead of one that gives no sign of life, unless another tab already does. */
  async replace() {
    await alone(`${this.#name}:replaced`, async () => {
      const silence = new Promise((resolve) =>
        setTimeout(resolve, ANSWER, true),
      );
      if (await Promise.race([this.#known(), silence])) await this.takeOver();
    });
  }

  /** Leads, whoever does so now. */
  async takeOver() {
    if (this.#hosts) return;
    // A leader that wakes up must not go on, nor say that he leaves.
    await steal(this.#phone);
    this.#queue({ steal: true });
    while (!this.#hosts) await this.#known();
  }

  /** Who led is gone. */
  forget() {
    this.#leader = "";
  }

  /** The page goes: what is to be said is said now. */
  leave() {
    this.#hosts?.hurry();
  }

  /** This tab has no part in it any more; unless it is the host of others. */
  end() {
    if (this.#hosts?.isUsed) return;
    this.#ending.abort();
    this.#hosts = undefined;
    this.#resign();
    this.#channel.close();
  }

  #known() {
    this.#channel.postMessage({ who: true });
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** @param {LockOptions} options */
  #queue(options) {
    navigator.locks
      .request(this.#name, options, () => {
        if (this.#ending.signal.aborted) return undefined;
        this.#lead();
        return new Promise((free) => (this.#resign = () => free(undefined)));
      })
      .catch(() => {
        if (this.#hosts && !this.#ending.signal.aborted) this.#depose();
      });
  }

  #lead() {
    this.#hosts = new Hosts(globalThis.WebSocket);
    this.#since = Date.now();
    this.#announce();
    this.#know(this.#me);
  }

  #announce() {
    this.#channel.postMessage({ leads: this.#me, since: this.#since });
  }

  /** Another tab leads now. He leads again when his turn comes. */
  #depose() {
    this.#hosts?.end();
    this.#hosts = undefined;
    this.#leader = "";
    this.#ports.clear();
    this.#queue({ signal: this.#ending.signal });
  }

  /** @param {string} leader */
  #know(leader) {
    if (this.#leader && this.#leader !== leader) this.#moved();
    this.#leader = leader;
    for (const know of this.#waiting) know();
    this.#waiting.clear();
  }

  /** @param {any} message */
  #heard({ who, leads, since, to, from, port, data }) {
    if (who && this.#hosts) this.#announce();
    // One that wakes up may not know yet that its time is over.
    if (leads && !this.#hosts && since >= this.#since) {
      this.#since = since;
      this.#know(leads);
    }
    if (to !== this.#me) return;
    if (this.#hosts && !this.#ports.has(port))
      this.#hosts.accept(this.#port(from, port));
    this.#ports.get(port)?.onmessage?.({ data });
  }

  /**
   * @param {string} peer
   * @param {string} name of the way to it: what was said on an older one is not mistaken
   */
  #port(peer, name) {
    const port = new ChannelPort(
      (data) =>
        this.#channel.postMessage({
          ...{ to: peer, from: this.#me, port: name, data },
        }),
      () => this.#ports.delete(name),
    );
    this.#ports.set(name, port);
    return port;
  }
}

/**
 * One end of what two tabs say to each other on the channel of all.
 *
 * @implements {Port}
 */
class ChannelPort {
  /** @type {((event: any) => void) | null} */
  onmessage = null;

  /**
   * @param {(message: any) => void} postMessage
   * @param {() => void} close
   */
  constructor(postMessage, close) {
    this.postMessage = postMessage;
    this.close = close;
  }
}
