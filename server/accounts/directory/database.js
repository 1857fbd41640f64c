import { notFound } from "../problem.js";
import { hashHex, isSame } from "../secrets.js";
import { LIMITS } from "./directory.js";

/** What SQL is asked with holds nothing that SQL could take for its own. */
const USER = /^[A-Za-z0-9.+*#~_-]{1,64}$/;
const DOMAIN = /^[a-z0-9.-]{1,253}$/;

/** Where a user differs: a column of subscriber each. NULL is what the domain has. */
const COLUMNS = {
  devices: "devices",
  unique: "unique_account",
  sharedSlot: "shared_slot",
  mobile: "mobile_limit",
  deskphone: "deskphone_limit",
};

/** The same precedence as in ACCOUNT of auth.cfg. */
const QUERY = `select s.username as username, s.ha1_sha256 as ha1_sha256,
  coalesce(s.auth_username, s.username) as auth_username,
  coalesce(s.devices, d.devices) as devices,
  coalesce(s.unique_account, s.devices, d.devices) as unique_account,
  coalesce(s.shared_slot, d.shared_slot) as shared_slot,
  coalesce(s.mobile_limit, d.mobile_limit) as mobile_limit,
  coalesce(s.deskphone_limit, d.deskphone_limit) as deskphone_limit
  from subscriber s join domain d on d.domain = s.domain
  where s.username = ? and s.domain = ?`;

/**
 * The users of deploy/kamailio: the tables subscriber and domain of schema.sql.
 *
 * @param {import("./sql.js").Sql} sql
 * @param {Partial<import("./directory.js").Limits>} [limits] where the tables have none
 * @returns {import("./directory.js").Directory}
 */
export function databaseDirectory(sql, limits) {
  /** @param {string} user @param {string} domain */
  async function row(user, domain) {
    if (!USER.test(user) || !DOMAIN.test(domain)) return undefined;
    const [found] = await sql.query(QUERY, [user, domain]);
    // A collation may take for equal what is not.
    return found?.username === user ? found : undefined;
  }

  return {
    find: async (user, given = "") => {
      const domain = given.toLowerCase();
      const found = await row(user, domain);
      if (!found) return undefined;
      const name = `${found.auth_username}:${domain}`;
      return {
        who: `${user}@${domain}`,
        realm: domain,
        proves: (password) =>
          isSame(hashHex("sha256", `${name}:${password}`), found.ha1_sha256),
      };
    },

    settings: async (who) => {
      const [user, domain] = who.split("@");
      const found = await row(user, domain);
      if (!found) throw notFound();
      return {
        limits: {
          mobile: found.mobile_limit ?? limits?.mobile ?? LIMITS.mobile,
          deskphone:
            found.deskphone_limit ?? limits?.deskphone ?? LIMITS.deskphone,
        },
        devices: found.devices,
        unique: found.unique_account,
        sharedSlot: found.shared_slot,
      };
    },

    change: async (who, { limits: changed, ...rest }) => {
      const values = Object.entries({ ...changed, ...rest });
      const sets = values.map(
        ([name]) =>
          `${COLUMNS[/** @type {keyof typeof COLUMNS} */ (name)]} = ?`,
      );
      await sql.change(
        `update subscriber set ${sets.join(", ")} where username = ? and domain = ?`,
        [...values.map(([, value]) => value), ...who.split("@")],
      );
    },

    domain: async () => {
      const served = await sql.query("select domain from domain limit 2", []);
      return served.length === 1 ? served[0].domain : undefined;
    },

    close: () => sql.close(),
  };
}
