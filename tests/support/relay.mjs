import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * A TCP relay on loopback that does to connections what bad networks do: delay,
 * jitter, stalls (nothing arrives, nothing is closed), cuts. The tests' network,
 * where the kernel has none to offer.
 */
export class Relay {
  /** Milliseconds that each piece takes in each direction. */
  delay = 0;
  /** Milliseconds, drawn anew for each piece, that it may take longer. */
  jitter = 0;
  /** New connections are cut at once. */
  refusing = false;
  #target;
  #server = createServer({ noDelay: true }, (client) => this.#accept(client));
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  #stalled = false;
  /** What waits for the stall to end, in order. @type {(() => void)[]} */
  #waiting = [];

  /** @param {number} target loopback port */
  constructor(target) {
    this.#target = target;
  }

  /**
   * @param {number} target loopback port that is relayed to
   */
  static async start(target) {
    const relay = new Relay(target);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get port() {
    const address = this.#server.address();
    if (address === null || typeof address === "string")
      throw new Error("the relay is closed");
    return address.port;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** Connections of clients that are open. */
  get connections() {
    return this.#sockets.size / 2;
  }

  /** From now on nothing arrives anywhere, and nothing is closed. */
  stall() {
    this.#stalled = true;
  }

  /** What was held up arrives. */
  resume() {
    this.#stalled = false;
    for (const arrive of this.#waiting.splice(0)) arrive();
  }

  /** Resets every connection, and forgets what was held up. */
  cut() {
    this.#waiting = [];
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** @param {import("node:net").Socket} client */
  #accept(client) {
    if (this.refusing) return client.resetAndDestroy();
    const server = connect({ host: "127.0.0.1", port: this.#target });
    server.setNoDelay(true);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(from);
      from.on("data", (data) => this.#later(() => to.write(data)));
      from.on("end", () => this.#later(() => to.end()));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        this.#later(() => to.destroy());
      });
    }
  }

  /** @param {() => void} arrive */
  #later(arrive) {
    const deliver = () => {
      if (this.#stalled) this.#waiting.push(arrive);
      else arrive();
    };
    const wait = this.delay + Math.random() * this.jitter;
    if (wait === 0) deliver();
    else setTimeout(deliver, wait);
  }
}
