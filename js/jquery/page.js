/**
 * The page that uses the plug-in: its settings, its error map, and how it is told things.
 */

import { fault, learn } from "../errors/error.js";
import { jquery } from "../errors/jquery.js";
import { nameOf } from "./arguments.js";
import { Errors, failureParts } from "./errors.js";

learn(jquery);

/**
 * @typedef {object} Host  what the page offers
 * @property {new (options: any) => any} Phone
 * @property {(target: any, event: string, properties: object) => void} trigger
 * @property {(start: () => void) => void} whenReady  calls back once the document is there
 * @property {import("./containers.js").Containers} containers
 * @property {() => void} forgetData  clears the data bound to containers
 * @property {string} jquery  version
 */

/** Options of `init` and their defaults. */
function defaultSettings() {
  return {
    ready: null,
    error: null,
    encodeBase64: null,
    useCcmcip: true,
    devicePrefix: "ecp",
    predictDevice: null,
    verbose: false,
    /** @type {(message: string, context?: unknown) => void} */
    log: (message, context) =>
      context === undefined
        ? console.log(message)
        : console.log(message, context),
    node: "",
    mediaPortSplitting: false,
    delayedUserAuth: null,
    // Ours:
    compatibility: /** @type {import("./errors.js").Compatibility} */ (3),
    connections: /** @type {string | string[] | undefined} */ (undefined),
    gateway: /** @type {string | undefined} */ (undefined),
    domain: "",
    phone: {},
  };
}

export class Page {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.settings = /** @type {Record<string, any>} */ (defaultSettings());
    this.errors = new Errors();
    /** Whether `init` was called, and `shutdown` was not. */
    this.started = false;
    /** The selection that `init` was called on: where system events go. */
    this.target = /** @type {any} */ (null);
  }

  /** Takes over the options of `init`. @param {Record<string, any>} options */
  configure(options) {
    const wanted = options.compatibility ?? this.settings.compatibility;
    const compatibility = Number.parseInt(wanted, 10) === 11 ? 11 : 3;
    if (compatibility !== this.errors.compatibility) {
      this.errors = new Errors(compatibility);
    }
    if (options.errorMap) this.errors.extend(options.errorMap, this.log);
    for (const [name, value] of Object.entries(options)) {
      if (value !== undefined) this.settings[name] = value;
    }
    this.settings.compatibility = compatibility;
  }

  /** @param {string | undefined} username */
  predictDevice(username) {
    const { predictDevice, devicePrefix } = this.settings;
    if (typeof predictDevice === "function")
      return nameOf(
        this.invoke("predictDevice", predictDevice, { username }),
        "name",
      );
    return username ? devicePrefix + username : "";
  }

  /** An event where `init` was called. @param {string} name @param {object} properties */
  trigger(name, properties) {
    this.host.trigger(this.target, name, properties);
  }

  /**
   * What the page asks for cannot be done.
   * @template T
   * @param {T} target
   * @param {string} at  the situation, of js/errors/jquery.js
   * @param {{ callback?: unknown, context?: object, [value: string]: unknown }} [values]
   * @returns {T} the target
   */
  refuse(target, at, { callback, context, ...values } = {}) {
    return this.report(target, callback, fault(at, values), { context });
  }

  /**
   * Reports a failure of the phone, or of ours.
   * @template T
   * @param {T} target
   * @param {unknown} callback
   * @param {unknown} failure
   * @param {{ backup?: string, context?: object }} [more]  `backup`: the key where no table lists
   *   the failure
   * @returns {T} the target
   */
  report(target, callback, failure, { backup, context } = {}) {
    const { name, details, properties } = failureParts(failure);
    const entry = this.errors.entry(name, backup);
    return this.fail(target, callback, entry, ...details, properties, context);
  }

  /**
   * Reports an error to the callback, or else as the event `error.cwic`.
   * @template T
   * @param {T} target  where the event is triggered
   * @param {unknown} callback
   * @param {...(string | object | null | undefined)} parts
   * @returns {T} the target
   */
  fail(target, callback, ...parts) {
    const error = this.errors.build(...parts);
    this.log(error.message, error);
    if (typeof callback === "function") this.invoke("error", callback, error);
    else this.host.trigger(target, "error.cwic", error);
    return target;
  }

  /**
   * Runs a callback of the page. What it throws is logged, and goes no further.
   * @param {string} name
   * @param {unknown} callback
   * @param {...unknown} args
   */
  invoke(name, callback, ...args) {
    if (typeof callback !== "function") return undefined;
    try {
      return callback(...args);
    } catch (exception) {
      this.log(`Exception occurred in application ${name} callback`, exception);
      return undefined;
    }
  }

  /** @type {(message: string, context?: unknown) => void} */
  log = (message, context) => {
    try {
      this.settings.log?.(`[cwic] ${message}`, context);
    } catch {
      // A log function that fails has nowhere to say so.
    }
  };

  /** @type {(message: string, context?: unknown) => void} */
  verbose = (message, context) => {
    if (this.settings.verbose) this.log(message, context);
  };
}
