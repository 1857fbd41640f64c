import { subjectOf } from "../device-key.js";
import { Problem, notAuthorised, rejected } from "../problem.js";
import { makeCredentials } from "../sip-credentials.js";
import { deviceView } from "../views.js";

/** @typedef {import("../facts/facts.js").Device} Device */

/**
 * Signing in and out, and what a device logs in with at the SIP server.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export function sessionOperations(parts) {
  const { facts, directory, sessions, events, throttle, keys, authenticate } =
    parts;

  /**
   * @typedef {{ account: import("../directory/directory.js").Account, device?: Device }} Proved
   */

  /**
   * @param {string} user
   * @param {string} domain
   * @param {string} password
   * @returns {Promise<Proved | undefined>}
   */
  async function byPassword(user, domain, password) {
    const account = await directory.find(user, domain);
    return account?.proves(password) ? { account } : undefined;
  }

  /**
   * A token of the operator's own: who it is for.
   *
   * @param {string} token
   * @returns {Promise<Proved | undefined>}
   */
  async function byToken(token) {
    const named = await authenticate?.({ token });
    const account = named && (await directory.find(named.user, named.domain));
    return account ? { account } : undefined;
  }

  /** @param {any} claimed @returns {Promise<Proved | undefined>} */
  async function byKey({ nonce, signature, ...claimed }) {
    const account = await directory.find(claimed.user, claimed.domain);
    if (!account) return undefined;
    const device = await deviceOf(facts, account.who, claimed.deviceId);
    if (!device?.key) return undefined;
    const subject = subjectOf(claimed);
    if (!(await keys.proves(subject, nonce, signature, device.key)))
      return undefined;
    return { account, device };
  }

  return {
    openSession: async ({ body, address }) => {
      const { user, domain, password, token } = body;
      const whose = token ? undefined : `${user}@${domain}`.toLowerCase();
      const proved = await throttle.attempt(address, whose, () =>
        token
          ? byToken(token)
          : password
            ? byPassword(user, domain, password)
            : byKey(body),
      );
      if (!proved) throw rejected();
      const { account, device } = proved;
      // Who has the key is told that it was revoked.
      if (device && device.state !== "authorised") throw notAuthorised();
      const tokens = await sessions.open(account, device?.id);
      return {
        ...tokens,
        ...(device && { device: deviceView(device, device.id) }),
      };
    },

    challenge: ({ body }) => keys.nonce(subjectOf(body)),

    refreshSession: async ({ body }) => {
      const session = await sessions.ofRefresh(body.refreshToken);
      if (!session) throw rejected();
      const device = await authorisedDevice(parts, session);
      const tokens = await session.next();
      if (!tokens) throw rejected();
      return {
        ...tokens,
        ...(device && { device: deviceView(device, device.id) }),
      };
    },

    closeSession: async ({ session }) => {
      await sessions.end(session.who, session.id);
      await events.check(session.who);
    },

    makeSipCredentials: async ({ session }) => {
      if (!session.device)
        throw new Problem(
          403,
          "eForbidden",
          "This is for the session of a device: sign in by its key.",
        );
      return makeCredentials(facts, session, session.device);
    },
  };
}

/**
 * The device of a session, if it has one.
 *
 * @param {Pick<import("../index.js").Parts, "facts" | "sessions">} parts
 * @param {import("../sessions.js").Session} session
 * @returns {Promise<Device | undefined>} rejects where it may not any more
 */
export async function authorisedDevice({ facts, sessions }, session) {
  if (!session.device) return undefined;
  const device = await deviceOf(facts, session.who, session.device);
  if (device?.state === "authorised") return device;
  if (device) throw notAuthorised();
  await sessions.end(session.who, session.id);
  throw rejected();
}

/**
 * @param {import("../facts/facts.js").Facts["call"]} facts
 * @param {string} who
 * @param {string} id
 * @returns {Promise<Device | undefined>}
 */
export async function deviceOf(facts, who, id) {
  const devices = await facts("devices", who);
  return devices.find((/** @type {Device} */ device) => device.id === id);
}
