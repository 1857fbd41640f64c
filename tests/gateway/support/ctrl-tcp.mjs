/**
 * The control port of a baresip that says what a test has it say.
 */
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";

export class CtrlTcp {
  /** What it was told, as `command params`. @type {string[]} */
  commands = [];
  /** What commands print, by name. @type {Record<string, (params: string) => string>} */
  prints = {};
  /** Commands without an answer. @type {Set<string>} */
  silent = new Set();
  /** Resolves when the driver has closed its connection. @type {Promise<unknown> | undefined} */
  left;
  #heard = new EventEmitter();
  #server = createServer((socket) => this.#serve(socket));
  /** @type {import("node:net").Socket | undefined} */
  #socket;

  static async start(t) {
    const one = new CtrlTcp();
    one.#server.listen(0, "127.0.0.1");
    await once(one.#server, "listening");
    t.after(() => one.stop());
    return one;
  }

  get address() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return `baresip://127.0.0.1:${port}`;
  }

  stop() {
    this.#socket?.destroy();
    this.#server.close();
  }

  /** @param {object} message */
  send(message) {
    this.write(netstring(JSON.stringify(message)));
  }

  event(type, members) {
    this.send({ event: true, type, class: "call", ...members });
  }

  /** @param {string | Buffer} bytes as they are */
  write(bytes) {
    this.#socket.write(bytes);
  }

  drop() {
    this.#socket.destroy();
  }

  /** Resolves when it was told a command. @param {string} command */
  async told(command) {
    while (!this.commands.includes(command)) await once(this.#heard, "command");
  }

  #serve(socket) {
    this.#socket = socket;
    this.left = once(socket, "close");
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (part) => {
      rest += part;
      for (;;) {
        const found = /^(\d+):/.exec(rest);
        if (!found) return;
        const end = found[0].length + Number(found[1]);
        if (rest.length < end + 1) return;
        this.#obey(JSON.parse(rest.slice(found[0].length, end)));
        rest = rest.slice(end + 1);
      }
    });
  }

  #obey({ command, params, token }) {
    this.commands.push(params === undefined ? command : `${command} ${params}`);
    this.#heard.emit("command");
    if (this.silent.has(command)) return;
    const print = this.prints[command];
    const data = print?.(params) ?? "";
    this.send({ response: true, ok: Boolean(print), data, token });
  }
}

/** @param {string} text */
export const netstring = (text) => `${Buffer.byteLength(text)}:${text},`;
