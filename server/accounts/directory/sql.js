import { PhoneError } from "../../../js/errors/error.js";

/**
 * @typedef {object} Sql
 * @property {(sql: string, values: unknown[]) => Promise<any[]>} query rows; a question mark
 *   stands for a value
 * @property {(sql: string, values: unknown[]) => Promise<unknown>} change
 * @property {() => Promise<void>} close
 */

/** @type {Record<string, (url: URL) => Promise<Sql>>} */
const drivers = {
  "sqlite:": async (url) =>
    (await import("./sqlite.js")).openSqlite(
      decodeURIComponent(url.pathname).replace(/^\/+/, "/"),
    ),
  "mysql:": openMysql,
  "postgres:": openPostgres,
  "postgresql:": openPostgres,
};

/**
 * @param {string} text sqlite:///path, mysql://user:password@host/database or
 *   postgres://…
 * @returns {Promise<Sql>}
 */
export async function openDatabase(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const open = url && drivers[url.protocol];
  // Not the URL itself, which may hold a password.
  if (!open)
    throw new PhoneError(
      "eInvalidArgument",
      `--database must be a URL of ${Object.keys(drivers).join(", ")}.`,
    );
  return open(url);
}

/** @param {URL} url */
async function openMysql(url) {
  const { createPool } = await peer("mysql2/promise");
  const pool = createPool({ uri: url.href, connectTimeout: 5_000 });
  const run = async (/** @type {string} */ sql, /** @type {any[]} */ values) =>
    (await pool.execute(sql, values))[0];
  return { query: run, change: run, close: () => pool.end() };
}

/** @param {URL} url */
async function openPostgres(url) {
  const { Pool } = (await peer("pg")).default;
  const pool = new Pool({
    connectionString: url.href,
    connectionTimeoutMillis: 5_000,
  });
  // A connection that waits in the pool may end; the next query makes another.
  pool.on("error", () => {});
  const run = async (
    /** @type {string} */ sql,
    /** @type {any[]} */ values,
  ) => {
    let count = 0;
    const numbered = sql.replace(/\?/g, () => `$${++count}`);
    return (await pool.query(numbered, values)).rows;
  };
  return { query: run, change: run, close: () => pool.end() };
}

/**
 * A package that is the operator's to install: most have another database.
 *
 * @param {string} name
 */
async function peer(name) {
  try {
    return await import(name);
  } catch {
    const [installed] = name.split("/");
    throw new PhoneError(
      "eInvalidArgument",
      `This database needs the package ${installed}: npm install ${installed}.`,
    );
  }
}
