// One of the two clients: a Phone and how it feels about its registration.

import { Phone, PhoneError } from "../js/index.js";
import { capital, clock } from "./element.js";
import { PhoneCard } from "./phone-card.js";

/**
 * @typedef {import("./server.js").Config} Config
 * @typedef {import("./server.js").RegistrationType} RegistrationType
 * @typedef {import("./phone-card.js").Face} Face
 * @typedef {{ instanceId?: string, userAgent?: string }} Who
 * @typedef {"ready" | "refused" | "forced" | "told"} Step
 *
 * @typedef {object} Told What the page is told of a client.
 * @property {(client: Client, event: { direction: "sent" | "received", message: string,
 *   at?: number }) => void} message
 * @property {(client: Client, text: string) => void} note
 * @property {(client: Client, step: Step) => void} step
 * @property {(who: Who | undefined) => string} nameOf
 */

/** Marks this page's phones among those of other windows. */
const PAGE = crypto.randomUUID().slice(0, 4);

/**
 * Short enough that a person sees every refresh of naive clients within
 * seconds. The graceful types are told, they need no haste.
 */
const EXPIRES = { normal: 10, duplicate: 120, graceful: 120 };

/** The device that both phones claim to be. */
export const DEVICE = "CSFDEMO";

export class Client {
  /** @type {import("../js/index.js").Phone | null} */
  #phone = null;
  /** @type {RegistrationType} */
  #type = "graceful";
  /** @type {AbortController | null} */
  #attempt = null;
  #user = "";
  /** What the last attempt or takeover left to say; "" = what the status says. */
  #said = "";
  #alert = false;
  /** Who the registrar sends calls to, if anyone. */
  #holder = "";
  #told;
  #card;

  /**
   * @param {HTMLElement} root
   * @param {{ key: "a" | "b", name: string, place: string }} who
   * @param {Told} told
   */
  constructor(root, who, told) {
    this.key = who.key;
    this.name = who.name;
    this.instanceId = `urn:uuid:${crypto.randomUUID()}`;
    this.userAgent = `Graceline-Demo (${who.name}, ${PAGE})`;
    this.#told = told;
    this.#card = new PhoneCard(root, who);
    this.#card.onAction = () => this.#act();
    this.#show();
  }

  get ready() {
    return this.#phone?.ready ?? false;
  }

  /** @param {Who} who */
  is(who) {
    return (
      who.instanceId === this.instanceId || who.userAgent === this.userAgent
    );
  }

  /**
   * A new phone of that type. The one before must be closed.
   * @param {Config} config
   * @param {RegistrationType} type
   */
  open(config, type) {
    const [user] = config.users;
    if (!user) throw new Error("The demo server offers no user.");
    this.#type = type;
    this.#user = user.name;
    this.#say("");
    this.#phone = new Phone({
      connections: config.url,
      user: user.name,
      password: user.password,
      domain: config.domain,
      device: DEVICE,
      instanceId: this.instanceId,
      userAgent: this.userAgent,
      registrationType: type,
      expires: EXPIRES[type],
      storage: null,
    });
    this.#listen(this.#phone);
    this.#card.describe({
      line: `${user.name}@${config.domain}`,
      device: DEVICE,
      instanceId: this.instanceId,
    });
    this.#show();
  }

  /** Logs out and takes the phone apart. */
  async close() {
    const phone = this.#phone;
    this.#phone = null;
    this.#attempt?.abort();
    this.#card.prompt.withdraw();
    this.#show();
    await phone?.close();
  }

  /**
   * Tells the client whom the registrar has on the line.
   * @param {string} holder "" for nobody
   */
  seeHolder(holder) {
    this.#holder = holder;
    this.#show();
  }

  /** @param {Phone} phone */
  #listen(phone) {
    phone.on("sip", (event) => this.#told.message(this, event));
    let was = phone.status;
    phone.on("status", ({ status }) => {
      this.#show();
      // A login on its way, or one that came to nothing, has words of its own.
      const passing = status === "eIdle" && was === "eRegistering";
      if (status !== was && status !== "eRegistering" && !passing)
        this.#told.note(this, status);
      was = status;
    });
    phone.on("eDeviceAlreadyRegistered", () =>
      this.#told.note(this, "eDeviceAlreadyRegistered"),
    );
    phone.on("eConnectionTerminated", ({ by }) => {
      const rival = this.#told.nameOf(by);
      this.#say(`You were logged out: this phone was taken over by ${rival}.`);
      this.#told.step(this, "told");
    });
    phone.on("eDeviceNotAuthorised", ({ message }) => this.#say(message, true));
    phone.on("error", (error) => this.#say(error.message, true));
  }

  #act() {
    if (this.#attempt) this.#attempt.abort();
    else if (
      this.#phone?.status === "eReady" ||
      this.#phone?.status === "eRecoveryPending"
    ) {
      this.#logOut(this.#phone);
    } else if (this.#phone) this.#logIn(this.#phone, false);
  }

  /**
   * @param {Phone} phone
   * @param {boolean} forceRegistration
   */
  async #logIn(phone, forceRegistration) {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#say("");
    try {
      await phone.registerPhone({ forceRegistration, signal: attempt.signal });
      this.#ended();
      this.#told.step(this, "ready");
      if (forceRegistration) this.#told.step(this, "forced");
    } catch (error) {
      this.#ended();
      if (phone !== this.#phone) return;
      if (PhoneError.is(error, "eDeviceAlreadyRegistered"))
        await this.#ask(phone, error);
      else if (PhoneError.is(error, "eAborted"))
        this.#say("You cancelled the login.");
      else
        this.#say(error instanceof Error ? error.message : String(error), true);
    }
  }

  #ended() {
    this.#attempt = null;
    this.#show();
  }

  /**
   * @param {Phone} phone
   * @param {PhoneError} error
   */
  async #ask(phone, error) {
    this.#told.step(this, "refused");
    const elsewhere = error.details?.elsewhere;
    const who = this.#told.nameOf(elsewhere);
    const since = elsewhere?.since ? ` since ${clock(elsewhere.since)}` : "";
    const yes = await this.#card.prompt.ask(
      `${capital(who)} has had line ${this.#user}${since}.`,
    );
    if (phone !== this.#phone) return;
    if (yes) await this.#logIn(phone, true);
    else this.#say(`Not logged in. The line stays with ${who}.`);
  }

  /** @param {Phone} phone */
  async #logOut(phone) {
    this.#say("");
    await phone.unregisterPhone();
  }

  /**
   * @param {string} text
   * @param {boolean} [alert]
   */
  #say(text, alert = false) {
    this.#said = text;
    this.#alert = alert;
    this.#show();
  }

  #show() {
    this.#card.show(this.#face());
  }

  /** @returns {Face} */
  #face() {
    const said = { notice: this.#said, alert: this.#alert, enabled: true };
    if (!this.#phone) {
      return {
        ...said,
        look: "off",
        status: "Off",
        action: "Log in",
        enabled: false,
      };
    }
    if (this.#attempt) {
      const notice = "Asking the registrar for the line.";
      return {
        ...said,
        notice,
        look: "busy",
        status: "Logging in",
        action: "Cancel",
      };
    }
    switch (this.#phone.status) {
      case "eReady":
        return { ...said, action: "Log out", ...this.#readyFace() };
      case "eRecoveryPending": {
        const notice =
          "The connection is gone. The phone comes back by itself.";
        return {
          ...said,
          notice,
          look: "recovering",
          status: "Reconnecting",
          action: "Log out",
        };
      }
      case "eConnectionTerminated":
        return {
          ...said,
          alert: true,
          look: "taken",
          status: "Logged out",
          action: "Log in",
        };
      case "eDeviceNotAuthorised":
        return {
          ...said,
          alert: true,
          look: "taken",
          status: "Not authorised",
          action: "Log in",
        };
      default: {
        const notice = this.#said || "Not logged in. Calls do not ring here.";
        return {
          ...said,
          notice,
          look: "off",
          status: "Off",
          action: "Log in",
        };
      }
    }
  }

  /** @returns {Pick<Face, "look" | "status" | "notice" | "quiet">} */
  #readyFace() {
    const notice = `Logged in. Calls to ${this.#user} ring here.`;
    const quiet = this.#type === "normal";
    const deceived = quiet && this.#holder && this.#holder !== this.name;
    if (!deceived) return { look: "ready", status: "Ready", notice, quiet };
    return {
      quiet,
      look: "deceived",
      status: "Ready, it thinks",
      notice: `Still believes it is logged in, but calls ring at ${this.#holder}.`,
    };
  }
}
