#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { PhoneError } from "../errors/error.js";

const HELP = `Usage: graceline <command> [options]

Commands
  registrar   a SIP registrar on WebSockets, for development and tests
  demo        the demo page, with a registrar of its own
  gateway     a CTI gateway: users of a SIP server control their desk phones
  account     the account service: users' devices, and where their calls ring
  preload     lines for the head of a page, by which its phone is there sooner
  voicemail   takes the calls that users' rules send to it, and keeps what is said

Options of registrar
  --port N               default: any free one
  --host HOST            default: 127.0.0.1
  --policy POLICY        graceful (default), duplicate or normal
  --dialect DIALECT      with policy normal: rfc3261, kamailio, asterisk, opensips,
                         freeswitch or freeswitch-multi
  --domain DOMAIN        the only domain served; default: any
  --user NAME:PASSWORD   a user; may be repeated; default: 2001:secret and 2002:secret
  --max-contacts N       bindings a user may have
  --origin ORIGIN        a page's origin that may connect, besides loopback ones; may be repeated
  --trace                print every SIP message, without its secrets

Options of demo
  --port N               default: the environment variable PORT, or 8080 if it is free

Options of gateway
  --config FILE          the options of startGateway as JSON; default: gateway.json; - is standard input
  --json                 the log as JSON, one entry a line
  --metrics PORT         serves its state to Prometheus, on loopback

Options of account
  --redis URL            with --database: for deploy/kamailio, any number of copies;
                         else a test registrar runs in the same process
  --database URL         its users: sqlite:///path, mysql://… or postgres://…
  --user NAME:PASSWORD   of the test registrar that runs with it; may be repeated
  --domain DOMAIN        the only domain that it serves
  --sip-port N           its port; default: any free one
  --port N, --host HOST  default: any free one, on 127.0.0.1
  --origins ORIGIN,…     pages that may ask; default: loopback ones
  --limits CLASS=N,…     devices of a user; default: mobile=4,deskphone=4
  --shared-slot WHAT     ask (default) or override: what a second web or desktop login meets
  --push-hosts HOST,…    where push subscriptions may lead; default: the browsers' services
  --push-contact URI     of the operator, mailto: or https:, for the push services
  --push-hook URL        is asked to wake clients by push services that they name at REGISTER
  --push-hook-token FILE proves to it who asks
  --send-code URL        is asked to send the code that confirms a number; default: the log
  --send-code-token FILE proves to it who asks
  --admin-token FILE     holds the administrators' token
  --jwks FILE            public keys that sign your backend's tokens (JWT)
  --jwt-secret FILE      or the secret that does
  --tls-cert FILE, --tls-key FILE
                         PEM; without them TLS is a proxy's
  --behind-proxy         clients' addresses are what that writes into X-Forwarded-For
  --audit FILE           who let whom in or shut whom out; default: standard output

Options of voicemail
  --account URL          the account service
  --admin-token FILE     holds the administrators' token of it
  --folder PATH          where messages are kept
  --connections URL,…    the SIP server: wss://…, up to eight
  --domain DOMAIN        of its users
  --login NAME           its account there; default: voicemail
  --password FILE        holds the password of that
  --greeting FILE        what callers hear: WAV, one channel, 8,000 samples a second of 16 bits
  --seconds N            the longest message; default: 180
  --port N, --host HOST  where the account service asks for messages; default: any free one, on 127.0.0.1
  --media-host ADDRESS   that desk phones send sound to; default: the one that they are reached by

Options of preload
  [FOLDER]               the site as your bundler wrote it; default: pages load the package as it is
  --base PATH            where that is served; default: / and /node_modules/graceline/

  --help, --version
`;

/** @type {Record<string, { type: "string" | "boolean" }>} */
const accountOptions = {
  ...Object.fromEntries(
    [
      ...["redis", "database", "sip-port", "origins", "limits", "shared-slot"],
      ...["push-hosts", "push-contact", "admin-token", "jwks", "jwt-secret"],
      ...["tls-cert", "tls-key", "audit", "send-code", "send-code-token"],
      ...["push-hook", "push-hook-token"],
    ].map((name) => [name, { type: "string" }]),
  ),
  "behind-proxy": { type: "boolean" },
};

/** @type {Record<string, { type: "string" }>} */
const voicemailOptions = Object.fromEntries(
  [
    ...["account", "folder", "connections", "login", "password"],
    ...["greeting", "seconds", "media-host"],
  ].map((name) => [name, { type: "string" }]),
);

const { values, positionals } = readArguments();
const [command, folder] = positionals;
/** @type {Record<string, () => Promise<void>>} */
const commands = { registrar, demo, gateway, account, voicemail, preload };

try {
  if (values.version) console.log(version());
  else if (values.help || !command) console.log(HELP);
  else if (Object.hasOwn(commands, command)) await commands[command]();
  else fail(`There is no command "${command}". Try: graceline --help`);
} catch (error) {
  const { code, message } = /** @type {any} */ (error);
  // What the user can mend needs no stack.
  if (!code) throw error;
  fail(
    code === "EADDRINUSE"
      ? "The port is in use: choose another one."
      : PhoneError.is(error)
        ? message
        : `${code}: ${message}`,
  );
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        port: { type: "string" },
        host: { type: "string" },
        policy: { type: "string" },
        dialect: { type: "string" },
        domain: { type: "string" },
        user: { type: "string", multiple: true },
        "max-contacts": { type: "string" },
        origin: { type: "string", multiple: true },
        trace: { type: "boolean" },
        config: { type: "string" },
        json: { type: "boolean" },
        metrics: { type: "string" },
        base: { type: "string" },
        ...accountOptions,
        ...voicemailOptions,
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    });
  } catch (error) {
    return fail(
      `${/** @type {Error} */ (error).message}\nTry: graceline --help`,
    );
  }
}

async function registrar() {
  const { startRegistrar, DEFAULT_USERS } = await import("../testing/index.js");
  const users = values.user ? usersFrom(values.user) : DEFAULT_USERS;
  const server = await startRegistrar({
    port: numberFrom("port") ?? 0,
    host: values.host,
    policy: /** @type {any} */ (values.policy),
    dialect: /** @type {any} */ (values.dialect),
    domain: values.domain,
    maxContacts: numberFrom("max-contacts"),
    origins: values.origin,
    users,
  });
  server.on("log", ({ level, message }) =>
    console.error(`${level} ${message}`),
  );
  if (values.trace)
    server.on("trace", ({ direction, connection, message }) =>
      console.error(`${direction} ${connection}\n${message}\n`),
    );
  console.error(`Users: ${Object.keys(users).join(", ")}. Ctrl+C ends it.`);
  console.log(server.url);
  stopOnSignal(() => server.stop());
}

async function demo() {
  const { startDemo } = await import("./demo.js");
  const given = numberFrom("port") ?? numberFrom("PORT", process.env.PORT);
  const server = await startDemo(given);
  console.error("The demo is ready. Ctrl+C ends it.");
  console.log(server.url);
  stopOnSignal(() => server.stop());
}

async function gateway() {
  const { startGateway, serveMetrics } =
    await import("../../server/gateway/index.js");
  const log = values.json
    ? (/** @type {object} */ entry) =>
        console.log(JSON.stringify({ at: new Date().toISOString(), ...entry }))
    : (/** @type {any} */ { level, message }) =>
        console.log(`${level} ${message}`);
  const running = await startGateway({ ...configuration(), log });
  const port = numberFrom("metrics");
  if (port !== undefined) {
    const { url } = await serveMetrics(running, port);
    log({ level: "info", message: `Metrics are at ${url}.` });
  }
  running.on("error", () => process.exit(1));
  stopOnSignal(() => running.stop());
}

async function account() {
  const { runAccounts } = await import("./account.js");
  const server = await runAccounts(values, usersFrom(values.user ?? []));
  console.log(server.url);
  stopOnSignal(() => server.stop());
}

async function voicemail() {
  const { runVoicemail } = await import("./voicemail.js");
  const server = await runVoicemail(values);
  console.log(server.url);
  stopOnSignal(() => server.stop());
}

async function preload() {
  const { preloadLinks } = await import("./preload.js");
  const links = await preloadLinks(folder, values.base);
  if (links.length === 0)
    fail(
      `No file of ${folder} is the phone's wasm of this version: build the site first. A bundler that puts the wasm into the code leaves nothing to load ahead.`,
    );
  console.log(links.join("\n"));
}

/** The options of the gateway. */
function configuration() {
  const { config = "gateway.json" } = values;
  try {
    return JSON.parse(readFileSync(config === "-" ? 0 : config, "utf8"));
  } catch (error) {
    // Not the text itself, which holds a password.
    const why = error instanceof SyntaxError ? "it is no JSON" : `${error}`;
    return fail(`The configuration ${config} cannot be used: ${why}.`);
  }
}

/** @param {() => Promise<unknown>} stop */
function stopOnSignal(stop) {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => stop().then(() => process.exit(0)));
}

/** @param {string[]} pairs */
function usersFrom(pairs) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, password] =
        /^([^:]+):(.+)$/.exec(pair) ??
        fail("--user needs NAME:PASSWORD, as in --user 2001:tellnobody");
      return [name, { password }];
    }),
  );
}

/**
 * @param {string} name
 * @param {string | undefined} [text]
 */
function numberFrom(
  name,
  text = /** @type {Record<string, any>} */ (values)[name],
) {
  if (!text) return undefined;
  if (!/^\d{1,5}$/.test(text)) fail(`${name} must be a number, not "${text}".`);
  return Number(text);
}

function version() {
  const file = new URL("../../package.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
