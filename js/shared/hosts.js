import { fault, learn } from "../errors/error.js";
import { shared } from "../errors/shared.js";
import { Host } from "./host.js";
import { live, unique } from "./locks.js";
import { Memory } from "./memory.js";
import { VERSION, Wire } from "./wire.js";

learn(shared);

/** The phones of a worker, or of a leading tab: one for each client. */
export class Hosts {
  /** @type {Map<string, Host>} */
  #hosts = new Map();
  #memory = new Memory();
  /** What is kept, once it is read. */
  #ready = this.#memory.open();
  /** Held as long as we live. */
  #lock = unique();
  #held = live(this.#lock);
  #WebSocket;

  /** @param {any} WebSocket a class */
  constructor(WebSocket) {
    this.#WebSocket = this.#memory.socketClass(WebSocket);
  }

  /**
   * A tab has come. It joins before it says anything else.
   *
   * @param {import("./wire.js").Port} port
   */
  accept(port) {
    /** @type {Promise<import("./host.js").Seat> | undefined} */
    let joining;
    const wire = new Wire(port, async (method, args, id) => {
      if (method === "join") {
        await (joining = this.#join(wire, args[0]));
        return this.#lock;
      }
      const seat = await joining;
      return seat?.host.serve(seat, method, args, id);
    });
  }

  /**
   * @param {Wire} wire
   * @param {import("./host.js").Joining & { version: number, client: string }} joining
   */
  async #join(wire, joining) {
    if (joining.version !== VERSION) throw fault("sharedVersion");
    // Tabs queue for the lock: we have to be in front of them.
    await Promise.all([this.#held, this.#ready]);
    return this.#find(joining.client).seat(wire, joining);
  }

  /** Whether there is a tab. */
  get isUsed() {
    return [...this.#hosts.values()].some(({ isUsed }) => isUsed);
  }

  /** The page that we live in goes. */
  hurry() {
    for (const host of this.#hosts.values()) host.hurry();
  }

  /** Another host takes our place. */
  end() {
    for (const host of this.#hosts.values()) host.end();
    this.#hosts.clear();
  }

  /**
   * Asks any tab that lives.
   *
   * @param {string} what
   */
  async ask(what) {
    for (const host of this.#hosts.values()) {
      const answer = await host.ask(what).catch(() => undefined);
      if (answer) return answer;
    }
    return undefined;
  }

  /** @param {string} client */
  #find(client) {
    const known = this.#hosts.get(client);
    if (known) return known;
    const host = new Host(this.#memory, this.#WebSocket);
    this.#hosts.set(client, host);
    return host;
  }
}
