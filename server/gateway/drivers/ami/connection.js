import { createHash } from "node:crypto";
import { connect } from "node:net";
import { Reader, written } from "./message.js";
import { Gone } from "../../refusal.js";

/** @typedef {import("./message.js").Message} Message */

/** Items of a list, such as channels; more than an Asterisk carries. */
const MAX_ITEMS = 100_000;

/**
 * Classes of events: calls, and what the dialplan does (with a call that no other phone
 * takes part in).
 */
const EVENTS = "call,dialplan";

/** A login at the Asterisk Manager Interface. */
export class Connection {
  #socket;
  #reader = new Reader();
  #on;
  #login;
  #count = 0;
  #reason = "Asterisk has closed the connection";
  /** Of actions, by ActionID. @type {Map<string, { resolve: (answer: Message[]) => void, reject: (error: Error) => void, list: boolean, items: Message[] }>} */
  #waiting = new Map();

  /**
   * @param {string} host
   * @param {number} port
   * @param {{ username: string, secret: string }} login
   * @param {object} on
   * @param {() => void} on.open logged in
   * @param {(event: Message) => void} on.event
   * @param {(reason: string) => void} on.close
   */
  constructor(host, port, login, on) {
    this.#on = on;
    this.#login = login;
    this.#socket = connect(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (part) => this.#read(`${part}`));
    this.#socket.on("error", ({ message }) => (this.#reason = message));
    this.#socket.on("close", () => this.#closed());
  }

  /**
   * Performs an action. Resolves with its response: its `response` is "Success", or
   * "Error" with a `message`.
   *
   * @param {string} action
   * @param {Record<string, string>} [headers]
   */
  async act(action, headers = {}) {
    const [answer] = await this.#send(action, headers, false);
    return answer;
  }

  /**
   * Asks for a list. Resolves with its events, none where Asterisk refuses it.
   *
   * @param {string} action
   */
  list(action) {
    return this.#send(action, {}, true);
  }

  /** @param {string} [reason] */
  end(reason = "") {
    this.#socket.destroy(reason ? new Error(reason) : undefined);
  }

  close() {
    this.#on = { open() {}, event() {}, close() {} };
    this.end();
  }

  /**
   * @param {string} action
   * @param {Record<string, string>} headers
   * @param {boolean} list
   * @returns {Promise<Message[]>}
   */
  async #send(action, headers, list) {
    const id = `${++this.#count}`;
    const text = written({ Action: action, ActionID: id, ...headers });
    if (!this.#socket.writable) throw new Gone();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, list, items: [] });
      this.#socket.write(text);
    });
  }

  /** @param {string} part */
  #read(part) {
    const greeted = this.#reader.greeting !== undefined;
    const messages = this.#reader.read(part);
    if (!messages)
      return this.end("What answers there is no Asterisk Manager Interface");
    if (!greeted && this.#reader.greeting !== undefined) this.#greet();
    for (const message of messages) this.#take(message);
  }

  /** The secret itself is not sent, as the connection is not encrypted. */
  async #greet() {
    const { username, secret } = this.#login;
    try {
      const AuthType = "MD5";
      const { challenge = "" } = await this.act("Challenge", { AuthType });
      const Key = createHash("md5")
        .update(`${challenge}${secret}`)
        .digest("hex");
      const { response } = await this.act("Login", {
        ...{ AuthType, Username: username, Key, Events: EVENTS },
      });
      if (response !== "Success") throw new Error();
      this.#on.open();
    } catch (error) {
      if (!(error instanceof Gone))
        this.end("Asterisk has refused the login at its manager interface");
    }
  }

  /** @param {Message} message */
  #take(message) {
    const { actionid: id = "", response, event, eventlist } = message;
    const waiting = this.#waiting.get(id);
    if (!waiting) return void (event && this.#on.event(message));
    const { list, items, resolve } = waiting;
    const complete = !list
      ? response !== undefined
      : (response !== undefined && response !== "Success") ||
        eventlist === "Complete";
    if (list && event && !complete) items.push(message);
    else if (!list && event) this.#on.event(message);
    if (items.length > MAX_ITEMS)
      return this.end("Asterisk's list does not end");
    if (!complete) return;
    this.#waiting.delete(id);
    resolve(list ? items : [message]);
  }

  #closed() {
    for (const { reject } of this.#waiting.values()) reject(new Gone());
    this.#waiting.clear();
    this.#on.close(this.#reason);
  }
}
