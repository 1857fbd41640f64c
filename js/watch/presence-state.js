import { checked, oneOf, text } from "../phone/options.js";
import { writePresence } from "./pidf.js";

/** Seconds that the server is asked to keep it: others see for no longer a page that is gone. */
const EXPIRES = 600;
/** Before another try, in ms. */
const RETRY = 60_000;
/** RFC 3903 §11.2.1: the server has not got what a condition names. */
const CONDITION_FAILED = 412;

/** @type {Record<string, import("../phone/options.js").Check>} */
const checks = {
  state: (value, options) =>
    value !== null &&
    oneOf("available", "busy", "away", "offline")(value, options),
  note: (value) =>
    value !== null &&
    (text(value) || (value.length > 128 && "is longer than 128 characters")),
};

/** What the user says by hand, published as long as the phone is logged in (RFC 3903). */
export class PresenceState {
  #link;
  #settings;
  /** The document to be shown. @type {string | undefined} */
  #document;
  /** What the server calls the one that it has. @type {string | undefined} */
  #etag;
  /** One PUBLISH at a time (§4.1). @type {Promise<void>} */
  #turn = Promise.resolve();
  /** @type {any} */
  #timer;

  /**
   * @param {import("../phone/link.js").Link} link
   * @param {any} settings
   */
  constructor(link, settings) {
    this.#link = link;
    this.#settings = settings;
  }

  /**
   * @param {import("../index.js").OwnPresence} options
   * @param {boolean} registered else it is said with the next login
   */
  async set(options, registered) {
    const { state, note } = checked(options, checks, this.#settings.log);
    const { user, domain } = this.#settings;
    const says = state || note;
    this.#document = says
      ? writePresence(`sip:${user}@${domain}`, state ?? "available", note)
      : undefined;
    if (registered) await this.#publish(this.#document);
  }

  /** Said anew: what the server had may be gone. */
  registered() {
    if (this.#document) this.#keep(() => this.#publish(this.#document));
  }

  /** Who logs out is not there any more. */
  leave() {
    clearTimeout(this.#timer);
    if (this.#etag) this.#send("", 0).catch(() => {});
    this.#etag = undefined;
  }

  /** @param {string} [document] none: it is taken back; empty: it stays */
  #publish(document) {
    clearTimeout(this.#timer);
    const sent = this.#turn.then(() => this.#sendInTurn(document));
    this.#turn = sent.catch(() => {});
    return sent;
  }

  /** @param {string} [document] */
  async #sendInTurn(document) {
    if (document === undefined && !this.#etag) return;
    try {
      await this.#send(document ?? "", document === undefined ? 0 : EXPIRES);
    } catch (error) {
      const { status } =
        /** @type {import("../errors/error.js").PhoneError} */ (error);
      if (status !== CONDITION_FAILED || !this.#etag) throw error;
      this.#etag = undefined;
      if (document !== undefined && this.#document)
        await this.#send(this.#document, EXPIRES);
    }
  }

  /**
   * @param {string} body
   * @param {number} expires
   */
  async #send(body, expires) {
    /** @type {[string, string][]} */
    const headers = [
      ["Event", "presence"],
      ["Expires", String(expires)],
    ];
    if (this.#etag) headers.push(["SIP-If-Match", this.#etag]);
    const options = { extraHeaders: headers };
    const answer = await this.#link.ask(
      "publish",
      "application/pidf+xml",
      body,
      options,
    );
    this.#etag = expires ? answer.etag : undefined;
    const seconds = Math.min(answer.expires ?? expires, expires);
    if (seconds) this.#later(seconds * 500);
  }

  /** @param {number} wait in ms */
  #later(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#keep(() => this.#publish(this.#etag ? "" : this.#document)),
      Math.max(wait, 5000),
    );
    this.#timer.unref?.(); // in Node
  }

  /**
   * Where the server fails it is tried again; where there is none, with the next login.
   *
   * @param {() => Promise<void>} step
   */
  #keep(step) {
    step().catch(({ status, code }) => {
      const isServer = status || code === "eTimeout";
      if (isServer && this.#document) this.#later(RETRY);
    });
  }
}
