import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const installed = fileURLToPath(
  new URL("../../test-output/project/node_modules", import.meta.url),
);

/**
 * Makes somebody else's project: outside the repository, with nothing but the
 * packed tarball and its dependencies installed.
 *
 * @param {Record<string, string>} [files] text by path
 */
export function createProject(files = {}) {
  if (!existsSync(installed)) {
    throw new Error(
      "No tarball is installed: run `npm test -- packaging`, which packs it first.",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "graceline-project-"));
  cpSync(installed, join(folder, "node_modules"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const all = {
    "package.json": '{ "name": "app", "private": true, "type": "module" }',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const resolve = createRequire(join(folder, "package.json")).resolve;
  return {
    folder,
    /** The file that a specifier such as `graceline/testing` leads to. */
    resolve: (/** @type {string} */ specifier) => resolve(specifier),
    /** @type {(specifier: string) => Promise<any>} */
    import: (specifier) => import(pathToFileURL(resolve(specifier)).href),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Runs a program in a folder until it ends by itself.
 *
 * @param {string} folder
 * @param {string} command
 * @param {string[]} args
 * @param {{ timeout?: number }} [options] ms after which it is ended, with `code` null
 * @returns {Promise<{ code: number | null, output: string }>} `output`: both streams
 */
export function runIn(folder, command, args, { timeout = 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
    });
    let output = "";
    const read = (/** @type {string} */ text) => (output += text);
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

/**
 * Starts a program that serves until it is stopped.
 *
 * @param {string} folder
 * @param {string} command
 * @param {string[]} args
 * @param {RegExp} ready matches what it prints when it is ready
 * @param {Record<string, string>} [env] its whole environment
 * @returns {Promise<{ match: RegExpExecArray, stop(): Promise<number | null> }>}
 */
export function startIn(folder, command, args, ready, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    const ended = new Promise((done) => child.once("close", done));
    const stop = () => {
      child.kill("SIGTERM");
      return ended;
    };
    let output = "";
    const read = (/** @type {string} */ text) => {
      output += text;
      const match = ready.exec(output);
      if (match) resolve({ match, stop });
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.once("error", reject);
    ended.then((code) =>
      reject(new Error(`${command} ended with ${code}:\n${output}`)),
    );
  });
}
