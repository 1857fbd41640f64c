import { Elsewhere } from "./elsewhere.js";
import { Presences } from "./presences.js";
import { PresenceState } from "./presence-state.js";
import { Voicemail } from "./voicemail.js";

/**
 * @typedef {object} Topic what is subscribed to (RFC 6665)
 * @property {string} package
 * @property {string} accept media type of its documents
 * @property {string} [target] whose state it is; default: our own
 * @property {(event: import("../core/seam.js").Events["notified"]) => void} told
 * @property {() => void} [lapsed] nothing is known any more, or not for a while
 */

/**
 * What the server tells a phone by event packages: what waits in the mailbox, calls of the
 * user's other devices, how available others are. The core keeps the subscriptions as long
 * as the phone is logged in; with each login they are asked for anew.
 */
export class Watch {
  #phone;
  #link;
  /** @type {Map<number, Topic>} */
  #topics = new Map();
  #last = 0;
  #mailbox;
  #elsewhere;
  #presences;
  #state;
  #address;

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {any} settings
   * @param {import("../phone/link.js").Link} link
   */
  constructor(phone, settings, link) {
    this.#phone = phone;
    this.#link = link;
    this.#mailbox = new Voicemail(this, phone);
    this.#elsewhere = new Elsewhere(this, phone);
    this.#presences = new Presences(this, settings.domain);
    this.#state = new PresenceState(link, settings);
    this.#address = `sip:${settings.user}@${settings.domain}`;
  }

  get voicemail() {
    return this.#mailbox.counts;
  }

  get elsewhereCalls() {
    return this.#elsewhere.list;
  }

  /** @param {string} event that somebody wants */
  ask(event) {
    (event === "voicemail" ? this.#mailbox : this.#elsewhere).ask();
  }

  /** @param {string} id */
  find(id) {
    return this.#elsewhere.find(id);
  }

  /**
   * @param {import("./presences.js").Presence} presence
   * @param {string} uri
   */
  follow(presence, uri) {
    this.#presences.follow(presence, uri);
  }

  /** @param {import("./presences.js").Presence} presence that nobody looks at any more */
  forget(presence) {
    this.#presences.forget(presence);
  }

  /** @param {any} options */
  setPresence(options) {
    return this.#state.set(options, this.#isRegistered);
  }

  // ---- for the parts

  /**
   * @param {Topic} topic
   * @returns {number} what ends it
   */
  subscribe(topic) {
    const number = ++this.#last;
    this.#topics.set(number, topic);
    if (this.#isRegistered) this.#subscribe(number, topic);
    return number;
  }

  /** @param {number} number */
  unsubscribe(number) {
    this.#topics.delete(number);
    this.#link.tell("unsubscribe", number);
  }

  // ---- what the phone says

  /** Be it again, or still. */
  registered() {
    for (const [number, topic] of this.#topics) this.#subscribe(number, topic);
    this.#state.registered();
  }

  /** The phone is about to log out. */
  leave() {
    this.#state.leave();
  }

  /** @param {{ name: string, subscription: number } & any} event */
  heard({ name, subscription, ...event }) {
    if (subscription === 0) return this.#mailbox.heard(event);
    const topic = this.#topics.get(subscription);
    if (name === "notified") topic?.told(event);
    else topic?.lapsed?.();
  }

  get #isRegistered() {
    return !!this.#phone.registration;
  }

  /**
   * @param {number} number
   * @param {Topic} topic
   */
  #subscribe(number, { package: name, accept, target = this.#address }) {
    this.#link.tell("subscribe", number, name, accept, target);
  }
}
