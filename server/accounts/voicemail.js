import { keyFor } from "../voicemail/account-link.js";
import { Problem, notFound } from "./problem.js";

/** It says again where it is before it is forgotten, in seconds (see AccountLink). */
const REMEMBERED = 180;
/** It answers by then, in ms, or is away. */
const PATIENCE = 10_000;

/**
 * @typedef {object} Message as the voicemail tells it
 * @property {string} id
 * @property {{ uri: string, displayName: string }} from
 * @property {number} at ms since the Unix epoch
 * @property {number} seconds
 * @property {boolean} new
 */

/** The voicemail, which has said where it is; every copy of the service finds it there. */
export class Voicemail {
  #store;
  #key;

  /**
   * @param {import("./store/store.js").Store} store
   * @param {string | undefined} adminToken
   */
  constructor(store, adminToken) {
    this.#store = store;
    this.#key = adminToken && keyFor(adminToken);
  }

  /** @param {string} url */
  async isAt(url) {
    await this.#store.keep("voicemail", url, REMEMBERED);
  }

  /** The newest first. @param {string} who @returns {Promise<Message[]>} */
  async list(who) {
    return (await this.#ask("GET", who)).json();
  }

  /** @param {string} who @param {string} id @returns {Promise<Message>} */
  async heard(who, id) {
    return (await this.#ask("POST", who, `${id}/heard`)).json();
  }

  /** @param {string} who @param {string} id */
  async delete(who, id) {
    await this.#ask("DELETE", who, id);
  }

  /** A WAV file. @param {string} who @param {string} id */
  async sound(who, id) {
    return new Uint8Array(
      await (await this.#ask("GET", who, id)).arrayBuffer(),
    );
  }

  /**
   * @param {string} method
   * @param {string} who
   * @param {string} [path]
   */
  async #ask(method, who, path) {
    const url = await this.#store.kept("voicemail");
    if (!url)
      throw new Problem(501, "eNotSupported", "There is no voicemail here.");
    const mailbox = `mailboxes/${encodeURIComponent(who)}`;
    const response = await fetch(
      new URL(path ? `${mailbox}/${path}` : mailbox, url),
      {
        method,
        headers: { authorization: `Bearer ${this.#key}` },
        signal: AbortSignal.timeout(PATIENCE),
        redirect: "error",
      },
    ).catch(() => undefined);
    if (response?.status === 404) throw notFound();
    if (!response?.ok)
      throw new Problem(
        503,
        "eOutOfService",
        "The voicemail cannot be reached. Try again in a moment.",
      );
    return response;
  }
}
