import { constants } from "node:fs";
import { copyFile, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { PhoneError } from "../../../js/errors/error.js";
import { Database } from "../../../pkg/libraries/sqlite.js";
import { Problem } from "../problem.js";

/** How often a database that is being written is looked at again, and after how many ms. */
const TRIES = 40;
const PAUSE = 50;

/**
 * A database file that others write. The library keeps no locks that they know, so it
 * reads a copy, made while nobody was writing, and made anew when the file has changed.
 *
 * @param {string} file
 * @returns {Promise<import("./sql.js").Sql>}
 */
export async function openSqlite(file) {
  const folder = await mkdtemp(join(tmpdir(), "graceline-accounts-"));
  const copy = join(folder, "copy.sqlite");
  /** @type {Database | undefined} */
  let database;
  let state = "";
  /** One after the other: a copy is not read while it is made. @type {Promise<unknown>} */
  let turn = Promise.resolve();

  async function current() {
    if (database && state === (await stateOf(file))) return database;
    database?.close();
    database = undefined;
    state = await copyWhole(file, copy);
    return (database = new Database(copy, { readOnly: true }));
  }

  const sql = {
    query: (/** @type {string} */ text, /** @type {any[]} */ values) => {
      const rows = turn.then(async () => (await current()).all(text, values));
      turn = rows.catch(() => {});
      return rows;
    },
    change: async () => {
      throw new Problem(
        501,
        "eNotSupported",
        "With SQLite this is changed in the database itself: the columns of subscriber.",
      );
    },
    close: async () => {
      await turn;
      database?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await sql.query("select 1", []);
  } catch (error) {
    await sql.close();
    throw error;
  }
  return sql;
}

/**
 * @param {string} from
 * @param {string} to
 * @returns {Promise<string>} the state that was copied
 */
async function copyWhole(from, to) {
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries) await setTimeout(PAUSE);
    const before = await stateOf(from);
    if (!before) continue;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    if (before === (await stateOf(from))) return before;
  }
  throw new Error(`${from} is written all the time, or a writer of it died.`);
}

/**
 * Changes with every transaction; "" while one is being written.
 * (https://www.sqlite.org/fileformat.html §1.3, §3)
 *
 * @param {string} file
 */
async function stateOf(file) {
  // A journal that is there and not blank belongs to a transaction that is under way.
  const journal = await head(`${file}-journal`, 1);
  if (journal?.[0]) return "";
  const header = await head(file, 28);
  if (!header || header.length < 28)
    throw new PhoneError("eInvalidArgument", `${file} is no SQLite database.`);
  if (header[19] === 2)
    throw new PhoneError(
      "eInvalidArgument",
      `${file} has a write-ahead log, which cannot be read beside others: PRAGMA journal_mode = DELETE.`,
    );
  const { ino, size, mtimeMs } = await stat(file);
  return `${ino} ${size} ${mtimeMs} ${header.toString("hex", 24, 28)}`;
}

/**
 * @param {string} file
 * @param {number} length
 * @returns {Promise<Buffer | undefined>} undefined where it is not there
 */
async function head(file, length) {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(length),
      0,
      length,
      0,
    );
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
