import { createWriteStream, readFileSync } from "node:fs";
import { databaseDirectory } from "../../server/accounts/directory/database.js";
import { openDatabase } from "../../server/accounts/directory/sql.js";
import { redisFacts } from "../../server/accounts/facts/redis.js";
import { startService } from "../../server/accounts/index.js";
import { tokensOf } from "../../server/accounts/jwt.js";
import { DEFAULTS, checks } from "../../server/accounts/options.js";
import { connectRedis } from "../../server/accounts/redis.js";
import {
  complaintAbout,
  operatorsServer,
} from "../../server/accounts/operator.js";
import { RedisStore } from "../../server/accounts/store/redis.js";
import { checked, invalid } from "../phone/options.js";
import {
  DEFAULT_USERS,
  startAccounts,
  startRegistrar,
} from "../testing/index.js";

/** @typedef {Record<string, any>} Values of the command line */

/** @param {{ level: string, message: string }} entry */
const log = ({ level, message }) => console.error(`${level} ${message}`);

/**
 * @param {Values} values
 * @param {Record<string, { password: string }>} users of the test registrar
 * @returns {Promise<{ url: string, stop(): Promise<void> }>}
 */
export async function runAccounts(values, users) {
  if (!values.redis !== !values.database)
    throw invalid("redis", "needs database, and the other way round");
  const options = checked(await optionsOf(values), checks, log);
  return values.redis
    ? runInProduction(values, options)
    : runEmbedded(values, users, options);
}

/** @param {Values} values @param {any} options */
async function runInProduction({ redis: url, database }, options) {
  const { limits, sharedSlot, ...rest } = options;
  if (sharedSlot)
    throw invalid("shared-slot", "is a column of the database: shared_slot");
  const redis = await connectRedis(url, (message) =>
    log({ level: "warn", message }),
  );
  const sql = await openDatabase(database);
  return startService(
    { ...DEFAULTS, pushLoopback: false, ...rest },
    {
      facts: await redisFacts(redis),
      directory: databaseDirectory(sql, limits),
      store: new RedisStore(redis),
      isReachable: () => redis.status === "ready",
    },
  );
}

/**
 * @param {Values} values
 * @param {Record<string, { password: string }>} given
 * @param {any} options
 */
async function runEmbedded(values, given, options) {
  const users = Object.keys(given).length ? given : DEFAULT_USERS;
  const { domain, "sip-port": port } = values;
  const { origins } = options;
  const registrar = await startRegistrar({
    ...{ users, domain, origins },
    port: Number(port ?? 0),
  });
  const accounts = await startAccounts({ registrar, ...options });
  console.error(`Users: ${Object.keys(users).join(", ")}. Ctrl+C ends it.`);
  console.error(`SIP: ${registrar.url}`);
  if (!options.adminToken)
    console.error(`Administrators' token: ${accounts.adminToken}`);
  return {
    url: accounts.url,
    stop: async () => {
      await accounts.stop();
      await registrar.stop();
    },
  };
}

/** @param {Values} values */
async function optionsOf(values) {
  const token = values["admin-token"];
  const [cert, key] = [values["tls-cert"], values["tls-key"]];
  if (!cert !== !key)
    throw invalid("tls-cert", "needs tls-key, and the other way round");
  return {
    port: values.port && Number(values.port),
    host: values.host,
    tls: cert && { cert: readFileSync(cert), key: readFileSync(key) },
    origins: values.origins?.split(","),
    behindProxy: values["behind-proxy"],
    limits: values.limits && limitsFrom(values.limits),
    sharedSlot: values["shared-slot"],
    pushHosts: values["push-hosts"]?.split(","),
    pushContact: values["push-contact"],
    adminToken: token && readFileSync(token, "utf8").trim(),
    sendCode: codesFrom(serverOf(values, "send-code")),
    pushHook: serverOf(values, "push-hook"),
    authenticate: await tokensOf(values.jwks, values["jwt-secret"]),
    audit: auditTo(values.audit),
    log,
  };
}

/** @param {string} text */
const limitsFrom = (text) =>
  Object.fromEntries(
    text.split(",").map((pair) => {
      const [name, value] = pair.split("=");
      return [name, Number(value || NaN)];
    }),
  );

/**
 * A server of the operator's that the command line names.
 *
 * @param {Values} values
 * @param {string} name
 */
function serverOf(values, name) {
  const [url, file] = [values[name], values[`${name}-token`]];
  if (!url) {
    if (file) throw invalid(`${name}-token`, `needs ${name}`);
    return undefined;
  }
  const complaint = complaintAbout(url, `${name}-token`);
  if (complaint) throw invalid(name, complaint);
  return operatorsServer(url, file && readFileSync(file, "utf8").trim());
}

/** @param {ReturnType<typeof serverOf>} server */
const codesFrom = (server) =>
  server &&
  (async (
    /** @type {import("../../server/accounts/codes.js").Sending} */ it,
  ) => {
    const { id, code, channel } = it;
    const status = await server({ id, code, channel });
    if (status < 200 || status > 299) throw new Error(`answered ${status}`);
  });

/**
 * One line of JSON for each entry.
 *
 * @param {string | undefined} file
 * @returns {(entry: object) => void}
 */
function auditTo(file) {
  const stream = file
    ? createWriteStream(file, { flags: "a", mode: 0o600 })
    : process.stdout;
  return (entry) => stream.write(`${JSON.stringify(entry)}\n`);
}
