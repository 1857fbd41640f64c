import { WebSocket } from "ws";
import { Host } from "../../js/core/host.js";
import { fault } from "../../js/errors/error.js";
import { Emitter, callApp, emit } from "../../js/phone/events.js";
import { Accounts } from "./account.js";
import { Core } from "./core.js";
import { drivers } from "./drivers/index.js";
import { checkGateway, shown } from "./options.js";

export { PhoneError } from "../../js/errors/error.js";
export { metricsText, serveMetrics } from "./metrics.js";

/** @typedef {import("./driver.js").Driver} Driver */

/** Faults that waiting does not mend. */
const FINAL = /^e(CredentialsRejected|ServerRejected|InvalidArgument)$/;

/** A trap leaves the memory that all gateways of the process share in no good state. */
const instance = {
  Core,
  hosts: new Set(),
  extend: () => Promise.resolve(),
  dead: false,
};

/** @param {import("./index.js").GatewayOptions} options */
export async function startGateway(options) {
  const settings = checkGateway(options);
  const modules = settings.addresses.map(({ protocol }) => drivers[protocol]());
  const gateway = new Gateway(settings, await Promise.all(modules));
  await gateway.start();
  return gateway;
}

/** Hosts the machine: sockets to the SIP server, drivers to the switch. */
class Gateway extends Emitter {
  #settings;
  #modules;
  /** @type {Accounts | undefined} */
  #accounts;
  #host;
  /** @type {Core | undefined} */
  #core;
  /** By node; of the connection that is the latest. @type {{ epoch: number, driver: Driver }[]} */
  #links = [];
  /** @type {{ resolve: () => void, reject: (error: Error) => void } | undefined} */
  #starting;
  /** @type {Promise<void> | undefined} */
  #stopping;
  /** @type {() => void} */
  #stopped = () => {};

  /**
   * @param {ReturnType<typeof checkGateway>} settings
   * @param {{ open: import("./driver.js").OpenDriver }[]} modules
   */
  constructor(settings, modules) {
    super();
    this.#settings = settings;
    this.#modules = modules;
    const { accounts, domain } = settings;
    if (accounts)
      this.#accounts = new Accounts(accounts, domain, (message) =>
        this.#log("warn", message),
      );
    const own = { ...instance, Core: this.#keeping() };
    const WebSocketClass = settings.WebSocket ?? WebSocket;
    this.#host = new Host(own, settings.core, WebSocketClass, {
      event: (event) => this.#told(event),
      log: (entry) => this.#log(entry.level, entry.message),
      trace: (trace) => emit(this, "trace", { at: Date.now(), ...trace }),
      dead: (error) => this.#die(error),
      forbidden: () => {},
      unable: () => {},
      store: () => {},
      transport: () => {},
    });
  }

  /** @returns {Promise<void>} once it is registered at the SIP server */
  start() {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve: () => resolve(undefined), reject };
      this.#command("start");
    });
  }

  get connections() {
    const states = this.#core?.connections() ?? [];
    return this.#settings.addresses.map((address, node) => ({
      url: shown(address),
      state: states[node]?.state ?? "down",
      sessions: states[node]?.sessions ?? 0,
    }));
  }

  counters() {
    const none = { opened: 0, refused: 0, requests: 0, returned: 0 };
    return (
      this.#core?.counters() ?? { ...none, failed: 0, events: 0, nonsense: 0 }
    );
  }

  /** @returns {Promise<void>} */
  stop() {
    return (this.#stopping ??= new Promise((resolve) => {
      this.#stopped = () => {
        this.#end();
        resolve(undefined);
      };
      if (this.#core) this.#command("stop");
      else resolve(undefined);
    }));
  }

  /** The class of the machine; the one that is made of it is kept. */
  #keeping() {
    const keep = (/** @type {Core} */ core) => (this.#core = core);
    return class extends Core {
      /** @param {any} options @param {Uint8Array} seed */
      constructor(options, seed) {
        super(options, seed);
        keep(this);
      }
    };
  }

  /** @param {string} name @param {any[]} args */
  #command(name, ...args) {
    this.#host.call(/** @type {any} */ (name), ...args);
  }

  /** @param {any} event */
  #told(event) {
    const { name, node, epoch } = event;
    switch (name) {
      case "connect":
        return this.#connect(node, epoch);
      case "disconnect":
        return this.#disconnect(node, epoch);
      case "link":
        return this.#linkOf(node, epoch)?.driver.send(event.request);
      case "registered":
        this.#log("info", "The gateway is registered at the SIP server.");
        this.#starting?.resolve();
        this.#starting = undefined;
        return;
      case "notRegistered":
        return this.#notRegistered(event);
      case "node":
        return this.#nodeChanged(node, event.down);
      case "sessionOpened": {
        const { session, user, line, device } = event;
        const url = shown(this.#settings.addresses[node]);
        const message = `Session ${session}: ${user} controls ${device} of line ${line} by ${url}.`;
        return this.#log("info", message, { session, user, line, device, url });
      }
      case "sessionRefused": {
        const { status, user } = event;
        const whose = user ? `A session of ${user}` : "A session";
        const message = `${whose} was answered with ${status}.`;
        return this.#log("info", message, { status, user });
      }
      case "sessionClosed": {
        const { session, reason } = event;
        const message = `Session ${session} is over: ${reason}.`;
        return this.#log("info", message, { session, reason });
      }
      case "stopped":
        return this.#stopped();
    }
  }

  /** @param {{ at: number, reason?: string, status?: number }} event */
  #notRegistered({ at, ...values }) {
    const error = fault(at, values);
    this.#log("warn", `The gateway is not registered: ${error.message}`);
    // While it starts somebody is there to mend it; later it is tried again.
    if (!this.#starting || !FINAL.test(error.code)) return;
    this.#starting.reject(error);
    this.#starting = undefined;
    this.stop();
  }

  /** @param {number} node @param {string} [down] */
  #nodeChanged(node, down) {
    const url = shown(this.#settings.addresses[node]);
    if (down) this.#log("warn", `${url} is down: ${down}.`, { url });
    else this.#log("info", `${url} is up.`, { url });
    // The machine is at work: its own view of the nodes is to be asked for later.
    queueMicrotask(() => emit(this, "connections", this.connections));
  }

  /** @param {number} node @param {number} epoch */
  #connect(node, epoch) {
    const { open } = this.#modules[node];
    const openLink = this.#accounts?.over(open) ?? open;
    const driver = openLink(this.#settings.addresses[node], {
      lines: this.#settings.core.gateway.lines,
      receive: (message) => this.#command("link", node, epoch, message),
      closed: (reason) => this.#command("linkClosed", node, epoch, reason),
    });
    this.#links[node] = { epoch, driver };
  }

  /** @param {number} node @param {number} epoch */
  #disconnect(node, epoch) {
    this.#linkOf(node, epoch)?.driver.close();
    if (this.#linkOf(node, epoch)) delete this.#links[node];
  }

  /** @param {number} node @param {number} epoch */
  #linkOf(node, epoch) {
    const link = this.#links[node];
    return link?.epoch === epoch ? link : undefined;
  }

  /** @param {Error} error */
  #die(error) {
    this.#log("error", error.message);
    this.#end();
    emit(this, "error", error);
    this.#starting?.reject(error);
    this.#stopped();
  }

  #end() {
    for (const link of this.#links) link?.driver.close();
    this.#links = [];
    this.#core = undefined;
    this.#accounts?.close();
    this.#host?.free();
  }

  /**
   * @param {import("./index.js").GatewayLog["level"]} level
   * @param {string} message
   * @param {object} [more]
   */
  #log(level, message, more) {
    callApp(this.#settings.log, { level, message, ...more });
  }
}
