import { Appearance } from "../../appearance.js";
import { Leg } from "./leg.js";

/** @typedef {import("./message.js").Message} Message */

/** States of devices that are not there. */
const AWAY = ["UNAVAILABLE", "INVALID"];

/** More than anybody handles; who rings on is not shown. */
const MOST_LEGS = 32;

/** Causes of Q.850 in CSTA's words. @type {Record<string, string>} */
const CAUSES = {
  1: "destNotObtainable",
  3: "destNotObtainable",
  17: "busy",
  18: "callNotAnswered",
  19: "callNotAnswered",
  20: "destOutOfOrder",
  21: "blocked",
  27: "destOutOfOrder",
  28: "destNotObtainable",
  34: "networkCongestion",
  42: "networkCongestion",
};
/** Answered elsewhere. */
const ELSEWHERE = "26";

/** A desk phone behind Asterisk: an appearance, and the legs of its calls. */
export class Phone {
  /** By their ids. @type {Map<string, Leg>} */
  legs = new Map();
  #inService = true;
  /** @type {boolean | undefined} */
  #messageWaiting;

  /**
   * @param {string} line
   * @param {{ device: string, channel: string, context: string, mailbox?: string, music?: string }} options
   * @param {(message: object) => void} receive
   */
  constructor(line, { device, channel, context, mailbox, music }, receive) {
    this.line = line;
    this.channel = channel;
    this.context = context;
    this.mailbox = mailbox;
    this.music = music;
    this.appearance = new Appearance(line, device, receive);
    this.#show();
  }

  get inService() {
    return this.#inService;
  }

  /** @param {string} state of the device, as Asterisk names it */
  heedState(state) {
    this.#inService = !AWAY.includes(state);
    this.#show();
  }

  /** @param {boolean} waiting */
  heedMessages(waiting) {
    this.#messageWaiting = waiting;
    this.#show();
  }

  /** @param {string} id @param {string} [dialled] by us */
  add(id, dialled) {
    if (this.legs.size >= MOST_LEGS) return undefined;
    const leg = new Leg(id, dialled);
    this.legs.set(id, leg);
    return leg;
  }

  /** @param {Leg} leg */
  show(leg) {
    if (leg.state && this.appearance.showCall(leg.view)) leg.cause = undefined;
  }

  /**
   * A leg has ended.
   *
   * @param {Leg} leg
   * @param {string} [code] of Q.850
   */
  end(leg, code = "16") {
    if (!this.legs.delete(leg.id) || leg.over) return;
    const { state, view } = leg;
    const waits = state === "dialling" || state === "alerting";
    const cause = code === ELSEWHERE ? "callPickup" : CAUSES[code];
    if (waits && cause && !leg.clearing)
      this.appearance.showCall({ ...view, state: "failed", cause });
    this.appearance.showCall({
      ...{ ...view, state: "ended", cause: cause ?? "normalClearing" },
      ...(leg.clearing && { by: "local", cause: "normalClearing" }),
    });
  }

  /**
   * The far end of a leg is with somebody else now.
   *
   * @param {Leg} leg
   * @param {"transfer" | "singleStepTransfer" | "redirected"} cause
   * @param {{ to?: string, from?: Leg }} where `from`: the other leg that made place
   */
  pass(leg, cause, { to, from }) {
    this.appearance.showCall({
      ...{ ...leg.view, state: "ended", cause, by: "local" },
      ...(to && { to }),
      ...(from && { from: [from.id] }),
    });
    if (from) this.appearance.forget(from.id);
    for (const each of [leg, ...(from ? [from] : [])]) {
      each.over = true;
      // Its Hangup is still to come, unless it was before.
      if (!each.channel) this.legs.delete(each.id);
    }
  }

  #show() {
    const messageWaiting = this.#messageWaiting;
    this.appearance.showDevice({
      inService: this.#inService,
      ...(messageWaiting !== undefined && { messageWaiting }),
    });
  }
}
