import { randomBytes, randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  SipMessage,
  digestAuthorization,
  parseChallenge,
} from "../../interop/support/sip-message.mjs";

/** A desk phone over UDP that registers, and answers what comes in with 200. */
export class DatagramPhone {
  /** @type {SipMessage[]} */
  received = [];
  #socket = createSocket("udp4");
  #port;
  #cseq = 0;
  #callId = randomUUID();
  #transcript;

  /**
   * @param {object} options
   * @param {number} options.port of the server
   * @param {string} options.user
   * @param {string} [options.authUser] the name in its credentials; default: the user
   * @param {string} options.password
   * @param {import("../../interop/support/transcript.mjs").Transcript} options.transcript
   */
  constructor({ port, user, authUser = user, password, transcript }) {
    this.#port = port;
    this.user = user;
    this.authUser = authUser;
    this.password = password;
    this.#transcript = transcript;
    this.#socket.on("message", (data) => this.#receive(data.toString()));
  }

  async open() {
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
  }

  close() {
    this.#socket.close();
  }

  get #address() {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Registers; resolves with the final answer and a way to send the last REGISTER again. */
  register() {
    const aor = `sip:${this.user}@example.test`;
    return this.#request("REGISTER", "sip:example.test", aor);
  }

  /**
   * Sends a request outside a dialog, with credentials once it is challenged.
   * @param {string} method
   * @param {string} uri
   */
  async request(method, uri) {
    return (await this.#request(method, uri, uri)).answer;
  }

  /**
   * @param {string} method
   * @param {string} uri
   * @param {string} to
   */
  async #request(method, uri, to) {
    const aor = `sip:${this.user}@example.test`;
    const lines = (/** @type {string[]} */ extra) =>
      [
        `${method} ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${this.#address};branch=z9hG4bK${randomBytes(6).toString("hex")};rport`,
        "Max-Forwards: 70",
        `From: <${aor}>;tag=${randomBytes(4).toString("hex")}`,
        `To: <${to}>`,
        `Call-ID: ${method === "REGISTER" ? this.#callId : randomUUID()}`,
        `CSeq: ${++this.#cseq} ${method}`,
        `Contact: <sip:${this.user}@${this.#address}>`,
        "Expires: 60",
        ...extra,
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n");
    const challenged = await this.#exchange(lines([]));
    const value = digestAuthorization(parseChallenge(challenged), {
      user: this.authUser,
      password: this.password,
      method,
      uri,
      count: 1,
    });
    const proxy = challenged.status === 407 ? "Proxy-" : "";
    const request = lines([`${proxy}Authorization: ${value}`]);
    const answer = await this.#exchange(request);
    return { answer, again: () => this.#exchange(request) };
  }

  /**
   * @param {string} request
   * @returns {Promise<SipMessage>}
   */
  async #exchange(request) {
    const heard = this.received.length;
    this.#transcript.add("desk", "sent", request);
    this.#socket.send(request, this.#port, "127.0.0.1");
    return this.#transcript.until("an answer to the desk phone", () =>
      this.received
        .slice(heard)
        .find(
          (message) =>
            message.status >= 200 &&
            message.branch === new SipMessage(request).branch,
        ),
    );
  }

  /** @param {string} text */
  #receive(text) {
    const message = new SipMessage(text);
    this.received.push(message);
    if (!message.isResponse) {
      const copied = ["Via", "From", "To", "Call-ID", "CSeq"].flatMap((name) =>
        message.all(name).map((value) => `${name}: ${value}`),
      );
      const answer = ["SIP/2.0 200 OK", ...copied, "Content-Length: 0"];
      this.#socket.send(
        `${answer.join("\r\n")}\r\n\r\n`,
        this.#port,
        "127.0.0.1",
      );
    }
    this.#transcript.add("desk", "received", text);
  }
}
