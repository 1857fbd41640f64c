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

const ANSWER_DEADLINE_MS = 10_000;

/**
 * @typedef {object} ClientOptions
 * @property {string} url
 * @property {string} password
 * @property {string} [user] default 2001
 * @property {string} [domain] default example.test
 * @property {string} [name] how the transcript calls it
 * @property {Transcript} [transcript]
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

export class SipClient {
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
    this.password = options.password;
    this.transcript = options.transcript ?? new Transcript();
    this.socket = new WebSocket(options.url, "sip", {
      origin: "http://localhost",
    });
    this.socket.on("message", (data) => this.#receive(data.toString()));
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
   * @param {{ headers?: [string, string][], to?: string, callId?: string, cseq?: number, reuseNonce?: boolean }} [options]
   * @returns {Promise<SipMessage>} the final response
   */
  async request(method, uri, options = {}) {
    const credentials = (/** @type {boolean} */ proxy) => ({
      name: proxy ? "Proxy-Authorization" : "Authorization",
      value: digestAuthorization(
        /** @type {import("./sip-message.mjs").Challenge} */ (this.challenge),
        {
          user: this.user,
          password: this.password,
          method,
          uri,
          count: ++this.nonceCount,
        },
      ),
    });
    const first = await this.#send(
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
    return this.#send(method, uri, options, credentials(first.status === 407));
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
   * @param {string} method
   * @param {string} uri
   * @param {{ headers?: [string, string][], to?: string, callId?: string, cseq?: number }} options
   * @param {{ name: string, value: string }} [credentials]
   * @returns {Promise<SipMessage>}
   */
  async #send(method, uri, options, credentials) {
    const branch = `z9hG4bK${randomBytes(8).toString("hex")}`;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/WS ${this.#viaHost};branch=${branch}`,
      "Max-Forwards: 70",
      `From: <${this.aor}>;tag=${randomBytes(6).toString("hex")}`,
      `To: <${options.to ?? uri}>`,
      `Call-ID: ${options.callId ?? randomUUID()}`,
      `CSeq: ${options.cseq ?? ++this.cseq} ${method}`,
      "Supported: gruu, path",
      `User-Agent: ${this.name}`,
      ...(options.headers ?? []).map(([name, value]) => `${name}: ${value}`),
      ...(credentials ? [`${credentials.name}: ${credentials.value}`] : []),
      "Content-Length: 0",
    ];
    const text = `${lines.join("\r\n")}\r\n\r\n`;
    this.transcript.add(this.name, "sent", text);
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
    const lines = [
      "SIP/2.0 200 OK",
      ...request.all("Via").map((value) => `Via: ${value}`),
      ...request.all("Record-Route").map((value) => `Record-Route: ${value}`),
      `From: ${request.header("From")}`,
      `To: ${request.header("To")};tag=${randomBytes(6).toString("hex")}`,
      `Call-ID: ${request.header("Call-ID")}`,
      `CSeq: ${request.header("CSeq")}`,
      "Content-Length: 0",
    ];
    const text = `${lines.join("\r\n")}\r\n\r\n`;
    this.transcript.add(this.name, "sent", text);
    this.socket.send(text);
  }
}
