import { Created } from "../http.js";
import { notAuthorised, ofAnother } from "../problem.js";
import { randomId } from "../secrets.js";
import { deviceView } from "../views.js";

/** @typedef {import("../http.js").Asked} Asked */

/**
 * The user's devices, and where calls ring.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export function deviceOperations({ facts, directory, sessions, record }) {
  /** @param {string} verb @param {object} [args] */
  const change = (verb, args) => async (/** @type {Asked} */ asked) => {
    const { session, params } = asked;
    const device = await record(asked, params.id, () =>
      facts(verb, session.who, { id: params.id, ...args }),
    );
    return deviceView(device, session.device);
  };

  /**
   * A device gives no other one a key, be it there or new: it would have a way in that
   * stays when it is revoked.
   *
   * @param {import("../sessions.js").Session} session
   * @param {string} instance
   */
  async function mayGiveKey({ who, device }, instance) {
    if (!device) return;
    /** @type {import("../facts/facts.js").Device[]} */
    const devices = await facts("devices", who);
    const own = devices.find(({ id }) => id === device);
    if (own?.instance !== instance) throw ofAnother();
  }

  return {
    listDevices: async ({ session }) =>
      (await facts("devices", session.who)).map((/** @type {any} */ device) =>
        deviceView(device, session.device),
      ),

    authoriseDevice: async (asked) => {
      const { session, body } = asked;
      const { limits } = await directory.settings(session.who);
      const wanted = authorisation(body, limits);
      const { device, added } = await record(
        asked,
        body.instanceId,
        async () => {
          if (body.key) await mayGiveKey(session, wanted.instance);
          return facts("authorise", session.who, wanted);
        },
      );
      if (body.key) await sessions.bind(session, device.id);
      const self = session.device ?? (body.key && device.id);
      const view = deviceView(device, self);
      return added ? new Created(view) : view;
    },

    renameDevice: (asked) => change("rename", { name: asked.body.name })(asked),

    revokeDevice: change("revoke"),

    restoreDevice: async (asked) => {
      const { session, params } = asked;
      // One that was revoked meanwhile has no session; but it may be quicker.
      if (session.device === params.id) throw notAuthorised();
      const { limits } = await directory.settings(session.who);
      return change("restore", { limits })(asked);
    },

    forgetDevice: async (asked) => {
      await change("forget")(asked);
    },

    getRingsOn: async ({ session }) => ({
      ringsOn: await facts("rings", session.who),
    }),

    setRingsOn: async ({ session, body }) => ({
      ringsOn: await facts("rings_set", session.who, { ids: body.ringsOn }),
    }),
  };
}

/**
 * @param {any} body
 * @param {import("../directory/directory.js").Limits} limits
 */
export const authorisation = (
  { instanceId, class: kind, name, key, replaces },
  limits,
) => ({
  id: randomId(),
  instance: instanceId.toLowerCase(),
  class: kind,
  name,
  ...(key && { key }),
  ...(replaces && { replaces }),
  limits,
});
