import { createHmac } from "node:crypto";
import { Administrator } from "../administrator.js";

/** The service forgets a voicemail that is silent for three of these, in ms. */
const AGAIN = 60_000;

/** What the account service shows to be heard by the voicemail. @param {string} token administrators' */
export const keyFor = (token) =>
  createHmac("sha256", token).update("graceline voicemail").digest("base64url");

/** The account service, as the voicemail asks it. */
export class AccountLink {
  #service;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** Counts that it has not taken yet, by mailbox. @type {Map<string, object>} */
  #untold = new Map();

  /** @param {{ url: string, token: string }} accounts */
  constructor(accounts) {
    this.#service = new Administrator(accounts);
  }

  /**
   * Says where the messages are; and again, for a service that was started anew.
   *
   * @param {string} url
   */
  async announce(url) {
    await this.#service.ask("PUT", "voicemail", { url });
    this.#timer = setInterval(() => {
      this.#service
        .ask("PUT", "voicemail", { url })
        .then(() => this.#tellAll())
        // It is asked again.
        .catch(() => {});
    }, AGAIN).unref();
  }

  /**
   * The user with this address.
   *
   * @param {{ user: string, domain: string }} address
   * @returns {Promise<string | undefined>}
   */
  async mailboxOf({ user, domain }) {
    const name = encodeURIComponent(`${user}@${domain}`);
    const found = await this.#service.ask("GET", `users/${name}`);
    return found?.user;
  }

  /**
   * How many messages a user has. What cannot be told now is, later.
   *
   * @param {string} mailbox
   * @param {{ new: number, old: number }} counts
   */
  async tell(mailbox, counts) {
    this.#untold.set(mailbox, counts);
    await this.#tellAll();
  }

  close() {
    clearInterval(this.#timer);
    this.#service.close();
  }

  async #tellAll() {
    for (const [mailbox, counts] of this.#untold) {
      const name = encodeURIComponent(mailbox);
      await this.#service.ask("PUT", `users/${name}/mailbox`, counts);
      if (this.#untold.get(mailbox) === counts) this.#untold.delete(mailbox);
    }
  }
}
