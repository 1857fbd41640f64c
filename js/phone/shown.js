import { Emitter, emit } from "./events.js";

/** What a snapshot shows, of whatever has it. */
const SHOWN =
  "id,direction,to,status,ready,registration,mode,tabs,calls,state,remote,heldBy,muted,startTime,callInfo,here,media,localStream,remoteStream,parties,services".split(
    ",",
  );

/**
 * What can be looked at as it is at a moment: phones and calls.
 *
 * @template S
 */
export class Shown extends Emitter {
  /** @type {any} */
  #seen;

  /**
   * Another object only where something is different: React's `useSyncExternalStore` asks
   * for it at every render.
   *
   * @returns {S}
   */
  snapshot() {
    /** @type {any} */
    const self = this;
    /** @type {any} */
    const now = {};
    for (const name of SHOWN) if (name in self) now[name] = self[name];
    // Lists are made anew each time, of things that stay the same.
    const [a, b] = [now, this.#seen ?? []].map((seen) =>
      Object.values(seen).flat(),
    );
    if (a.length !== b.length || a.some((value, i) => value !== b[i]))
      this.#seen = Object.freeze(now);
    return this.#seen;
  }

  look() {
    const before = this.#seen;
    const now = this.snapshot();
    // Whoever begins to listen knows what it is like.
    if (before && now !== before) emit(this, "change", now);
  }
}
