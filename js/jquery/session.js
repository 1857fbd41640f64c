/**
 * What stands behind `$.fn.cwic`: its methods that are not about conversations. It uses the
 * public `Phone` alone, and reaches the page through `trigger`.
 *
 * CWIC shut down when its window was unloaded. Here the phone itself logs out when its page goes
 * away, and comes back with a page that the browser kept; a shutdown would forbid the latter.
 */

import { fault } from "../errors/error.js";
import { Passwords } from "./arguments.js";
import { readLogin, refuseMode } from "./login.js";
import { Page } from "./page.js";
import { Phones } from "./phones.js";
import { Registration } from "./registration.js";
import { about } from "./shapes.js";
import { Station } from "./station.js";
import { Telephony } from "./telephony.js";

export class Session extends Page {
  passwords = new Passwords();
  phones = new Phones(this, (phone) => {
    this.telephony.follow(phone);
    this.registration.follow(phone);
  });
  registration = new Registration(this, this.phones);
  telephony = new Telephony(
    new Station(this, this.phones, this.registration),
    this.host.containers,
  );

  /**
   * @param {any} target
   * @param {Record<string, any>} [options]
   */
  init(target, options = {}) {
    this.configure(options);
    this.target = target;
    if (!globalThis.WebAssembly) {
      const callback = this.settings.error ?? (() => {});
      return this.refuse(target, "noWebAssembly", { callback });
    }
    this.started = true;
    void this.telephony.devices.refresh();
    this.host.whenReady(() => this.announce());
    return target;
  }

  /** Tells the page where the phone stands, and that the API can be used. */
  announce() {
    if (!this.started) return;
    const { registration } = this;
    registration.announce();
    const { isReady, mode } = registration;
    // Nothing in the page's URL becomes a default: anybody may have written it.
    this.invoke("ready", this.settings.ready, {}, isReady, mode);
  }

  about() {
    return about({
      compatibility: this.settings.compatibility,
      jquery: this.host.jquery,
      started: this.started,
      status: this.registration.status,
      device: this.registration.facts.device,
    });
  }

  /** That of the last phone made; before a login, the one that `init` was given. @returns {string} */
  get instanceId() {
    return this.phones.instanceId || (this.settings.phone?.instanceId ?? "");
  }

  /**
   * @param {any} target
   * @param {Record<string, any>} [args]
   */
  registerPhone(target, args = {}) {
    const { login, refusal } = readLogin(args, this);
    if (!refusal) this.registration.begin(login);
    else this.#refuseLogin(target, login, refusal);
    return target;
  }

  /**
   * @param {any} target
   * @param {Record<string, any>} [options]
   */
  switchPhoneMode(target, options = {}) {
    const mode = options.mode || "SoftPhone";
    const { login } = readLogin({ ...options, mode }, this);
    const { login: current, facts } = this.registration;
    const refusal = this.started ? refuseMode(mode) : fault("notInitialized");
    if (current && !refusal)
      this.registration.switchTo(current, login, mode, options.progress);
    else
      this.#refuseLogin(
        target,
        { ...login, registration: facts },
        refusal ?? fault("notLoggedIn"),
      );
    return target;
  }

  /**
   * With `forceLogout` the phone logs out; without it only the containers' data is cleared, as
   * in CWIC. `complete` is called once, always.
   * @param {{ complete?: Function, forceLogout?: boolean }} [options]
   */
  unregisterPhone({ complete, forceLogout } = {}) {
    this.host.forgetData();
    const done = () => void this.invoke("complete", complete);
    if (forceLogout) void this.registration.end(done);
    else queueMicrotask(done);
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
    const alive = this.started && !this.phones.broken;
    if (!alive) {
      this.phones.broken = false;
      void this.registration.drop();
      this.invoke("rebootIfBroken", restart);
    }
    return alive;
  }

  /**
   * @param {any} target
   * @param {import("./login.js").Login} login
   * @param {unknown} refusal
   */
  #refuseLogin(target, { error, registration }, refusal) {
    this.report(target, error, refusal, { context: { registration } });
  }
}
