import { readFileSync } from "node:fs";
import { startVoicemail } from "../../server/voicemail/index.js";
import { invalid } from "../phone/options.js";

/** @param {Record<string, any>} values of the command line */
export function runVoicemail(values) {
  const { account, folder, connections, domain, greeting, seconds } = values;
  const needed = { account, folder, connections, domain };
  for (const [name, value] of Object.entries(needed))
    if (!value) throw invalid(name, "is needed");
  return startVoicemail({
    accounts: { url: account, token: secretIn(values, "admin-token") },
    login: {
      connections: connections.split(","),
      user: values.login ?? "voicemail",
      domain,
      password: secretIn(values, "password"),
    },
    folder,
    greeting,
    seconds: seconds && Number(seconds),
    host: values.host,
    port: values.port && Number(values.port),
    mediaHost: values["media-host"],
    log: ({ level, message }) => console.error(`${level} ${message}`),
  });
}

/**
 * Others see what stands on a command line: a secret is in a file.
 *
 * @param {Record<string, any>} values
 * @param {string} name
 */
function secretIn(values, name) {
  if (!values[name]) throw invalid(name, "is needed: a file that holds it");
  return readFileSync(values[name], "utf8").trim();
}
