import { PhoneError } from "../errors/error.js";

/**
 * Of what tabs and host say to each other. Tabs of an older page may still be open
 * when a newer one comes, with the same worker.
 */
export const VERSION = 1;

/** Why nothing follows: the other end is gone. */
export const GONE = new Error("The other end of the wire is gone.");

/** @typedef {{ postMessage(message: any): void, onmessage: ((event: any) => void) | null, close?(): void }} Port */
/** @typedef {(method: string, args: any[], id: number) => any} Serve what an end does with what it is told or asked */

/**
 * One end of the way between a tab and its host. Both may tell; both may ask, and are
 * answered. What is said arrives in its order.
 */
export class Wire {
  #port;
  #serve;
  /** @type {Map<number, { resolve(value: any): void, reject(error: any): void }>} */
  #asked = new Map();
  #last = 0;
  #closed = false;

  /**
   * @param {Port} port
   * @param {Serve} serve
   */
  constructor(port, serve) {
    this.#port = port;
    this.#serve = serve;
    port.onmessage = ({ data }) => this.#heard(data);
  }

  /**
   * @param {string} method
   * @param {any[]} args
   */
  tell(method, ...args) {
    if (!this.#closed) this.#port.postMessage({ method, args: args.map(pack) });
  }

  /**
   * @param {string} method
   * @param {any[]} args
   * @returns {Promise<any>} rejects with `GONE` when the other end goes
   */
  ask(method, ...args) {
    return this.begin(method, ...args).answer;
  }

  /**
   * The same, with the number by which it can be given up.
   *
   * @param {string} method
   * @param {any[]} args
   */
  begin(method, ...args) {
    const id = ++this.#last;
    const answer = new Promise((resolve, reject) => {
      if (this.#closed) throw GONE;
      this.#asked.set(id, { resolve, reject });
      this.#port.postMessage({ method, args: args.map(pack), id });
    });
    return { id, answer };
  }

  /** Nothing is heard any more. */
  close() {
    this.#closed = true;
    this.#port.onmessage = null;
    this.#port.close?.();
    for (const { reject } of this.#asked.values()) reject(GONE);
    this.#asked.clear();
  }

  /** @param {any} message */
  async #heard({ method, args, id, answers, value, error }) {
    if (answers) {
      const waiter = this.#asked.get(answers);
      this.#asked.delete(answers);
      return error ? waiter?.reject(unpack(error)) : waiter?.resolve(value);
    }
    const said = args.map(unpack);
    if (!id) return this.#serve(method, said, 0);
    /** @type {any} */
    let answer;
    try {
      answer = { value: await this.#serve(method, said, id) };
    } catch (error) {
      answer = { error: pack(asError(error)) };
    }
    if (!this.#closed) this.#port.postMessage({ answers: id, ...answer });
  }
}

/** @param {unknown} thrown */
const asError = (thrown) =>
  thrown instanceof Error ? thrown : new Error(String(thrown));

/**
 * Errors cross with all that they say: of a subclass of Error, the structured clone
 * keeps the message alone.
 *
 * @param {any} value
 * @returns {any}
 */
function pack(value) {
  if (!(value instanceof Error)) return value;
  const { name, message, cause } = value;
  const packed = { name, message, cause: pack(cause) };
  if (!PhoneError.is(value)) return { thrown: packed };
  const { code, status, reason, details, remedy } = value;
  return { thrown: { ...packed, code, status, reason, details, remedy } };
}

/**
 * @param {any} value
 * @returns {any}
 */
function unpack(value) {
  if (!value?.thrown) return value;
  const { name, code, message, cause, ...more } = value.thrown;
  const why = unpack(cause);
  if (code) return new PhoneError(code, message, { ...more, cause: why });
  const error = new Error(
    message,
    why === undefined ? undefined : { cause: why },
  );
  return Object.assign(error, { name });
}
