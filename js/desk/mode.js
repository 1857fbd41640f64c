import { fault } from "../errors/error.js";
import { emit } from "../phone/events.js";
import { Appearance } from "./appearance.js";
import { askForAppearances } from "./appearances.js";
import { loginFault } from "./faults.js";
import { Flow } from "./flow.js";
import { Kept } from "./kept.js";
import { appearancesOf } from "./line.js";
import { getInstance } from "./module.js";

/** @typedef {import("../phone/login.js").Attempt} Attempt */
/** @typedef {import("../index.js").PhoneError} PhoneError */
/** @typedef {import("../index.js").PhoneStatus} PhoneStatus */
/** @typedef {import("../index.js").Registration} Registration */
/** @typedef {import("./control.js").Control} Control */

/**
 * @typedef {object} Home the parts of the phone whose mode this is
 * @property {import("../phone/phone.js").Phone} phone
 * @property {any} settings
 * @property {import("../phone/link.js").Link} link
 * @property {import("../phone/login.js").Login} login
 * @property {import("../call/calls.js").Calls} calls
 * @property {() => Promise<void>} open the link to the core
 * @property {(status: PhoneStatus, registration?: Registration | null) => void} setStatus
 */

/**
 * @typedef {object} Way how documents get to the gateway
 * @property {import("../phone/phone.js").Phone} phone
 * @property {any} settings
 * @property {import("../phone/link.js").Link} link
 * @property {() => number} number a new one, for a call or a session
 * @property {string} gateway
 * @property {[string, string][]} headers of the INVITE
 */

/**
 * @typedef {object} Coming an appearance that is about to be controlled
 * @property {Attempt} attempt
 * @property {boolean} alone the phone is not registered meanwhile
 * @property {Appearance} [appearance] once there is a flow
 * @property {any} [timer] of an attempt that waits for the current one
 */

/** Out: not registered, and not about to be. */
const OUT = ["eIdle", "eConnectionTerminated", "eDeviceNotAuthorised"];

/** DeskPhone mode of a phone: which desk phone it controls, and which it is about to. */
export class DeskMode {
  /** @type {"SoftPhone" | "DeskPhone"} */
  mode = "SoftPhone";
  #home;
  #kept;
  #flow;
  /** @type {Appearance | undefined} */
  #current;
  /** Whether the current one was taken by force. */
  #forced = false;
  /** @type {Coming | undefined} */
  #coming;
  /** Controls that only ask something. @type {Set<Control>} */
  #asking = new Set();
  /** How many ask while the phone is out. */
  #questions = 0;
  /** Another client took the phone: the status stays. */
  #ousted = false;
  /** The connection in use. */
  #url = "";
  /** The status that was told last. */
  #told = "";

  /** @param {Home} home */
  constructor(home) {
    this.#home = home;
    this.#kept = new Kept(home.settings);
    this.#flow = new Flow(home.link);
    const { phone } = home;
    this.#url = phone.registration?.connection ?? "";
    phone.on("transport", ({ state, url }) => {
      if (state === "connected") this.#url = url;
    });
  }

  get desk() {
    return this.#current?.desk ?? null;
  }

  /** Instead of the phone's own. */
  get calls() {
    return this.#current?.calls;
  }

  /**
   * Whether what there is will do.
   *
   * @param {{ mode?: string, line?: string, device?: string }} wanted
   */
  is({ mode = this.mode, line, device }) {
    if (mode !== this.mode) return false;
    const desk = this.#current;
    if (!desk) return mode === "SoftPhone";
    const isSame = (line ?? desk.line) === desk.line;
    return isSame && (device ?? desk.device) === desk.device;
  }

  // ---- getting there

  /**
   * What becomes of it is told to the login.
   *
   * @param {Attempt} attempt
   */
  async begin(attempt) {
    const { settings, calls, login, phone } = this.#home;
    if (!settings.remoteControl) throw fault("noGateway");
    if (!this.#current && calls.list.length) throw fault("inCall");
    this.#ousted = false;
    const alone = phone.status === "eRegistering";
    const coming = (this.#coming = { attempt, alone });
    attempt.leave = () => this.#giveUp(coming);
    const instance = await getInstance();
    if (login.attempt === attempt) await this.#flow.hold();
    if (login.attempt !== attempt) return;
    if (this.#current && this.is(attempt)) this.#wait(coming);
    else this.#connect(coming, instance);
  }

  /**
   * For the current one, which is away.
   *
   * @param {Coming} coming
   */
  #wait(coming) {
    const { login, settings } = this.#home;
    const out = () =>
      login.fail(loginFault({ code: "eOutOfService", reason: "" }));
    coming.timer = setTimeout(out, settings.timeout);
    this.#show();
  }

  /**
   * @param {Coming} coming
   * @param {import("../core/instance.js").Instance} instance
   */
  #connect(coming, instance) {
    const { attempt } = coming;
    const { line, device } = this.#wanted(attempt);
    const kept = device ? undefined : this.#kept.device(line);
    const appearance = (coming.appearance = new Appearance(
      instance,
      this.#way(attempt.force),
      { line, device: device ?? kept },
      {
        controlled: () => this.#reached(coming),
        changed: () => this.#changed(appearance),
        failed: (failure) => {
          if (this.#current === appearance) return this.#refused(failure);
          if (failure.status !== 404 || !kept)
            return this.#home.login.fail(this.#whyNot(appearance, failure));
          // The line does not have the phone any more that was chosen once.
          this.#kept.keep(line, "");
          this.#connect(coming, instance);
        },
        ousted: (reason) => this.#oust(reason),
        broken: (error) => this.#break(appearance, error),
      },
    ));
    appearance.control.tell("connect", this.#home.settings.timeout);
  }

  /**
   * What is not said is as it is, as the options have it, or as it was chosen last.
   *
   * @param {{ line?: string, device?: string }} asked
   */
  #wanted(asked) {
    const { remoteControl, user } = this.#home.settings;
    const own = { line: user, ...remoteControl };
    const line = asked.line ?? this.#current?.line ?? own.line;
    const usual = [this.#current, own].find((usual) => usual?.line === line);
    return { line, device: asked.device ?? (usual?.device || undefined) };
  }

  /**
   * @param {boolean} [force]
   * @returns {Way}
   */
  #way(force) {
    const { phone, settings, link, calls } = this.#home;
    return {
      phone,
      settings,
      link,
      number: () => calls.number(),
      gateway: settings.remoteControl.gateway,
      headers: force ? [["X-Graceline", "force"]] : [],
    };
  }

  /** @param {Coming} coming */
  #reached({ attempt, appearance, alone }) {
    const { login, link, phone } = this.#home;
    this.#coming = attempt.leave = undefined;
    this.leave();
    this.#current = appearance;
    this.#forced = attempt.force;
    // The desk phone is to ring, not the page.
    if (!alone && this.mode === "SoftPhone") link.tell("unbind");
    this.mode = "DeskPhone";
    const { line, device } = /** @type {Appearance} */ (appearance);
    this.#kept.keep(line, device);
    this.#told = "";
    this.#changed(appearance);
    login.registered(attempt.id, /** @type {any} */ (phone.registration));
    appearance?.calls.open();
  }

  /**
   * The attempt came to nothing.
   *
   * @param {Coming} coming
   */
  #giveUp(coming) {
    clearTimeout(coming.timer);
    coming.appearance?.leave();
    if (this.#coming === coming) this.#coming = undefined;
    if (coming.alone && !this.#current) this.#flow.release();
  }

  /**
   * @param {Appearance} appearance
   * @param {import("./seam.js").Failure} failure
   */
  #whyNot({ line, control }, failure) {
    const { contacts = [] } = control.ended ?? {};
    const appearances = appearancesOf(contacts, this.#kept.device(line));
    return appearances.length
      ? fault("notChosen", { line, details: { appearances } })
      : loginFault(failure, control.ended);
  }

  // ---- being there

  /** @param {Appearance} [appearance] */
  #changed(appearance) {
    if (!appearance || appearance !== this.#current) return;
    const { line, device, view } = appearance;
    const { state, reason } = view;
    this.#show();
    emit(this.#home.phone, "desk", { state, line, device, reason });
  }

  /** What the phone's status is, as far as it depends on the desk phone. */
  #show() {
    if (!this.#current) return;
    const { setStatus, login, phone } = this.#home;
    const { monitored } = this.#current.view;
    const status = monitored ? "eReady" : "eRecoveryPending";
    const registration = monitored ? this.#registration() : null;
    const told = JSON.stringify([status, registration]);
    if (told !== this.#told) setStatus(status, registration);
    this.#told = told;
    const { attempt, timer } = this.#coming ?? {};
    if (!timer || !attempt || !registration) return;
    clearTimeout(timer);
    this.#coming = attempt.leave = undefined;
    login.registered(attempt.id, /** @type {any} */ (phone.registration));
  }

  /** @returns {Registration} */
  #registration() {
    const { settings, phone } = this.#home;
    const current = /** @type {Appearance} */ (this.#current);
    const { line, device, control } = current;
    return {
      user: settings.user,
      domain: settings.domain,
      device,
      line,
      instanceId: phone.instanceId,
      mode: "DeskPhone",
      connection: this.#url,
      expires: control.expires,
      forceRegistration: this.#forced,
      conflictDetection: "full",
    };
  }

  /**
   * The gateway had it once, and does not want it any more.
   *
   * @param {import("./seam.js").Failure} failure
   */
  #refused(failure) {
    const error = loginFault(failure, this.#current?.control.ended);
    this.leave();
    this.#flow.release();
    emit(this.#home.phone, "error", error);
  }

  /** @param {string} reason */
  #oust(reason) {
    const { phone, setStatus } = this.#home;
    this.leave();
    this.#ousted = true;
    this.#flow.release();
    setStatus("eConnectionTerminated");
    const { message } = fault("loggedInElsewhere");
    emit(phone, "eConnectionTerminated", {
      reason: "takenOver",
      message,
      by: { contact: reason },
    });
  }

  /**
   * A fault of ours: the desk phone is there still, and the phone's core.
   *
   * @param {Appearance} appearance
   * @param {PhoneError} error
   */
  #break(appearance, error) {
    const { login, phone } = this.#home;
    if (appearance !== this.#current) return login.fail(error);
    this.leave();
    this.#flow.release();
    emit(phone, "error", error);
  }

  // ---- leaving

  /** Leaves the desk phone to itself. */
  leave() {
    const current = this.#current;
    this.#current = undefined;
    current?.leave();
  }

  // ---- what the core says

  /**
   * Whether it is no matter of the softphone.
   *
   * @param {any} event
   */
  heard(event) {
    const { name } = event;
    if (name === "status") return this.#statusIs(event);
    if (/^session/.test(name))
      return this.#controls().some((control) => control.heard(event));
    return /^(controlled|failed)$/.test(name) && this.#flow.heard(event);
  }

  /** @returns {Control[]} */
  #controls() {
    const appearances = [this.#current, this.#coming?.appearance];
    return [
      ...appearances.flatMap((appearance) => appearance?.control ?? []),
      ...this.#asking,
    ];
  }

  /** @param {{ status: PhoneStatus, registration: Registration | null }} event */
  #statusIs({ status, registration }) {
    const isUp = status === "eReady";
    for (const control of this.#controls()) control.tell("flow", isUp);
    if (OUT.includes(status)) this.#flow.lost();
    if (registration) this.#ousted = false;
    if (!this.#current) return !registration && this.#isOurs(isUp);
    // It is a softphone again, or another tab is the phone.
    if (!registration && status !== "eConnectionTerminated") return true;
    this.#flow.lost();
    this.leave();
    this.mode = "SoftPhone";
    return false;
  }

  /**
   * Whether a status without a registration is that of our flow, where no desk phone is
   * controlled.
   *
   * @param {boolean} isUp
   */
  #isOurs(isUp) {
    if (this.#questions || this.#ousted || this.#coming?.alone) return true;
    // The registration was lost beside a flow that nobody needs.
    if (isUp && !this.#coming) this.#flow.release();
    return isUp;
  }

  // ---- appearances

  /** @param {{ line?: string, signal?: AbortSignal }} [options] */
  async lineAppearances(options = {}) {
    const { settings, open, phone } = this.#home;
    if (!settings.remoteControl) throw fault("noGateway");
    const { line } = this.#wanted(options);
    const chosen = this.#current?.device || this.#kept.device(line);
    const alone = OUT.includes(phone.status);
    const instance = await getInstance();
    if (alone) this.#questions++;
    try {
      await open();
      await this.#flow.hold();
      return await askForAppearances(instance, this.#way(), line, {
        ...options,
        chosen,
        asking: this.#asking,
      });
    } finally {
      if (alone && !--this.#questions && OUT.includes(phone.status))
        this.#flow.release();
    }
  }
}
