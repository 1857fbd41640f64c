/**
 * A gateway's end of the link (docs/cti-link.md) over a driver, by hand.
 */
import assert from "node:assert/strict";
import { Watched } from "../../interop/support/watched.mjs";

export class Link extends Watched {
  /** Views that came, oldest first. @type {any[]} */
  views = [];
  /** Why it is gone. @type {string | undefined} */
  reason;
  #driver;
  #count = 0;
  /** @type {any} */
  hello;
  /** @type {Map<number, (answer: any) => void>} */
  #waiting = new Map();

  /**
   * Resolves with the link once the switch has greeted, or once it is gone.
   * @param {import("node:test").TestContext | { after: (end: () => void) => void }} t
   * @param {import("../../../server/gateway/driver.js").OpenDriver} open
   * @param {string} address
   * @param {import("../../../server/gateway/driver.js").Lines} lines
   */
  static async over(t, open, address, lines) {
    const link = new Link(open, new URL(address), lines);
    t.after(() => link.close());
    await link.until("a greeting", () => link.hello ?? link.reason);
    return link;
  }

  constructor(open, address, lines) {
    super();
    this.#driver = open(address, {
      lines,
      receive: (message) => this.#receive(message),
      closed: (reason) => {
        this.reason = reason;
        this.changed();
      },
    });
  }

  close() {
    this.#driver.close();
  }

  /**
   * An answer's result, or the name of its error.
   * @param {string} service
   * @param {object} [members]
   * @param {[line: string, device: string]} [at]
   */
  ask(service, members = {}, [line, device] = ["2001", "DESK"]) {
    const id = ++this.#count;
    const answer = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#driver.send({ id, service, line, device, ...members });
    return answer;
  }

  /** How many requests have no answer yet. */
  get open() {
    return this.#waiting.size;
  }

  /**
   * Resolves with the first view after `mark` that is told of as `text` says: see {@link told}.
   * @param {string} text
   * @param {number} [mark]
   */
  view(text, mark = 0) {
    return this.until(
      `"${text}" after ${this.views.map(told).join("; ")}`,
      () => this.views.slice(mark).find((view) => told(view) === text),
    );
  }

  /** What was told since the last time. */
  take() {
    return this.views.splice(0).map(told);
  }

  #receive(message) {
    if ("hello" in message) this.hello = message;
    else if ("id" in message) {
      const answered = this.#waiting.get(message.id);
      assert.ok(answered, `an answer to nothing: ${JSON.stringify(message)}`);
      this.#waiting.delete(message.id);
      answered(message.error ?? message.result);
    } else this.views.push(message);
    this.changed();
  }
}

/** A view in words: `2002 held, consultation`, or `device {"inService":true}`. */
export function told({ call, device }) {
  if (device) {
    const members = { ...device, line: undefined, device: undefined };
    return `device ${JSON.stringify(members)}`;
  }
  const { remote, state, cause, by, to, from } = call;
  return [
    `${remote.number ?? (remote.restricted ? "restricted" : "unknown")} ${state}`,
    ...(cause ? [cause] : []),
    ...(by ? [`by ${by}`] : []),
    ...(to ? [`to ${to}`] : []),
    ...(from ? [`from ${from.length}`] : []),
  ].join(", ");
}
