import * as check from "../../js/phone/options.js";
import { LIMITS } from "./directory/directory.js";
import { BROWSERS } from "./push/endpoints.js";

/** An administrators' token that nobody guesses. */
const SHORTEST_TOKEN = 16;

/**
 * @typedef {(offered: { token: string }) => Promise<{ user: string, domain: string } | null | undefined>} Authenticate
 *   whom a token of the operator's own backend stands for
 *
 * @typedef {object} Settings
 * @property {number} port
 * @property {string} host
 * @property {{ cert: string | Uint8Array, key: string | Uint8Array }} [tls]
 * @property {string[]} origins none: loopback
 * @property {boolean} behindProxy
 * @property {string} [adminToken]
 * @property {Authenticate} [authenticate]
 * @property {(sending: import("./codes.js").Sending) => Promise<void>} [sendCode] default: the log
 * @property {string[]} pushHosts
 * @property {boolean} pushLoopback whether any loopback endpoint is taken
 * @property {string} pushContact
 * @property {(wanted: import("./push/sender.js").Pns & import("./push/sender.js").Payload) => Promise<number>} [pushHook]
 *   wakes a client by a push service that it has named at REGISTER; the status of who does
 * @property {(entry: { level: string, message: string }) => void} [log]
 * @property {(entry: object) => void} [audit]
 */

export const DEFAULTS = {
  port: 0,
  host: "127.0.0.1",
  origins: [],
  behindProxy: false,
  pushHosts: BROWSERS,
  pushContact: "mailto:nobody@graceline.invalid",
};

/** @type {Record<string, (value: any, options: any) => string | false | undefined>} */
export const checks = {
  port: check.integer(0, 65_535, "numbers"),
  host: (value) => typeof value !== "string" && "must be an address",
  tls: (value) =>
    !(value?.cert && value.key) && "must have cert and key, in PEM",
  origins: (value) =>
    !(Array.isArray(value) && value.every(isOrigin)) &&
    'must be origins, as in ["https://app.example.com"]',
  behindProxy: check.boolean,
  limits: (value) =>
    !(Object(value) === value && Object.entries(value).every(isLimit)) &&
    `must be numbers of devices, 0 to 64, by class: ${Object.keys(LIMITS).join(", ")}`,
  sharedSlot: check.oneOf("ask", "override"),
  adminToken: (value) =>
    !(typeof value === "string" && value.length >= SHORTEST_TOKEN) &&
    `must be a text of ${SHORTEST_TOKEN} characters or more`,
  authenticate: check.callable,
  sendCode: check.callable,
  pushHook: check.callable,
  pushHosts: (value) =>
    !(Array.isArray(value) && value.every(isPushHost)) &&
    'must be hosts or origins, as in ["*.push.example.com", "https://10.0.0.2:8443"]',
  pushContact: (value) =>
    !/^(mailto:[^@\s]+@\S+|https:\/\/\S+)$/.test(value) &&
    "must be a mailto: or https: URI",
  log: check.callable,
  audit: check.callable,
};

/** @param {unknown} value */
const isOrigin = (value) =>
  typeof value === "string" &&
  URL.canParse(value) &&
  new URL(value).origin === value;

/** @param {unknown} value */
const isPushHost = (value) =>
  isOrigin(value) || /^(\*\.)?([a-z0-9-]+\.)+[a-z]{2,}$/.test(`${value}`);

/** @param {[string, unknown]} entry */
const isLimit = ([name, value]) =>
  Object.hasOwn(LIMITS, name) &&
  Number.isInteger(value) &&
  Number(value) >= 0 &&
  Number(value) <= 64;
