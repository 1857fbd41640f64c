import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Where another server could be, Redis for one: nobody may ever connect to it, or write to it. */
export class Trap {
  /** What came in, with its transport. @type {string[]} */
  caught = [];
  #server = createServer((socket) => {
    this.caught.push("a TCP connection");
    socket.on("data", (data) => this.caught.push(`TCP: ${data}`));
    socket.on("error", () => {});
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  });
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  #datagrams = createSocket("udp4");

  static async open() {
    const trap = new Trap();
    trap.#server.listen(0, "127.0.0.1");
    await once(trap.#server, "listening");
    trap.#datagrams.on("message", (data) => trap.caught.push(`UDP: ${data}`));
    trap.#datagrams.bind(0, "127.0.0.1");
    await once(trap.#datagrams, "listening");
    return trap;
  }

  get port() {
    return /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    ).port;
  }

  get udpPort() {
    return this.#datagrams.address().port;
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#datagrams.close();
  }
}
