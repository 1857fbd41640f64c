import { readFileSync } from "node:fs";
import { GatewayCore, initSync } from "../../pkg/gateway.js";
import { record } from "../../js/core/record.js";

const encoder = new TextEncoder();
let isLoaded = false;

/** The wasm, loaded when it is first needed. */
function load() {
  if (isLoaded) return;
  const file = new URL("../../pkg/gateway_bg.wasm", import.meta.url);
  initSync({ module: readFileSync(file) });
  isLoaded = true;
}

/** The machine, as the host of js/core sees one. */
export class Core {
  #gateway;

  /**
   * @param {{ login: object, gateway: object }} options
   * @param {Uint8Array} seed
   */
  constructor({ login, gateway }, seed) {
    load();
    const options = encoder.encode(record([login]));
    this.#gateway = new GatewayCore(options, gateway, seed);
  }

  /**
   * @param {string} name of a method of the machine
   * @param {number} now
   * @param {any[]} args
   */
  command(name, now, ...args) {
    /** @type {any} */ (this.#gateway)[name](now, ...args);
  }

  poll() {
    return this.#gateway.poll();
  }

  deadline() {
    return this.#gateway.deadline() ?? Infinity;
  }

  /** @returns {{ state: import("./index.js").ConnectionState, sessions: number }[]} */
  connections() {
    return /** @type {any} */ (this.#gateway.connections());
  }

  /** @returns {import("./index.js").GatewayCounters} */
  counters() {
    return this.#gateway.counters();
  }

  free() {
    this.#gateway.free();
  }

  /** The memory cannot be trusted: the finaliser must not enter it. */
  abandon() {
    /** @type {any} */ (this.#gateway).__destroy_into_raw();
  }
}
