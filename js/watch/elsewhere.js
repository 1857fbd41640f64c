import { emit } from "../phone/events.js";
import { invalid } from "../phone/options.js";
import { attribute, child, children, text } from "./tree.js";

/** @typedef {import("../index.js").ElsewhereCall} ElsewhereCall */
/** @typedef {import("../core/seam.js").Element} Element */
/** @typedef {{ shown: ElsewhereCall, target: string, replaces?: string }} Known what takes the call's place, where that is possible */

/** Most calls that are told: more than the devices of a user have. */
const MOST = 64;

/** Calls of the user's other devices: `dialog` (RFC 4235). */
export class Elsewhere {
  #watch;
  #phone;
  /** @type {number | undefined} */
  #subscription;
  /** @type {Map<string, Known>} */
  #known = new Map();
  #version = -1;
  /** @type {readonly ElsewhereCall[]} */
  list = [];

  /**
   * @param {import("./watch.js").Watch} watch
   * @param {import("../phone/phone.js").Phone} phone
   */
  constructor(watch, phone) {
    this.#watch = watch;
    this.#phone = phone;
  }

  ask() {
    this.#subscription ??= this.#watch.subscribe({
      package: "dialog",
      accept: "application/dialog-info+xml",
      told: ({ document }) => this.#told(document),
      lapsed: () => this.#forget(),
    });
  }

  /**
   * Whom to call to take a call over: it ends there (RFC 3891). One that rings is taken
   * only as long as it does.
   *
   * @param {string} id
   */
  find(id) {
    const known = this.#known.get(id);
    if (!known?.replaces) throw invalid("id", "is of no call to be picked up");
    return known;
  }

  /** @param {Element | undefined} document */
  #told(document) {
    const version = Number(attribute(document, "version"));
    // One that was overtaken.
    if (document?.name !== "dialog-info" || !(version > this.#version)) return;
    const isFull = attribute(document, "state") === "full";
    const isNext = version === this.#version + 1;
    this.#version = version;
    if (isFull) this.#known.clear();
    // RFC 4235 §4.3: what was missed is asked for.
    else if (!isNext) return this.#renew();
    for (const dialog of children(document, "dialog")) this.#read(dialog);
    this.#tell();
  }

  /** @param {Element} dialog */
  #read(dialog) {
    const id = attribute(dialog, "id") ?? "";
    const known = read(id, dialog);
    if (!known) this.#known.delete(id);
    else if (this.#known.has(id) || this.#known.size < MOST)
      this.#known.set(id, known);
  }

  #renew() {
    const stale = this.#subscription;
    this.#subscription = undefined;
    this.#forget();
    if (stale) this.#watch.unsubscribe(stale);
    this.ask();
  }

  #forget() {
    this.#version = -1;
    this.#known.clear();
    this.#tell();
  }

  #tell() {
    const list = [...this.#known.values()].map(({ shown }) => shown);
    if (JSON.stringify(list) === JSON.stringify(this.list)) return;
    this.list = Object.freeze(list);
    emit(this.#phone, "elsewhereCalls", { calls: this.list });
  }
}

/** States that are shown (RFC 4235 §3.7.1), by who has called. @type {Record<string, Record<string, ElsewhereCall["state"]>>} */
const STATES = {
  initiator: {
    early: "ringing",
    confirmed: "connected",
    proceeding: "calling",
  },
  recipient: { early: "incoming", confirmed: "connected" },
};

/**
 * @param {string} id
 * @param {Element} dialog
 * @returns {Known | undefined} nothing where it is over, or only begins
 */
function read(id, dialog) {
  const direction = attribute(dialog, "direction") ?? "";
  const state = STATES[direction]?.[text(child(dialog, "state"))];
  if (!state) return;
  const remote = child(dialog, "remote", "identity");
  const device = child(dialog, "local", "identity");
  const instance = children(child(dialog, "local", "target"), "param").find(
    (param) => attribute(param, "pname") === "+sip.instance",
  );
  const isOpen = state === "incoming" || state === "connected";
  return {
    shown: Object.freeze({
      id,
      device: Object.freeze({
        name: attribute(device, "display") ?? "",
        instanceId: attribute(instance, "pval") ?? "",
      }),
      state,
      remote: Object.freeze({
        uri: text(remote),
        displayName: attribute(remote, "display") ?? "",
      }),
    }),
    target: attribute(child(dialog, "remote", "target"), "uri") ?? text(remote),
    replaces: isOpen ? replacing(dialog, state) : undefined,
  };
}

/**
 * The Replaces header, with the tags as the far end sees them (RFC 3891 §3).
 *
 * @param {Element} dialog
 * @param {string} state
 */
function replacing(dialog, state) {
  const [call, ours, theirs] = ["call-id", "local-tag", "remote-tag"].map(
    (name) => attribute(dialog, name) ?? "",
  );
  // What is none would be more than one parameter.
  if (![call, ours, theirs].every((part) => /^[!-~]+$/.test(part))) return;
  if (/[;,]/.test(call + ours + theirs)) return;
  const early = state === "incoming" ? ";early-only" : "";
  return `${call};to-tag=${theirs};from-tag=${ours}${early}`;
}
