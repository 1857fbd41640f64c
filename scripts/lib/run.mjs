import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { setPriority } from "node:os";
import { delimiter, join } from "node:path";
import { Explained, output as currentOutput, write } from "./log.mjs";
import { root } from "./paths.mjs";

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] default: the top of the repository
 * @property {Record<string, string | undefined>} [env] on top of this process's
 * @property {"show" | "capture" | "tee"} [stdout] where its standard output goes:
 *   shown where {@link currentOutput} goes (default), returned, or both
 * @property {"show" | "capture"} [stderr] `capture` adds it to what is returned
 * @property {boolean} [mayFail] return the exit code instead of throwing
 */

/**
 * Runs a command without standard input.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, options = {}) {
  const {
    cwd = root,
    env,
    stdout = "show",
    stderr = "show",
    mayFail,
  } = options;
  const { descriptor, niceness } = currentOutput();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [
        "ignore",
        stdout === "show" ? descriptor : "pipe",
        stderr === "show" ? descriptor : "pipe",
      ],
    });
    if (child.pid && niceness > 0) setPriority(child.pid, niceness);
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (stdout === "tee") write(text);
    });
    child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", (error) =>
      reject(new Explained(`Cannot start ${command}: ${error.message}`)),
    );
    child.once("close", (code, signal) => {
      if (code === 0 || mayFail) {
        resolve({ code: code ?? 1, output });
        return;
      }
      const how = signal
        ? `was ended by ${signal}`
        : `failed (exit code ${code})`;
      const captured = stderr === "capture" ? `\n${output}` : "";
      reject(
        new Explained(`${[command, ...args].join(" ")} ${how}.${captured}`),
      );
    });
  });
}

/**
 * The standard output of a command, or undefined when it is missing or fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string | undefined>}
 */
export async function answerOf(command, args) {
  try {
    const { output } = await run(command, args, {
      stdout: "capture",
      stderr: "capture",
    });
    return output.trim();
  } catch {
    return undefined;
  }
}

/**
 * Where a program is in PATH, or undefined.
 *
 * @param {string[]} names the first that is found wins
 */
export function findProgram(...names) {
  // Servers such as Kamailio live in sbin, which is not in everybody's PATH.
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/sbin",
    "/sbin",
  ];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here: the next folder.
      }
    }
  }
  return undefined;
}
