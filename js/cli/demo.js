import { once } from "node:events";
import { createServer } from "node:http";
import { DEFAULT_USERS, startRegistrar } from "../testing/index.js";
import { DemoDevices, OWNERS } from "./demo-devices.js";
import { DeskPhones, GATEWAY } from "./desk-phones.js";
import { sendFile } from "./static.js";

const DOMAIN = "example.test";
/** One more, so that there is somebody to transfer calls to. */
const USERS = { ...DEFAULT_USERS, 2003: DEFAULT_USERS[2002] };
/** They have to let each device in. */
const ACCOUNTS = Object.fromEntries(
  Object.values(OWNERS).map(({ user }) => [
    user,
    { ...DEFAULT_USERS[2002], devices: /** @type {const} */ ("on") },
  ]),
);
const DEFAULT_PORT = 8080;
const POLICIES = ["normal", "duplicate", "graceful"];
/** The pages that ask the account service, too. */
const ASKS_ACCOUNT = ["/demo/devices.html", "/demo/one-number.html"];
const OWNER_EVENTS = /^GET \/demo\/api\/(devices|number)\/events$/;
const START_OVER = /^POST \/demo\/api\/(devices|number)$/;
const PUSH = /^POST \/demo\/api\/push\/([\w-]{1,64})$/;
/** Of a request's body, in bytes. */
const MAX_BODY = 1024;

/**
 * Serves the demo page with a registrar of its own, on loopback.
 *
 * @param {number} [port] default: the usual one, or any if that is taken
 */
export async function startDemo(port) {
  // Nobody but the gateway needs to know.
  const password = crypto.randomUUID();
  const registrar = await startRegistrar({
    domain: DOMAIN,
    devices: "off",
    users: { ...USERS, ...ACCOUNTS, [GATEWAY]: { password } },
  });
  const demo = new Demo(registrar, password);
  try {
    await demo.listen(port ?? DEFAULT_PORT).catch((error) => {
      if (port !== undefined || error.code !== "EADDRINUSE") throw error;
      return demo.listen(0);
    });
  } catch (error) {
    await registrar.stop();
    throw error;
  }
  return demo;
}

/**
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 */

class Demo {
  #registrar;
  #gatewayPassword;
  /** Begun when somebody first looks. @type {Promise<DeskPhones> | undefined} */
  #deskPhones;
  /** The same. @type {Promise<DemoDevices> | undefined} */
  #demoDevices;
  /** @type {Set<Response>} */
  #watchers = new Set();
  /** Of the devices. @type {Set<Response>} */
  #deviceWatchers = new Set();
  /** Of the desk phones. @type {Set<Response>} */
  #deskWatchers = new Set();
  /** @type {any} */
  #policy = "graceful";
  #server = createServer((request, response) => {
    this.#serve(request, response).catch(() =>
      response.headersSent ? response.destroy() : end(response, 500),
    );
  });
  url = "";

  /**
   * @param {import("../testing/index.js").Registrar} registrar
   * @param {string} gatewayPassword
   */
  constructor(registrar, gatewayPassword) {
    this.#registrar = registrar;
    this.#gatewayPassword = gatewayPassword;
    registrar.on("bindings", () => this.#tell("bindings", this.#bindings()));
    registrar.on("trace", (trace) => this.#tell("trace", trace));
  }

  /** @param {number} port */
  async listen(port) {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    this.url = `http://127.0.0.1:${address.port}/`;
  }

  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    await (await this.#deskPhones)?.stop();
    await (await this.#demoDevices)?.stop();
    await this.#registrar.stop();
  }

  /**
   * @param {Request} request
   * @param {Response} response
   */
  async #serve(request, response) {
    const { method, headers } = request;
    const { port } = new URL(this.url);
    // A page whose name was made to resolve to this machine sends its own name.
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    if (!hosts.includes(headers.host ?? "")) return end(response, 403);
    const [path] = (request.url ?? "/").split("?");
    switch (`${method} ${path}`) {
      case "GET /":
        return response.writeHead(302, { location: "/demo/" }).end();
      case "GET /demo/api/events":
        return this.#watch(response);
      case "POST /demo/api/policy":
        return this.#setPolicy(request, response);
      case "GET /demo/api/desk/events":
        return this.#watchDesk(response);
      case "POST /demo/api/desk":
        return this.#useDesk(request, response);
    }
    const [, watched] = OWNER_EVENTS.exec(`${method} ${path}`) ?? [];
    if (watched) return this.#watchOwner(watched, response);
    const [, over] = START_OVER.exec(`${method} ${path}`) ?? [];
    if (over) return this.#startOver(over, request, response);
    const [, subscription] = PUSH.exec(`${method} ${path}`) ?? [];
    if (subscription) {
      const status = await (await this.#devices()).push(request, subscription);
      return end(response, status);
    }
    if (method !== "GET" && method !== "HEAD") return end(response, 405);
    const asked = ASKS_ACCOUNT.includes(path)
      ? [(await this.#devices()).url]
      : [];
    response.setHeader("content-security-policy", this.#securityPolicy(asked));
    return sendFile(path, response);
  }

  /** @param {string[]} more services that the page asks */
  #securityPolicy(more) {
    const origins = more.map((url) => url.slice(0, -1));
    const asked = [this.#registrar.url.slice(0, -1), ...origins];
    return [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      "img-src 'self' data:",
      `connect-src 'self' ${asked.join(" ")}`,
      ...(origins.length ? [`media-src ${origins.join(" ")}`] : []),
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; ");
  }

  /** @param {Response} response */
  #watch(response) {
    stream(response, this.#watchers);
    response.write(message("config", this.#config()));
    response.write(message("bindings", this.#bindings()));
  }

  /** @param {Response} response */
  async #watchDesk(response) {
    const phones = await this.#desk();
    stream(response, this.#deskWatchers);
    response.write(message("desk", phones.view));
  }

  #desk() {
    const { url } = this.#registrar;
    const server = { url, domain: DOMAIN, password: this.#gatewayPassword };
    return (this.#deskPhones ??= DeskPhones.start(server, (event, data) => {
      for (const watcher of this.#deskWatchers)
        watcher.write(message(event, data));
    }));
  }

  /**
   * @param {Request} request
   * @param {Response} response
   */
  async #useDesk(request, response) {
    const order = await this.#ordered(request, response);
    if (!order) return;
    const phones = await this.#desk();
    const wrong = await phones.obey(order);
    if (wrong) return response.writeHead(409).end(wrong);
    return end(response, 204);
  }

  /** @param {string} page @param {Response} response */
  async #watchOwner(page, response) {
    const { url } = await this.#devices();
    const owner = OWNERS[page];
    const { password } = ACCOUNTS[owner.user];
    stream(response, this.#deviceWatchers);
    response.write(message("owner", { ...owner, password, account: { url } }));
  }

  #devices() {
    return (this.#demoDevices ??= DemoDevices.start(
      this.#registrar,
      (event, data) => {
        for (const watcher of this.#deviceWatchers)
          watcher.write(message(event, data));
      },
    ));
  }

  /**
   * @param {string} page
   * @param {Request} request
   * @param {Response} response
   */
  async #startOver(page, request, response) {
    if (!(await this.#ordered(request, response))) return;
    (await this.#devices()).startOver(page);
    end(response, 204);
  }

  /**
   * The object in the body. Only of our own page: another one can send neither JSON
   * without asking first, nor our origin. Anything else is answered here.
   *
   * @param {Request} request
   * @param {Response} response
   * @returns {Promise<Record<string, any> | undefined>}
   */
  async #ordered(request, response) {
    const { headers } = request;
    const own = headers.origin === `http://${headers.host}`;
    const json = /^application\/json\b/i.test(headers["content-type"] ?? "");
    if (!own || !json) return void end(response, own ? 415 : 403);
    const object = await objectIn(request);
    return object ?? void end(response, 400);
  }

  /**
   * @param {Request} request
   * @param {Response} response
   */
  async #setPolicy(request, response) {
    const order = await this.#ordered(request, response);
    if (!order) return;
    const { policy } = order;
    if (!POLICIES.includes(policy)) return end(response, 400);
    this.#policy = policy;
    this.#registrar.configure({ policy });
    this.#tell("config", this.#config());
    this.#tell("bindings", this.#bindings());
    return end(response, 204);
  }

  #config() {
    return {
      url: this.#registrar.url,
      policy: this.#policy,
      users: Object.entries(USERS).map(([name, { password }]) => ({
        name,
        password,
      })),
      domain: DOMAIN,
    };
  }

  #bindings() {
    return Object.keys(USERS).flatMap((user) =>
      this.#registrar.bindings(user).map((binding) => ({ user, ...binding })),
    );
  }

  /**
   * @param {string} event
   * @param {unknown} data
   */
  #tell(event, data) {
    for (const watcher of this.#watchers) watcher.write(message(event, data));
  }
}

/** @param {Request} request */
async function objectIn(request) {
  let body = "";
  for await (const part of request) {
    body += part;
    if (body.length > MAX_BODY) return undefined;
  }
  try {
    const value = JSON.parse(body);
    return Object(value) === value ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Server-sent events, until the page goes.
 *
 * @param {Response} response
 * @param {Set<Response>} watchers
 */
function stream(response, watchers) {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
  });
  watchers.add(response);
  response.on("close", () => watchers.delete(response));
}

/**
 * @param {string} event
 * @param {unknown} data
 */
const message = (event, data) =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * @param {Response} response
 * @param {number} status
 */
function end(response, status) {
  response.writeHead(status).end();
}
