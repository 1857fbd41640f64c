import { callApp } from "../../js/phone/events.js";
import { isLoopback } from "../../js/phone/options.js";
import { listen } from "../listen.js";
import { Codes } from "./codes.js";
import { DeviceKeys } from "./device-key.js";
import { readOperations } from "./document.js";
import { Events } from "./events.js";
import { createApp } from "./http.js";
import { administratorOperations } from "./operations/administration.js";
import { callOperations } from "./operations/calls.js";
import { deviceOperations } from "./operations/devices.js";
import { eventOperations } from "./operations/events.js";
import { publicIdOperations } from "./operations/public-ids.js";
import { pushOperations, wake } from "./operations/push.js";
import { authorisedDevice, sessionOperations } from "./operations/session.js";
import { voicemailOperations } from "./operations/voicemail.js";
import { servePage } from "./page.js";
import { Problem, rejected } from "./problem.js";
import { Endpoints } from "./push/endpoints.js";
import { PushSender } from "./push/sender.js";
import { worded } from "./refusals.js";
import { isSame } from "./secrets.js";
import { Sessions } from "./sessions.js";
import { Throttle } from "./throttle.js";
import { Voicemail } from "./voicemail.js";

/** Codes of Node, and so of a database's driver, for a server that does not answer. */
const AWAY = /^E(CONN|TIMEDOUT|PIPE|HOST|NET|AI_)/;

/**
 * What the service is made of, as its operations use it.
 *
 * @typedef {object} Parts
 * @property {import("./facts/facts.js").Facts["call"]} facts refuses in the API's words
 * @property {import("./directory/directory.js").Directory} directory
 * @property {Sessions} sessions
 * @property {DeviceKeys} keys
 * @property {Throttle} throttle
 * @property {Events} events
 * @property {Codes} codes
 * @property {Endpoints} endpoints
 * @property {PushSender} push
 * @property {Voicemail} voicemail
 * @property {import("./store/store.js").Store} store
 * @property {import("./options.js").Authenticate} [authenticate] for tokens of the operator's own
 * @property {Record} record
 *
 * @typedef {<T>(asked: import("./http.js").Asked, device: string | undefined, work: () => Promise<T>) => Promise<T>} Record
 *   does what is written into the audit log, be it done or refused
 */

/**
 * @typedef {object} Homes what the service keeps nothing of itself
 * @property {import("./facts/facts.js").Facts} facts
 * @property {import("./directory/directory.js").Directory} directory
 * @property {import("./store/store.js").Store} store
 * @property {() => boolean} isReachable whether they are there at the moment
 */

/**
 * Serves the API.
 *
 * @param {import("./options.js").Settings} settings
 * @param {Homes} homes
 */
export async function startService(settings, homes) {
  const { facts, directory, store, isReachable } = homes;
  const words = worded(facts);
  const warn = (/** @type {string} */ message) =>
    callApp(settings.log, { level: "warn", message });
  const endpoints = new Endpoints(settings.pushHosts, settings.pushLoopback);
  const sessions = new Sessions(store);
  const isLive = async (/** @type {import("./sessions.js").Session} */ it) => {
    if (!(await sessions.isThere(it))) return false;
    return authorisedDevice({ facts: words, sessions }, it).then(
      () => true,
      (error) => !(error instanceof Problem),
    );
  };
  /** @type {Parts} */
  const parts = {
    facts: words,
    directory,
    sessions,
    keys: new DeviceKeys(store),
    throttle: new Throttle(store),
    events: new Events(words, isLive),
    codes: new Codes(store, settings.sendCode ?? logCode(settings)),
    endpoints,
    store,
    push: new PushSender(
      store,
      endpoints,
      settings,
      (who, endpoint) => words("push_gone", who, { endpoint }),
      warn,
    ),
    voicemail: new Voicemail(store, settings.adminToken),
    authenticate: settings.authenticate,
    record: recorder(settings),
  };
  await facts.onChange((change) => parts.events.changed(change));
  await facts.onWake((wanted) =>
    wake(parts, wanted).catch((error) =>
      warn(`Nobody could be woken: ${error.message}`),
    ),
  );
  // Who listens asks anew when they come back.
  facts.onGap(() => parts.events.endAll());
  const app = createApp({
    operations: readOperations(),
    handlers: {
      ...sessionOperations(parts),
      ...deviceOperations(parts),
      ...callOperations(parts),
      ...eventOperations(parts),
      ...publicIdOperations(parts),
      ...pushOperations(parts),
      ...voicemailOperations(parts),
      ...administratorOperations(parts),
    },
    callers: callers(parts, settings.adminToken),
    isAllowed: (origin) => isAllowed(origin, settings.origins),
    addressOf: (context) => addressOf(context, settings.behindProxy),
    failed: (error) => failed(error, isReachable, settings),
  });
  servePage(app, () => directory.domain());
  const server = await listen(app, settings);
  const stop = async () => {
    await server.close();
    for (const part of [parts.events, facts, directory, store])
      await part.close();
  };
  /** @type {Promise<void> | undefined} */
  let stopping;
  return { url: server.url, stop: () => (stopping ??= stop()) };
}

/**
 * @param {unknown} error
 * @param {() => boolean} isReachable
 * @param {import("./options.js").Settings} settings
 */
function failed(error, isReachable, { log }) {
  const { code, stack } = /** @type {NodeJS.ErrnoException} */ (error);
  // Said once by who lost it, not with every request.
  if (!isReachable() || AWAY.test(`${code}`))
    return new Problem(
      503,
      "eOutOfService",
      "Redis or the database cannot be reached. Try again in a moment.",
    );
  const message = `A request failed: ${stack ?? error}`;
  callApp(log, { level: "error", message });
  return new Problem(500, "eInternal", "The service failed. Try again later.");
}

/**
 * Whom a token stands for.
 *
 * @param {Parts} parts
 * @param {string | undefined} adminToken
 */
function callers({ sessions, throttle, facts }, adminToken) {
  return {
    user: async (/** @type {string} */ token) => {
      const session = await sessions.of(token);
      if (!session) throw rejected();
      await authorisedDevice({ facts, sessions }, session);
      return session;
    },
    administrator: async (
      /** @type {string} */ token,
      /** @type {string} */ address,
    ) => {
      const proved = await throttle.attempt(address, undefined, async () =>
        adminToken && isSame(token, adminToken) ? true : undefined,
      );
      if (!proved) throw rejected();
    },
  };
}

/**
 * @param {import("./options.js").Settings} settings
 * @returns {Record}
 */
function recorder({ audit }) {
  return async ({ operation, session, address }, device, work) => {
    const entry = {
      at: new Date().toISOString(),
      act: operation,
      who: session.who,
      by: !session.id
        ? "administrator"
        : session.device
          ? `device ${session.device}`
          : "user",
      from: address,
      device,
    };
    try {
      const value = await work();
      callApp(audit, entry);
      return value;
    } catch (error) {
      const refused = error instanceof Problem ? error.code : "eInternal";
      callApp(audit, { ...entry, refused });
      throw error;
    }
  };
}

/**
 * Where the operator sends no codes: for development, the log does.
 *
 * @param {import("./options.js").Settings} settings
 */
const logCode =
  ({ log }) =>
  async (/** @type {import("./codes.js").Sending} */ { id, code }) =>
    callApp(log, { level: "info", message: `The code for ${id} is ${code}.` });

/**
 * Pages of other sites must not ask a service on this machine.
 *
 * @param {string} origin
 * @param {string[]} origins
 */
function isAllowed(origin, origins) {
  if (origins.includes(origin)) return true;
  return (
    !origins.length &&
    URL.canParse(origin) &&
    isLoopback(new URL(origin).hostname)
  );
}

/**
 * @param {import("hono").Context} context
 * @param {boolean} behindProxy what the nearest proxy says counts: clients can write what
 *   they like before that
 */
function addressOf({ env, req }, behindProxy) {
  const forwarded = behindProxy && req.header("x-forwarded-for");
  const nearest = forwarded && forwarded.split(",").at(-1)?.trim();
  return nearest || env.incoming.socket.remoteAddress || "";
}
