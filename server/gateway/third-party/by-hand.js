import { causes } from "../causes.js";
import { partyOf } from "./party.js";

/** @typedef {import("../../../js/core/seam.js").WatchedDialog} WatchedDialog */

/** Calls that are shown; more than any phone has. */
const MOST_CALLS = 16;

/** Ends by their names in RFC 4235 §3.7.1. @type {Record<string, object>} */
const ENDS = {
  "local-bye": { cause: "normalClearing", by: "local" },
  "remote-bye": { cause: "normalClearing" },
  cancelled: { cause: "callCancelled" },
  timeout: { cause: "callNotAnswered" },
  error: { cause: "networkNotObtainable" },
};

/**
 * Calls that a desk phone makes and takes by itself, as the SIP server tells of them
 * (RFC 4235). They are shown; nothing can be done with them from here.
 */
export class CallsByHand {
  #appearance;
  #isController;
  /** By the dialog's id, which another call may have later. @type {Map<string, { id: string, view: object, active: boolean }>} */
  #calls = new Map();

  /**
   * @param {import("../appearance.js").Appearance} appearance
   * @param {(uri: string) => boolean} isController whether it is the URI of who controls
   *   the phone: we, or another as we do
   */
  constructor(appearance, isController) {
    this.#appearance = appearance;
    this.#isController = isController;
  }

  /** Whether the phone is in one that is not on hold. */
  get areActive() {
    return [...this.#calls.values()].some(({ active }) => active);
  }

  /** @param {unknown} id */
  has(id) {
    return [...this.#calls.values()].some((call) => call.id === id);
  }

  /** All that there are. @param {WatchedDialog[]} dialogs */
  tell(dialogs) {
    const shown = dialogs.filter((dialog) => this.#isByHand(dialog));
    const left = new Set(this.#calls.keys());
    for (const dialog of shown) {
      const state = stateOf(dialog);
      if (state === "ended") this.#end(dialog.id, endOf(dialog));
      else if (state) this.#show(dialog, state);
      left.delete(dialog.id);
    }
    for (const id of left) this.#end(id, { cause: "normalClearing" });
  }

  /**
   * The call to the phone is not, nor are those that were made in its name. One that was
   * made for another phone is as any that comes in.
   *
   * @param {WatchedDialog} dialog
   */
  #isByHand({ own, incoming, remote }) {
    if (own && !(incoming && remote)) return false;
    return !this.#isController(remote);
  }

  /** Nothing more is heard of them. */
  forget() {
    for (const { id } of this.#calls.values()) this.#appearance.forget(id);
    this.#calls.clear();
  }

  /** @param {WatchedDialog} dialog @param {string} state */
  #show({ id: dialog, incoming, remote, displayName: name }, state) {
    const known = this.#calls.get(dialog);
    if (!known && this.#calls.size >= MOST_CALLS) return;
    const view = {
      id: known?.id ?? crypto.randomUUID(),
      direction: incoming ? "incoming" : "outgoing",
      remote: { ...partyOf(remote), ...(name && { name }) },
      // From here nothing can be done with it.
      can: [],
    };
    const active = state === "connected";
    this.#calls.set(dialog, { id: view.id, view, active });
    this.#appearance.showCall({ ...view, state });
  }

  /** @param {string} dialog @param {object} how */
  #end(dialog, how) {
    const known = this.#calls.get(dialog);
    if (!known) return;
    this.#calls.delete(dialog);
    this.#appearance.showCall({
      ...known.view,
      id: known.id,
      state: "ended",
      ...how,
    });
  }
}

/**
 * How the phone is in it; nothing while it does not ring.
 *
 * @param {WatchedDialog} dialog
 */
function stateOf({ state, incoming, held }) {
  if (state === "terminated") return "ended";
  if (state === "confirmed") return held ? "held" : "connected";
  if (state === "early") return incoming ? "ringing" : "alerting";
  return incoming ? undefined : "dialling";
}

/** @param {WatchedDialog} dialog */
function endOf({ event = "", status = 0, incoming }) {
  if (event === "rejected")
    return incoming
      ? { cause: "normalClearing", by: "local" }
      : { cause: causes[status] ?? "normalClearing" };
  return ENDS[event] ?? { cause: "normalClearing" };
}
