import { refuse } from "../../../server/gateway/refusal.js";
import { Appearance, Call, Leg } from "./calls.js";

/** Calls that a device takes at once; who calls then hears that it is busy. */
const MOST_CALLS = 2;
/** Lines that a call is forwarded over; more are a loop. */
const MOST_FORWARDS = 5;
/** How long a line rings before a rule `noAnswer` that says nothing else, in s. */
const NO_ANSWER = 15;

/**
 * @typedef {import("./calls.js").Rule} Rule
 * @typedef {{ targets: Appearance[], cause?: undefined, over: string[] }
 *   | { targets?: undefined, cause: string, over?: undefined }} Route
 */

/**
 * Connects the desk phones of a switch. Each mutation tells, through `tell`, the
 * views of what it has changed (docs/cti-link.md).
 */
export class Exchange {
  /** @type {Map<string, Appearance[]>} */
  #lines = new Map();
  /** @type {Map<string, Appearance[]>} */
  devices = new Map();
  /** Where calls of a line are forwarded to. @type {Map<string, Rule[]>} */
  #rules = new Map();
  /** @type {Set<Leg>} */
  #changed = new Set();
  #tell;
  #prefix = crypto.randomUUID().slice(0, 8);
  #count = 0;
  /** @type {Set<NodeJS.Timeout>} */
  #timers = new Set();

  /**
   * @param {{ phones: Record<string, string[]>, names: Record<string, string> }} lines
   *   their devices, and what they are called
   * @param {(appearance: Appearance, message?: object) => void} tell without a message:
   *   what gateways do not hear of
   */
  constructor({ phones, names }, tell) {
    this.#tell = tell;
    for (const [line, devices] of Object.entries(phones)) {
      /** @type {Rule[]} */
      const rules = [];
      this.#rules.set(line, rules);
      const all = devices.map(
        (device) => new Appearance(line, device, rules, names),
      );
      this.#lines.set(line, all);
      for (const at of all)
        this.devices.set(at.device, [
          ...(this.devices.get(at.device) ?? []),
          at,
        ]);
    }
  }

  /** @param {string} line @param {string} device */
  find(line, device) {
    return this.#lines.get(line)?.find((at) => at.device === device);
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Takes the handset up: for a call, and what was connected waits. @param {Appearance} at */
  lift(at) {
    if (!at.inService) refuse("deviceOutOfService");
    this.#holdOthers(at.device);
    const leg = this.#join(this.#newCall(), at, "initiated", "outgoing");
    this.#flush();
    return leg;
  }

  /** @param {Leg} leg @param {string} number */
  dial(leg, number) {
    if (leg.state !== "initiated") refuse("invalidConnectionState");
    this.#change(leg, { state: "dialling", dialled: number });
    this.#flush();
    const cause = this.#ring(leg.call, number);
    if (cause) this.#fail(leg, cause);
    else this.#change(leg, { state: "alerting" });
    this.#flush();
  }

  /**
   * What a program asks for: it is not to put callers on hold unasked.
   *
   * @param {Appearance} at
   * @param {string} number
   */
  make(at, number) {
    if (!at.inService) refuse("deviceOutOfService");
    if (this.#active(at.device).length) refuse("connectedCallExists");
    if (!this.#lines.has(number)) refuse("invalidCalledDeviceID");
    const leg = this.lift(at);
    this.dial(leg, number);
    return leg.call.id;
  }

  /** @param {Leg} leg */
  answer(leg) {
    if (leg.state !== "ringing") refuse("noCallToAnswer");
    this.#holdOthers(leg.at.device);
    const { call, at } = leg;
    this.#change(leg, { state: "connected", cause: undefined });
    for (const other of call.ringing)
      this.#leave(other, { cause: "callPickup", elsewhere: at.device });
    for (const other of call.legs)
      if (["dialling", "alerting"].includes(other.state))
        this.#change(other, { state: "connected", cause: undefined });
    this.#flush();
  }

  /** @param {Leg} leg */
  hold(leg) {
    if (leg.state !== "connected") refuse("invalidConnectionState");
    this.#change(leg, { state: "held", cause: undefined });
    this.#flush();
  }

  /** @param {Leg} leg */
  retrieve(leg) {
    if (leg.state !== "held") refuse("invalidConnectionState");
    this.#holdOthers(leg.at.device);
    this.#change(leg, { state: "connected", cause: undefined });
    this.#flush();
  }

  /** @param {Leg} leg */
  clear(leg) {
    const { call } = leg;
    const cause = leg.state === "ringing" ? "busy" : "normalClearing";
    this.#leave(leg, { cause: "normalClearing", by: "local" });
    this.#settle(call, cause);
    this.#flush();
  }

  /** @param {Leg} leg @param {string} number */
  consult(leg, number) {
    if (leg.state !== "connected") refuse("invalidConnectionState");
    if (!this.#lines.has(number)) refuse("invalidCalledDeviceID");
    this.#change(leg, { state: "held", cause: "consultation" });
    return this.make(leg.at, number);
  }

  /** @param {Leg} held @param {Leg} active */
  alternate(held, active) {
    this.#pair(held, active, ["connected"]);
    this.#change(active, { state: "held", cause: "alternate" });
    this.#change(held, { state: "connected", cause: "alternate" });
    this.#flush();
  }

  /** @param {Leg} held @param {Leg} active */
  reconnect(held, active) {
    this.#pair(held, active);
    this.clear(active);
    this.retrieve(held);
  }

  /** @param {Leg} held @param {Leg} active */
  transfer(held, active) {
    this.#pair(held, active);
    const [to] = active.others;
    const ids = [held.call.id];
    this.#leave(active, { cause: "transfer", by: "local", from: ids, to });
    this.#merge(held, active.call, "transfer");
    const { inside, ringing } = active.call;
    // Sent on to a phone that rings, the far end hears that.
    if (ringing.length && inside.length === 1)
      this.#change(inside[0], { state: "alerting" });
    this.#flush();
  }

  /** @param {Leg} held @param {Leg} active */
  conference(held, active) {
    this.#pair(held, active, ["connected"]);
    const from = [held.call.id];
    this.#merge(held, active.call, "conference");
    active.from = from;
    this.#flush();
    return active.call.id;
  }

  /** Sends the far end elsewhere; it comes to nothing where nobody would ring. @param {Leg} leg @param {string} number */
  singleStepTransfer(leg, number) {
    if (leg.state !== "connected") refuse("invalidConnectionState");
    this.#mustRing(number);
    const { call } = leg;
    const cause = "singleStepTransfer";
    this.#leave(leg, { cause, by: "local", to: number });
    this.#ring(call, number);
    for (const other of call.inside)
      this.#change(other, { state: "alerting", cause, dialled: number });
    this.#flush();
  }

  /** @param {Leg} leg @param {string} number */
  deflect(leg, number) {
    if (leg.state !== "ringing") refuse("invalidConnectionState");
    this.#mustRing(number);
    const { call } = leg;
    const cause = "redirected";
    for (const other of call.ringing)
      this.#leave(other, {
        cause,
        by: other === leg ? "local" : undefined,
        to: number,
      });
    this.#ring(call, number);
    for (const other of call.inside) this.#change(other, { dialled: number });
    this.#flush();
  }

  /** @param {Leg} leg @param {string} digits */
  digits(leg, digits) {
    if (leg.state !== "connected") refuse("invalidConnectionState");
    if (!/^[0-9A-D*#,]+$/i.test(digits)) refuse("valueOutOfRange");
    for (const other of leg.call.legs)
      if (other !== leg && other.state === "connected") {
        other.heard += digits;
        this.#tell(other.at);
      }
  }

  /** @param {Appearance} at @param {Rule} rule */
  forward(at, rule) {
    if (rule.active && !this.#lines.has(`${rule.to}`))
      refuse("invalidForwardingDestination");
    const rules = /** @type {Rule[]} */ (this.#rules.get(at.line));
    const others = rules.filter(({ type }) => type !== rule.type);
    rules.splice(0, rules.length, ...others, rule);
    for (const each of this.#lines.get(at.line) ?? []) this.#device(each);
  }

  /** @param {Appearance} at @param {boolean} on */
  disturbNot(at, on) {
    at.doNotDisturb = on;
    this.#device(at);
  }

  /** @param {string} line @param {boolean} on */
  messagesWait(line, on) {
    for (const at of this.#lines.get(line) ?? []) {
      at.messageWaiting = on;
      this.#device(at);
    }
  }

  /** Unplugged, a phone is out of its calls. @param {Appearance} at @param {boolean} inService */
  plug(at, inService) {
    if (!inService)
      for (const leg of [...at.legs]) {
        const { call } = leg;
        this.#leave(leg, { cause: "destOutOfOrder" });
        this.#settle(call, "destOutOfOrder");
      }
    this.#flush();
    at.inService = inService;
    this.#device(at);
  }

  #newCall() {
    return new Call(`${this.#prefix}-${++this.#count}`);
  }

  /** @param {Appearance} at */
  #device(at) {
    this.#tell(at, { device: at.view });
  }

  /**
   * @param {Call} call
   * @param {Appearance} at
   * @param {import("./calls.js").State} state
   * @param {"incoming" | "outgoing"} direction
   */
  #join(call, at, state, direction) {
    const leg = new Leg(call, at, state, direction);
    call.legs.add(leg);
    at.legs.add(leg);
    this.#changed.add(leg);
    return leg;
  }

  /** @param {Leg} leg @param {Partial<Leg>} changes */
  #change(leg, changes) {
    Object.assign(leg, changes);
    this.#changed.add(leg);
  }

  /** @param {Leg} leg @param {Partial<Leg>} why */
  #leave(leg, why) {
    // The last view still tells who was there.
    for (const each of leg.call.legs)
      if (each.others.length) each.last = each.others;
    this.#change(leg, { state: "ended", ...why });
    leg.call.legs.delete(leg);
    leg.at.legs.delete(leg);
    for (const other of leg.call.legs) this.#changed.add(other);
  }

  /** @param {Leg} leg @param {string} cause */
  #fail(leg, cause) {
    this.#change(leg, { state: "failed", cause });
    this.#flush();
    this.#leave(leg, { cause });
  }

  /** Tells what has changed. */
  #flush() {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const leg of changed) {
      const text = JSON.stringify(leg.view);
      if (leg.told === text) continue;
      leg.told = text;
      this.#tell(leg.at, { call: leg.view });
      leg.from = undefined;
    }
  }

  /** What was in a call at this device waits for another one. @param {string} device */
  #holdOthers(device) {
    for (const leg of this.#active(device)) {
      if (leg.state === "connected") this.#change(leg, { state: "held" });
      else this.clear(leg);
    }
  }

  /** Legs that have the sound of a device. @param {string} device */
  #active(device) {
    const own = this.devices.get(device) ?? [];
    const legs = own.flatMap((at) => [...at.legs]);
    return legs.filter(({ state }) => state !== "held" && state !== "ringing");
  }

  /** @param {Leg} held @param {Leg} active @param {string[]} [states] */
  #pair(held, active, states = ["connected", "alerting"]) {
    if (held.state !== "held") refuse("noHeldCall");
    if (!states.includes(active.state)) refuse("noActiveCall");
  }

  /** All but this one of its call are in the other from now on. @param {Leg} held @param {Call} call @param {string} cause */
  #merge(held, call, cause) {
    const gone = held.call;
    gone.legs.delete(held);
    held.at.legs.delete(held);
    for (const leg of gone.legs) {
      leg.call = call;
      leg.from = [gone.id];
      call.legs.add(leg);
    }
    gone.legs.clear();
    for (const leg of call.legs) this.#change(leg, { cause });
  }

  /** Who is left alone in a call is out of it. @param {Call} call @param {string} cause */
  #settle(call, cause) {
    const { inside, ringing } = call;
    const [last] = inside;
    if (inside.length > 1 || (last && ringing.length)) return;
    for (const leg of ringing) this.#leave(leg, { cause: "normalClearing" });
    if (!last) return;
    if (["dialling", "alerting"].includes(last.state)) this.#fail(last, cause);
    else this.#leave(last, { cause });
  }

  /** @param {string} number */
  #mustRing(number) {
    if (!this.#route(number).targets) refuse("invalidDestination");
  }

  /**
   * Has a line ring, or that to which it is forwarded; else the reason.
   *
   * @param {Call} call
   * @param {string} number
   */
  #ring(call, number) {
    const { targets, cause, over } = this.#route(number);
    if (!targets) return cause;
    for (const at of targets) this.#join(call, at, "ringing", "incoming");
    const [{ line }] = targets;
    const rule = this.#rule(line, "noAnswer");
    if (rule && !over.includes(`${rule.to}`))
      this.#after(rule.seconds ?? NO_ANSWER, () =>
        this.#unanswered(call, line),
      );
    return undefined;
  }

  /** @param {Call} call @param {string} line */
  #unanswered(call, line) {
    const legs = call.ringing.filter(({ at }) => at.line === line);
    const to = this.#rule(line, "noAnswer")?.to;
    if (!legs.length || !to || !this.#route(to).targets) return;
    for (const leg of legs)
      this.#leave(leg, { cause: "callForwardNoAnswer", to });
    this.#ring(call, to);
    this.#flush();
  }

  /** @param {number} seconds @param {() => void} step */
  #after(seconds, step) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      step();
    }, seconds * 1000);
    timer.unref();
    this.#timers.add(timer);
  }

  /** @param {string} line @param {Rule["type"]} type */
  #rule(line, type) {
    return this.#rules
      .get(line)
      ?.find((rule) => rule.active && rule.type === type);
  }

  /** Which phones ring for a number. @param {string} number @param {string[]} over @returns {Route} */
  #route(number, over = []) {
    const line = this.#lines.get(number);
    if (!line) return { cause: "destNotObtainable" };
    if (over.includes(number) || over.length > MOST_FORWARDS)
      return { cause: "blocked" };
    const forward = this.#rule(number, "immediate");
    if (forward) return this.#route(`${forward.to}`, [...over, number]);
    const there = line.filter(({ inService }) => inService);
    if (!there.length) return { cause: "destOutOfOrder" };
    const willing = there.filter(({ doNotDisturb }) => !doNotDisturb);
    if (!willing.length) return { cause: "doNotDisturb" };
    const targets = willing.filter(({ legs }) => legs.size < MOST_CALLS);
    if (targets.length) return { targets, over };
    const busy = this.#rule(number, "busy");
    if (busy) return this.#route(`${busy.to}`, [...over, number]);
    return { cause: "busy" };
  }
}
