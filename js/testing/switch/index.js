import { once } from "node:events";
import { createServer } from "node:net";
import { readLines, writeLine } from "../../../server/gateway/lines.js";
import { Refusal } from "../../../server/gateway/refusal.js";
import { invalid } from "../../phone/options.js";
import { Exchange } from "./exchange.js";
import { DeskPhone } from "./phone.js";
import { FEATURES, services } from "./services.js";

/** Of the protocol. */
const VERSION = 1;

/** @param {import("../index.js").SwitchOptions} options */
export async function startSwitch({ port = 0, phones, names }) {
  const lines = Object.values(phones ?? {});
  if (!lines.length || !lines.every((devices) => devices?.length))
    throw invalid("phones", "must name the devices of each line");
  const one = new Switch(phones, names);
  await one.listen(port);
  return one;
}

/** @typedef {import("../index.js").Switch} Declared */

/**
 * The switch at its TCP port.
 *
 * @implements {Declared}
 */
export class Switch {
  /** @type {Set<Gateway>} */
  #gateways = new Set();
  #server = createServer((socket) => this.#accept(socket));
  #exchange;
  /** @type {Map<string, DeskPhone>} */
  #phones = new Map();
  url = "";

  /** @param {Record<string, string[]>} phones @param {Record<string, string>} [names] */
  constructor(phones, names = {}) {
    const exchange = new Exchange({ phones, names }, (at, message) => {
      if (message)
        for (const gateway of this.#gateways) gateway.tell(at, message);
      this.#phones.get(at.device)?.changed();
    });
    this.#exchange = exchange;
    for (const [device, own] of exchange.devices)
      this.#phones.set(device, new DeskPhone(exchange, own));
  }

  /** @param {number} port */
  async listen(port) {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    this.url = `switch://127.0.0.1:${address.port}`;
  }

  /** @param {string} device */
  phone(device) {
    const phone = this.#phones.get(device);
    if (!phone)
      throw invalid(
        "device",
        `must be one of ${[...this.#phones.keys()].join(", ")}`,
      );
    return phone;
  }

  get gateways() {
    return this.#gateways.size;
  }

  disconnect() {
    for (const gateway of this.#gateways) gateway.end();
  }

  async stop() {
    this.#exchange.stop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.disconnect();
    await closed;
  }

  /** @param {import("node:net").Socket} socket */
  #accept(socket) {
    const gateway = new Gateway(socket, this.#exchange);
    this.#gateways.add(gateway);
    socket.on("close", () => this.#gateways.delete(gateway));
  }
}

/** A gateway that is connected. */
class Gateway {
  #socket;
  #exchange;
  /** Of appearances. @type {Set<object>} */
  #monitored = new Set();

  /**
   * @param {import("node:net").Socket} socket
   * @param {Exchange} exchange
   */
  constructor(socket, exchange) {
    this.#socket = socket;
    this.#exchange = exchange;
    // Its end follows.
    socket.on("error", () => {});
    readLines(socket, (message) => this.#receive(message));
  }

  /** @param {object} at @param {object} message */
  tell(at, message) {
    if (this.#monitored.has(at)) writeLine(this.#socket, message);
  }

  end() {
    this.#socket.destroy();
  }

  /** @param {Record<string, any>} message */
  #receive(message) {
    if ("hello" in message) {
      const hello = { hello: VERSION, name: "Graceline", features: FEATURES };
      return writeLine(this.#socket, hello);
    }
    const { id } = message;
    try {
      const result = this.#serve(message) ?? {};
      writeLine(this.#socket, { id, result });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      writeLine(this.#socket, { id, error: error.error });
    }
  }

  /** @param {Record<string, any>} message */
  #serve({ service, line, device, ...members }) {
    if (service === "heartbeat") return {};
    const at = this.#exchange.find(line, device);
    if (!at) throw new Refusal("invalidDeviceID");
    if (service === "monitor") {
      this.#monitored.add(at);
      const calls = [...at.legs].map(({ view }) => view);
      return { device: at.view, calls };
    }
    if (service === "unmonitor") return void this.#monitored.delete(at);
    if (!Object.hasOwn(services, service))
      throw new Refusal("serviceNotSupported");
    return services[service](this.#exchange, at, members);
  }
}
