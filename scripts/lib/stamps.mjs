import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./paths.mjs";

/**
 * A digest of files, folders (all that is in them) and plain values. It changes
 * when a name or a byte does, not when a time does: a fresh checkout of the same
 * commit finds its build up to date.
 *
 * @param {string[]} paths relative to the top of the repository; missing ones count as missing
 * @param {unknown[]} values
 */
export function digestOf(paths, ...values) {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const file of filesUnder(path)) {
      hash.update(`${file}\0`).update(readFileSync(join(root, file)));
    }
    hash.update("\0");
  }
  return hash.update(JSON.stringify(values)).digest("hex");
}

/** @param {string} path @returns {string[]} */
export function filesUnder(path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found) return [];
  if (found.isFile()) return [path];
  return readdirSync(join(root, path), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesUnder(join(path, entry.name)));
}

/**
 * Does `work` unless its inputs are the ones of the last time and its outputs
 * are there.
 *
 * @param {object} task
 * @param {string} task.stamp file that remembers the inputs
 * @param {string} task.digest of the inputs, from {@link digestOf}
 * @param {string[]} task.outputs files that must exist
 * @param {() => Promise<void>} task.work
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function unlessFresh({ stamp, digest, outputs, work }) {
  const fresh =
    outputs.every((file) => existsSync(file)) &&
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === digest;
  if (fresh) return false;
  await work();
  replaceFile(stamp, digest);
  return true;
}

/**
 * Writes a file so that nobody ever reads half of it.
 *
 * @param {string} path
 * @param {string | Uint8Array} content
 */
export function replaceFile(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}

/**
 * Removes what is in a folder, and in folders of it, and none of `files`. Hidden files
 * stay, and drafts of {@link replaceFile}: another one may be building.
 *
 * @param {string} folder
 * @param {string[]} files relative to it
 */
export function removeOthers(folder, files) {
  for (const file of readdirSync(folder, { recursive: true }).map(String)) {
    const kept = file.startsWith(".") || file.endsWith(".tmp");
    const path = join(folder, file);
    if (!kept && !files.includes(file) && statSync(path).isFile()) rmSync(path);
  }
}
