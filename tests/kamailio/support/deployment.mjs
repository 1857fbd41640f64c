/**
 * What `deploy/kamailio` ships, run as an administrator would: its files untouched but for the
 * settings in site.cfg, a database made by schema.sql and add-user, a Redis with the policy.
 * Everything on loopback and in a directory of its own.
 */
import { execFile } from "node:child_process";
import {
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROGRAM } from "../../interop/support/kamailio.mjs";
import { ServerProcess } from "../../interop/support/server-process.mjs";
import { freePort } from "./ports.mjs";

export const DEPLOYMENT = fileURLToPath(
  new URL("../../../deploy/kamailio", import.meta.url),
);
export const DOMAIN = "example.test";

/**
 * Runs a program and resolves with what it printed.
 * @param {string} program
 * @param {string[]} args
 * @param {string} [input]
 * @param {{ uid?: number, gid?: number }} [as] another user
 * @returns {Promise<string>}
 */
export function run(program, args, input = "", as = {}) {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, as, (error, stdout, stderr) =>
      error
        ? reject(new Error(`${error.message}\n${stderr}`))
        : resolve(stdout),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** The policy as an administrator loads it: `cat policy/*.lua`. */
export async function policy() {
  const parts = (await readdir(join(DEPLOYMENT, "policy"))).sort();
  const texts = parts.map((part) =>
    readFile(join(DEPLOYMENT, "policy", part), "utf8"),
  );
  return (await Promise.all(texts)).join("");
}

/**
 * The Redis of one cluster, at a socket as the deployment has it, and at a port: for nodes that reach
 * it by a network, and for those who should not.
 */
export class Redis {
  port = 0;
  /** What it wants to hear first; nothing: it lets everybody in. */
  password = "";
  #directory = "";
  #process = new ServerProcess();

  /** @param {{ password?: string }} [options] */
  static async start({ password = "" } = {}) {
    const redis = new Redis();
    redis.password = password;
    redis.#directory = await mkdtemp(join(tmpdir(), "redis-"));
    redis.port = await freePort();
    await redis.restart();
    return redis;
  }

  /** Starts it, empty but for the policy. */
  async restart() {
    await this.#process.end("SIGKILL");
    await this.#process.launch(
      "redis-server",
      [
        ...["--bind", "127.0.0.1", "--port", `${this.port}`],
        ...["--save", "", "--dir", this.#directory],
        ...["--unixsocket", this.#socket, "--unixsocketperm", "700"],
        ...(this.password ? ["--requirepass", this.password] : []),
      ],
      { ready: "Ready to accept connections", directory: this.#directory },
    );
    await this.command(["-x", "FUNCTION", "LOAD", "REPLACE"], await policy());
  }

  get #socket() {
    return join(this.#directory, "redis.sock");
  }

  /** The setting by which a node finds it, at its socket, or at a port of this machine. */
  server(port = this.password ? this.port : 0) {
    if (port === 0) return `unix=${this.#socket}`;
    const password = this.password && `;pass=${this.password}`;
    return `addr=127.0.0.1;port=${port}${password}`;
  }

  /**
   * @param {string[]} args of redis-cli
   * @param {string} [input]
   */
  async command(args, input) {
    const answer = await run(
      "redis-cli",
      [
        ...["-e", "-s", this.#socket],
        ...(this.password ? ["--no-auth-warning", "-a", this.password] : []),
        ...args,
      ],
      input,
    );
    return answer.trimEnd();
  }

  /** Leaves its connections open and answers nobody. */
  freeze() {
    this.#process.signal("SIGSTOP");
  }

  thaw() {
    this.#process.signal("SIGCONT");
  }

  async kill() {
    await this.#process.end("SIGKILL");
  }

  async stop() {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/**
 * A live binding, as the policy stores it.
 * @typedef {object} Binding
 * @property {string} uri
 * @property {string} device
 * @property {string} [instance]
 * @property {string} node
 * @property {string} flow
 * @property {string} call_id
 * @property {string} agent
 * @property {string} contact_user
 * @property {string} [line]
 * @property {number} expires
 * @property {number} [held] until when a client in a call may come back
 */

/**
 * @param {Redis} redis
 * @param {string} [user]
 * @returns {Promise<Binding[]>}
 */
export async function bindings(redis, user = "2001") {
  const key = `graceline:${user}@${DOMAIN}`;
  const args = ["--raw", "FCALL_RO", "graceline_bindings", "1", key];
  const text = await redis.command(args);
  return text ? text.split("\n").map((line) => JSON.parse(line)) : [];
}

/**
 * @typedef {object} Account
 * @property {string} user
 * @property {string} [password] default: `secret-USER`
 * @property {"graceful" | "duplicate" | "normal"} [policy] default: the domain's
 * @property {number} [limit] devices; default: the domain's
 */

/**
 * The SQL that adds a user.
 * @param {Account} account
 */
function addition({ user, password = `secret-${user}`, policy, limit }) {
  const args = [user, DOMAIN, policy ?? "-", `${limit ?? ""}`];
  return run(join(DEPLOYMENT, "add-user"), args, `${password}\n`);
}

/**
 * Where users stand: a file, or a server (sql-servers.mjs).
 * @typedef {object} SqlHome
 * @property {string} url as site.cfg and the account service name it
 * @property {string} switch of site.cfg, by which Kamailio can read it
 * @property {(statements: string) => Promise<string>} sql
 * @property {() => Promise<void>} remove
 */

/** @implements {SqlHome} */
class SqliteFile {
  switch = "WITH_SQLITE";
  #directory = "";

  static async start() {
    const file = new SqliteFile();
    file.#directory = await mkdtemp(join(tmpdir(), "users-"));
    return file;
  }

  get #path() {
    return join(this.#directory, "users.sqlite");
  }

  get url() {
    return `sqlite:///${this.#path}`;
  }

  /** @param {string} statements */
  sql(statements) {
    return run("sqlite3", [this.#path], statements);
  }

  async remove() {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The users' database, made by what the deployment ships. */
export class Database {
  /**
   * @param {Account[]} accounts
   * @param {{ start: () => Promise<SqlHome> }} [kind]
   */
  static async create(accounts, kind = SqliteFile) {
    const database = new Database(await kind.start());
    const schema = await readFile(join(DEPLOYMENT, "schema.sql"), "utf8");
    const domain = `INSERT INTO domain (domain) VALUES ('${DOMAIN}');`;
    const users = [];
    for (const account of accounts) users.push(await addition(account));
    try {
      await database.sql(`BEGIN; ${schema} ${domain} ${users.join("")} COMMIT`);
    } catch (error) {
      await database.remove();
      throw error;
    }
    return database;
  }

  /** @param {SqlHome} home */
  constructor(home) {
    this.home = home;
  }

  get url() {
    return this.home.url;
  }

  /** @param {string} statements */
  sql(statements) {
    return this.home.sql(`${statements};\n`);
  }

  /** @param {Account} account */
  async add(account) {
    await this.sql(await addition(account));
  }

  remove() {
    return this.home.remove();
  }
}

/**
 * @typedef {object} NodeOptions
 * @property {string} [name] default `a`
 * @property {number} [memory] MiB of shared memory; default 64: what Debian starts it with
 * @property {string} [host] its loopback address; default 127.0.0.1
 * @property {number} [redisPort] where it believes Redis to be; default: at its socket
 * @property {string} [config] the main file; default `kamailio.cfg`
 * @property {string[]} [files] paths of further files beside it
 * @property {Record<string, string | number>} [settings] of site.cfg, to override
 * @property {string[]} [define] switches of site.cfg to turn on
 * @property {string[]} [undefine] and off
 * @property {string[]} [listen] further `listen` lines
 * @property {{ certificate: string, key: string }} [tls] paths; default: no TLS. Who it connects to has the
 *   same
 * @property {(text: string, file: string) => string} [edit] what becomes of a shipped file, to show
 *   what it is there for by taking something out
 */

/** One running node of the deployment. */
export class KamailioNode {
  #directory = "";
  #process = new ServerProcess();
  #config;
  #memory;
  #tls;

  /**
   * @param {Redis} redis
   * @param {Database} database
   * @param {NodeOptions} [options]
   */
  static async start(redis, database, options = {}) {
    const node = new KamailioNode(options);
    node.#directory = await mkdtemp(join(tmpdir(), "kamailio-"));
    node.port = await freePort();
    node.clusterPort = await freePort();
    const site = await siteConfig({
      NODE_NAME: node.name,
      DATABASE_URL: database.url,
      REDIS_SERVER: redis.server(options.redisPort),
      ALLOWED_ORIGINS: "http://localhost",
      NONCE_SECRET: "0123456789abcdef0123456789abcdef",
      CLUSTER_ADDRESS: `${node.host}:${node.clusterPort}`,
      CLUSTER_PORT: node.clusterPort,
      CLUSTER_PEERS: "127[.]0[.]0[.][0-9]+",
      ...options.settings,
    })(
      reading(database, options),
      `${node.#tls ? "tls" : "tcp"}:${node.host}:${node.port}`,
    );
    for (const file of await readdir(DEPLOYMENT))
      if (/^(?!site|tls).*\.cfg$/.test(file))
        await place(file, node.#directory, options);
    for (const file of options.files ?? [])
      await symlink(file, join(node.#directory, basename(file)));
    await writeFile(join(node.#directory, "site.cfg"), site);
    await writeFile(join(node.#directory, "tls.cfg"), await tlsConfig(options));
    await node.start();
    return node;
  }

  /** @param {NodeOptions} options */
  constructor(options) {
    const { name = "a", host = "127.0.0.1", config = "kamailio.cfg" } = options;
    this.#tls = Boolean(options.tls);
    this.name = name;
    this.host = host;
    this.port = 0;
    this.clusterPort = 0;
    this.#config = config;
    this.#memory = options.memory ?? 64;
  }

  get url() {
    return `${this.#tls ? "wss" : "ws"}://${this.host}:${this.port}/`;
  }

  get log() {
    return this.#process.log;
  }

  async start() {
    await this.#process.launch(
      PROGRAM,
      [
        ...["-f", join(this.#directory, this.#config)],
        ...["-DD", "-E", "-m", `${this.#memory}`, "-M", "16"],
        ...["-Y", this.#directory, "-P", join(this.#directory, "pid")],
        ...["-w", this.#directory],
      ],
      { ready: `node ${this.name} is ready`, directory: this.#directory },
    );
  }

  /** Ends all its processes at once, without a goodbye to anybody. */
  async kill() {
    await this.#process.end("SIGKILL");
  }

  /** Stops all its processes in mid-air; connections stay open. */
  freeze() {
    this.#process.signal("SIGSTOP");
  }

  async stop() {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * Sockets and pipes that it made for commands: names and permissions.
   * @returns {Promise<[string, number][]>}
   */
  async sockets() {
    const names = await readdir(this.#directory);
    const stats = await Promise.all(
      names.map((name) => stat(join(this.#directory, name))),
    );
    return names
      .map((name, index) => ({ name, file: stats[index] }))
      .filter(({ file }) => file.isSocket() || file.isFIFO())
      .map(({ name, file }) => [name, file.mode & 0o777]);
  }

  /**
   * A command of kamcmd.
   * @param {string[]} args
   */
  rpc(...args) {
    const socket = `unix:${join(this.#directory, "kamailio_ctl")}`;
    return run("kamcmd", ["-s", socket, ...args]);
  }
}

/**
 * The switch for the database is the one that is on.
 * @param {Database} database
 * @param {NodeOptions} options
 */
function reading({ home }, { define = [], undefine = [], ...options }) {
  if (home.switch !== "WITH_SQLITE") {
    define = [...define, home.switch];
    undefine = [...undefine, "WITH_SQLITE"];
  }
  return { ...options, define, undefine };
}

/**
 * The shipped site.cfg with other settings. What it does not have cannot be set.
 * @param {Record<string, string | number>} settings
 * @returns {(options: NodeOptions, listen: string) => Promise<string>}
 */
function siteConfig(settings) {
  return async ({ define = [], undefine = [], listen = [], tls }, own) => {
    let text = await readFile(join(DEPLOYMENT, "site.cfg"), "utf8");
    const replace = (
      /** @type {RegExp} */ pattern,
      /** @type {string} */ value,
    ) => {
      if (!pattern.test(text)) throw new Error(`site.cfg has no ${pattern}`);
      text = text.replace(pattern, () => value);
    };
    for (const [name, value] of Object.entries(settings))
      replace(
        new RegExp(`^#!substdef "!${name}!.*!g"$`, "m"),
        `#!substdef "!${name}!${value}!g"`,
      );
    for (const name of tls ? undefine : [...undefine, "WITH_TLS"])
      replace(new RegExp(`^#!define ${name}$`, "m"), "");
    for (const name of define)
      replace(new RegExp(`^##!define ${name}$`, "m"), `#!define ${name}`);
    replace(
      /^listen=tls:.*$/m,
      [own, ...listen].map((socket) => `listen=${socket}`).join("\n"),
    );
    return text;
  };
}

/**
 * Puts a shipped file into a node's directory.
 * @param {string} file
 * @param {string} directory
 * @param {NodeOptions} options
 */
async function place(file, directory, { edit }) {
  const shipped = join(DEPLOYMENT, file);
  if (!edit) return symlink(shipped, join(directory, file));
  const text = await readFile(shipped, "utf8");
  await writeFile(join(directory, file), edit(text, file));
}

/**
 * The shipped tls.cfg with another certificate.
 * @param {NodeOptions} options
 */
async function tlsConfig({ tls }) {
  const text = await readFile(join(DEPLOYMENT, "tls.cfg"), "utf8");
  if (!tls) return text;
  return text
    .replace(/^certificate = .*$/m, `certificate = ${tls.certificate}`)
    .replace(/^ca_list = .*$/m, `ca_list = ${tls.certificate}`)
    .replace(/^private_key = .*$/m, `private_key = ${tls.key}`);
}
