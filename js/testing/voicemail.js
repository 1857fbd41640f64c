import { randomBytes } from "node:crypto";
import { startVoicemail as start } from "../../server/voicemail/index.js";
import { invalid } from "../phone/options.js";
import { Registrar, settingsOf } from "./registrar.js";

/** The account of a voicemail at the test registrar: a server's, which has no devices. */
const USER = "voicemail";

/** @param {import("./index.js").TestVoicemailOptions} options */
export async function startVoicemail({ accounts, registrar, ...options }) {
  if (!(registrar instanceof Registrar))
    throw invalid("registrar", "must be one of startRegistrar");
  if (!accounts?.adminToken)
    throw invalid("accounts", "must be those of startAccounts");
  const { users, domain = "localhost" } = settingsOf(registrar);
  const password =
    users[USER]?.password ?? randomBytes(16).toString("base64url");
  registrar.configure({ users: { ...users, [USER]: { password } } });
  return start({
    accounts: { url: accounts.url, token: accounts.adminToken },
    login: { connections: registrar.url, user: USER, domain, password },
    ...options,
  });
}
