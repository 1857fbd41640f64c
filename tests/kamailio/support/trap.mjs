import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { freePort } from "./ports.mjs";

/** Listens, TCP and UDP, where Redis could be, or anybody whom no client's message may reach. */
export class Trap {
  port = 0;
  /** Who came, by port, and what they said. @type {Map<number, string>} */
  #caught = new Map();
  #server = createServer((socket) => {
    const from = Number(socket.remotePort);
    this.#caught.set(from, "");
    socket.on("data", (data) => this.#hear(from, data));
    socket.on("error", () => {});
  });
  #datagrams = createSocket("udp4", (data, { port }) => this.#hear(port, data));

  /** @param {{ after: (release: () => unknown) => void }} world */
  static async set(world) {
    const trap = new Trap();
    trap.port = await freePort();
    trap.#server.listen(trap.port, "127.0.0.1");
    await once(trap.#server, "listening");
    trap.#datagrams.bind(trap.port, "127.0.0.1");
    await once(trap.#datagrams, "listening");
    world.after(() => {
      trap.#server.close();
      trap.#datagrams.close();
    });
    return trap;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  /**
   * All that came up to now. Connections are accepted, and datagrams read, in the order in which
   * they came: what was sent before our own is there before it.
   */
  async caught() {
    const socket = connect(this.port, "127.0.0.1");
    await once(socket, "connect");
    const own = Number(socket.localPort);
    while (!this.#caught.has(own)) await once(this.#server, "connection");
    socket.destroy();
    const datagram = createSocket("udp4");
    datagram.bind(0, "127.0.0.1");
    await once(datagram, "listening");
    const { port } = datagram.address();
    datagram.send("now", this.port, "127.0.0.1");
    while (!this.#caught.has(port)) await once(this.#datagrams, "message");
    datagram.close();
    for (const mark of [own, port]) this.#caught.delete(mark);
    return [...this.#caught.values()];
  }

  /**
   * @param {number} from
   * @param {Buffer} data
   */
  #hear(from, data) {
    this.#caught.set(from, (this.#caught.get(from) ?? "") + data);
  }
}
