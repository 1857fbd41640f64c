import { randomUUID } from "node:crypto";
import * as check from "../../js/phone/options.js";
import { drivers } from "./drivers/index.js";

const MAX_CONNECTIONS = 8;
/** Of each session a few KiB are kept. */
const MAX_SESSIONS = 1_000_000;

/** @param {unknown} value */
const isObject = (value) => !!value && typeof value === "object";

/** @type {Record<string, (value: any, options: any) => string | false | undefined>} */
const checks = {
  login: (value) => !isObject(value) && "must be an object",
  connections,
  lines,
  may,
  trustFrom: check.boolean,
  whenNodeIsDown: check.oneOf("wait", "move"),
  heartbeat: check.integer(1, 600, "seconds"),
  maxSessions: check.integer(1, MAX_SESSIONS, "sessions"),
  accounts: (value, { accountsToken }) =>
    !/^https?:/.test(value) || !URL.canParse(value)
      ? "must be the URL of an account service"
      : !accountsToken && "needs accountsToken",
  accountsToken: check.text,
  log: check.callable,
};

/**
 * Checks the options of a gateway and fills in the defaults.
 *
 * @param {import("./index.js").GatewayOptions} options
 */
export function checkGateway(options) {
  const required = ["login", "connections", "lines"];
  const given = check.checked(options, checks, options?.log, required);
  const { login, log, accounts, accountsToken, ...gateway } = given;
  // Two gateways of one login are two devices: neither takes the other's place.
  const device = `cti-${randomUUID().slice(0, 8)}`;
  const settings = check.checkOptions({ device, ...login, log });
  if (settings.credentials)
    throw check.invalid(
      "login",
      "needs password or ha1: there is nobody to be asked",
    );
  return {
    addresses: /** @type {string[]} */ (given.connections).map(
      (address) => new URL(address),
    ),
    accounts: accounts && { url: accounts, token: accountsToken },
    domain: settings.domain,
    WebSocket: settings.WebSocket,
    log,
    core: {
      login: check.coreOptions(settings, {
        instanceId: settings.instanceId ?? `urn:uuid:${randomUUID()}`,
        memory: undefined,
        trace: settings.trace ?? false,
      }),
      gateway,
    },
  };
}

/** @param {any} list */
function connections(list) {
  if (!Array.isArray(list) || !list.length || list.length > MAX_CONNECTIONS)
    return `must be 1 to ${MAX_CONNECTIONS} addresses of the switch`;
  const isKnown = (/** @type {any} */ address) =>
    URL.canParse(address) && Object.hasOwn(drivers, new URL(address).protocol);
  const known = Object.keys(drivers).map((scheme) => `${scheme}//…`);
  // Without the address itself: it may hold a password.
  return !list.every(isKnown) && `must be addresses like ${known.join(", ")}`;
}

/** @param {any} value */
function lines(value) {
  if (!isObject(value) || !Object.keys(value).length)
    return "must name the devices of each line";
  const isNamed = (/** @type {any} */ one) =>
    typeof one?.device === "string" && one.device;
  const bad = Object.entries(value).find(
    ([, devices]) =>
      !Array.isArray(devices) || !devices.length || !devices.every(isNamed),
  );
  return (
    bad &&
    `must have a list of devices for each line, as in [{ device: "SEP01" }]; that of ${bad[0]} is none`
  );
}

/** @param {any} value @param {{ lines: object }} options */
function may(value, { lines: known }) {
  if (!isObject(value) || !Object.values(value).every(Array.isArray))
    return "must be a list of lines for each user";
  const stranger = Object.values(value)
    .flat()
    .find((line) => !Object.hasOwn(known, line));
  return (
    stranger !== undefined && `names a line that there is not: ${stranger}`
  );
}

/**
 * An address as it may be shown: without user name and password, also where these are
 * no part of a URL's authority (`sip:`).
 *
 * @param {URL} address
 */
export function shown({ protocol, host, pathname }) {
  if (host) return `${protocol}//${host}`;
  return `${protocol}${pathname.replace(/^.*@/, "")}`;
}
