import { PhoneError } from "../errors/error.js";
import { Phone } from "../index.js";

/** @typedef {import("../index.js").PhoneOptions} PhoneOptions */
/** @typedef {import("../index.js").LoginOptions & { mode?: import("../index.js").PhoneMode }} LoginOptions */
/** @typedef {import("./views.js").PhoneView} PhoneView */

/** What became of the last login. */
const NOTHING = { error: null, refused: null, terminated: null };

/** Where there is no phone: on a server, and before the first effect. @type {PhoneView} */
export const IDLE = Object.freeze({
  phone: null,
  status: "eIdle",
  ready: false,
  registration: null,
  mode: "SoftPhone",
  tabs: Object.freeze({ count: 1, leads: true }),
  calls: Object.freeze([]),
  ...NOTHING,
  registerPhone: async () => {},
  unregisterPhone: async () => {},
});

/** The phones that components have made, the newest at the end. @type {Session[]} */
const living = [];
/** Who wants to know which one is the newest. @type {Set<() => void>} */
const curious = new Set();

/** @returns {Session | null} the phone of the page, for components that name none */
export const current = () => living.at(-1) ?? null;

/** @param {() => void} listener */
export function followCurrent(listener) {
  curious.add(listener);
  return () => void curious.delete(listener);
}

/** The phone of a component, from when it is mounted until it is not. */
export class Session {
  /** @type {Phone | null} */
  #phone = null;
  #login = NOTHING;
  #ended = false;
  /** @type {PhoneView} */
  #view = IDLE;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #actions = {
    registerPhone: (/** @type {LoginOptions} */ options) =>
      this.#register(options),
    unregisterPhone: async () => this.#phone?.unregisterPhone(),
  };

  /**
   * @param {PhoneOptions} options
   * @param {boolean} register whether it logs in at once
   */
  constructor(options, register) {
    try {
      this.#phone = new Phone(options);
      this.#listen(this.#phone);
    } catch (error) {
      this.#become({ error });
    }
    this.#look();
    living.push(this);
    tellCurious();
    // React's StrictMode unmounts at once what it mounts first: that one opens nothing.
    if (register) queueMicrotask(() => this.#ended || this.#register());
  }

  /** @returns {PhoneView} */
  get view() {
    return this.#view;
  }

  /** @param {() => void} listener */
  follow = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  end() {
    this.#ended = true;
    living.splice(living.indexOf(this), 1);
    tellCurious();
    this.#phone?.close();
  }

  /** @param {Phone} phone */
  #listen(phone) {
    phone.on("change", () => this.#look());
    phone.on("eConnectionTerminated", (terminated) =>
      this.#become({ terminated }),
    );
    phone.on("eDeviceAlreadyRegistered", (refused) =>
      this.#become({ refused }),
    );
    phone.on("error", (error) => this.#become({ error }));
  }

  /** @param {LoginOptions} [options] */
  async #register(options) {
    this.#become(NOTHING);
    try {
      await this.#phone?.registerPhone(options);
    } catch (error) {
      // Given up by the app itself, or told as `refused`.
      if (!QUIET.some((code) => PhoneError.is(error, code)))
        this.#become({ error });
    }
  }

  /** @param {any} news of the login */
  #become(news) {
    this.#login = { ...this.#login, ...news };
    this.#look();
  }

  #look() {
    const seen = this.#phone?.snapshot() ?? IDLE;
    const now = { ...seen, phone: this.#phone, ...this.#login };
    this.#view = Object.freeze({ ...now, ...this.#actions });
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Codes of refusals that are no failure to show. @type {import("../index.js").PhoneErrorCode[]} */
const QUIET = ["eAborted", "eDeviceAlreadyRegistered"];

const tellCurious = () => {
  for (const listener of [...curious]) listener();
};

/**
 * Options as a component has them, which makes them anew each time: functions are those of
 * the last time.
 *
 * @param {() => PhoneOptions} latest
 * @returns {PhoneOptions}
 */
export function steady(latest) {
  /** @type {any} */
  const options = { ...latest() };
  for (const [name, value] of Object.entries(options))
    if (typeof value === "function" && name !== "WebSocket")
      options[name] = (/** @type {any[]} */ ...args) =>
        /** @type {any} */ (latest())[name](...args);
  return options;
}

/**
 * By what such options are told from others: what they say, not which functions they bring.
 *
 * @param {PhoneOptions | null | undefined} options
 */
export const keyOf = (options) => options && JSON.stringify(options);
