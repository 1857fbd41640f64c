import { Sound } from "../http.js";
import { notFound } from "../problem.js";
import { sealed, unsealed } from "../secrets.js";
import { messageView } from "../views.js";

/** For so long, in ms, the URL of a message plays it. */
const TICKET = 5 * 60_000;

/**
 * The user's messages.
 *
 * @param {import("../index.js").Parts} parts
 * @returns {Record<string, import("../http.js").Handler>}
 */
export function voicemailOperations({ voicemail, store }) {
  const secret = () => store.secret("voicemail tickets");

  /** What plays messages of one user, and nothing else. @param {string} who */
  const ticketOf = async (who) =>
    sealed(await secret(), { who, until: Date.now() + TICKET });

  return {
    listVoicemails: async ({ session: { who } }) => {
      const [messages, ticket] = await Promise.all([
        voicemail.list(who),
        ticketOf(who),
      ]);
      return messages.map((message) => messageView(message, ticket));
    },

    hearVoicemail: async ({ session: { who }, params }) =>
      messageView(await voicemail.heard(who, params.id), await ticketOf(who)),

    deleteVoicemail: async ({ session: { who }, params }) =>
      voicemail.delete(who, params.id),

    playVoicemail: async ({ params: { id, ticket }, range }) => {
      const { who, until } = unsealed(await secret(), ticket) ?? {};
      if (!who || until < Date.now()) throw notFound();
      return new Sound(await voicemail.sound(who, id), range);
    },
  };
}
