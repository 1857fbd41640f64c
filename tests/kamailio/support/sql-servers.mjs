/**
 * The users' database at a server: PostgreSQL, MariaDB. Each its own, on loopback, in a directory of its
 * own, for the length of a test, with a user who has a password and this one database.
 */
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "../../interop/support/server-process.mjs";
import { freePort } from "./ports.mjs";
import { run } from "./deployment.mjs";

const USER = "graceline";
const PASSWORD = "s3cret-of-the-database";
const NAME = "users";

/** PostgreSQL does not run as root: as nobody then. */
const NOBODY = { uid: 65534, gid: 65534 };
const owner = process.getuid?.() === 0 ? NOBODY : {};

/** What both have. */
class SqlServer {
  directory = "";
  port = 0;
  process = new ServerProcess();

  /** @param {string} scheme */
  constructor(scheme) {
    this.scheme = scheme;
  }

  get url() {
    return `${this.scheme}://${USER}:${PASSWORD}@127.0.0.1:${this.port}/${NAME}`;
  }

  /** A directory and a port. */
  async settle() {
    this.directory = await mkdtemp(join(tmpdir(), `${this.scheme}-`));
    if (owner.uid) await chown(this.directory, owner.uid, owner.gid);
    this.port = await freePort();
  }

  /** It is away, until it is started again. */
  async kill() {
    await this.process.end("SIGKILL");
  }

  async remove() {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Debian has the programs of each version in a folder of its own. */
function postgresPrograms() {
  const versions = "/usr/lib/postgresql";
  const found = existsSync(versions) ? readdirSync(versions).sort() : [];
  return join(versions, found.at(-1) ?? "none", "bin");
}

export class Postgres extends SqlServer {
  switch = "WITH_POSTGRES";

  static missing() {
    const program = join(postgresPrograms(), "postgres");
    return existsSync(program) ? undefined : `${program} is missing`;
  }

  static async start() {
    const server = new Postgres("postgres");
    await server.settle();
    const passwords = join(server.directory, "password");
    await writeFile(passwords, PASSWORD);
    await run(
      join(postgresPrograms(), "initdb"),
      [
        ...["-D", join(server.directory, "data"), "-U", USER, "--no-sync"],
        ...["-A", "scram-sha-256", "--pwfile", passwords, "-E", "UTF8"],
      ],
      "",
      owner,
    );
    await server.launch();
    await server.sql(`CREATE DATABASE ${NAME}`, "postgres");
    return server;
  }

  async launch() {
    await this.process.launch(
      join(postgresPrograms(), "postgres"),
      [
        ...["-D", join(this.directory, "data"), "-p", `${this.port}`],
        ...["-h", "127.0.0.1", "-k", this.directory, "-F"],
      ],
      {
        ready: "database system is ready to accept connections",
        directory: this.directory,
        ...owner,
      },
    );
  }

  /** @param {string} statements */
  sql(statements, name = NAME) {
    const url = this.url.replace(/[^/]*$/, name);
    const strict = ["-v", "ON_ERROR_STOP=1"];
    return run("psql", ["-q", "-At", ...strict, "-d", url], statements);
  }
}

export class MariaDb extends SqlServer {
  switch = "WITH_MYSQL";

  static missing() {
    const program = "/usr/sbin/mariadbd";
    return existsSync(program) ? undefined : `${program} is missing`;
  }

  static async start() {
    const server = new MariaDb("mysql");
    await server.settle();
    await run(
      "mariadb-install-db",
      [
        ...["--no-defaults", `--datadir=${join(server.directory, "data")}`],
        ...["--auth-root-authentication-method=normal", "--skip-test-db"],
      ],
      "",
      owner,
    );
    await server.launch();
    await server.#asRoot(
      `CREATE DATABASE ${NAME}; CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';
       GRANT ALL ON ${NAME}.* TO '${USER}'@'127.0.0.1';`,
    );
    return server;
  }

  async launch() {
    await this.process.launch(
      "/usr/sbin/mariadbd",
      [
        ...["--no-defaults", `--datadir=${join(this.directory, "data")}`],
        ...["--bind-address=127.0.0.1", `--port=${this.port}`],
        ...[`--socket=${this.#socket}`, "--innodb-flush-log-at-trx-commit=0"],
        ...["--skip-name-resolve"],
      ],
      { ready: "ready for connections", directory: this.directory, ...owner },
    );
  }

  get #socket() {
    return join(this.directory, "socket");
  }

  /** @param {string} statements */
  #asRoot(statements) {
    return run(
      "mariadb",
      ["--no-defaults", "-u", "root", "-S", this.#socket, "-N", "-B"],
      statements,
    );
  }

  /** @param {string} statements */
  sql(statements) {
    return this.#asRoot(`USE ${NAME};\n${statements}`);
  }
}
