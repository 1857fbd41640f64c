/** One login: what `registerPhone` or `switchPhoneMode` was asked to do, validated. */

import { fault } from "../errors/error.js";
import {
  connectionUrls,
  gatewayOf,
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

/**
 * Why a phone does not enter a mode.
 *
 * @param {unknown} mode
 */
export const refuseMode = (mode) =>
  mode === "SoftPhone" || mode === "DeskPhone"
    ? undefined
    : fault("phoneMode", { mode });

/**
 * The arguments of `registerPhone`, checked in CWIC's order: plug-in, password, user, server, mode.
 * @param {Record<string, any>} args
 * @param {object} page
 * @param {boolean} page.started  whether `init` was called
 * @param {Record<string, any>} page.settings  of `init`
 * @param {import("./arguments.js").Passwords} page.passwords
 * @returns {{ login: Login, refusal?: import("../errors/error.js").PhoneError }}
 */
export function readLogin(args, { started, settings, passwords }) {
  const addresses = parseCucm(args.cucm);
  const connections = connectionUrls(
    args.connections ?? settings.connections,
    addresses,
  );
  const mode = args.mode || "SoftPhone";
  const domain = args.domain || settings.domain || hostOf(connections[0]);
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
      domain,
    },
  };
  login.phone.remoteControl ??= {
    gateway: args.gateway || settings.gateway || gatewayOf(addresses, domain),
  };
  if (password !== undefined) login.phone.password = password;

  const refuse = () => {
    if (!started) return fault("notInitialized");
    if (!isPassword(given) && !(given === undefined && suppliesCredentials))
      return fault("noPassword", { type: typeof given });
    if (password === undefined && !suppliesCredentials) {
      const nativeError = "eCredentialsRejected";
      const { cipher } = given;
      return fault("passwordUnreadable", { cipher, details: { nativeError } });
    }
    if (!user) return fault("noUser");
    if (addresses.tftp.length === 0 && connections.length === 0)
      return fault("noServer");
    if (connections.length === 0) return fault("noWebSocketUrl");
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
