import { once } from "node:events";
import { connect, createServer } from "node:net";

/** What is let through at once, in bytes, where the rate is limited: a segment. */
const SEGMENT = 1460;

/** Bytes on their way, or what ends them. @typedef {{ bytes: number, arrive: () => void }} Piece */

/**
 * A TCP relay on loopback that does to connections what bad networks do: distance,
 * narrow lines, jitter, stalls (nothing arrives, nothing is closed), cuts. The tests'
 * network, where the kernel has none to offer.
 */
export class Relay {
  /** Milliseconds that each piece takes in each direction. */
  delay = 0;
  /** Milliseconds, drawn anew for each piece, that it may take longer. */
  jitter = 0;
  /** Milliseconds that opening a connection takes: loopback's own handshake has no distance. */
  handshake = 0;
  /** Bytes a second that all connections share, in each direction. */
  rate = Infinity;
  /** New connections are cut at once. */
  refusing = false;
  #target;
  #server = createServer({ noDelay: true }, (client) => this.#accept(client));
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  /** The line, up and down. */
  #lines = [new Line(() => this.rate), new Line(() => this.rate)];
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
    const opened = performance.now() + this.handshake;
    for (const [line, from, to] of /** @type {const} */ ([
      [this.#lines[0], client, server],
      [this.#lines[1], server, client],
    ])) {
      const travel = this.#way();
      const later = line.join((/** @type {Piece} */ { arrive }) =>
        travel(opened, arrive),
      );
      this.#sockets.add(from);
      from.on("data", (data) => {
        const most = this.rate < Infinity ? SEGMENT : data.length;
        for (let at = 0; at < data.length; at += most) {
          const part = data.subarray(at, at + most);
          later({ bytes: part.length, arrive: () => to.write(part) });
        }
      });
      from.on("end", () => later({ bytes: 0, arrive: () => to.end() }));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        later({ bytes: 0, arrive: () => to.destroy() });
      });
    }
  }

  /**
   * The distance, for one direction of one connection: what sets out arrives in order.
   *
   * @returns {(earliest: number, arrive: () => void) => void} sets out now, or at `earliest`
   */
  #way() {
    /** @type {{ due: number, arrive: () => void }[]} */
    const travelling = [];
    let last = 0;
    let timed = false;
    const deliver = () => {
      timed = false;
      while (travelling[0]?.due <= performance.now()) {
        const { arrive } = /** @type {any} */ (travelling.shift());
        if (this.#stalled) this.#waiting.push(arrive);
        else arrive();
      }
      if (timed || !travelling[0]) return;
      timed = true;
      setTimeout(deliver, travelling[0].due - performance.now());
    };
    return (earliest, arrive) => {
      const wait = this.delay + Math.random() * this.jitter;
      last = Math.max(Math.max(performance.now(), earliest) + wait, last);
      travelling.push({ due: last, arrive });
      if (!timed) deliver();
    };
  }
}

/** What all connections share: so many bytes a second, by turns. */
class Line {
  #rate;
  /** Of each connection that has something to say. @type {{ pieces: Piece[], done: (piece: Piece) => void }[]} */
  #turns = [];
  #free = 0;
  #timed = false;

  /** @param {() => number} rate bytes a second */
  constructor(rate) {
    this.#rate = rate;
  }

  /**
   * @param {(piece: Piece) => void} done what is through
   * @returns {(piece: Piece) => void} what waits for its turn
   */
  join(done) {
    const connection = { pieces: /** @type {Piece[]} */ ([]), done };
    return (piece) => {
      if (connection.pieces.push(piece) === 1) this.#turns.push(connection);
      if (!this.#timed) this.#go();
    };
  }

  #go() {
    this.#timed = false;
    for (;;) {
      const now = performance.now();
      const next = this.#turns[0];
      if (!next) return;
      if (this.#free > now) {
        this.#timed = true;
        return void setTimeout(() => this.#go(), this.#free - now);
      }
      this.#turns.shift();
      const piece = /** @type {Piece} */ (next.pieces.shift());
      if (next.pieces.length > 0) this.#turns.push(next);
      // A timer that came late has lost none of the line's time.
      const idle = now - this.#free > 10;
      this.#free =
        (idle ? now : this.#free) + (1000 * piece.bytes) / this.#rate();
      next.done(piece);
    }
  }
}
