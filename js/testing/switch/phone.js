import { Refusal } from "../../../server/gateway/refusal.js";
import { Emitter, emit } from "../../phone/events.js";

/** @typedef {import("../index.js").DeskPhone} Declared */

/**
 * A desk phone of the switch, for hands: what people do at it.
 *
 * @implements {Declared}
 */
export class DeskPhone extends Emitter {
  #exchange;
  #appearances;
  device;

  /**
   * @param {import("./exchange.js").Exchange} exchange
   * @param {import("./calls.js").Appearance[]} appearances
   */
  constructor(exchange, appearances) {
    super();
    this.#exchange = exchange;
    this.#appearances = appearances;
    this.device = appearances[0].device;
  }

  get lines() {
    return this.#appearances.map(({ line }) => line);
  }

  get calls() {
    return this.#legs().map(({ at, heard, view }) => {
      const { id, state, direction, remote, parties } = view;
      const { line } = at;
      const digits = heard;
      return {
        ...{ id, line, state, direction, remote: remote.number },
        ...{ parties, digits },
      };
    });
  }

  get inService() {
    return this.#appearances[0].inService;
  }

  get doNotDisturb() {
    return this.#appearances[0].doNotDisturb;
  }

  get messageWaiting() {
    return this.#appearances[0].messageWaiting;
  }

  get forwarding() {
    return this.#appearances[0].view.forwarding;
  }

  /** @param {string} [line] */
  lift(line) {
    const at = this.#appearances.find((each) => !line || each.line === line);
    if (!at) throw new Refusal("invalidDeviceID");
    return this.#exchange.lift(at).call.id;
  }

  /** @param {string} number */
  dial(number) {
    const lifted = this.#legs().find(({ state }) => state === "initiated");
    const id = lifted?.call.id ?? this.lift();
    this.#exchange.dial(this.#leg(id), number);
    return id;
  }

  /** @param {string} [id] */
  answer(id) {
    this.#exchange.answer(this.#leg(id, ["ringing"]));
  }

  /** @param {string} [id] */
  hold(id) {
    this.#exchange.hold(this.#leg(id, ["connected"]));
  }

  /** @param {string} [id] */
  resume(id) {
    this.#exchange.retrieve(this.#leg(id, ["held"]));
  }

  /** @param {string} [id] default: the call that has the sound, else the one that rings */
  hangup(id) {
    const states = ["connected", "alerting", "dialling", "initiated"];
    this.#exchange.clear(this.#leg(id, [...states, "ringing", "held"]));
  }

  /** @param {string} digits @param {string} [id] */
  press(digits, id) {
    this.#exchange.digits(this.#leg(id, ["connected"]), digits);
  }

  /** @param {string} to @param {string} [id] */
  transfer(to, id) {
    this.#exchange.singleStepTransfer(this.#leg(id, ["connected"]), to);
  }

  /** Joins the far ends of the call on hold and of the other, and leaves. */
  joinOthers() {
    this.#exchange.transfer(
      this.#leg(undefined, ["held"]),
      this.#leg(undefined, ["connected", "alerting"]),
    );
  }

  /** Makes one call of the one on hold and the other. */
  confer() {
    this.#exchange.conference(
      this.#leg(undefined, ["held"]),
      this.#leg(undefined, ["connected"]),
    );
  }

  /** @param {string} to @param {string} [id] */
  deflect(to, id) {
    this.#exchange.deflect(this.#leg(id, ["ringing"]), to);
  }

  /** @param {boolean} on */
  setDoNotDisturb(on) {
    for (const at of this.#appearances) this.#exchange.disturbNot(at, on);
  }

  /** @param {import("./calls.js").Rule} rule */
  setForwarding(rule) {
    this.#exchange.forward(this.#appearances[0], rule);
  }

  /** @param {boolean} on */
  setMessageWaiting(on) {
    for (const line of this.lines) this.#exchange.messagesWait(line, on);
  }

  unplug() {
    for (const at of this.#appearances) this.#exchange.plug(at, false);
  }

  plug() {
    for (const at of this.#appearances) this.#exchange.plug(at, true);
  }

  changed() {
    emit(this, "change", undefined);
  }

  #legs() {
    return this.#appearances.flatMap(({ legs }) => [...legs]);
  }

  /**
   * The one of this name; without one the first that is in the first of these states.
   *
   * @param {string} [id]
   * @param {string[]} [states]
   */
  #leg(id, states = []) {
    const legs = this.#legs();
    const found = id
      ? legs.find(({ call }) => call.id === id)
      : states
          .map((state) => legs.find((leg) => leg.state === state))
          .find(Boolean);
    if (!found)
      throw new Refusal(id ? "invalidConnectionID" : "invalidConnectionState");
    return found;
  }
}
