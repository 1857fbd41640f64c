import { emit } from "../phone/events.js";

/** Longest document read, in characters: a few lines, one for each kind of message. */
const LONGEST = 4096;

/** What waits in the mailbox: `message-summary` (RFC 3842). */
export class Voicemail {
  #watch;
  #phone;
  #isAsked = false;
  /** What was subscribed to says it: what comes unasked does not count. */
  #isTold = false;
  /** @type {Readonly<{ new: number, old: number }> | null} */
  counts = null;

  /**
   * @param {import("./watch.js").Watch} watch
   * @param {import("../phone/phone.js").Phone} phone
   */
  constructor(watch, phone) {
    this.#watch = watch;
    this.#phone = phone;
  }

  ask() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#watch.subscribe({
      package: "message-summary",
      accept: "application/simple-message-summary",
      told: (event) => {
        this.#isTold = true;
        this.#take(event);
      },
      lapsed: () => {
        this.#isTold = false;
      },
    });
  }

  /** @param {{ body: string }} event that nobody asked for */
  heard(event) {
    if (!this.#isTold) this.#take(event);
  }

  /** @param {{ body: string }} event */
  #take({ body }) {
    const counts = readSummary(body.slice(0, LONGEST));
    if (!counts) return;
    const { new: fresh, old } = this.counts ?? {};
    if (counts.new === fresh && counts.old === old) return;
    this.counts = Object.freeze(counts);
    emit(this.#phone, "voicemail", this.counts);
  }
}

/**
 * The voice messages (RFC 3842 §5.2). Where there is no line of theirs, `Messages-Waiting`
 * says as much as that there are some.
 *
 * @param {string} text
 */
export function readSummary(text) {
  const counts = /^voice-message[ \t]*:\s*(\d{1,9})\s*\/\s*(\d{1,9})/im.exec(
    text,
  );
  if (counts) return { new: +counts[1], old: +counts[2] };
  const waiting = /^messages-waiting[ \t]*:\s*(yes|no)\b/im.exec(text);
  return waiting && { new: +/yes/i.test(waiting[1]), old: 0 };
}
