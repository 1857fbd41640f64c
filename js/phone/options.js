import { fault } from "../errors/error.js";
import { platform } from "./platform.js";

/** @typedef {import("../index.js").PhoneOptions} PhoneOptions */
/** @typedef {string | false | undefined} Complaint what is wrong with a value, in words */
/** @typedef {(value: any, options: PhoneOptions) => Complaint} Check */
/** @typedef {PhoneOptions["log"]} Log */

const MAX_CONNECTIONS = 8;

// RFC 3261 §25.1: the characters that a user part may hold unescaped, and "%".
const USER = /^[\w.!~*'()&=+$,;?/%-]+$/;
const HOST = /^([a-z0-9_]([\w.-]*\w)?\.?|\[[0-9a-f:.]+\])$/i;
const TOKEN = /^[\w.!%*+`'~-]+$/;
const UUID =
  /^urn:uuid:(?!0{8}-0{4}-0{4}-0{4}-0{12}$)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
// Written by the phone itself; a second one would contradict it.
const OWN_HEADER =
  /^(via|v|from|f|to|t|call-id|i|cseq|contact|m|max-forwards|content-(length|type)|l|c|(proxy-)?authorization|expires|supported|k|(proxy-)?require|route|path|reason|user-agent)$/i;

/** Texts that people have as numbers: an extension, say. */
const MAY_BE_NUMBERS = /^(user|authUser|password|device|displayName)$/;

/** @type {(value: any) => Complaint} */
export function text(value) {
  if (typeof value !== "string") return "must be text";
  if (!value) return "is empty";
  if (value.length > 512) return "is longer than 512 characters";
  return (
    /\p{Cc}/u.test(value) && "holds CR, LF, NUL or another control character"
  );
}

/** @type {Check} */
export const boolean = (value) =>
  typeof value !== "boolean" && "must be true or false";

/** @type {Check} */
export const callable = (value) =>
  typeof value !== "function" && "must be a function";

/** @type {(...names: (string | boolean)[]) => Check} */
export const oneOf =
  (...names) =>
  (value) =>
    !names.includes(value) && `must be one of ${names.join(", ")}`;

/** @type {(pattern: RegExp, wanted: string) => Check} */
const matching = (pattern, wanted) => (value) =>
  text(value) || (!pattern.test(value) && `must be ${wanted}`);

/** @type {(low: number, high: number, unit: string) => Check} */
export const integer = (low, high, unit) => (value) =>
  !(Number.isInteger(value) && value >= low && value <= high) &&
  `must be a whole number of ${unit} from ${low} to ${high}`;

/** @type {(check: Check) => Check} */
const unshared = (check) => (value, options) =>
  options.shared ? "cannot be shared" : check(value, options);

/**
 * Loopback as a browser's parser sees the host: 127/8, [::1], localhost.
 *
 * @param {string} hostname
 */
export const isLoopback = (hostname) =>
  /^(127\.\d+\.\d+\.\d+|\[::1\]|([^.]+\.)*localhost)$/i.test(hostname);

/** @type {Check} */
function connection(value, { allowInsecure }) {
  const complaint = text(value);
  if (complaint) return `must be URLs; one ${complaint}`;
  let url;
  try {
    url = new URL(value);
  } catch {
    return "must be ws:// or wss:// URLs";
  }
  if (!/^wss?:$/.test(url.protocol)) return "must be ws:// or wss:// URLs";
  if (url.username || url.password)
    return "must not carry a user name or password in a URL: use authUser and password";
  if (url.hash) return "must not carry a #fragment";
  return (
    url.protocol === "ws:" &&
    !allowInsecure &&
    !isLoopback(url.hostname) &&
    "must use wss:// (ws:// is for loopback hosts; allowInsecure: true permits it elsewhere)"
  );
}

/** A URI would be taken for a name. @type {Check} */
const publicId = matching(
  /^(?!(sips?|tel):)[!-~]{1,128}$/i,
  'a public id, as in "+4930123456": no URI',
);

/** @type {Record<string, Check>} */
export const checks = {
  connections(value, options) {
    const list = Array.isArray(value) ? value : [value];
    if (!list.length || list.length > MAX_CONNECTIONS)
      return `must be 1 to ${MAX_CONNECTIONS} ws:// or wss:// URLs`;
    return list.map((url) => connection(url, options)).find(Boolean);
  },
  watch: oneOf("all", "inUse"),
  distribution: oneOf("roundRobin", "priority"),
  heartbeat: integer(5, 600, "seconds"),
  user: matching(
    USER,
    'the user part alone, as in "2001": no scheme, no @, special characters %-escaped',
  ),
  domain: matching(HOST, 'a host name or address alone, as in "example.com"'),
  authUser: text,
  password: (value) => value !== "" && text(value),
  ha1: matching(
    /^([0-9a-f]{32}|[0-9a-f]{64})$/i,
    "the hex digits of an MD5 or SHA-256 hash",
  ),
  credentials: callable,
  device: text,
  instanceId: matching(UUID, 'a "urn:uuid:…" other than all zeros'),
  displayName: text,
  publicId,
  account: (value) =>
    typeof value?.authorise !== "function" &&
    typeof value?.url !== "string" &&
    "must be an Account, or { url }",
  deviceClass: oneOf("mobile", "desktop", "web"),
  profile: oneOf("auto", "cisco", "generic"),
  conflictScope: oneOf("device", "user"),
  registrationType: oneOf("graceful", "duplicate", "normal"),
  expires: integer(1, 4294967295, "seconds"),
  timeout: integer(100, 600_000, "milliseconds"),
  userAgent: text,
  extraHeaders: headers,
  WebSocket: unshared(callable),
  storage: unshared(
    (value) =>
      value !== null &&
      (typeof value?.getItem !== "function" ||
        typeof value.setItem !== "function") &&
      "must have getItem and setItem, or be null",
  ),
  shared: (value) =>
    typeof value !== "boolean" &&
    !value?.worker &&
    "must be true, false or { worker }",
  page: (value) => !value?.document && "must have a document",
  log: callable,
  media: callable,
  mediaTimeout: integer(0, 600, "seconds"),
  iceServers: (value) =>
    !Array.isArray(value) &&
    typeof value !== "function" &&
    "must be a list, or a function",
  iceTransportPolicy: oneOf("all", "relay"),
  remoteControl: (value) =>
    !/^sips?:[^@\s]+@\S+$/.test(value?.gateway) &&
    "must name a gateway by its SIP URI",
  allowInsecure: boolean,
  forceMayRemoveOthers: boolean,
  ignoreBindings: (value) =>
    !(Array.isArray(value) && value.every((uri) => !text(uri))) &&
    "must be a list of Contact URIs",
  refuseMd5: boolean,
  trustAssertedIdentity: oneOf("auto", true, false),
  trace: boolean,
  isolate: boolean,
};

/** @type {Check} */
const wish = (value) =>
  typeof value !== "boolean" &&
  Object(value) !== value &&
  "must be true, false or constraints";

/** What `phone.call` and `call.answer` take. @type {Record<string, Check>} */
const callChecks = {
  audio: wish,
  video: wish,
  stream: (value) =>
    typeof value?.getTracks !== "function" && "must be a MediaStream",
  followRedirects: oneOf("domain", "all", "none"),
  publicId,
  signal: (value) =>
    value !== null &&
    typeof value.addEventListener !== "function" &&
    "must be an AbortSignal",
  extraHeaders: headers,
};

/** What `registerPhone` takes. @type {Record<string, Check>} */
const loginChecks = {
  mode: oneOf("SoftPhone", "DeskPhone"),
  line: text,
  device: text,
  forceRegistration: boolean,
  signal: callChecks.signal,
};

const REQUIRED = ["connections", "user", "domain"];

const DEFAULTS = {
  profile: "auto",
  conflictScope: "device",
  registrationType: "graceful",
  trustAssertedIdentity: "auto",
  timeout: 30_000,
};

/** @param {any} value */
const headerList = (value) =>
  Array.isArray(value) ? value : Object.entries(value);

/** @param {any} value @returns {Complaint} */
function headers(value) {
  if (Object(value) !== value)
    return "must be an object of header names and values, or a list of [name, value]";
  return headerList(value)
    .map((pair) => header(pair))
    .find(Boolean);
}

/**
 * @param {any} pair
 * @returns {Complaint}
 */
function header(pair) {
  const [name, value] = Array.isArray(pair) ? pair : [];
  if (typeof name !== "string" || !TOKEN.test(name))
    return "has a malformed header name";
  if (OWN_HEADER.test(name))
    return `cannot hold ${name}: the phone writes it itself`;
  if (typeof value !== "string" || /\p{Cc}/u.test(value))
    return `has a value of ${name} that is no text, or holds CR, LF or NUL`;
  return undefined;
}

/** @param {string} url */
const lowerCaseScheme = (url) =>
  url.replace(/^\w+/, (scheme) => scheme.toLowerCase());

/**
 * @param {string} option
 * @param {string} complaint
 */
export const invalid = (option, complaint) =>
  fault("option", { option, complaint, details: { option } });

/**
 * Checks the options of a phone and fills in the defaults.
 *
 * @param {PhoneOptions} options
 */
export function checkOptions(options) {
  const given = checked(options, checks, options?.log, REQUIRED);
  /** @type {any} */
  const settings = { ...DEFAULTS, device: given.user, ...given };
  settings.connections = [given.connections].flat().map(lowerCaseScheme);
  return settings;
}

/**
 * Checks the options of a login.
 *
 * @param {any} options
 * @param {Log} log
 * @returns {import("../index.js").LoginOptions & { mode?: import("../index.js").PhoneMode }}
 */
export const checkLogin = (options, log) => checked(options, loginChecks, log);

/**
 * Checks the options of a call.
 *
 * @param {import("../index.js").CallOptions & { signal?: AbortSignal }} options
 * @param {Log} [log]
 * @returns {Omit<typeof options, "extraHeaders"> & { extraHeaders?: [string, string][] }}
 */
export const checkCall = (options, log) => checked(options, callChecks, log);

/**
 * Checks whom to call: that it is text. What it means, the core says.
 *
 * @param {unknown} target
 * @returns {string}
 */
export const checkTarget = (target) =>
  checked({ target }, { target: text }, undefined, ["target"]).target;

/**
 * @param {any} options
 * @param {Record<string, Check>} checks
 * @param {Log} log
 * @param {string[]} [required]
 * @returns {any} those that are given
 */
export function checked(options, checks, log, required = []) {
  if (Object(options) !== options)
    throw invalid("options", "must be an object");
  // What is missing may be there under another name.
  const known = Object.keys(checks);
  const unknown = Object.keys(options).filter(
    (name) => options[name] !== undefined && !known.includes(name),
  );
  if (unknown.length)
    import("./spelling.js").then(({ warnOf }) => warnOf(unknown, known, log));
  /** @type {any} */
  const given = {};
  for (const [name, check] of Object.entries(checks)) {
    let value = options[name];
    if (required.includes(name) && (value ?? "") === "")
      throw invalid(name, "is missing");
    if (value === undefined) continue;
    if (MAY_BE_NUMBERS.test(name) && Number.isSafeInteger(value) && value >= 0)
      value = String(value);
    const complaint = check(value, options);
    if (complaint) throw invalid(name, complaint);
    given[name] = value;
  }
  if (given.extraHeaders) given.extraHeaders = headerList(given.extraHeaders);
  return given;
}

/**
 * The part of the settings that the core is built from.
 *
 * @param {any} settings
 * @param {{ instanceId: string, memory: string | undefined, trace: boolean }} more
 */
export const coreOptions = (settings, more) => ({
  ...settings,
  ...more,
  hasCredentials: !!settings.credentials,
  platform: platform(),
  // As text: what is false does not cross.
  trustAssertedIdentity: `${settings.trustAssertedIdentity}`,
  // Whether every connection is safe for a bearer token.
  loopback: settings.connections.every(
    (/** @type {string} */ url) =>
      url.startsWith("wss:") || isLoopback(new URL(url).hostname),
  ),
});
