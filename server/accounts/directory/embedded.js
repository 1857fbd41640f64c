import { settingsOf } from "../../../js/testing/registrar.js";
import { isSame } from "../secrets.js";
import { LIMITS } from "./directory.js";

/**
 * The users of a test registrar of this process. What differs for one user is kept here,
 * or by the registrar where it goes by it.
 *
 * @param {import("../../../js/testing/index.js").Registrar} registrar
 * @param {Partial<import("./directory.js").Limits>} limits
 * @returns {import("./directory.js").Directory}
 */
export function embeddedDirectory(registrar, limits) {
  const usual = { ...LIMITS, ...limits };
  /** @type {Map<string, Partial<import("./directory.js").Limits>>} */
  const own = new Map();
  const userOf = (/** @type {string} */ name) => {
    const { users } = settingsOf(registrar);
    return Object.hasOwn(users, name) ? users[name] : undefined;
  };

  return {
    find: async (name, domain) => {
      const served = settingsOf(registrar).domain;
      const user = userOf(name);
      if (
        !user ||
        (served && domain && served.toLowerCase() !== domain.toLowerCase())
      )
        return undefined;
      return {
        who: name,
        realm: served ?? domain ?? "",
        proves: (password) => isSame(password, user.password),
      };
    },

    settings: async (who) => {
      const all = settingsOf(registrar);
      const user = userOf(who);
      const devices = user?.devices ?? all.devices ?? "off";
      return {
        limits: { ...usual, ...own.get(who) },
        devices,
        unique: user?.unique ?? devices,
        sharedSlot: user?.sharedSlot ?? all.sharedSlot ?? "ask",
      };
    },

    change: async (who, { limits: changed, ...rest }) => {
      if (changed) own.set(who, given({ ...own.get(who), ...changed }));
      if (!Object.keys(rest).length) return;
      const { users } = settingsOf(registrar);
      const user = given({ ...users[who], ...rest });
      registrar.configure({ users: { ...users, [who]: user } });
    },

    domain: async () => settingsOf(registrar).domain,

    close: async () => {},
  };
}

/**
 * What is not null.
 *
 * @template T
 * @param {T & object} values
 * @returns {any}
 */
const given = (values) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null),
  );
