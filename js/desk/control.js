import { Host } from "../core/host.js";
import { fault } from "../errors/error.js";
import { commandFault } from "./faults.js";

/** @typedef {import("./seam.js").Commands} Commands */
/** @typedef {{ command: string, resolve(): void, reject(error: unknown): void }} Waiter */

/** RFC 3261 §20.11; ECMA TR/87 has these in each request. */
const CONTENT = "application/csta+xml";
const DISPOSITION = "signal;handling=required";

/** The numbers of INFOs: one row for all who share a phone's core. */
let infos = 0;

/**
 * Control of one desk phone: carries documents between the machine that understands
 * them (src/csta/control.rs) and a session of the phone's core.
 */
export class Control {
  #host;
  #way;
  /** @type {(event: any) => void} */
  #hear;
  /** The session that was opened last. @type {number | undefined} */
  #session;
  /** Requests of the machine, by their INFOs. @type {Map<number, number>} */
  #requests = new Map();
  /** @type {Map<number, Waiter>} */
  #waiting = new Map();
  #last = 0;
  /** What the core said of the end of the last session. @type {any} */
  ended;
  /** Seconds for which the session was granted; 0: for as long as it lasts. */
  expires = 0;

  /**
   * @param {import("../core/instance.js").Instance} instance
   * @param {import("./mode.js").Way} way to the gateway
   * @param {string} uri of the line
   * @param {(event: any) => void} hear what the app is to hear of it
   */
  constructor(instance, way, uri, hear) {
    this.#way = way;
    this.#hear = hear;
    this.#host = new Host(
      instance,
      { line: uri },
      null,
      /** @type {any} */ ({
        event: (/** @type {any} */ event) => this.#said(event),
        dead: (/** @type {import("../index.js").PhoneError} */ error) =>
          this.#die(error),
      }),
    );
  }

  /**
   * @template {keyof Commands} C
   * @param {C} command
   * @param {Commands[C]} args
   */
  tell(command, ...args) {
    this.#host.call(/** @type {any} */ (command), .../** @type {any} */ (args));
  }

  /**
   * @template {keyof Commands} C
   * @param {C} command
   * @param {Commands[C] extends [op: number, ...infer A] ? A : never} args what
   *   follows the number of the operation
   * @returns {Promise<void>} settled by the machine
   */
  ask(command, ...args) {
    return new Promise((resolve, reject) => {
      const op = this.number({ command, resolve, reject });
      this.tell(command, .../** @type {any} */ ([op, ...args]));
    });
  }

  /**
   * The number of an operation, for a command that names it.
   *
   * @param {Waiter} waiter is told what becomes of it
   */
  number(waiter) {
    this.#waiting.set(++this.#last, waiter);
    return this.#last;
  }

  /** Leaves the desk phone to itself, and is of no more use. */
  leave() {
    this.tell("leave");
    this.#host.free();
  }

  /**
   * Whether it is of our session, and nobody else's matter.
   *
   * @param {any} event of the phone's core
   */
  heard({ name, op, session, ...event }) {
    if (name === "sessionDone") return this.#answered(op, event);
    if (session === undefined || session !== this.#session) return false;
    const { status = 0, retryAfter = 0, reason = "", body = "" } = event;
    switch (name) {
      case "sessionEnded":
        this.#session = undefined;
        this.ended = event;
        this.tell(name, status, retryAfter, reason);
        return true;
      case "sessionOpened":
      case "sessionRefreshed":
        this.expires = event.expires ?? 0;
      // falls through
      case "sessionInfo":
        this.tell(name, body);
        return true;
    }
    return false;
  }

  /**
   * @param {number} op
   * @param {{ status?: number, body?: string }} answer
   */
  #answered(op, { status = 0, body = "" }) {
    const request = this.#requests.get(op);
    if (request === undefined) return false;
    this.#requests.delete(op);
    this.tell("sessionDone", request, status, body);
    return true;
  }

  /** @param {any} event of the machine */
  #said({ name, ...event }) {
    switch (name) {
      case "open":
        return this.#open(event.body);
      case "close":
        return this.#close();
      case "request":
        return this.#send(event.number, event.body);
      case "done":
        return this.#settle(event.op, event.error && commandFault(event.error));
      case "refused":
        // A fault of ours, for which nobody may wait for ever.
        return this.#refused(event);
    }
    this.#hear({ name, ...event });
  }

  /** @param {string} body */
  #open(body) {
    const { link, number, gateway, headers } = this.#way;
    const session = (this.#session = number());
    link.tell("openSession", session, gateway, CONTENT, body, DISPOSITION, {
      extraHeaders: headers,
    });
  }

  #close() {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) this.#way.link.tell("closeSession", session);
  }

  /**
   * @param {number} request
   * @param {string} body
   */
  #send(request, body) {
    const op = ++infos;
    const session = this.#session ?? 0;
    this.#requests.set(op, request);
    const { link } = this.#way;
    link.tell("sessionInfo", op, session, CONTENT, body, DISPOSITION);
  }

  /**
   * @param {number} op
   * @param {unknown} [error]
   */
  #settle(op, error) {
    const waiter = this.#waiting.get(op);
    this.#waiting.delete(op);
    if (error) waiter?.reject(error);
    else waiter?.resolve();
  }

  /** @param {{ command: string, number: number }} event */
  #refused({ command, number }) {
    const error = fault("notTaken", { command });
    if (this.#waiting.get(number)?.command === command)
      return this.#settle(number, error);
    this.#hear({ name: "broken", error });
  }

  /** @param {import("../index.js").PhoneError} error */
  #die(error) {
    this.#close();
    for (const op of this.#waiting.keys()) this.#settle(op, error);
    this.#hear({ name: "broken", error });
  }
}
