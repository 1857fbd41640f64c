/** The account service answers by then, in ms, or is not there. */
const PATIENCE = 10_000;

/** What the account service answers to a server of the operator's with an error. */
export class Refused extends Error {
  /** @param {number} status of HTTP @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The account service as servers of the operator's ask it: with the administrators' token. */
export class Administrator {
  #url;
  #token;
  #closing = new AbortController();

  /** @param {{ url: string, token: string }} accounts */
  constructor({ url, token }) {
    this.#url = url.replace(/\/*$/, "/");
    this.#token = token;
  }

  /**
   * @param {string} method
   * @param {string} path below `v1/admin/`
   * @param {object} [body]
   * @returns {Promise<any>} undefined: there is no such thing, or nothing to be said
   */
  async ask(method, path, body) {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await this.open(method, path, { body, signal });
    return [204, 404].includes(response.status) ? undefined : response.json();
  }

  /**
   * The same as it comes: a stream has no end.
   *
   * @param {string} method
   * @param {string} path
   * @param {{ body?: object, signal: AbortSignal }} options
   */
  async open(method, path, { body, signal }) {
    let response;
    try {
      response = await fetch(new URL(`v1/admin/${path}`, this.#url), {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body && { "content-type": "application/json" }),
        },
        body: body && JSON.stringify(body),
        signal: AbortSignal.any([signal, this.#closing.signal]),
        redirect: "error",
      });
    } catch {
      throw new Refused(0, "The account service cannot be reached.");
    }
    const { ok, status } = response;
    if (ok || status === 404) return response;
    throw new Refused(
      status,
      status === 401
        ? "The account service refuses the administrators' token."
        : `The account service answers ${status}.`,
    );
  }

  close() {
    this.#closing.abort();
  }
}
