import { emit } from "../phone/events.js";
import { readPresence } from "./pidf.js";

/** Different users at a time: a wall of them; more would be a burden for the server. */
const MOST = 256;

/** @typedef {import("../phone/events.js").Emitter & { state: string, note?: string }} Presence */
/** @typedef {ReturnType<typeof readPresence>} Shown */
/** @typedef {{ subscription: number, followers: Set<Presence>, shown: Shown }} Followed */

/** How available others are: `presence` (RFC 3856). Who is followed twice is asked for once. */
export class Presences {
  #watch;
  #domain;
  /** By URI. @type {Map<string, Followed>} */
  #followed = new Map();

  /**
   * @param {import("./watch.js").Watch} watch
   * @param {string} domain of plain numbers
   */
  constructor(watch, domain) {
    this.#watch = watch;
    this.#domain = domain;
  }

  /**
   * @param {Presence} presence
   * @param {string} uri
   */
  follow(presence, uri) {
    const target = this.#address(uri);
    const followed = this.#followed.get(target) ?? this.#begin(target);
    if (!followed) return;
    followed.followers.add(presence);
    show(presence, followed.shown);
  }

  /** @param {Presence} presence */
  forget(presence) {
    for (const [target, { followers, subscription }] of this.#followed) {
      if (!followers.delete(presence) || followers.size) continue;
      this.#followed.delete(target);
      this.#watch.unsubscribe(subscription);
    }
  }

  /** @param {string} target */
  #begin(target) {
    if (this.#followed.size >= MOST) return;
    const show = (/** @type {Shown} */ shown) => {
      const followed = this.#followed.get(target);
      if (followed) showAll(followed, shown);
    };
    const subscription = this.#watch.subscribe({
      package: "presence",
      accept: "application/pidf+xml",
      target,
      told: ({ document }) => show(readPresence(document)),
      lapsed: () => show({ state: "unknown" }),
    });
    /** @type {Followed} */
    const followed = {
      subscription,
      followers: new Set(),
      shown: { state: "unknown" },
    };
    this.#followed.set(target, followed);
    return followed;
  }

  /** @param {string} uri as it is dialled */
  #address(uri) {
    const address = uri.trim();
    if (/^(sips?|tel):/i.test(address)) return address;
    return `sip:${address.includes("@") ? address : `${address}@${this.#domain}`}`;
  }
}

/**
 * @param {Followed} followed
 * @param {Shown} shown
 */
function showAll(followed, shown) {
  followed.shown = shown;
  for (const presence of followed.followers) show(presence, shown);
}

/**
 * @param {Presence} presence
 * @param {Shown} shown
 */
function show(presence, { state, note }) {
  if (presence.state === state && presence.note === note) return;
  presence.state = state;
  presence.note = note;
  emit(presence, "change", { state, note });
}
