import { emit } from "../phone/events.js";

/** @typedef {import("../watch/presences.js").Presence} Presence */

/**
 * What the server tells of, as far as a tab has heard of it: in place of js/watch, whose work
 * is done by the host.
 */
export class Told {
  /** What is listened to. @type {Set<string>} */
  #asked = new Set();
  /** The last of each event. @type {Map<string, any>} */
  #last = new Map();
  /** Whose presence is followed. @type {Map<number, { presence: Presence, uri: string }>} */
  #followed = new Map();
  #count = 0;
  #way;

  /** @param {import("./calls.js").Way} way */
  constructor(way) {
    this.#way = way;
  }

  get voicemail() {
    return this.#last.get("voicemail");
  }

  get elsewhereCalls() {
    return this.#last.get("elsewhereCalls")?.calls;
  }

  /** @param {string} event that somebody wants */
  ask(event) {
    if (this.#asked.has(event)) return;
    this.#asked.add(event);
    this.#way.tell("hear", event);
  }

  /** @param {string} id */
  find(id) {
    return this.elsewhereCalls?.find((/** @type {any} */ one) => one.id === id);
  }

  /**
   * @param {Presence} presence
   * @param {string} uri
   */
  follow(presence, uri) {
    const number = ++this.#count;
    this.#followed.set(number, { presence, uri });
    this.#way.tell("follow", number, uri);
  }

  /** @param {Presence} presence */
  forget(presence) {
    for (const [number, one] of this.#followed) {
      if (one.presence !== presence) continue;
      this.#followed.delete(number);
      this.#way.tell("forget", number);
    }
  }

  /** @param {any} options */
  setPresence(options) {
    return this.#way.ask("setPresence", options);
  }

  // ---- what the host says

  /** There is a host, perhaps a new one. */
  joined() {
    for (const event of this.#asked) this.#way.tell("hear", event);
    for (const [number, { uri }] of this.#followed)
      this.#way.tell("follow", number, uri);
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  keep(event, payload) {
    if (this.#asked.has(event)) this.#last.set(event, payload);
  }

  /**
   * @param {number} number
   * @param {{ state: string, note?: string }} shown
   */
  show(number, { state, note }) {
    const { presence } = this.#followed.get(number) ?? {};
    if (!presence || (presence.state === state && presence.note === note))
      return;
    Object.assign(presence, { state, note });
    emit(presence, "change", { state, note });
  }
}
