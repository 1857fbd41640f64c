import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { WebSocketServer } from "ws";
import { RegistrarCore } from "../../pkg/registrar.js";
import { FactsRefusal } from "../../server/accounts/facts/refusal.js";
import { createClock } from "../core/clock.js";
import { Emitter, emit } from "../phone/events.js";
import { invalid, isLoopback } from "../phone/options.js";
import { loadWasm } from "./wasm.js";

/** What everybody can read here is no password: these users serve on loopback only. */
const DEFAULT_PASSWORD = "secret";
export const DEFAULT_USERS = {
  2001: { password: DEFAULT_PASSWORD },
  2002: { password: DEFAULT_PASSWORD },
};

/** Largest WebSocket message read, in bytes; the registrar itself takes less. */
const MAX_PAYLOAD = 2 ** 21;
/** What setTimeout can wait at most, in ms. */
const LONGEST_TIMER = 0x7fff_ffff;

/** @param {import("./index.js").RegistrarOptions} [options] */
export async function startRegistrar(options = {}) {
  const { port = 0, host = "127.0.0.1", origins = [], tls, ...rest } = options;
  const users = rest.users ?? DEFAULT_USERS;
  refuseWeak(host, users);
  loadWasm();
  const registrar = new Registrar({ ...rest, users }, origins, tls);
  await registrar.listen(port, host);
  return registrar;
}

/**
 * @param {string} host to be served
 * @param {Record<string, { password: string }>} users
 */
export function refuseWeak(host, users) {
  if (isLoopback(bracketed(host))) return;
  const weak = Object.entries(users).filter(
    ([, user]) => user?.password === DEFAULT_PASSWORD,
  );
  if (weak.length)
    throw invalid(
      "users",
      `must not have the default password on ${host}, which others can reach (${weak.map(([name]) => name)})`,
    );
}

/** @typedef {import("./index.js").Registrar} Declared */

/**
 * Users, passwords included, and domain. Not a method, so that who has a registrar
 * does not have its passwords.
 *
 * @type {(registrar: Declared) => any}
 */
export let settingsOf;

/**
 * Hosts the registrar machine: WebSockets in, WebSockets out, one timer.
 *
 * @implements {Declared}
 */
export class Registrar extends Emitter {
  static {
    settingsOf = (registrar) => /** @type {Registrar} */ (registrar).#settings;
  }

  #core;
  /** @type {object} */
  #settings;
  #now = createClock();
  /** @type {Map<number, import("ws").WebSocket>} */
  #connections = new Map();
  #lastConnection = 0;
  #http;
  #scheme;
  #webSockets;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #draining = false;
  #unreffed = false;
  /** @type {Promise<void> | undefined} */
  #stopping;
  url = "";

  /**
   * @param {object} options of the core
   * @param {string[]} origins
   * @param {import("./index.js").RegistrarOptions["tls"]} [tls]
   */
  constructor(options, origins, tls) {
    super();
    this.#scheme = tls ? "wss" : "ws";
    this.#http = tls
      ? createTlsServer(/** @type {any} */ (tls), upgrade)
      : createServer(upgrade);
    const seed = crypto.getRandomValues(new Uint8Array(32));
    this.#core = explained(() => new RegistrarCore(options, seed, this.#now()));
    this.#settings = options;
    this.#webSockets = new WebSocketServer({
      server: this.#http,
      maxPayload: MAX_PAYLOAD,
      perMessageDeflate: false,
      verifyClient: ({ origin, req }, answer) => {
        const offered = req.headers["sec-websocket-protocol"] ?? "";
        if (!isAllowed(origin, origins)) answer(false, 403, "Origin forbidden");
        // RFC 7118 §5: the handshake must name the subprotocol.
        else if (!offered.split(/\s*,\s*/).includes("sip"))
          answer(false, 400, "Subprotocol sip missing");
        else answer(true);
      },
      handleProtocols: () => "sip",
    });
    this.#webSockets.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * @param {number} port
   * @param {string} host
   */
  async listen(port, host) {
    await new Promise((resolve, reject) => {
      // The WebSocket server repeats the HTTP server's errors.
      this.#webSockets.once("error", reject);
      this.#http.listen(port, host, () => resolve(undefined));
    });
    const address = /** @type {import("node:net").AddressInfo} */ (
      this.#http.address()
    );
    const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
    this.url = `${this.#scheme}://${bracketed(reachable)}:${address.port}/`;
  }

  /**
   * @param {string} user
   * @returns {import("./index.js").Binding[]}
   */
  bindings(user) {
    return this.#core.bindings(this.#now(), user);
  }

  /**
   * @param {string} verb
   * @param {string} user
   * @param {object} [args]
   */
  account(verb, user, args = {}) {
    let reply = "";
    const text = JSON.stringify(args);
    this.#enter(() => {
      reply = this.#core.account(this.#now(), verb, user, text);
    });
    if (!reply) throw new FactsRefusal("stopped");
    const { ok, refused, ...details } = JSON.parse(reply);
    if (refused) throw new FactsRefusal(refused, details);
    return ok;
  }

  /** @param {object} options */
  configure(options) {
    explained(() =>
      this.#enter(() => this.#core.configure(this.#now(), options)),
    );
    this.#settings = { ...this.#settings, ...options };
  }

  /** Loses all bindings and nonces, as a restart would. */
  forget() {
    this.#enter(() => this.#core.forget(this.#now()));
  }

  /** @returns {ReturnType<import("./index.js").Registrar["counters"]>} */
  counters() {
    return this.#core.counters();
  }

  /** Cuts every connection, as a failing network would. */
  disconnect() {
    for (const socket of this.#connections.values()) socket.terminate();
  }

  unref() {
    this.#unreffed = true;
    this.#http.unref();
    this.#timer?.unref();
    for (const socket of this.#connections.values()) unref(socket);
  }

  stop() {
    return (this.#stopping ??= new Promise((resolve) => {
      clearTimeout(this.#timer);
      this.#webSockets.close();
      for (const socket of this.#connections.values()) {
        socket.close(1001, "The registrar stops");
        // Who does not answer the close is not waited for.
        setTimeout(() => socket.terminate(), 500).unref();
      }
      this.#http.close(() => resolve());
      this.#http.closeAllConnections();
    }));
  }

  /** @param {import("ws").WebSocket} socket */
  #accept(socket) {
    const connection = ++this.#lastConnection;
    this.#connections.set(connection, socket);
    if (this.#unreffed) unref(socket);
    socket.on("message", (data, isBinary) =>
      this.#enter(() =>
        this.#core.received(
          this.#now(),
          connection,
          isBinary ? new Uint8Array(/** @type {Buffer} */ (data)) : `${data}`,
        ),
      ),
    );
    socket.on("close", () => {
      this.#connections.delete(connection);
      this.#enter(() => this.#core.closed(this.#now(), connection));
    });
    // Its close follows: an oversized or malformed frame.
    socket.on("error", () => {});
    this.#enter(() => this.#core.opened(this.#now(), connection));
  }

  /** @param {() => void} step one call into the core */
  #enter(step) {
    if (this.#stopping) return;
    step();
    // A listener that calls back finds the loop at work already.
    if (this.#draining) return;
    this.#draining = true;
    try {
      let output;
      while ((output = this.#core.poll())) this.#perform(output);
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  #arm() {
    clearTimeout(this.#timer);
    const deadline = this.#core.deadline();
    if (deadline === undefined) return;
    const wait = Math.min(Math.max(deadline - this.#now(), 0), LONGEST_TIMER);
    this.#timer = setTimeout(
      () => this.#enter(() => this.#core.wake(this.#now())),
      wait,
    );
    if (this.#unreffed) this.#timer.unref();
  }

  /** @param {{ name: string, user: string, kind?: string }} event */
  #tell({ name, user, ...more }) {
    if (name === "bindings")
      emit(this, name, { user, bindings: this.bindings(user) });
    else emit(this, name, { user, ...more });
  }

  /** @param {any} output */
  #perform({ type, ...content }) {
    const socket = this.#connections.get(content.connection);
    switch (type) {
      case "send":
        return socket?.send(content.data);
      case "close":
        return socket?.close(content.code, content.reason);
      case "event":
        return this.#tell(content);
      case "log":
        return emit(this, "log", content);
      case "trace":
        return emit(this, "trace", { at: Date.now(), ...content });
    }
  }
}

/** @type {import("node:http").RequestListener} */
const upgrade = (_, response) =>
  response.writeHead(426, { upgrade: "websocket" }).end("SIP over WebSocket");

/**
 * Pages of other sites must not talk to a registrar on this machine. Programs
 * send no Origin.
 *
 * @param {string | undefined} origin
 * @param {string[]} origins
 */
function isAllowed(origin, origins) {
  if (!origin || origins.includes(origin)) return true;
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}

/** @param {string} host */
const bracketed = (host) => (host.includes(":") ? `[${host}]` : host);

/** @param {import("ws").WebSocket} socket */
function unref(socket) {
  /** @type {any} */ (socket)._socket?.unref();
}

/**
 * @template T
 * @param {() => T} step
 * @returns {T}
 */
function explained(step) {
  try {
    return step();
  } catch (error) {
    const { option, complaint } = Object(error);
    throw complaint ? invalid(option, complaint) : error;
  }
}
