/** One login: what `registerPhone` or `switchPhoneMode` was asked to do, validated. */

import {
  connectionUrls,
  hostOf,
  nameOf,
  parseCucm,
  textOf,
  toArray,
} from "./arguments.js";

/**
 * @typedef {import("./shapes.js").CwicRegistration} CwicRegistration
 * @typedef {import("./arguments.js").EncryptedPassword} EncryptedPassword
 *
 * @typedef {object} Login
 * @property {CwicRegistration} registration
 * @property {Function} [success]
 * @property {Function} [error]
 * @property {Function} [devicesAvailable]
 * @property {string} device         the preferred one, "" for the default
 * @property {string} line
 * @property {boolean} force
 * @property {unknown[]} cucm        as given
 * @property {EncryptedPassword | undefined} password  what the page may keep
 * @property {Record<string, unknown>} phone  options of the Phone, all but the device
 * @property {boolean} [switching]   whether to announce ePhoneModeChanged
 */

/** Why a login was not begun: an error key, then details. */
export class Refusal {
  /** @param {string} key @param {...(string | object)} details */
  constructor(key, ...details) {
    this.key = key;
    this.details = details;
  }
}

/** `init` was not called, or `shutdown` was. */
export const notStarted = () =>
  new Refusal(
    "PluginNotAvailable",
    "Plug-in is not available or has not been initialized",
  );

/** DeskPhone mode is remote call control, which this release does not have. */
export function deskPhoneRefusal() {
  return new Refusal(
    "OperationNotSupported",
    "eUnsupportedPhoneMode",
    'DeskPhone mode is not available yet: register with mode "SoftPhone"',
    { nativeError: "eUnsupportedPhoneMode" },
  );
}

/**
 * @param {unknown} mode
 * @returns {Refusal | undefined}
 */
export function refuseMode(mode) {
  if (mode === "SoftPhone") return undefined;
  if (mode === "DeskPhone") return deskPhoneRefusal();
  return new Refusal("InvalidArguments", `Invalid phone mode "${mode}"`);
}

/**
 * The arguments of `registerPhone`, checked in CWIC's order: plug-in, password, user, server, mode.
 * @param {Record<string, any>} args
 * @param {object} page
 * @param {boolean} page.started  whether `init` was called
 * @param {Record<string, any>} page.settings  of `init`
 * @param {import("./arguments.js").Passwords} page.passwords
 * @returns {{ login: Login, refusal?: Refusal }}
 */
export function readLogin(args, { started, settings, passwords }) {
  const addresses = parseCucm(args.cucm);
  const connections = connectionUrls(
    args.connections ?? settings.connections,
    addresses,
  );
  const mode = args.mode || "SoftPhone";
  const user = textOf(args.user);
  const given = args.password === undefined ? args.passphrase : args.password;
  const password =
    typeof given === "object" && given ? passwords.open(given) : given;
  const options = { ...settings.phone, ...args.phone };
  const suppliesCredentials = Boolean(options.credentials || options.ha1);

  /** @type {Login} */
  const login = {
    registration: {
      user,
      mode,
      devices: {},
      forceRegistration: Boolean(args.forceRegistration),
      authenticate: args.authenticate === true,
      useCcmcip: args.useCcmcip ?? settings.useCcmcip,
    },
    success: callback(args.success),
    error: callback(args.error),
    devicesAvailable: callback(args.devicesAvailable),
    device: nameOf(args.device, "name"),
    line: nameOf(args.line, "directoryNumber"),
    force: Boolean(args.forceRegistration),
    cucm: toArray(args.cucm),
    password:
      typeof password === "string" ? passwords.keep(password) : undefined,
    phone: {
      ...options,
      connections,
      user,
      domain: args.domain || settings.domain || hostOf(connections[0]),
    },
  };
  if (password !== undefined) login.phone.password = password;

  const refuse = () => {
    if (!started) return notStarted();
    if (!isPassword(given) && !(given === undefined && suppliesCredentials)) {
      return new Refusal(
        "InvalidArguments",
        `invalid password (type ${typeof given})`,
      );
    }
    if (password === undefined && !suppliesCredentials) {
      return new Refusal(
        "InvalidCredentials",
        "eCredentialsRejected",
        `the encrypted password (cipher ${given.cipher}) cannot be read: ask the user for the password`,
        { nativeError: "eCredentialsRejected" },
      );
    }
    if (!user) {
      return new Refusal("InvalidArguments", "Missing user name");
    }
    if (addresses.tftp.length === 0 && connections.length === 0) {
      return new Refusal("NoCallManagerConfigured", "Missing CUCM address");
    }
    if (connections.length === 0) {
      return new Refusal(
        "NoCallManagerConfigured",
        'no WebSocket address: add a ws:// or wss:// URL to "cucm", or set the option "connections"',
      );
    }
    return refuseMode(mode);
  };
  return { login, refusal: refuse() };
}

/** @param {unknown} password */
function isPassword(password) {
  if (typeof password === "string") return true;
  const { cipher, encrypted } = /** @type {any} */ (password ?? {});
  return (
    (cipher === "cucm" || cipher === "base64") && typeof encrypted === "string"
  );
}

/** @param {unknown} value @returns {Function | undefined} */
function callback(value) {
  return typeof value === "function" ? value : undefined;
}
