import { Appearance } from "../appearance.js";
import { causes } from "../causes.js";
import { refuse } from "../refusal.js";
import { CallsByHand } from "./by-hand.js";
import { connect, leaveTogether, lift } from "./connect.js";
import { isOf, partyOf } from "./party.js";

/** @typedef {import("./leg.js").Leg} Leg */
/** @typedef {"initiated" | "dialling" | "alerting" | "connected" | "held" | "ended"} State */

/** What a user part can hold without being read as something else. */
const PLAIN = /^[\w.+*#~-]+$/;

/** Calls of one desk phone; more than anybody keeps on hold. */
const MOST_CALLS = 8;

/** A call that was made for a desk phone. */
class Call {
  /** @type {State} */
  state = "initiated";

  /**
   * @param {string} id
   * @param {string} number
   * @param {Leg} far whoever was called
   */
  constructor(id, number, far) {
    this.id = id;
    this.number = number;
    this.far = far;
  }
}

/**
 * A desk phone for which calls are made (RFC 3725): one call to it, in which whoever it
 * talks to is the far end of one of its calls.
 */
export class Desk extends Appearance {
  #agent;
  #address;
  #options;
  /** Of calls to far ends: for whom they are. */
  #identity;
  /** The call to the phone. @type {Leg | null} */
  #leg = null;
  /** Resolves when the phone was answered. @type {Promise<void> | null} */
  #lifted = null;
  /** @type {Map<string, Call>} */
  #calls = new Map();
  #byHand;
  /** Ends it. @type {(() => void) | null} */
  #watch = null;

  /**
   * @param {import("./agent.js").Agent} agent
   * @param {any} settings of the device
   * @param {(message: object) => void} receive
   */
  constructor(agent, settings, receive) {
    const { line, device, address = line, headers = {}, from } = settings;
    super(line, device, receive);
    this.#agent = agent;
    this.#address = address;
    this.#options = { extraHeaders: Object.entries(headers) };
    this.#identity = PLAIN.test(line)
      ? nameOf(line, agent.domain, from === "account")
      : {};
    const { user, domain } = agent;
    this.#byHand = new CallsByHand(this, (uri) => isOf(uri, user, domain));
    // Until something else is known.
    this.showDevice({ inService: true });
  }

  /** The phone is watched from then on: what it does by itself is shown, too. */
  monitor() {
    const target = `sip:${this.#address}@${this.#agent.domain}`;
    if (PLAIN.test(this.#address))
      this.#watch ??= this.#agent.watch(target, {
        dialogs: ({ dialogs = [] }) => this.#byHand.tell(dialogs),
        presence: ({ registered = true }) =>
          this.showDevice({ inService: registered }),
      });
    return super.monitor();
  }

  unmonitor() {
    super.unmonitor();
    this.#watch?.();
    this.#watch = null;
    this.#byHand.forget();
  }

  /** @param {string} number */
  make(number) {
    if (this.#active() || this.#byHand.areActive) refuse("connectedCallExists");
    if (this.#calls.size >= MOST_CALLS) refuse("resourceBusy");
    const call = new Call(crypto.randomUUID(), number, this.#agent.leg());
    this.#calls.set(call.id, call);
    this.#show(call);
    call.far.onRinging = () => {
      if (call.state === "dialling") this.#show(call, "alerting");
    };
    call.far.onNamed = () => this.#show(call);
    call.far.onEnded = () => this.#farEnded(call);
    this.#dial(call).catch(() => call.far.hangUp());
    return call.id;
  }

  /** @param {string} id */
  clear(id) {
    this.#end(this.#call(id), { cause: "normalClearing", by: "local" });
  }

  /** @param {string} id @param {string} [cause] */
  async hold(id, cause) {
    const call = this.#call(id, "connected");
    await Promise.all([call.far.park(), this.#leg?.park()]);
    this.#show(call, "held", { cause });
  }

  /** @param {string} id @param {string} [cause] */
  async retrieve(id, cause) {
    const call = this.#call(id, "held");
    const active = this.#active();
    if (active) await this.hold(active.id, cause);
    await connect(call.far, await this.#lift());
    this.#show(call, "connected", { cause });
  }

  /** @param {string} id @param {string} number */
  async consult(id, number) {
    await this.hold(id, "consultation");
    return this.make(number);
  }

  /** @param {string} held @param {string} active */
  async alternate(held, active) {
    this.#pair(held, active);
    await this.retrieve(held, "alternate");
  }

  /** @param {string} held @param {string} active */
  async reconnect(held, active) {
    this.#call(held, "held");
    const call = this.#call(active);
    if (call.state === "held") refuse("noActiveCall");
    this.clear(active);
    await this.retrieve(held);
  }

  /** The far ends of both go on without the phone. @param {string} held @param {string} active */
  async transfer(held, active) {
    const [from, to] = this.#pair(held, active);
    to.far.peer = null;
    await connect(from.far, to.far);
    leaveTogether(from.far, to.far);
    this.#calls.delete(held);
    this.forget(held);
    const more = { by: "local", from: [held], to: to.number };
    this.#leave(to, { cause: "transfer", ...more });
  }

  /** The far end waits for whom it is sent to. @param {string} id @param {string} number */
  async singleStepTransfer(id, number) {
    const call = this.#call(id, "connected");
    const target = this.#agent.leg();
    await call.far.park();
    leaveTogether(call.far, target);
    this.#leave(call, { cause: "singleStepTransfer", by: "local", to: number });
    lift(target, number, this.#identity)
      .then(() => connect(call.far, target))
      .catch(() => {
        target.hangUp();
        call.far.hangUp();
      });
  }

  /** @param {Call} call */
  async #dial(call) {
    const leg = await this.#lift();
    if (call.state === "ended") return;
    this.#show(call, "dialling");
    await connect(call.far, leg, call.number, this.#identity);
    this.#show(call, "connected");
  }

  /** The phone in a call with the agent: called first, where it is not. */
  async #lift() {
    if (this.#leg && this.#lifted) {
      await this.#lifted;
      return this.#leg;
    }
    const leg = (this.#leg = this.#agent.leg());
    leg.onEnded = () => this.#hungUp(leg);
    this.#lifted = lift(leg, this.#address, this.#options);
    await this.#lifted;
    return leg;
  }

  /** The phone was hung up, or would not be lifted. What is on hold stays. @param {Leg} leg */
  #hungUp(leg) {
    this.#leg = this.#lifted = null;
    const { status = 0 } = leg.ended ?? {};
    const cause = causes[status] ?? "normalClearing";
    for (const call of this.#calls.values())
      if (call.state !== "held") this.#end(call, { cause, by: "local" });
  }

  /** @param {Call} call */
  #farEnded(call) {
    const { cause, status = 0 } = call.far.ended ?? { cause: "failed" };
    const refused =
      cause === "failed" ? "networkNotObtainable" : "normalClearing";
    this.#end(call, { cause: causes[status] ?? refused });
  }

  /** Ends it at both ends. @param {Call} call @param {object} how */
  #end(call, how) {
    if (call.state === "ended") return;
    this.#leave(call, how);
    call.far.onEnded = () => {};
    call.far.hangUp();
  }

  /** The phone is out of it, and on the hook if it has no other call. @param {Call} call @param {object} how */
  #leave(call, how) {
    const wasActive = call.state !== "held";
    this.#calls.delete(call.id);
    this.#show(call, "ended", how);
    if (!wasActive && this.#calls.size) return;
    if (this.#calls.size) this.#leg?.park().catch(() => this.#leg?.hangUp());
    else this.#leg?.hangUp();
  }

  /** The call that the phone is busy with. */
  #active() {
    return [...this.#calls.values()].find(({ state }) => state !== "held");
  }

  /** @param {unknown} id @param {State} [state] that it must have */
  #call(id, state) {
    const call = this.#calls.get(`${id}`);
    if (this.#byHand.has(id)) refuse("serviceNotSupported");
    if (!call) refuse("invalidConnectionID");
    if (state && call.state !== state) refuse("invalidConnectionState");
    return call;
  }

  /** @param {string} held @param {string} active */
  #pair(held, active) {
    const pair = [this.#call(held), this.#call(active)];
    if (pair[0].state !== "held") refuse("noHeldCall");
    if (pair[1].state !== "connected") refuse("noActiveCall");
    return pair;
  }

  /** @param {Call} call @param {State} [state] @param {object} [more] */
  #show(call, state = call.state, more = {}) {
    if (call.state === "ended") return;
    call.state = state;
    const { id, number } = call;
    const { uri, displayName: name } = call.far.remote;
    // Not that of somebody to whom the call was passed on.
    const isHis = name && partyOf(uri).number === number;
    const remote = { number, ...(isHis && { name }) };
    this.showCall({ id, state, direction: "outgoing", remote, ...more });
  }
}

/**
 * For whom a call is: in From, which phones show, and for the server (RFC 3325 §9.2); one
 * that does not trust the account for it takes that out.
 *
 * @param {string} line
 * @param {string} domain
 * @param {boolean} hidden from From
 * @returns {import("../../../js/core/seam.js").CallOptions}
 */
const nameOf = (line, domain, hidden) =>
  hidden
    ? { extraHeaders: [["P-Preferred-Identity", `<sip:${line}@${domain}>`]] }
    : { publicId: line };
