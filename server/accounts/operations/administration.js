import { Created } from "../http.js";
import { invalid, notFound } from "../problem.js";
import { makeCredentials } from "../sip-credentials.js";
import { callOperations } from "./calls.js";
import { deviceOperations } from "./devices.js";

/** @typedef {import("../http.js").Handler} Handler */

/**
 * What administrators do: the same to any user's devices and rules, and what holds
 * for a user.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, Handler>}
 */
export function administratorOperations(parts) {
  const { facts, directory, events, record, voicemail } = parts;
  const own = { ...deviceOperations(parts), ...callOperations(parts) };

  /** In the name of the user that the path names. @type {(handle: Handler) => Handler} */
  const as = (handle) => async (asked) => {
    const [, user, domain] =
      /^([^@]+)(?:@(.*))?$/.exec(asked.params.user) ?? [];
    const account = user && (await directory.find(user, domain));
    if (!account) throw notFound();
    const { who, realm } = account;
    return handle({ ...asked, session: { id: "", who, realm } });
  };

  /** @type {Handler} */
  const getUser = async ({ session: { who } }) => ({
    user: who,
    ...(await directory.settings(who)),
  });

  return {
    getUser: as(getUser),

    changeUser: as(async (asked) => {
      const { who } = asked.session;
      await record(asked, undefined, () => directory.change(who, asked.body));
      return getUser(asked);
    }),

    listDevicesOfUser: as(own.listDevices),

    authoriseDeviceOfUser: as(async (asked) => {
      const { session, body } = asked;
      const isDeskPhone = body.class === "deskphone";
      if (isDeskPhone && !session.realm)
        throw invalid("/user", "must be user@domain");
      const made = await own.authoriseDevice(asked);
      const device = made instanceof Created ? made.value : made;
      const { id } = /** @type {{ id: string }} */ (device);
      const value = {
        device,
        ...(isDeskPhone && {
          sipCredentials: await makeCredentials(facts, session, id, null),
        }),
      };
      return made instanceof Created ? new Created(value) : value;
    }),

    revokeDeviceOfUser: as(own.revokeDevice),
    restoreDeviceOfUser: as(own.restoreDevice),

    announceVoicemail: async ({ body }) => voicemail.isAt(body.url),

    listenToUsers: async ({ signal }) => events.listen(undefined, signal),

    getMailboxOfUser: as(async ({ session }) => facts("mailbox", session.who)),

    setMailboxOfUser: as(async ({ session, body }) => {
      await facts("mailbox_set", session.who, body);
    }),

    getRulesOfUser: as(own.getRules),
    changeRulesOfUser: as(own.changeRules),
  };
}
