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
import { deskPhone, softPhone } from "./shapes.js";

/**
 * @typedef {import("./login.js").Login} Login
 * @typedef {import("./shapes.js").CwicRegistration} CwicRegistration
 */

/** How desk phones are called. */
const DESK = /^SEP/i;

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
    const isServed = this.#serves(login, login.device);
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
      wanted.device ||
      (mode === "DeskPhone"
        ? ""
        : this.#page.predictDevice(current.registration.user));
    const login = {
      ...current,
      ...{ success, error, device, line, force, switching: true },
      registration: { ...this.facts, mode, forceRegistration: force },
    };
    const isServed = this.#serves(login, device);
    login.switching = !isServed;
    this.#adopt(login);
    const message = `switching to ${mode} ${device}`.trim();
    this.#page.invoke("progress", progress, { message });
    if (isServed) this.#ready(this.#phones.current.registration);
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
    // What the desk phone is, while the way to it is open.
    phone.on("desk", (/** @type {any} */ { state }) => {
      if (phone !== this.#phones.current || this.#attempt || !phone.ready)
        return;
      const is =
        state === "eOutOfService" ? "eConnectedButNoDeviceReady" : "eReady";
      if (is !== this.status) this.#tell(is);
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
    // While a login is under way, its rejection tells it.
    phone.on("eDeviceNotAuthorised", (/** @type {any} */ event) => {
      if (phone === this.#phones.current && !this.#attempt)
        this.#failed(this.login, { ...event, code: "eDeviceNotAuthorised" });
    });
    phone.on("error", (/** @type {any} */ failure) => {
      // While a login is under way, its rejection tells of the core's end.
      const awaited = this.#attempt && failure.code === "eInternal";
      if (phone === this.#phones.current && !awaited)
        this.#failed(this.login, failure);
    });
  }

  // --- a login ------------------------------------------------------------------------------

  /**
   * Whether the phone is logged in so already. Nothing said is as it is.
   *
   * @param {Login} login
   * @param {string} device
   */
  #serves({ registration, line, phone }, device) {
    const { current, options } = this.#phones;
    const mode = current?.mode ?? "SoftPhone";
    if (!this.isReady || registration.mode !== mode) return false;
    if (mode === "SoftPhone")
      return this.#phones.fits({ ...phone, device: device || options.device });
    const is = current.registration;
    return (
      this.#phones.fits({ ...phone, device: options.device }) &&
      [device || is?.device, line || is?.line].join() ===
        [is?.device, is?.line].join()
    );
  }

  /** @param {Login} login */
  #adopt(login) {
    this.login = login;
    this.facts = login.registration;
    this.#attempt = null;
  }

  /**
   * CWIC asks the server for the user's devices. A SIP registrar has no such list, so it holds the
   * preferred or predicted soft phone; a CTI gateway tells on which desk phones the line is.
   * @param {Login} login
   */
  async #chooseDevice(login) {
    if (this.login !== login) return;
    const page = this.#page;
    const { user = "", mode } = login.registration;
    const isDesk = mode === "DeskPhone";
    const soft = (!isDesk && login.device) || page.predictDevice(user);
    const devices = soft ? [softPhone(soft, user, false)] : [];
    if (isDesk && login.devicesAvailable) {
      const found = await this.#deskPhones(login, soft);
      if (this.login !== login) return;
      devices.push(...found);
    }
    login.registration.devices = Object.fromEntries(
      devices.map((device) => [device.name, device]),
    );
    // In DeskPhone mode CWIC ignored a preferred device that is none.
    const device = isDesk && !DESK.test(login.device) ? "" : login.device;
    const usual = device || (isDesk ? "" : soft);

    if (!login.devicesAvailable) return this.#connect(login, usual);
    let chosen = false;
    /** @type {(mode: unknown, device: unknown, line?: unknown) => void} */
    const choose = (phoneMode, device, line) => {
      chosen = true;
      if (this.login !== login) return;
      const refusal = refuseMode(phoneMode || mode);
      if (refusal) return this.#failed(login, refusal);
      login.registration.mode = /** @type {string} */ (phoneMode || mode);
      login.line = nameOf(line, "directoryNumber");
      this.#connect(login, nameOf(device, "name") || usual);
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
   * Those that the gateway names; none where it does not say, and then a login tells why.
   *
   * @param {Login} login
   * @param {string} soft
   */
  async #deskPhones(login, soft) {
    try {
      const phone = await this.#phoneFor(login, soft);
      const appearances = await phone?.lineAppearances();
      return (appearances ?? []).map(deskPhone);
    } catch {
      return [];
    }
  }

  /**
   * The phone of a login, made anew if it must.
   *
   * @param {Login} login
   * @param {string} device  the soft phone
   */
  async #phoneFor(login, device) {
    const phones = this.#phones;
    const options = { ...login.phone, device };
    if (!phones.fits(options)) await phones.release();
    if (this.login !== login) return undefined;
    return phones.current ?? phones.make(options);
  }

  /**
   * @param {Login} login
   * @param {string} device  in DeskPhone mode "": the first one
   */
  async #connect(login, device) {
    const phones = this.#phones;
    const attempt = {};
    this.#attempt = attempt;
    const isCurrent = () => this.#attempt === attempt;
    const { user, mode } = login.registration;
    const isDesk = mode === "DeskPhone";
    try {
      const soft = isDesk ? this.#page.predictDevice(user) : device;
      if (!soft) throw fault("noDevice");
      const phone = await this.#phoneFor(login, soft);
      if (!phone || !isCurrent()) return;
      const registration = isDesk
        ? await this.#control(phone, login, device)
        : await phone.registerPhone({
            ...(phone.mode === "DeskPhone" && { mode }),
            forceRegistration: login.force,
          });
      if (isCurrent()) this.#ready(registration);
    } catch (failure) {
      if (!isCurrent()) return;
      this.#attempt = null;
      // It is in the mode that it was in.
      this.facts.mode = phones.current?.mode ?? mode;
      this.#failed(login, failure);
      // Unless the callback began something new, the page hears only now that nothing goes on.
      if (!this.#attempt && (phones.current?.status ?? "eIdle") === "eIdle")
        this.#idle();
    }
  }

  /**
   * Without a device it is the first that the line is on, as it was in CWIC.
   *
   * @param {any} phone
   * @param {Login} login
   * @param {string} device
   */
  async #control(phone, login, device) {
    /** @type {any} */
    const wanted = { mode: "DeskPhone", forceRegistration: login.force };
    if (login.line) wanted.line = login.line;
    if (device) wanted.device = device;
    try {
      return await phone.registerPhone(wanted);
    } catch (/** @type {any} */ failure) {
      const appearances = failure?.details?.appearances ?? [];
      const first =
        appearances.find((/** @type {any} */ { inService }) => inService) ??
        appearances[0];
      if (!first || device) throw failure;
      login.registration.devices = Object.fromEntries(
        appearances.map((/** @type {any} */ appearance) => [
          appearance.device,
          deskPhone(appearance),
        ]),
      );
      return phone.registerPhone({ ...wanted, device: first.device });
    }
  }

  /** The phone is registered. @param {any} granted  its registration */
  #ready(granted) {
    const { login, facts } = this;
    this.#attempt = null;
    if (!login || !granted) return;
    const device = this.#device(granted);
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

  /** @param {any} granted */
  #device({ mode, device, line }) {
    const { devices, user = "" } = this.facts;
    if (mode !== "DeskPhone") return softPhone(device, user, true);
    const { description } = devices[device] ?? {};
    return deskPhone({ device, line, description, inService: true });
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
    const inService = this.isReady;
    if (device && device.inService !== inService)
      this.facts.device = device.isDeskPhone
        ? deskPhone({
            device: device.name,
            line: device.lineDNs[0] ?? user,
            description: device.description,
            inService,
          })
        : softPhone(device.name, user, inService);
    this.#page.trigger("system.cwic", { phone: this.#state(status) });
  }

  /** `event.phone`. @param {string} status @param {boolean} [ready] */
  #state(status, ready = status === "eReady") {
    return { status, ready, mode: this.mode, registration: this.facts };
  }
}
