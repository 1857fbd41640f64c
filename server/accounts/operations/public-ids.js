import { Created } from "../http.js";
import { Problem, invalid } from "../problem.js";
import { readPublicId } from "../public-ids.js";

/**
 * The ids by which others reach the user.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export function publicIdOperations({ facts, directory, codes, record }) {
  return {
    listPublicIds: async ({ session }) =>
      (await facts("public_ids", session.who)).map(publicIdView),

    addPublicId: async (asked) => {
      const { session, body } = asked;
      const { who, realm } = session;
      const { id, kind } = known("/id", body.id);
      // Names of accounts are ids already: of those who log in by them.
      const owner = await directory.find(id, realm);
      if (owner && owner.who !== who) throw taken();
      const added = await record(asked, undefined, async () => {
        if (kind === "name") return facts("public_id_add", who, { id, kind });
        await codes.count(who, id);
        const { code, ...proof } = await codes.make(who, id);
        const added = await facts("public_id_add", who, { id, kind, ...proof });
        if (!added.confirmed)
          await codes.send({ id, code, channel: body.channel });
        return added;
      });
      return new Created(publicIdView(added));
    },

    confirmPublicId: async (asked) => {
      const { who } = asked.session;
      const { id } = known("/params/id", asked.params.id);
      const code_hash = await codes.digest(who, id, asked.body.code);
      const confirmed = await record(asked, undefined, () =>
        facts("public_id_confirm", who, { id, code_hash }),
      );
      return publicIdView(confirmed);
    },

    removePublicId: async (asked) => {
      const { id } = known("/params/id", asked.params.id);
      await record(asked, undefined, () =>
        facts("public_id_remove", asked.session.who, { id }),
      );
    },
  };
}

/** @param {string} field @param {string} text */
function known(field, text) {
  const id = readPublicId(text);
  if (!id) throw invalid(field, "is no number, name, or network:name");
  return id;
}

/** @param {{ id: string, kind: string, confirmed: boolean }} id */
const publicIdView = ({ id, kind, confirmed }) => ({ id, kind, confirmed });

const taken = () =>
  new Problem(409, "ePublicIdTaken", "This id belongs to somebody else.");
