/**
 * What stands behind `$.fn.cwic`: one phone at a time, its logins, and the events that a CWIC
 * page expects of them. It uses the public `Phone` alone, and reaches the page through `trigger`.
 *
 * CWIC's order of things, which differs from the phone's own:
 * - success callback, then `system.cwic` with eReady;
 * - error callback, then `system.cwic` with eIdle;
 * - `complete` of unregisterPhone, then `system.cwic` with eIdle.
 *
 * CWIC shut down when its window was unloaded. Here the phone itself logs out when its page goes
 * away, and comes back with a page that the browser kept; a shutdown would forbid the latter.
 */

import { nameOf, Passwords } from "./arguments.js";
import { failureParts, harmless } from "./errors.js";
import { notStarted, readLogin, Refusal, refuseMode } from "./login.js";
import { Page } from "./page.js";
import { about, softPhone } from "./shapes.js";
import { Telephony } from "./telephony.js";

/**
 * @typedef {import("./login.js").Login} Login
 * @typedef {import("./shapes.js").CwicRegistration} CwicRegistration
 */

export class Session extends Page {
  /** @param {import("./page.js").Host} host */
  constructor(host) {
    super(host);
    this.passwords = new Passwords();
    this.telephony = new Telephony(this);
    /** Whether `init` was called, and `shutdown` was not. */
    this.started = false;
    /** The selection that `init` was called on: where system events go. */
    this.target = /** @type {any} */ (null);
    this.phone = /** @type {any} */ (null);
    /** The options that `phone` was made from. */
    this.phoneOptions = /** @type {Record<string, unknown>} */ ({});
    this.lastInstanceId = "";
    /** The login that callbacks belong to. */
    this.login = /** @type {Login | null} */ (null);
    /** The registerPhone that has not settled, by identity; null when none is under way. */
    this.attempt = /** @type {object | null} */ (null);
    this.registration = /** @type {CwicRegistration} */ ({ devices: {} });
    /** The status last told to the page. */
    this.status = "eIdle";
    /** The core is gone: a reboot is needed. */
    this.broken = false;
    /** Settles when every phone that was let go has closed. */
    this.ending = Promise.resolve();
  }

  /**
   * @param {any} target
   * @param {Record<string, any>} [options]
   */
  init(target, options = {}) {
    this.configure(options);
    this.target = target;
    if (!globalThis.WebAssembly) {
      return this.fail(
        target,
        this.settings.error ?? (() => {}),
        this.errors.entry("BrowserNotSupported"),
        "this browser has no WebAssembly: use a current one",
      );
    }
    this.started = true;
    void this.telephony.devices.refresh();
    this.host.whenReady(() => this.announce());
    return target;
  }

  /** Tells the page where the phone stands, and that the API can be used. */
  announce() {
    if (!this.started) return;
    this.#tell(this.status);
    // Nothing in the page's URL becomes a default: anybody may have written it.
    this.call("ready", this.settings.ready, {}, this.isReady, this.mode);
  }

  get isReady() {
    return this.status === "eReady";
  }

  get mode() {
    return this.registration.mode ?? "SoftPhone";
  }

  about() {
    return about({
      compatibility: this.settings.compatibility,
      jquery: this.host.jquery,
      started: this.started,
      status: this.status,
      device: this.registration.device,
    });
  }

  /** That of the last phone made; before a login, the one that `init` was given. @returns {string} */
  get instanceId() {
    return this.lastInstanceId || (this.settings.phone?.instanceId ?? "");
  }

  /**
   * @param {any} target
   * @param {Record<string, any>} [args]
   */
  registerPhone(target, args = {}) {
    const { login, refusal } = readLogin(args, this);
    if (refusal) return this.#refuse(target, login, refusal);
    if (this.#serves(login)) {
      this.#adopt(login);
      this.#ready(this.phone.registration);
    } else {
      this.#adopt(login);
      queueMicrotask(() => this.#chooseDevice(login));
    }
    return target;
  }

  /**
   * @param {any} target
   * @param {Record<string, any>} [options]
   */
  switchPhoneMode(target, options = {}) {
    const mode = options.mode || "SoftPhone";
    const { login } = readLogin({ ...options, mode }, this);
    const current = this.login;
    const refusal = !this.started
      ? notStarted()
      : (refuseMode(mode) ??
        (current
          ? undefined
          : new Refusal(
              "InvalidState",
              "no phone is logged in: call registerPhone first",
            )));
    if (refusal || !current) {
      const { registration } = this;
      return this.#refuse(target, { ...login, registration }, refusal);
    }

    const device =
      login.device || this.predictDevice(current.registration.user);
    this.#adopt({
      ...current,
      success: login.success,
      error: login.error,
      device,
      line: login.line,
      force: login.force,
      registration: {
        ...this.registration,
        mode,
        forceRegistration: login.force,
      },
      switching: device !== this.phoneOptions.device,
    });
    this.call("progress", options.progress, {
      message: `switching to ${mode} ${device}`,
    });
    if (this.isReady && device === this.phoneOptions.device)
      this.#ready(this.phone.registration);
    else this.#connect(/** @type {Login} */ (this.login), device);
    return target;
  }

  /**
   * With `forceLogout` the phone logs out; without it only the containers' data is cleared, as
   * in CWIC. `complete` is called once, always.
   * @param {{ complete?: Function, forceLogout?: boolean }} [options]
   */
  unregisterPhone({ complete, forceLogout } = {}) {
    this.host.forgetData();
    if (!forceLogout) {
      queueMicrotask(() => this.call("complete", complete));
      return;
    }
    this.login = null;
    this.registration = { devices: {} };
    this.#release().then(() => {
      this.call("complete", complete);
      this.#idle();
    });
  }

  shutdown() {
    this.unregisterPhone({ forceLogout: true });
    this.telephony.hidePreviews();
    this.passwords.clear();
    this.started = false;
  }

  /**
   * @param {unknown} restart  called if the phone's core is gone
   * @returns {boolean} whether it is still there
   */
  rebootIfBroken(restart) {
    const alive = this.started && !this.broken;
    if (!alive) {
      this.broken = false;
      this.#release();
      this.call("rebootIfBroken", restart);
    }
    return alive;
  }

  /** @param {string | undefined} username */
  predictDevice(username) {
    if (typeof this.settings.predictDevice === "function") {
      return nameOf(
        this.call("predictDevice", this.settings.predictDevice, { username }),
        "name",
      );
    }
    return username ? this.settings.devicePrefix + username : "";
  }

  // --- a login ------------------------------------------------------------------------------

  /** Whether the phone is registered as this login asks. @param {Login} login */
  #serves(login) {
    return (
      this.isReady &&
      sameOptions(
        { ...login.phone, device: login.device || this.phoneOptions.device },
        this.phoneOptions,
      )
    );
  }

  /** @param {Login} login */
  #adopt(login) {
    this.login = login;
    this.registration = login.registration;
    this.attempt = null;
  }

  /**
   * CWIC asks the server for the user's devices; a SIP registrar has no such list, so it holds
   * the preferred or predicted one.
   * @param {Login} login
   */
  #chooseDevice(login) {
    if (this.login !== login) return;
    const { user = "", mode } = login.registration;
    const name = login.device || this.predictDevice(user);
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
      if (refusal) return this.#refuse(this.target, login, refusal);
      login.line = nameOf(line, "directoryNumber");
      this.#connect(login, nameOf(device, "name") || name);
    };
    const answer = this.call(
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
    const attempt = {};
    this.attempt = attempt;
    const current = () => this.attempt === attempt;
    try {
      if (!device) throw new Refusal("NoDevicesFound", "no device found");
      const options = { ...login.phone, device };
      if (this.phone && !sameOptions(options, this.phoneOptions)) this.#letGo();
      if (!this.phone) await this.ending;
      if (!current()) return;
      this.phone ??= this.#makePhone(options);
      const registration = await this.phone.registerPhone({
        forceRegistration: login.force,
      });
      if (current()) this.#ready(registration);
    } catch (failure) {
      if (!current()) return;
      this.attempt = null;
      if (failure instanceof Refusal) this.#refuse(this.target, login, failure);
      else this.#failed(login, failure);
      // Unless the callback began something new, the page hears only now that nothing goes on.
      if (!this.attempt && (this.phone?.status ?? "eIdle") === "eIdle")
        this.#idle();
    }
  }

  /** @param {Record<string, unknown>} options */
  #makePhone(options) {
    const log = (/** @type {any} */ entry) =>
      /warn|error/.test(entry.level)
        ? this.log(entry.message, entry)
        : this.verbose(entry.message, entry);
    const phone = new this.host.Phone({ log, ...options });
    this.phoneOptions = options;
    this.broken = false;
    this.lastInstanceId = phone.instanceId;
    /** What was lost: the page may log out before the second event. */
    let lost = this.registration;
    this.telephony.follow(phone);
    phone.on("status", (/** @type {any} */ { status, registration }) => {
      if (phone !== this.phone) return;
      lost = this.registration;
      if (status === "eReady") this.#ready(registration ?? phone.registration);
      else if (status !== "eIdle" || !this.attempt) this.#tell(status);
    });
    phone.on(
      "eConnectionTerminated",
      (/** @type {any} */ { reason, message, by }) => {
        const state = this.#state("eConnectionTerminated");
        const phone = { ...state, registration: lost };
        const name = "eConnectionTerminated.cwic";
        this.host.trigger(this.target, name, {
          ...{ phone, reason, by },
          message: message && harmless(message),
        });
      },
    );
    phone.on("error", (/** @type {any} */ failure) => {
      // While a login is under way, its rejection tells of the core's end.
      const awaited = this.attempt && failure.code === "eInternal";
      if (phone === this.phone && !awaited) this.#failed(this.login, failure);
    });
    return phone;
  }

  /** The phone is registered. @param {any} granted  its registration */
  #ready(granted) {
    const { login, registration } = this;
    this.attempt = null;
    if (!login || !granted) return;
    const device = softPhone(
      granted.device,
      login.registration.user ?? "",
      true,
    );
    Object.assign(registration, {
      devices: { ...registration.devices, [device.name]: device },
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
      this.host.trigger(this.target, "system.cwic", {
        phone: this.#state("ePhoneModeChanged", true),
      });
    }
    if (this.login === login) this.#tell("eReady");
  }

  /** Once per login. @param {Login} login */
  #succeed(login) {
    const { success } = login;
    login.success = undefined;
    const { connection } = this.registration;
    this.call("success", success, {
      ...this.registration,
      cucm: login.cucm,
      password: login.password,
      mode: this.mode,
      successfulCucm: { tftp: connection, cti: "" },
    });
  }

  /**
   * @param {Login | null} login
   * @param {unknown} failure
   */
  #failed(login, failure) {
    const { name, details, properties } = failureParts(failure);
    if (name === "eInternal") {
      this.broken = true;
      this.phone = null;
    }
    const entry = this.errors.entry(name, this.errors.loginFailure);
    const context = { ...properties, registration: this.registration };
    this.fail(this.target, login?.error, entry, ...details, context);
    if (this.broken && !this.attempt) this.#idle();
  }

  /**
   * Without `init`, or after `shutdown`, nothing can be asked for.
   *
   * @template T
   * @param {T} target
   * @param {unknown} [callback]
   */
  refuseUnstarted(target, callback) {
    const { key, details } = notStarted();
    return this.fail(target, callback, this.errors.entry(key), ...details);
  }

  /**
   * @param {any} target
   * @param {Login} login
   * @param {Refusal} [refusal]
   */
  #refuse(target, login, { key, details } = new Refusal("Unknown")) {
    const { error, registration } = login;
    return this.fail(target, error, this.errors.entry(key), ...details, {
      registration,
    });
  }

  // --- endings ------------------------------------------------------------------------------

  /** Ends the phone, and whatever it was about to do. */
  #release() {
    this.attempt = null;
    this.#letGo();
    return this.ending;
  }

  #letGo() {
    const { phone } = this;
    this.phone = null;
    if (!phone) return;
    const closing = (async () => phone.close())();
    this.ending = Promise.allSettled([this.ending, closing]).then(
      () => undefined,
    );
  }

  // --- telling the page ---------------------------------------------------------------------

  #idle() {
    if (this.status !== "eIdle") this.#tell("eIdle");
  }

  /** @param {string} status */
  #tell(status) {
    this.status = status;
    const { device, user = "" } = this.registration;
    if (device && device.inService !== this.isReady) {
      this.registration.device = softPhone(device.name, user, this.isReady);
    }
    this.host.trigger(this.target, "system.cwic", {
      phone: this.#state(status),
    });
  }

  /** `event.phone`. @param {string} status @param {boolean} [ready] */
  #state(status, ready = status === "eReady") {
    return { status, ready, registration: this.registration };
  }
}

/**
 * @param {Record<string, unknown>} some
 * @param {Record<string, unknown>} others
 */
function sameOptions(some, others) {
  return Object.keys({ ...some, ...others }).every((name) =>
    same(some[name], others[name]),
  );
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  return (
    a === b || (Array.isArray(a) && Array.isArray(b) && a.join() === b.join())
  );
}
