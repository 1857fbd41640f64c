/** @typedef {import("./host.js").Seat} Seat */
/** @typedef {import("../index.js").Presence} Presence */

/** Events that cost something: they are asked for when a tab listens. */
const ON_DEMAND = ["sip", "voicemail", "elsewhereCalls"];
/** Those that say how something stands: who comes later finds the last one. */
const STANDING = ["voicemail", "elsewhereCalls"];

/**
 * @typedef {object} Followed whose presence a tab wants
 * @property {Seat} seat
 * @property {number} number that the tab gave it
 * @property {string} uri
 * @property {Presence} [presence] as long as there is a phone
 */

/** What tabs want to be told by the server, beyond what every phone is. */
export class Watches {
  #tell;
  /** @type {import("../phone/phone.js").Phone | undefined} */
  #phone;
  /** @type {Set<string>} */
  #heard = new Set();
  /** @type {Map<string, any>} */
  #last = new Map();
  /** @type {Set<Followed>} */
  #followed = new Set();

  /** @param {(name: string, payload: any) => void} tell every tab */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {import("../phone/phone.js").Phone | undefined} phone in whose place there was another one */
  follow(phone) {
    this.#phone = phone;
    this.#last.clear();
    if (!phone) return;
    for (const name of this.#heard) this.#listen(phone, name);
    for (const one of this.#followed) this.#begin(phone, one);
  }

  /**
   * @param {Seat} seat
   * @param {string} name of an event that somebody listens to there
   */
  hear(seat, name) {
    if (!ON_DEMAND.includes(name)) return;
    if (this.#last.has(name))
      seat.wire.tell("told", name, this.#last.get(name));
    if (this.#heard.has(name)) return;
    this.#heard.add(name);
    if (this.#phone) this.#listen(this.#phone, name);
  }

  /**
   * @param {Seat} seat
   * @param {number} number
   * @param {string} uri
   */
  add(seat, number, uri) {
    /** @type {Followed} */
    const one = { seat, number, uri };
    this.#followed.add(one);
    if (this.#phone) this.#begin(this.#phone, one);
  }

  /**
   * @param {Seat} seat
   * @param {number} [number] default: all that it wanted
   */
  forget(seat, number) {
    for (const one of this.#followed) {
      if (one.seat !== seat || (number && one.number !== number)) continue;
      this.#followed.delete(one);
      one.presence?.close();
    }
  }

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {string} name
   */
  #listen(phone, name) {
    phone.on(name, (payload) => {
      if (phone !== this.#phone) return;
      if (STANDING.includes(name)) this.#last.set(name, payload);
      this.#tell(name, payload);
    });
  }

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {Followed} one
   */
  #begin(phone, one) {
    const { seat, number, uri } = one;
    const presence = (one.presence = phone.presence(uri));
    const show = () => {
      const { state, note } = presence;
      seat.wire.tell("presence", number, { state, note });
    };
    presence.on("change", show);
    show();
  }
}
