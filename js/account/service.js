import { account } from "../errors/account.js";
import { fault, learn } from "../errors/error.js";

learn(account);

/** Who does not answer within this time, in ms, is not there. */
const PATIENCE = 10_000;

/** By code of the service, what is said. @type {Record<string, string>} */
const SITUATIONS = {
  eInvalidArgument: "accountArgument",
  eCredentialsRejected: "signInRefused",
  eForbidden: "accountForbidden",
  eDeviceNotAuthorised: "deviceRevoked",
  eDeviceLimitReached: "deviceLimitOfUser",
  eNotFound: "notThere",
  eLimitReached: "accountLimit",
  ePublicIdTaken: "publicIdTaken",
  eCodeRejected: "codeRejected",
  eTooManyRequests: "slowedDown",
  eNotSupported: "accountNotOffered",
  eOutOfService: "accountOut",
};

/**
 * @typedef {object} Asked
 * @property {object} [body] becomes JSON
 * @property {string} [token] never in a URL
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] outlives its page
 */

/** The HTTP API of docs/account-api.yaml. */
export class Service {
  #url;
  #closing = new AbortController();

  /** @param {string} url */
  constructor(url) {
    // What stands behind the last slash would be replaced.
    this.#url = url.replace(/\/*$/, "/");
  }

  /**
   * Resolves with the answer, or rejects with a PhoneError.
   *
   * @param {string} method
   * @param {string} path below `v1/`
   * @param {Asked} [asked]
   * @returns {Promise<any>}
   */
  async ask(method, path, asked = {}) {
    const limit = AbortSignal.timeout(PATIENCE);
    const signals = [limit, asked.signal].filter((signal) => !!signal);
    const response = await this.open(method, path, {
      ...asked,
      signal: AbortSignal.any(signals),
    });
    if (response.status === 204) return undefined;
    return response.json().catch((error) => {
      throw this.#lost(error, response.status);
    });
  }

  /**
   * The same as it comes: a stream has no end.
   *
   * @param {string} method
   * @param {string} path
   * @param {Asked} asked
   */
  async open(method, path, { body, token, signal, keepalive }) {
    const headers = new Headers();
    if (token) headers.set("authorization", `Bearer ${token}`);
    if (body) headers.set("content-type", "application/json");
    const signals = [this.#closing.signal, signal].filter((one) => !!one);
    const response = await fetch(new URL(`v1/${path}`, this.#url), {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.any(signals),
      keepalive,
      cache: "no-store",
      credentials: "omit",
      // A token goes nowhere else.
      redirect: "error",
      referrerPolicy: "no-referrer",
    }).catch((error) => {
      throw this.#lost(error);
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  close() {
    this.#closing.abort();
  }

  /**
   * @param {any} error
   * @param {number} [status] something answered
   */
  #lost(error, status) {
    if (this.#closing.signal.aborted) return fault("accountClosed");
    if (error.name === "TimeoutError") return fault("accountSilent", {}, error);
    const at = status ? "accountBroken" : "accountUnreachable";
    return fault(at, { status }, error);
  }
}

/** @param {Response} response */
async function refusal(response) {
  const { status } = response;
  const answer = await response.json().catch(() => {});
  const { code, message, details } = Object(answer?.error);
  const at = Object.hasOwn(SITUATIONS, code)
    ? SITUATIONS[code]
    : "accountBroken";
  const reason = typeof message === "string" ? message : undefined;
  return fault(at, { ...Object(details), status, reason, details });
}
