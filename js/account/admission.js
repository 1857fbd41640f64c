import { fault, PhoneError } from "../errors/error.js";
import { callApp } from "../phone/events.js";
import { platform } from "../phone/platform.js";
import { Account } from "./account.js";

/** Credentials of a device are renewed so long before their end, in ms. */
const AHEAD = 5 * 60_000;
/** Where that fails, after this time again, in ms. */
const AGAIN = 60_000;
/** What says nothing of the device: the service is away, or slow. */
const AWAY =
  /^e(CouldNotConnect|Timeout|OutOfService|Internal|TooManyRequests)$/;

/** @typedef {import("./index.js").SipCredentials} SipCredentials */

/**
 * How a phone comes to be let in: its device is authorised before it logs in, and it logs
 * in by credentials of that device, where there are any, or else by the user's password.
 */
export class Admission {
  #phone;
  #settings;
  #link;
  #isOurs;
  /** What the app gave to log in with. @type {((challenge: any) => any) | undefined} */
  #given;
  #isAdmitted = false;
  /** The id that the account service knows it by. */
  #device = "";
  /** The device has a key, and so credentials of its own. */
  #hasKey = false;
  /** Shown last, or about to be. @type {SipCredentials | undefined} */
  #credentials;
  /** They were given to the core. */
  #isShown = false;
  /** @type {any} */
  #timer;
  /** @type {import("./waking.js").Waking | undefined} */
  #waking;

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {any} settings of the phone, before its core is made of them
   * @param {import("../phone/link.js").Link} link
   */
  constructor(phone, settings, link) {
    this.#phone = phone;
    this.#settings = settings;
    this.#link = link;
    const { account, user, domain, password, credentials } = settings;
    if (!account) throw fault("noAccount");
    this.#isOurs = typeof account.authorise !== "function";
    this.account = this.#isOurs
      ? new Account({
          ...{ url: account.url, user, domain, password },
          ...{ instanceId: phone.instanceId, log: settings.log },
          allowInsecure: settings.allowInsecure,
        })
      : account;
    const username = settings.authUser ?? user;
    this.#given = credentials ?? (password && (() => ({ username, password })));
    settings.password = undefined;
    settings.credentials = (/** @type {any} */ challenge) =>
      this.#answer(challenge);
    phone.on("eDeviceNotAuthorised", () => (this.#isAdmitted = false));
  }

  /** Authorises the device, where that is not known to be done. */
  async admit() {
    try {
      await this.device();
    } catch (error) {
      // The registrar has the last word, and may know the device.
      this.#passOver(error);
    }
  }

  /** @returns {Promise<string>} its id at the account service, authorised */
  async device() {
    if (this.#isAdmitted) return this.#device;
    const { deviceClass = "web" } = this.#settings;
    const { instanceId } = this.#phone;
    const device = { instanceId, class: deviceClass, name: deviceName() };
    const admitted = await this.account.authorise(device);
    this.#isAdmitted = true;
    this.#hasKey = !!admitted.this;
    return (this.#device = admitted.id);
  }

  /** @param {ServiceWorkerRegistration} worker */
  async enablePush(worker) {
    await (await this.#loadWaking()).enable(worker, await this.device());
  }

  async disablePush() {
    await (await this.#loadWaking()).disable(await this.device());
  }

  async #loadWaking() {
    const { Waking } = await import("./waking.js");
    const { log } = this.#settings;
    return (this.#waking ??= new Waking(this.#phone, this.account, log));
  }

  close() {
    this.#waking?.close();
    clearTimeout(this.#timer);
    if (this.#isOurs) this.account.close();
  }

  /** @param {{ scheme: string, realm: string }} challenge */
  async #answer(challenge) {
    const own = challenge.scheme === "digest" && (await this.#ownCredentials());
    if (own && own.realm === challenge.realm) {
      this.#isShown = true;
      return pair(own);
    }
    if (!this.#given) throw fault("noCredentials", { status: 401 });
    return this.#given(challenge);
  }

  /** @returns {Promise<SipCredentials | undefined>} */
  async #ownCredentials() {
    if (!this.#hasKey) return undefined;
    try {
      // Who asks again was refused with them.
      if (this.#isShown) this.#credentials = undefined;
      return (this.#credentials ??= await this.#fetch());
    } catch (error) {
      if (PhoneError.is(error, "eDeviceNotAuthorised")) throw error;
      this.#passOver(error, /./);
      return undefined;
    }
  }

  async #fetch() {
    const credentials = await this.account.sipCredentials();
    this.#isShown = false;
    const { expiresIn } = credentials;
    if (expiresIn !== null) this.#renewAfter(expiresIn * 1000 - AHEAD);
    return credentials;
  }

  /** @param {number} delay in ms */
  #renewAfter(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renew(), Math.max(AGAIN, delay));
    // No reason for Node to stay.
    this.#timer.unref?.();
  }

  async #renew() {
    try {
      const renewed = (this.#credentials = await this.#fetch());
      this.#isShown = true;
      this.#link.tell("renewCredentials", renewed.realm, pair(renewed));
    } catch (/** @type {any} */ error) {
      if (AWAY.test(error.code)) this.#renewAfter(AGAIN);
    }
  }

  /**
   * @param {any} error that a login can do without
   * @param {RegExp} [passing]
   */
  #passOver(error, passing = AWAY) {
    if (!this.#given || !passing.test(error.code)) throw error;
    const { message } = error;
    callApp(this.#settings.log, { level: "warn", message, code: error.code });
  }
}

/** @param {SipCredentials} credentials */
const pair = ({ username, password }) => ({ username, password });

/** "Chrome on Linux": people know it by that, and may rename it. */
const deviceName = () =>
  platform().replace(/ \d+(; |$)/, (_, more) => (more ? " on " : "")) ||
  "Web page";
