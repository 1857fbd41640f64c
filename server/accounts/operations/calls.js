import { recordView } from "../views.js";

/**
 * Where the user's calls go, and which there were.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export const callOperations = ({ facts, record }) => ({
  getRules: async ({ session }) => facts("rules", session.who),

  changeRules: async (asked) =>
    record(asked, undefined, () =>
      facts("rules_set", asked.session.who, asked.body),
    ),

  listHistory: async ({ session, query }) => {
    const records = await facts("history", session.who, query);
    return records.map((/** @type {any} */ one) =>
      recordView(one, session.device),
    );
  },
});
