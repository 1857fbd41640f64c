import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import * as check from "../../js/phone/options.js";
import { readWav } from "./media/wav.js";

/** A greeting that is longer than this, in bytes, is some other file: it is a minute. */
const MAX_GREETING = 1024 * 1024;

/**
 * @typedef {object} Settings
 * @property {import("../../js/index.js").PhoneOptions} login at the SIP server
 * @property {{ url: string, token: string }} accounts the account service, and the
 *   administrators' token
 * @property {string} folder
 * @property {Int16Array} greeting
 * @property {number} seconds of a message
 * @property {number} calls that are recorded at the same time: each takes 16,000 bytes a second
 * @property {{ messages: number, bytes: number }} limits of a mailbox, and of the folder
 * @property {string} host where the account service asks for messages
 * @property {number} port
 * @property {import("../listen.js").Place["tls"]} [tls]
 * @property {string} [mediaHost] address that desk phones send to
 * @property {(entry: { level: string, message: string }) => void} [log]
 */

const DEFAULTS = {
  seconds: 180,
  calls: 32,
  messages: 100,
  megabytes: 1024,
  host: "127.0.0.1",
  port: 0,
};

/** @param {unknown} value */
const isObject = (value) => !!value && typeof value === "object";

/** @type {Record<string, (value: any, options: any) => string | false | undefined>} */
const checks = {
  login: (value) => !isObject(value) && "must be an object",
  accounts: (value) =>
    !(URL.canParse(value?.url) && /^https?:/.test(value.url) && value.token) &&
    "must have url and token of the account service",
  folder: check.text,
  greeting: check.text,
  seconds: check.integer(1, 3600, "seconds"),
  calls: check.integer(1, 10_000, "calls"),
  messages: check.integer(1, 10_000, "messages"),
  megabytes: check.integer(1, 1024 * 1024, "megabytes"),
  host: check.text,
  port: check.integer(0, 65_535, "numbers"),
  tls: (value) =>
    !(value?.cert && value.key) && "must have cert and key, in PEM",
  mediaHost: (value) => !isIP(value) && "must be an IP address",
  log: check.callable,
};

/**
 * Checks the options of a voicemail and fills in the defaults.
 *
 * @param {import("./index.js").VoicemailOptions} options
 * @returns {Settings}
 */
export function checkVoicemail(options) {
  const required = ["login", "accounts", "folder"];
  const given = check.checked(options, checks, options?.log, required);
  const { greeting, messages, megabytes, ...rest } = { ...DEFAULTS, ...given };
  return {
    ...rest,
    greeting: greeting ? readGreeting(greeting) : new Int16Array(0),
    limits: { messages, bytes: megabytes * 1024 * 1024 },
  };
}

/** @param {string} file */
function readGreeting(file) {
  let bytes;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw check.invalid("greeting", `cannot be read: ${code}`);
  }
  const samples = bytes.length <= MAX_GREETING && readWav(bytes);
  if (!samples)
    throw check.invalid(
      "greeting",
      "must be a WAV file of a minute at most, one channel, 8,000 samples a second of 16 bits",
    );
  return samples;
}
