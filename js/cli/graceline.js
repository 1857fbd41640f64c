#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { PhoneError } from "../errors/error.js";
import { helpOf, read, wrong } from "./commands.js";

/** What was asked for. @type {ReturnType<typeof read>} */
let asked = { values: {} };
/** @type {Record<string, () => Promise<void>>} */
const run = { registrar, demo, gateway, account, voicemail, preload };

try {
  asked = read(process.argv.slice(2));
  const { name, values } = asked;
  if (values.version) console.log(version());
  else if (!name || values.help) process.stdout.write(helpOf(name));
  else await run[name]();
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

async function registrar() {
  const { values } = asked;
  if (values.dialect && values.policy !== "normal")
    throw wrong("--dialect needs --policy normal", "registrar");
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
    tls: tlsFrom(),
    users,
  });
  server.on("log", ({ level, message }) =>
    console.error(
      values.json ? JSON.stringify({ level, message }) : `${level} ${message}`,
    ),
  );
  if (values.trace)
    server.on("trace", ({ direction, connection, message }) =>
      console.error(`${direction} ${connection}\n${message}\n`),
    );
  const names = Object.keys(users);
  serving(server, `Users: ${names.join(", ")}. Ctrl+C ends it.`, {
    users: names,
  });
}

async function demo() {
  const { startDemo } = await import("./demo.js");
  const given = numberFrom("port") ?? numberFrom("PORT", process.env.PORT);
  const server = await startDemo(given);
  serving(server, "The demo is ready. Ctrl+C ends it.");
}

async function gateway() {
  const { values } = asked;
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
  const { values } = asked;
  serving(await runAccounts(values, usersFrom(values.user ?? [])));
}

async function voicemail() {
  const { runVoicemail } = await import("./voicemail.js");
  serving(await runVoicemail(asked.values));
}

async function preload() {
  const { preloadLinks } = await import("./preload.js");
  const { values, argument: folder } = asked;
  const links = await preloadLinks(folder, values.base);
  if (links.length === 0)
    fail(
      `No file of ${folder} is the phone's wasm of this version: build the site first. A bundler that puts the wasm into the code leaves nothing to load ahead.`,
    );
  console.log(values.json ? JSON.stringify(links) : links.join("\n"));
}

/** The options of the gateway. */
function configuration() {
  const { config = "gateway.json" } = asked.values;
  try {
    return JSON.parse(readFileSync(config === "-" ? 0 : config, "utf8"));
  } catch (error) {
    // Not the text itself, which holds a password.
    const why = error instanceof SyntaxError ? "it is no JSON" : `${error}`;
    return fail(`The configuration ${config} cannot be used: ${why}.`);
  }
}

/** The certificate that a server is to have. */
function tlsFrom() {
  const { "tls-cert": cert, "tls-key": key } = asked.values;
  if (!cert !== !key)
    throw wrong("--tls-cert and --tls-key go together", asked.name);
  return cert && { cert: readFileSync(cert), key: readFileSync(key) };
}

/**
 * Says where a server is, and ends it on a signal.
 *
 * @param {{ url: string, stop(): Promise<unknown> }} server
 * @param {string} [sentence] for people
 * @param {object} [more] for programs
 */
function serving(server, sentence, more) {
  const { url } = server;
  if (sentence && !asked.values.json) console.error(sentence);
  console.log(asked.values.json ? JSON.stringify({ url, ...more }) : url);
  stopOnSignal(() => server.stop());
}

/** @param {() => Promise<unknown>} stop */
function stopOnSignal(stop) {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => stop().then(() => process.exit(0)));
}

/** @param {string[]} pairs */
function usersFrom(pairs) {
  /** @type {Record<string, { password: string }>} */
  const users = {};
  for (const pair of pairs) {
    const [, name = "", password] = /^([^:]+):(.+)$/.exec(pair) ?? [];
    if (!name)
      throw wrong(
        "--user needs NAME:PASSWORD, as in --user 2001:tellnobody",
        asked.name,
      );
    if (Object.hasOwn(users, name))
      throw wrong(`The user ${name} is given twice`, asked.name);
    users[name] = { password };
  }
  return users;
}

/**
 * @param {string} name
 * @param {string | undefined} [text]
 */
function numberFrom(name, text = asked.values[name]) {
  if (!text) return undefined;
  const most = /port|metrics/i.test(name) ? 65_535 : 99_999;
  if (!/^\d{1,5}$/.test(text) || Number(text) > most)
    throw wrong(
      `${name} must be a number from 0 to ${most}, not "${text}"`,
      asked.name,
    );
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
