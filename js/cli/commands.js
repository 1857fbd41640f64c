import { parseArgs } from "node:util";
import { fault, learn } from "../errors/error.js";
import { testing } from "../errors/testing.js";

learn(testing);

/**
 * @typedef {object} Command
 * @property {string} does
 * @property {string} help its options, a line each
 * @property {string[]} takes options with a value
 * @property {string[]} [repeats] those that may be given several times
 * @property {string[]} [flags] those without a value
 * @property {string} [argument] what may follow the command
 */

/** @type {Record<string, Command>} */
export const commands = {
  registrar: {
    does: "a SIP registrar on WebSockets, for development and tests",
    help: `  --port N               default: any free one
  --host HOST            default: 127.0.0.1
  --policy POLICY        graceful (default), duplicate or normal
  --dialect DIALECT      with policy normal: rfc3261, kamailio, asterisk, opensips,
                         freeswitch or freeswitch-multi
  --domain DOMAIN        the only domain served; default: any
  --user NAME:PASSWORD   a user; may be repeated; default: 2001:secret and 2002:secret
  --max-contacts N       bindings a user may have
  --origin ORIGIN        a page's origin that may connect, besides loopback ones; may be repeated
  --trace                print every SIP message, without its secrets
  --tls-cert FILE, --tls-key FILE
                         PEM: it is served as wss://
  --json                 where it is, and its log, as JSON, one entry a line`,
    takes: [
      "port",
      "host",
      "policy",
      "dialect",
      "domain",
      "max-contacts",
      "tls-cert",
      "tls-key",
    ],
    repeats: ["user", "origin"],
    flags: ["trace"],
  },
  demo: {
    does: "the demo page, with a registrar of its own",
    help: `  --port N               default: the environment variable PORT, or 8080 if it is free
  --json                 where it is, as JSON`,
    takes: ["port"],
  },
  gateway: {
    does: "a CTI gateway: users of a SIP server control their desk phones",
    help: `  --config FILE          the options of startGateway as JSON; default: gateway.json; - is standard input
  --json                 the log as JSON, one entry a line
  --metrics PORT         serves its state to Prometheus, on loopback`,
    takes: ["config", "metrics"],
  },
  account: {
    does: "the account service: users' devices, and where their calls ring",
    help: `  --redis URL            with --database: for deploy/kamailio, any number of copies;
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
  --json                 where it is, as JSON`,
    takes: [
      "redis",
      "database",
      "sip-port",
      "origins",
      "limits",
      "shared-slot",
      "push-hosts",
      "push-contact",
      "push-hook",
      "push-hook-token",
      "admin-token",
      "jwks",
      "jwt-secret",
      "tls-cert",
      "tls-key",
      "audit",
      "send-code",
      "send-code-token",
      "domain",
      "port",
      "host",
    ],
    repeats: ["user"],
    flags: ["behind-proxy"],
  },
  voicemail: {
    does: "takes the calls that users' rules send to it, and keeps what is said",
    help: `  --account URL          the account service
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
  --json                 where it is, as JSON`,
    takes: [
      "account",
      "admin-token",
      "folder",
      "connections",
      "domain",
      "login",
      "password",
      "greeting",
      "seconds",
      "port",
      "host",
      "media-host",
    ],
  },
  preload: {
    does: "lines for the head of a page, by which its phone is there sooner",
    help: `  [FOLDER]               the site as your bundler wrote it; default: pages load the package as it is
  --base PATH            where that is served; default: / and /node_modules/graceline/
  --json                 the lines as JSON`,
    takes: ["base"],
    argument: "FOLDER",
  },
};

const COMMON = `  --help, -h             what the command takes
  --version, -v          the version of the package; also: graceline version
`;

/** @param {string} [name] of a command; default: all of them */
export function helpOf(name) {
  if (name) {
    const { does, help, argument } = commands[name];
    const follows = argument ? ` [${argument}]` : "";
    return `Usage: graceline ${name}${follows} [options]\n\n${name}: ${does}\n\n${help}\n${COMMON}`;
  }
  const all = Object.entries(commands);
  return [
    "Usage: graceline <command> [options]\n\nCommands",
    ...all.map(([name, { does }]) => `  ${name.padEnd(11)} ${does}`),
    "  version     the version of the package",
    ...all.map(([name, { help }]) => `\nOptions of ${name}\n${help}`),
    `\n${COMMON}`,
  ].join("\n");
}

/**
 * What is asked for.
 *
 * @param {string[]} args
 * @returns {{ name?: string, values: Record<string, any>, argument?: string }}
 */
export function read(args) {
  const [name, ...rest] = args;
  const of = (/** @type {string} */ flag, /** @type {string} */ short) =>
    args.includes(`--${flag}`) || args.includes(`-${short}`);
  if (of("version", "v") || name === "version")
    return { values: { version: true } };
  if (!name || (name.startsWith("-") && of("help", "h")))
    return { values: { help: true } };
  if (!Object.hasOwn(commands, name))
    throw wrong(
      name.startsWith("-")
        ? `Name the command before ${name}`
        : `There is no command "${name}"`,
    );
  if (of("help", "h")) return { name, values: { help: true } };
  const { takes, repeats = [], flags = [], argument } = commands[name];
  const { values, positionals, tokens } = parseArgs({
    args: rest,
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: Object.fromEntries([
      ...takes.map((option) => [option, { type: "string" }]),
      ...repeats.map((option) => [option, { type: "string", multiple: true }]),
      ...[...flags, "json"].map((option) => [option, { type: "boolean" }]),
    ]),
  });
  const seen = new Set();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name: option, rawName, value } = token;
    const isText = [...takes, ...repeats].includes(option);
    if (!isText && ![...flags, "json"].includes(option))
      throw wrong(`${name} has no option ${rawName}`, name);
    if (isText !== (value !== undefined))
      throw wrong(
        isText ? `${rawName} needs a value` : `${rawName} takes no value`,
        name,
      );
    if (seen.has(option) && !repeats.includes(option))
      throw wrong(`${rawName} is given twice`, name);
    seen.add(option);
  }
  const [first, ...more] = positionals;
  const extra = argument ? more : positionals;
  if (extra.length) throw wrong(`${name} takes no "${extra[0]}"`, name);
  return { name, values, argument: first };
}

/**
 * @param {string} complaint
 * @param {string} [name] whose help is of use
 */
export const wrong = (complaint, name) =>
  fault("commandLine", { complaint, help: name ? `${name} --help` : "--help" });
