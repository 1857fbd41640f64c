/**
 * The login of a page, from its arguments to the end, and what the page is told of it.
 *
 * CWIC's order of things, which differs from the phone's own:
 * - success callback, then `system.cwic` with eReady;
 * - error callback, then `system.cwic` with eIdle;
 * - `complete` of unregisterPhone, then `system.cwic` with eIdle.
 */

import { fault } from "../errors/error.js";
import { nameOf } from "./arguments.js";
import { failureParts, harmless } from "./errors.js";
import { refuseMode } from "./login.js";
import { softPhone } from "./shapes.js";

/**
 * @typedef {import("./login.js").Login} Login
 * @typedef {import("./shapes.js").CwicRegistration} CwicRegistration
 */

export class Registration {
  /** The status last told to the page. */
  status = "eIdle";
  /** @type {CwicRegistration} */
  facts = { devices: {} };
  /** The one that callbacks belong to. @type {Login | null} */
  login = null;
  #page;
  #phones;
  /** The registerPhone that has not settled, by identity; null when none is under way. @type {object | null} */
  #attempt = null;

  /**
   * @param {import("./page.js").Page} page
   * @param {import("./phones.js").Phones} phones
   */
  constructor(page, phones) {
    this.#page = page;
    this.#phones = phones;
  }

  get isReady() {
    return this.status === "eReady";
  }

  get mode() {
    return this.facts.mode ?? "SoftPhone";
  }

  /** @param {Login} login */
  begin(login) {
    const device = login.device || this.#phones.options.device;
    const isServed =
      this.isReady && this.#phones.fits({ ...login.phone, device });
    this.#adopt(login);
    if (isServed) this.#ready(this.#phones.current.registration);
    else queueMicrotask(() => this.#chooseDevice(login));
  }

  /**
   * To another mode or device, as the user who is logged in.
   *
   * @param {Login} current
   * @param {Login} wanted
   * @param {string} mode
   * @param {unknown} progress
   */
  switchTo(current, wanted, mode, progress) {
    const { success, error, line, force } = wanted;
    const device =
      wanted.device || this.#page.predictDevice(current.registration.user);
    const other = device !== this.#phones.options.device;
    const login = {
      ...current,
      ...{ success, error, device, line, force, switching: other },
      registration: { ...this.facts, mode, forceRegistration: force },
    };
    this.#adopt(login);
    const message = `switching to ${mode} ${device}`;
    this.#page.invoke("progress", progress, { message });
    if (this.isReady && !other) this.#ready(this.#phones.current.registration);
    else this.#connect(login, device);
  }

  /** @param {() => void} done  before the page hears of it */
  async end(done) {
    this.login = null;
    this.facts = { devices: {} };
    await this.drop();
    done();
    this.#idle();
  }

  /** Ends the phone, and whatever it was about to do. */
  drop() {
    this.#attempt = null;
    return this.#phones.release();
  }

  /** Tells the page again where the phone stands. */
  announce() {
    this.#tell(this.status);
  }

  /** Hears how a phone fares. @param {any} phone */
  follow(phone) {
    /** What was lost: the page may log out before the second event. */
    let lost = this.facts;
    phone.on("status", (/** @type {any} */ { status, registration }) => {
      if (phone !== this.#phones.current) return;
      lost = this.facts;
      if (status === "eReady") this.#ready(registration ?? phone.registration);
      else if (status !== "eIdle" || !this.#attempt) this.#tell(status);
    });
    phone.on(
      "eConnectionTerminated",
      (/** @type {any} */ { reason, message, by }) => {
        const state = this.#state("eConnectionTerminated");
        this.#page.trigger("eConnectionTerminated.cwic", {
          phone: { ...state, registration: lost },
          ...{ reason, by },
          message: message && harmless(message),
        });
      },
    );
    phone.on("error", (/** @type {any} */ failure) => {
      // While a login is under way, its rejection tells of the core's end.
      const awaited = this.#attempt && failure.code === "eInternal";
      if (phone === this.#phones.current && !awaited)
        this.#failed(this.login, failure);
    });
  }

  // --- a login ------------------------------------------------------------------------------

  /** @param {Login} login */
  #adopt(login) {
    this.login = login;
    this.facts = login.registration;
    this.#attempt = null;
  }

  /**
   * CWIC asks the server for the user's devices; a SIP registrar has no such list, so it holds
   * the preferred or predicted one.
   * @param {Login} login
   */
  #chooseDevice(login) {
    if (this.login !== login) return;
    const page = this.#page;
    const { user = "", mode } = login.registration;
    const name = login.device || page.predictDevice(user);
    const devices = name ? [softPhone(name, user, false)] : [];
    login.registration.devices = Object.fromEntries(
      devices.map((device) => [device.name, device]),
    );

    if (!login.devicesAvailable) return this.#connect(login, name);
    let chosen = false;
    /** @type {(mode: unknown, device: unknown, line?: unknown) => void} */
    const choose = (phoneMode, device, line) => {
      chosen = true;
      if (this.login !== login) return;
      const refusal = refuseMode(phoneMode || mode);
      if (refusal) return this.#failed(login, refusal);
      login.line = nameOf(line, "directoryNumber");
      this.#connect(login, nameOf(device, "name") || name);
    };
    const answer = page.invoke(
      "devicesAvailable",
      login.devicesAvailable,
      devices,
      mode,
      choose,
    );
    // The older protocol: a device is returned, or null for the default, or false to stop.
    if (chosen || answer === undefined || answer === false) return;
    choose(mode, answer);
  }

  /**
   * @param {Login} login
   * @param {string} device
   */
  async #connect(login, device) {
    const phones = this.#phones;
    const attempt = {};
    this.#attempt = attempt;
    const isCurrent = () => this.#attempt === attempt;
    try {
      if (!device) throw fault("noDevice");
      const options = { ...login.phone, device };
      if (!phones.fits(options)) await phones.release();
      if (!isCurrent()) return;
      const phone = phones.current ?? phones.make(options);
      const registration = await phone.registerPhone({
        forceRegistration: login.force,
      });
      if (isCurrent()) this.#ready(registration);
    } catch (failure) {
      if (!isCurrent()) return;
      this.#attempt = null;
      this.#failed(login, failure);
      // Unless the callback began something new, the page hears only now that nothing goes on.
      if (!this.#attempt && (phones.current?.status ?? "eIdle") === "eIdle")
        this.#idle();
    }
  }

  /** The phone is registered. @param {any} granted  its registration */
  #ready(granted) {
    const { login, facts } = this;
    this.#attempt = null;
    if (!login || !granted) return;
    const device = softPhone(
      granted.device,
      login.registration.user ?? "",
      true,
    );
    Object.assign(facts, {
      devices: { ...facts.devices, [device.name]: device },
      device,
      line:
        device.lines.find(
          ({ directoryNumber }) => directoryNumber === login.line,
        ) ?? device.lines[0],
      domain: granted.domain,
      instanceId: granted.instanceId,
      connection: granted.connection,
      expires: granted.expires,
    });
    this.#succeed(login);
    // The callback may have logged out, or in as somebody else.
    if (this.login !== login) return;
    if (login.switching) {
      login.switching = false;
      this.#page.trigger("system.cwic", {
        phone: this.#state("ePhoneModeChanged", true),
      });
    }
    if (this.login === login) this.#tell("eReady");
  }

  /** Once per login. @param {Login} login */
  #succeed(login) {
    const { success } = login;
    login.success = undefined;
    const { connection } = this.facts;
    this.#page.invoke("success", success, {
      ...this.facts,
      cucm: login.cucm,
      password: login.password,
      mode: this.mode,
      successfulCucm: { tftp: connection, cti: "" },
    });
  }

  /**
   * @param {Login | null} login
   * @param {unknown} failure  of the phone, or ours
   */
  #failed(login, failure) {
    const page = this.#page;
    const lost = failureParts(failure).name === "eInternal";
    if (lost) this.#phones.lose();
    page.report(page.target, login?.error, failure, {
      backup: page.errors.loginFailure,
      context: { registration: this.facts },
    });
    if (lost && !this.#attempt) this.#idle();
  }

  // --- telling the page ---------------------------------------------------------------------

  #idle() {
    if (this.status !== "eIdle") this.#tell("eIdle");
  }

  /** @param {string} status */
  #tell(status) {
    this.status = status;
    const { device, user = "" } = this.facts;
    if (device && device.inService !== this.isReady)
      this.facts.device = softPhone(device.name, user, this.isReady);
    this.#page.trigger("system.cwic", { phone: this.#state(status) });
  }

  /** `event.phone`. @param {string} status @param {boolean} [ready] */
  #state(status, ready = status === "eReady") {
    return { status, ready, registration: this.facts };
  }
}
