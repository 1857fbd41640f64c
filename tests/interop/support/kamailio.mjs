/**
 * Starts a real Kamailio as a plain registrar over WebSocket, from `../kamailio-plain.cfg`, on a
 * free loopback port, and looks into its bindings.
 */
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ServerProcess, freePort } from "./server-process.mjs";

/** Where the Debian package puts it, unless the environment says otherwise. */
export const PROGRAM = process.env.KAMAILIO ?? "/usr/sbin/kamailio";
const CONFIG = fileURLToPath(new URL("../kamailio-plain.cfg", import.meta.url));
const ANSWER_DEADLINE_MS = 15_000;

/**
 * What differs from the plain configuration.
 * @typedef {object} Variants
 * @property {boolean} [dropOnClose] a binding goes (within a second) with its connection; default no
 * @property {number} [maxContacts] contacts allowed per address-of-record; default unlimited
 * @property {number} [maxExpires] seconds granted at most; default 3600
 * @property {number} [minExpires] seconds below which it answers 423; default none
 * @property {number} [nonceExpire] seconds that a nonce lives; default 300
 * @property {boolean} [nonceCount] whether a repeated `nc` is refused; default no
 * @property {boolean} [gruu] whether it hands out GRUUs; default yes. The configuration that
 *   Kamailio comes with says no.
 * @property {boolean} [proxyAuth] whether requests other than REGISTER are challenged too (407)
 * @property {boolean} [outbound] whether it keeps the flows of one client apart (RFC 5626)
 * @property {"MD5" | "SHA-256"} [algorithm] of the digest; default MD5
 * @property {boolean} [presence] whether it tells of calls and registrations; then by UDP, too
 * @property {string} [config] another configuration than the plain one
 */

/**
 * One binding as Kamailio holds it.
 * @typedef {object} Binding
 * @property {string} contact the Contact URI
 * @property {number} expires seconds left
 * @property {string} callId
 * @property {number} cseq
 * @property {string} userAgent
 * @property {string} received address of the connection it came on
 * @property {string} instance `<urn:uuid:…>` or empty
 */

/**
 * What its `ul.dump` says of an address-of-record.
 * @typedef {{ AoR: string, Contacts: { Contact: Record<string, any> }[] }} RpcRecord
 */

/** What keeps Kamailio from being started here, or undefined. */
export function kamailioMissing() {
  const hint =
    "apt-get install --no-install-recommends kamailio kamailio-websocket-modules";
  if (!existsSync(PROGRAM)) return `${PROGRAM} is missing: ${hint}`;
  const hasModule = readdirSync("/usr/lib").some((directory) =>
    existsSync(`/usr/lib/${directory}/kamailio/modules/websocket.so`),
  );
  if (!hasModule) return `Kamailio's module websocket.so is missing: ${hint}`;
  return undefined;
}

/** A running Kamailio. */
export class Kamailio {
  domain = "example.test";
  /** The users of the configuration. @type {Readonly<Record<string, string>>} */
  passwords = Object.fromEntries(
    ["2001", "2002", "2003", "cti", "controller"].map((user) => [
      user,
      `secret-${user}`,
    ]),
  );

  #variants;
  #port = 0;
  #directory = "";
  #process = new ServerProcess();

  /**
   * Starts one and resolves when it answers.
   * @param {Variants} [variants]
   */
  static async start(variants = {}) {
    const missing = kamailioMissing();
    if (missing) throw new Error(missing);
    const server = new Kamailio(variants);
    server.#directory = await mkdtemp(join(tmpdir(), "kamailio-"));
    try {
      server.#port = await freePort();
      await server.#launch();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** @param {Variants} variants */
  constructor(variants) {
    this.#variants = variants;
  }

  /** Where clients connect to. */
  get url() {
    return `ws://127.0.0.1:${this.#port}/`;
  }

  /** Where phones send to by UDP. */
  get udpPort() {
    return this.#port;
  }

  /** Everything it logged so far. */
  get log() {
    return this.#process.log;
  }

  /**
   * The live bindings of a user, in no particular order.
   * @param {string} user
   * @returns {Promise<Binding[]>}
   */
  async bindings(user) {
    /** @type {{ Domains: { Domain: { AoRs: { Info: RpcRecord }[] } }[] }} */
    const { Domains } = await this.#rpc("ul.dump");
    return Domains.flatMap(({ Domain }) => Domain.AoRs)
      .map(({ Info }) => Info)
      .filter(({ AoR }) => AoR === user)
      .flatMap(({ Contacts }) => Contacts)
      .map(({ Contact }) => ({
        contact: Contact.Address,
        // A binding to be removed reads "deleted" or "expired" until the next clean-up.
        expires: Number.parseInt(Contact.Expires, 10) || 0,
        callId: Contact["Call-ID"],
        cseq: Contact.CSeq,
        userAgent: Contact["User-Agent"],
        received: Contact.Received,
        instance: Contact.Instance === "[not set]" ? "" : Contact.Instance,
      }))
      .filter(({ expires }) => expires > 0);
  }

  /** Stops it orderly and starts it again on the same port: all bindings are lost. */
  async restart() {
    await this.#process.end("SIGTERM");
    await this.#launch();
  }

  /** Ends all its processes at once, without a goodbye to anybody. */
  async kill() {
    await this.#process.end("SIGKILL");
  }

  /** Starts it again after `kill`, on the same port. */
  async start() {
    await this.#launch();
  }

  /** Ends it for good. */
  async stop() {
    // Not SIGTERM: on a busy machine 5.6 sometimes takes many seconds to end orderly.
    await this.#process.end("SIGKILL");
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #launch() {
    await this.#process.launch(
      PROGRAM,
      [
        ...[
          "-f",
          this.#variants.config ?? CONFIG,
          "-DD",
          "-E",
          "-m",
          "64",
          "-M",
          "8",
        ],
        ...["-Y", this.#directory, "-P", join(this.#directory, "pid")],
        ...["-l", `tcp:127.0.0.1:${this.#port}`],
        ...this.#presence(),
        ...definitions(this.#variants).flatMap((text) => ["-A", text]),
      ],
      { ready: "kamailio is ready", directory: this.#directory },
    );
    // The port listens; the answer comes as soon as the workers run.
    await this.#rpc("core.version");
  }

  #presence() {
    if (!this.#variants.presence) return [];
    const address = `127.0.0.1:${this.#port}`;
    return ["-l", `udp:${address}`, "-A", `PRESENCE="sip:${address}"`];
  }

  /**
   * @param {string} method
   * @returns {Promise<any>}
   */
  async #rpc(method) {
    const sent = request({
      host: "127.0.0.1",
      port: this.#port,
      path: "/RPC",
      method: "POST",
      headers: { "Content-Type": "application/json" },
      // It closes after each answer: a kept connection would be found closed.
      agent: false,
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    sent.end(JSON.stringify({ jsonrpc: "2.0", method, id: 1 }));
    const [response] = await once(sent, "response");
    const { result, error } = JSON.parse(await text(response));
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}

/**
 * The `-A` definitions that the configuration understands.
 * @param {Variants} variants
 */
function definitions(variants) {
  const numbers = {
    DROP_ON_CLOSE: variants.dropOnClose,
    MAX_CONTACTS: variants.maxContacts,
    MAX_EXPIRES: variants.maxExpires,
    MIN_EXPIRES: variants.minExpires,
    NONCE_EXPIRE: variants.nonceExpire,
    NONCE_COUNT: variants.nonceCount,
    GRUU: variants.gruu,
  };
  const texts = Object.entries(numbers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${Number(value)}`);
  if (variants.algorithm) texts.push(`ALGORITHM="${variants.algorithm}"`);
  if (variants.proxyAuth) texts.push("PROXY_AUTH");
  if (variants.outbound) texts.push("OUTBOUND");
  return texts;
}
