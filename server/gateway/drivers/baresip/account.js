import { causes } from "../../causes.js";

/**
 * @typedef {object} Call
 * @property {string} id the Call-ID of SIP: random, 64 bits of baresip's own
 * @property {"incoming" | "outgoing"} direction
 * @property {string} peer URI
 * @property {State} state
 * @property {number} [row] number in baresip's list, its "line"
 * @property {string} [cause] why it is in this state, where the driver has brought it there
 * @property {string} [sentTo] where it was transferred to
 *
 * @typedef {"dialling" | "alerting" | "ringing" | "connected" | "held"} State
 */

/** States of calls in baresip's list. @type {Record<string, State>} */
const STATES = {
  INCOMING: "ringing",
  OUTGOING: "dialling",
  RINGING: "alerting",
  EARLY: "alerting",
  ESTABLISHED: "connected",
};

/** States in which the phone's sound belongs to the call. @type {State[]} */
const ACTIVE = ["dialling", "alerting", "connected"];

/** More than anybody handles; who rings on is not shown. */
const MOST_CALLS = 32;

/** A far end can have any name. */
const MAX_NUMBER = 128;

/** An account of baresip, which is a line on a device, and its calls. */
export class Account {
  /** @type {Map<string, Call>} */
  calls = new Map();
  /** The call that was dialled last. @type {string | undefined} */
  dialled;
  /** @type {boolean | undefined} */
  #messageWaiting;
  #registered = false;

  /**
   * @param {string} aor
   * @param {import("../../appearance.js").Appearance} appearance
   */
  constructor(aor, appearance) {
    this.aor = aor;
    this.appearance = appearance;
  }

  get active() {
    return [...this.calls.values()].filter(({ state }) =>
      ACTIVE.includes(state),
    );
  }

  set registered(/** @type {boolean} */ registered) {
    this.#registered = registered;
    this.#show();
  }

  set messageWaiting(/** @type {boolean} */ waiting) {
    this.#messageWaiting = waiting;
    this.#show();
  }

  /** A phone that is in a call is there, though the registrar is not. */
  get inService() {
    return this.#registered || this.calls.size > 0;
  }

  /** @param {number} row */
  at(row) {
    return [...this.calls.values()].find((call) => call.row === row);
  }

  /**
   * A call that is not known yet.
   *
   * @param {Call} call
   */
  add(call) {
    if (this.calls.size >= MOST_CALLS) return undefined;
    this.calls.set(call.id, call);
    if (call.direction === "outgoing") this.dialled = call.id;
    this.#show();
    this.#showCall(call);
    return call;
  }

  /**
   * What the list says of a call.
   *
   * @param {Call} call
   * @param {import("./menu.js").Row} row
   */
  update(call, { state, held }) {
    const next = state === "ESTABLISHED" && held ? "held" : STATES[state];
    if (!next || next === call.state) return;
    call.state = next;
    this.#showCall(call);
    call.cause = undefined;
  }

  /**
   * @param {Call} call
   * @param {string} [why] as baresip has it: an answer of SIP, or a sentence
   */
  end(call, why = "") {
    this.calls.delete(call.id);
    const { id, state, sentTo } = call;
    const cause = causes[Number(why.slice(0, 3))];
    if (sentTo && /^Call transfer/.test(why))
      this.#showCall(
        { ...call, cause: "singleStepTransfer" },
        { state: "ended", by: "local", to: sentTo },
      );
    else {
      if (cause && (state === "dialling" || state === "alerting"))
        this.#showCall({ ...call, cause }, { state: "failed" });
      this.#showCall(
        { ...call, id, cause: cause ?? "normalClearing" },
        { state: "ended", ...(/by user$/.test(why) && { by: "local" }) },
      );
    }
    this.#show();
  }

  #show() {
    const messageWaiting = this.#messageWaiting;
    this.appearance.showDevice({
      inService: this.inService,
      ...(messageWaiting !== undefined && { messageWaiting }),
    });
  }

  /** @param {Call} call @param {object} [members] */
  #showCall({ id, state, direction, peer, cause }, members) {
    const remote = this.#party(peer);
    this.appearance.showCall({
      ...{ id, state, direction, remote },
      ...(cause && { cause }),
      ...members,
    });
  }

  /** Of the far end's URI what one would dial. @param {string} uri */
  #party(uri) {
    const parts = /^sips?:([^@;?]*)@([^;?]*)/i.exec(uri);
    if (!parts) return {};
    const [, user, host] = parts;
    if (/^anonymous(\.invalid)?$/i.test(user) && /\.invalid$/i.test(host))
      return { restricted: true };
    const own = this.aor.replace(/^sips?:[^@]*@/i, "");
    const number = decoded(user);
    const whole = host === own ? number : `${number}@${host}`;
    return { number: whole.slice(0, MAX_NUMBER) };
  }
}

/** @param {string} user */
function decoded(user) {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}
