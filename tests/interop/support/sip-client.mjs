/**
 * A naive SIP client over WebSocket (RFC 7118): registers as it is told, answers every request
 * with 200, never looks whether somebody else is there. To check facts on the wire with, and to
 * play the rival.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";
import {
  SipMessage,
  digestAuthorization,
  parseChallenge,
} from "./sip-message.mjs";
import { Transcript } from "./transcript.mjs";

/** Longer than a server waits for the other end: 10 s in deploy/kamailio. */
const ANSWER_DEADLINE_MS = 15_000;

/**
 * @typedef {object} ClientOptions
 * @property {string} url
 * @property {string} password
 * @property {string} [user] default 2001
 * @property {string} [domain] default example.test
 * @property {string} [authUser] the name in its credentials; default: the user
 * @property {string} [name] how the transcript calls it
 * @property {Transcript} [transcript]
 * @property {string | Buffer} [ca] the certificate to trust, for wss
 * @property {number} [localPort] of its end of the connection; default: any
 * @property {string} [localAddress] likewise
 * @property {any} [socket] what behaves like a WebSocket, instead of one; then `url` is not used
 * @property {string} [transport] as Via has it; default WS
 */

/**
 * @typedef {object} RegisterOptions
 * @property {string[]} [contacts] values of the Contact headers, one header each; none = a query
 * @property {number} [expires] value of the Expires header; none = no such header
 * @property {string} [callId] default: the client's own
 * @property {number} [cseq] default: the next one
 * @property {[string, string][]} [headers] further ones
 * @property {boolean} [reuseNonce] sign with the last challenge at once; default: wait for a 401
 */

/**
 * What a request other than a plain one says.
 * @typedef {object} RequestOptions
 * @property {[string, string][]} [headers] further ones
 * @property {string} [to] URI; default: the Request-URI
 * @property {string} [fromTag] default: a new one
 * @property {string} [toTag] for a request within a dialog
 * @property {string} [callId] default: a new one
 * @property {number} [cseq] default: the next one
 * @property {string} [branch] default: a new one
 * @property {string} [body]
 * @property {boolean} [reuseNonce] sign with the last challenge at once
 */

/**
 * How a request that came in is answered: nothing leaves it to the test.
 * @typedef {(request: SipMessage) => { status: number, reason?: string, headers?: [string, string][], body?: string } | undefined} Respond
 */

export class SipClient {
  /** Requests are answered so. @type {Respond} */
  respond = () => ({ status: 200 });
  /** The Call-ID of its REGISTERs. */
  callId = randomBytes(12).toString("hex");
  cseq = 0;
  /** How many times the last nonce was used. */
  nonceCount = 0;
  /** @type {import("./sip-message.mjs").Challenge | undefined} */
  challenge;
  /** Requests that came in, oldest first. @type {SipMessage[]} */
  received = [];

  /** @type {Map<string, (response: SipMessage) => void>} */
  #pending = new Map();
  #viaHost = `${randomBytes(6).toString("hex")}.invalid`;

  /** @param {ClientOptions} options */
  static async connect(options) {
    const client = new SipClient(options);
    await once(client.socket, "open");
    return client;
  }

  /** @param {ClientOptions} options */
  constructor(options) {
    const { user = "2001", domain = "example.test", name = "client" } = options;
    this.user = user;
    this.domain = domain;
    this.name = name;
    this.authUser = options.authUser;
    this.password = options.password;
    this.transcript = options.transcript ?? new Transcript();
    this.transport = options.transport ?? "WS";
    // The types of `ws` do not know that it hands its options on to net.connect().
    const connection = /** @type {WebSocket.ClientOptions} */ ({
      origin: "http://localhost",
      ca: options.ca,
      localPort: options.localPort,
      localAddress: options.localAddress,
    });
    this.socket =
      options.socket ?? new WebSocket(options.url, "sip", connection);
    this.socket.on("message", (/** @type {any} */ data) =>
      this.#receive(data.toString()),
    );
    /** Resolves with the close code. @type {Promise<number>} */
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
  }

  get aor() {
    return `sip:${this.user}@${this.domain}`;
  }

  /**
   * Sends a REGISTER and answers a challenge once.
   * @param {RegisterOptions} [options]
   * @returns {Promise<SipMessage>} the final response
   */
  async register(options = {}) {
    const headers = [
      ...(options.contacts ?? []).map((value) => ["Contact", value]),
      ...(options.expires === undefined
        ? []
        : [["Expires", `${options.expires}`]]),
      ...(options.headers ?? []),
    ];
    return this.request("REGISTER", `sip:${this.domain}`, {
      ...options,
      headers: /** @type {[string, string][]} */ (headers),
      to: this.aor,
      callId: options.callId ?? this.callId,
    });
  }

  /** Asks for the bindings (RFC 3261 §10.2.3). */
  async query() {
    const response = await this.register();
    if (response.status !== 200)
      throw new Error(`query: ${response.startLine}`);
    return response.contacts;
  }

  /**
   * Sends a request and answers a challenge once.
   * @param {string} method
   * @param {string} uri
   * @param {RequestOptions} [options]
   * @returns {Promise<SipMessage>} the final response
   */
  async request(method, uri, options = {}) {
    const credentials = (/** @type {boolean} */ proxy) => ({
      name: proxy ? "Proxy-Authorization" : "Authorization",
      value: digestAuthorization(
        /** @type {import("./sip-message.mjs").Challenge} */ (this.challenge),
        {
          user: this.authUser ?? this.user,
          password: this.password,
          method,
          uri,
          count: ++this.nonceCount,
        },
      ),
    });
    const first = await this.send(
      method,
      uri,
      options,
      options.reuseNonce && this.challenge
        ? credentials(method !== "REGISTER")
        : undefined,
    );
    if ((first.status !== 401 && first.status !== 407) || options.reuseNonce)
      return first;
    this.challenge = parseChallenge(first);
    this.nonceCount = 0;
    return this.send(method, uri, options, credentials(first.status === 407));
  }

  /**
   * Resolves with the first request of a method that came in, or comes in.
   * @param {string} method
   */
  incoming(method) {
    return this.transcript.until(`${method} to ${this.name}`, () =>
      this.received.find((request) => request.method === method),
    );
  }

  /** The port of its end of the connection. @type {number} */
  get localPort() {
    return /** @type {any} */ (this.socket)._socket.localPort;
  }

  /** Closes the WebSocket with its handshake. */
  async close() {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.close(1000);
    await closed;
  }

  /** Ends the connection without a close frame, as a crashed page's machine does. */
  async terminate() {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.terminate();
    await closed;
  }

  /**
   * Sends a request, whatever it is answered with; to an ACK there is no answer.
   * @param {string} method
   * @param {string} uri
   * @param {RequestOptions} [options]
   * @param {{ name: string, value: string }} [credentials]
   * @returns {Promise<SipMessage>} the final response
   */
  async send(method, uri, options = {}, credentials) {
    const branch = options.branch ?? `z9hG4bK${randomBytes(8).toString("hex")}`;
    const { fromTag = randomBytes(6).toString("hex"), body = "" } = options;
    const toTag = options.toTag ? `;tag=${options.toTag}` : "";
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${this.transport} ${this.#viaHost};branch=${branch}`,
      "Max-Forwards: 70",
      `From: <${this.aor}>;tag=${fromTag}`,
      `To: <${options.to ?? uri}>${toTag}`,
      `Call-ID: ${options.callId ?? randomUUID()}`,
      `CSeq: ${options.cseq ?? ++this.cseq} ${method}`,
      "Supported: gruu, path",
      `User-Agent: ${this.name}`,
      ...(options.headers ?? []).map(([name, value]) => `${name}: ${value}`),
      ...(credentials ? [`${credentials.name}: ${credentials.value}`] : []),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const text = `${lines.join("\r\n")}\r\n\r\n${body}`;
    this.transcript.add(this.name, "sent", text);
    if (method === "ACK") {
      this.socket.send(text);
      return new SipMessage("");
    }
    const answer = new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ why) => {
        this.#pending.delete(branch);
        reject(new Error(`${this.name}: ${method} got no answer: ${why}`));
      };
      const timer = setTimeout(
        () => fail(`${ANSWER_DEADLINE_MS} ms are over`),
        ANSWER_DEADLINE_MS,
      );
      const closed = () => fail("the connection closed");
      this.socket.once("close", closed);
      this.#pending.set(branch, (response) => {
        clearTimeout(timer);
        this.socket.off("close", closed);
        this.#pending.delete(branch);
        resolve(response);
      });
    });
    this.socket.send(text);
    return answer;
  }

  /** @param {string} text */
  #receive(text) {
    const message = new SipMessage(text);
    if (!message.isResponse) {
      this.received.push(message);
      if (message.method !== "ACK") this.#answer(message);
    }
    this.transcript.add(this.name, "received", text);
    if (message.status >= 200) this.#pending.get(message.branch)?.(message);
  }

  /** @param {SipMessage} request */
  #answer(request) {
    const answer = this.respond(request);
    if (answer) this.answer(request, answer);
  }

  /**
   * Answers a request that came in.
   * @param {SipMessage} request
   * @param {{ status: number, reason?: string, headers?: [string, string][], body?: string }} answer
   */
  answer(request, { status, reason = "OK", headers = [], body = "" }) {
    // One tag for all answers of a dialog: it comes from the Call-ID.
    const tag = `${this.name}-${request.header("Call-ID").slice(0, 8)}`;
    const to = request.header("To");
    const lines = [
      `SIP/2.0 ${status} ${reason}`,
      ...request.all("Via").map((value) => `Via: ${value}`),
      ...request.all("Record-Route").map((value) => `Record-Route: ${value}`),
      `From: ${request.header("From")}`,
      `To: ${/;tag=/.test(to) ? to : `${to};tag=${tag}`}`,
      `Call-ID: ${request.header("Call-ID")}`,
      `CSeq: ${request.header("CSeq")}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const text = `${lines.join("\r\n")}\r\n\r\n${body}`;
    this.transcript.add(this.name, "sent", text);
    this.socket.send(text);
  }
}
