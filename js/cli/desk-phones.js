import { once } from "node:events";
import { connect, createServer } from "node:net";
import { WebSocket } from "ws";
import { tapped } from "../../demo/tap.js";
import { startGateway } from "../../server/gateway/index.js";
import { startSwitch } from "../testing/index.js";

/** Devices by line. */
const PHONES = { 2001: ["SEP2001"], 2002: ["SEP2002"] };
const DEVICES = Object.values(PHONES).flat();
/** The gateway's user at the SIP server. */
export const GATEWAY = "cti";
const NODES = 2;

/**
 * What hands do at a drawn desk phone, and with which text.
 *
 * @type {Record<string, (phone: import("../testing/index.js").DeskPhone, text: string) => unknown>}
 */
const HANDS = {
  lift: (phone) => phone.lift(),
  dial: (phone, number) => phone.dial(number),
  answer: (phone) => phone.answer(),
  hold: (phone) => phone.hold(),
  resume: (phone) => phone.resume(),
  hangup: (phone) => phone.hangup(),
  press: (phone, digits) => phone.press(digits),
  unplug: (phone) => phone.unplug(),
  plug: (phone) => phone.plug(),
};

/** Two desk phones on a switch, two nodes that lead to it, and a CTI gateway. */
export class DeskPhones {
  #switch;
  #nodes;
  #gateway;

  /**
   * @param {{ url: string, domain: string, password: string }} server the SIP server
   * @param {(event: "desk" | "message", data: unknown) => void} tell
   */
  static async start({ url, domain, password }, tell) {
    const exchange = await startSwitch({ phones: PHONES });
    const nodes = Array.from({ length: NODES }, () => new Node(exchange.url));
    await Promise.all(nodes.map((node) => node.start()));
    /** @type {DeskPhones | undefined} */
    let phones;
    const changed = () => phones && tell("desk", phones.view);
    const tap = tapped(WebSocket);
    const gateway = await startGateway({
      login: {
        ...{ connections: [url], user: GATEWAY, domain, password },
        ...{ trace: true, WebSocket: tap.WebSocket },
      },
      connections: nodes.map((node) => node.url),
      lines: Object.fromEntries(
        Object.entries(PHONES).map(([line, devices]) => [
          line,
          devices.map((device) => ({ device })),
        ]),
      ),
      // Each line of its log is a change of what is shown.
      log: changed,
    });
    gateway.on("connections", changed);
    gateway.on("trace", ({ at, sent, message }) =>
      // What is sent passes the socket right after this.
      queueMicrotask(() => {
        const direction = sent ? "sent" : "received";
        const csta = tap.documentOf(message);
        tell("message", { at, message, direction, csta });
      }),
    );
    for (const device of DEVICES) exchange.phone(device).on("change", changed);
    phones = new DeskPhones(exchange, nodes, gateway);
    return phones;
  }

  /**
   * @param {import("../testing/index.js").Switch} exchange
   * @param {Node[]} nodes
   * @param {import("../../server/gateway/index.js").Gateway} gateway
   */
  constructor(exchange, nodes, gateway) {
    this.#switch = exchange;
    this.#nodes = nodes;
    this.#gateway = gateway;
  }

  get view() {
    return {
      phones: DEVICES.map((device) => {
        const { lines, calls, inService } = this.#switch.phone(device);
        return { device, line: lines[0], calls, inService };
      }),
      nodes: this.#gateway.connections.map(({ state, sessions }, index) => ({
        on: this.#nodes[index].on,
        ...{ state, sessions },
      })),
    };
  }

  /**
   * @param {any} order `{ device, act, text? }` or `{ node, on }`
   * @returns {Promise<string | undefined>} what is wrong with it, else nothing
   */
  async obey({ device, act, text = "", node, on }) {
    if (typeof node === "number" && this.#nodes[node]) {
      await (on ? this.#nodes[node].start() : this.#nodes[node].stop());
      return undefined;
    }
    const known = DEVICES.includes(device) && Object.hasOwn(HANDS, act);
    if (!known || typeof text !== "string") return "unknown";
    try {
      HANDS[act](this.#switch.phone(device), text);
    } catch (error) {
      // As a hand that finds nothing to do: a refusal of the switch.
      return /** @type {{ error?: string }} */ (error).error ?? "impossible";
    }
    return undefined;
  }

  async stop() {
    await this.#gateway.stop();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await this.#switch.stop();
  }
}

/** A way to the switch that can be switched off and on: the same port each time. */
class Node {
  #target;
  #port = 0;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  /** @type {import("node:net").Server | undefined} */
  #server;

  /** @param {string} url of the switch */
  constructor(url) {
    this.#target = Number(new URL(url).port);
  }

  get url() {
    return `switch://127.0.0.1:${this.#port}`;
  }

  get on() {
    return !!this.#server;
  }

  async start() {
    if (this.#server) return;
    const server = createServer((socket) => this.#join(socket));
    this.#server = server;
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = /** @type {import("node:net").AddressInfo} */ (
      server.address()
    );
    this.#port = address.port;
  }

  async stop() {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(server, "close");
  }

  /** @param {import("node:net").Socket} socket */
  #join(socket) {
    const other = connect(this.#target, "127.0.0.1");
    const pairs = [
      [socket, other],
      [other, socket],
    ];
    for (const [from, to] of pairs) {
      this.#sockets.add(from);
      from.on("error", () => {}); // its end follows
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
