import { fault, PhoneError } from "../errors/error.js";
import { Emitter, emit, isHeard } from "../phone/events.js";
import { checked, checks, isLoopback, text } from "../phone/options.js";
import { Keys, publicHalf } from "./keys.js";
import { Service } from "./service.js";
import { Session } from "./session.js";
import { Stream } from "./stream.js";

/** @typedef {import("./index.js").Account} Declared */
/** @typedef {import("./index.js").Device} Device */
/** @typedef {import("./index.js").PublicId} PublicId */
/** @typedef {import("../phone/options.js").Check} Check */

/** @type {Record<string, Check>} */
const accountChecks = {
  url: serviceUrl,
  user: checks.user,
  domain: checks.domain,
  password: checks.password,
  token: (value) => typeof value !== "function" && text(value),
  instanceId: checks.instanceId,
  allowInsecure: checks.allowInsecure,
  log: checks.log,
};

/** @type {(value: any, options: any) => import("../phone/options.js").Complaint} */
function serviceUrl(value, { allowInsecure }) {
  const complaint = text(value);
  if (complaint) return complaint;
  let parsed;
  try {
    parsed = new URL(value);
  } catch {
    return "must be an https:// URL";
  }
  const { protocol, hostname, username, password } = parsed;
  if (username || password)
    return "must not carry a user name or password: use user and password";
  if (protocol === "https:") return undefined;
  if (protocol !== "http:") return "must be an https:// URL";
  return (
    !allowInsecure &&
    !isLoopback(hostname) &&
    "must use https:// (http:// is for loopback hosts; allowInsecure: true permits it elsewhere)"
  );
}

/** What the service tells by itself, as `on` names it. */
const TOLD = ["devices", "ringsOn", "rules", "history", "voicemail"];

/** @param {string} id */
const part = (id) =>
  encodeURIComponent(checked({ id }, { id: text }, undefined).id);

/**
 * What a user has at the account service. The types and their documentation stand in
 * index.d.ts.
 *
 * @implements {Declared}
 */
export class Account extends Emitter {
  #service;
  #url;
  #session;
  #keys;
  #stream;
  #isClosed = false;

  /** @param {import("./index.js").AccountOptions} options */
  constructor(options) {
    super();
    const required = ["url", "user", "domain"];
    const given = checked(options, accountChecks, options?.log, required);
    const { url, user, domain, instanceId } = given;
    this.#service = new Service(url);
    this.#url = url.replace(/\/*$/, "/");
    this.#keys = new Keys(`${new URL(url)} ${user}@${domain.toLowerCase()}`);
    this.#session = new Session(this.#service, given, {
      find: () => this.#keys.find(instanceId?.toLowerCase()),
      forget: (known) => this.#keys.forget(known),
    });
    this.#stream = new Stream({
      open: (signal) =>
        this.#signedIn((token) =>
          this.#service.open("GET", "events", { token, signal }),
        ),
      heard: (event, data) => this.#heard(event, data),
      missed: () => this.#tellAgain(),
      failed: (error) => emit(this, "error", error),
    });
  }

  /**
   * Vue makes proxies of plain objects, and private fields cannot be had through one.
   *
   * @returns {"Account"}
   */
  get [Symbol.toStringTag]() {
    return "Account";
  }

  // ---- devices

  /** @returns {Promise<Device[]>} */
  async devices() {
    return this.#seen(await this.#ask("GET", "devices"));
  }

  /**
   * @param {import("./index.js").NewDevice} device
   * @returns {Promise<Device>}
   */
  async authorise({ instanceId, class: kind, name, replaces }) {
    const instance = `${instanceId}`.toLowerCase();
    const keys = await this.#keysOf(instance);
    const key = keys && (await publicHalf(keys));
    const wanted = { instanceId, class: kind, name, key, replaces };
    const device = await this.#ask("POST", "devices", wanted);
    if (!keys) return this.#seen([device])[0];
    const kept = { id: device.id, instanceId: instance, keys };
    await this.#keys.keep(kept);
    this.#session.bind(kept);
    return this.#seen([device])[0];
  }

  /**
   * @param {string} id
   * @param {string} name
   */
  async rename(id, name) {
    return this.#change("PATCH", `devices/${part(id)}`, { name });
  }

  /** @param {string} id */
  async revoke(id) {
    return this.#change("POST", `devices/${part(id)}/revoke`);
  }

  /** @param {string} id */
  async restore(id) {
    return this.#change("POST", `devices/${part(id)}/restore`);
  }

  /** @param {string} id @returns {Promise<void>} */
  async forget(id) {
    return this.#ask("DELETE", `devices/${part(id)}`);
  }

  /** @returns {Promise<import("./index.js").SipCredentials>} */
  async sipCredentials() {
    return this.#ask("POST", "sip-credentials");
  }

  // ---- how devices are woken

  /** @returns {Promise<string>} */
  async pushKey() {
    return (await this.#ask("GET", "push/key")).publicKey;
  }

  /**
   * @param {string} id
   * @param {import("./index.js").PushSubscriptionOf | null} subscription
   * @returns {Promise<Device>}
   */
  async setPush(id, subscription) {
    const path = `devices/${part(id)}/push`;
    return subscription
      ? this.#change("PUT", path, subscription)
      : this.#change("DELETE", path);
  }

  // ---- where calls ring, and by what ids

  /** @returns {Promise<import("./index.js").RingsOn>} */
  async ringsOn() {
    return (await this.#ask("GET", "rings-on")).ringsOn;
  }

  /**
   * @param {import("./index.js").RingsOn} ringsOn
   * @returns {Promise<import("./index.js").RingsOn>}
   */
  async setRingsOn(ringsOn) {
    return (await this.#ask("PUT", "rings-on", { ringsOn })).ringsOn;
  }

  /** @returns {Promise<PublicId[]>} */
  async publicIds() {
    return this.#ask("GET", "public-ids");
  }

  /**
   * @param {string} id
   * @param {{ channel?: "sms" | "call" }} [options]
   * @returns {Promise<PublicId>}
   */
  async addPublicId(id, { channel } = {}) {
    return this.#ask("POST", "public-ids", { id, channel });
  }

  /**
   * @param {string} id
   * @param {string} code
   * @returns {Promise<PublicId>}
   */
  async confirmPublicId(id, code) {
    return this.#ask("POST", `public-ids/${part(id)}/confirm`, { code });
  }

  /** @param {string} id @returns {Promise<void>} */
  async removePublicId(id) {
    return this.#ask("DELETE", `public-ids/${part(id)}`);
  }

  // ---- where calls go, and which there were

  /** @returns {Promise<import("./index.js").Rules>} */
  async rules() {
    return this.#ask("GET", "rules");
  }

  /**
   * @param {Partial<import("./index.js").Rules>} rules
   * @returns {Promise<import("./index.js").Rules>}
   */
  async setRules(rules) {
    return this.#ask("PATCH", "rules", rules);
  }

  /**
   * @param {{ before?: string, limit?: number }} [page]
   * @returns {Promise<import("./index.js").CallRecord[]>}
   */
  async history({ before, limit } = {}) {
    const query = new URLSearchParams();
    if (before !== undefined) query.set("before", before);
    if (limit !== undefined) query.set("limit", `${limit}`);
    return this.#ask("GET", query.size ? `history?${query}` : "history");
  }

  // ---- voicemail

  /** @returns {Promise<import("./index.js").VoicemailMessage[]>} */
  async voicemails() {
    const messages = await this.#ask("GET", "voicemails");
    return messages.map((/** @type {any} */ message) => this.#played(message));
  }

  /**
   * @param {string} id
   * @returns {Promise<import("./index.js").VoicemailMessage>}
   */
  async heard(id) {
    return this.#played(
      await this.#ask("POST", `voicemails/${part(id)}/heard`),
    );
  }

  /** @param {string} id @returns {Promise<void>} */
  async deleteVoicemail(id) {
    return this.#ask("DELETE", `voicemails/${part(id)}`);
  }

  /** @param {any} message whose URL is relative */
  #played(message) {
    return { ...message, url: new URL(message.url, this.#url).href };
  }

  // ---- events

  /**
   * @param {string} name
   * @param {import("../phone/events.js").Listener} listener
   */
  on(name, listener) {
    super.on(name, listener);
    return this.#listen(name);
  }

  /**
   * @param {string} name
   * @param {import("../phone/events.js").Listener} listener
   */
  once(name, listener) {
    super.once(name, listener);
    return this.#listen(name);
  }

  /**
   * @param {string} name
   * @param {any} listener
   * @param {{ once?: boolean, signal?: AbortSignal } | boolean} [options]
   */
  addEventListener(name, listener, options) {
    super.addEventListener(name, listener, options);
    this.#listen(name);
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.stop();
    this.#session
      .end()
      .catch(() => {})
      .then(() => this.#service.close());
  }

  /** @param {string} name */
  #listen(name) {
    if (TOLD.includes(name) && !this.#isClosed) this.#stream.start();
    return this;
  }

  /**
   * @param {string} event
   * @param {string} data
   */
  #heard(event, data) {
    if (!TOLD.includes(event)) return;
    let value;
    try {
      value = JSON.parse(data);
    } catch {
      return; // no word of the service
    }
    emit(this, event, event === "devices" ? this.#seen(value) : value);
  }

  /** What may have changed while nobody listened. */
  async #tellAgain() {
    for (const name of /** @type {const} */ (["devices", "ringsOn", "rules"])) {
      if (!isHeard(this, name)) continue;
      // Who cannot be asked is about to be lost again.
      const value = await this[name]().catch(() => {});
      if (value) emit(this, name, value);
    }
  }

  // ---- asking

  /**
   * The pair that a device is to be known by. The session of another device gives it none.
   *
   * @param {string} instance
   */
  async #keysOf(instance) {
    const [known] = await this.#keys.find(instance);
    if (known) await this.#session.prefer(known);
    const owner = await this.#signedIn(async () => this.#session.device);
    if (owner && owner !== known?.id) return undefined;
    return known?.keys ?? this.#keys.make();
  }

  /**
   * @param {Device[]} devices
   * @returns {Device[]} which of them this is, told
   */
  #seen(devices) {
    const own = this.#session.device;
    return devices.map((device) =>
      device.id === own ? { ...device, this: true } : device,
    );
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Device>}
   */
  async #change(method, path, body) {
    return this.#seen([await this.#ask(method, path, body)])[0];
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  #ask(method, path, body) {
    return this.#signedIn((token) =>
      this.#service.ask(method, path, { body, token }),
    );
  }

  /**
   * A token may end before its time, once: its session was ended elsewhere.
   *
   * @template T
   * @param {(token: string) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #signedIn(work) {
    if (this.#isClosed) throw fault("accountClosed");
    const token = await this.#session.token();
    try {
      return await work(token);
    } catch (error) {
      if (!PhoneError.is(error, "eCredentialsRejected")) throw error;
      this.#session.drop(token);
      return work(await this.#session.token());
    }
  }
}
