import { existsSync, readFileSync } from "node:fs";
import { Explained, step } from "./log.mjs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";

const oldest = 20;

/** Says so when this Node is too old; a newer one is fine. */
export function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= oldest) return;
  throw new Explained(
    `Node ${oldest} or newer is needed; this is ${process.versions.node}.`,
  );
}

/** Installs what package-lock.json names, unless it is there already. */
export async function ensureNodePackages() {
  if (installedAsLocked()) return;
  await step("installing Node packages (npm ci)", () =>
    run(...npm("ci", "--include=dev", "--ignore-scripts"), {
      // When npm itself started us (`npm pack --dry-run`), its switches would be inherited.
      env: {
        NODE_ENV: undefined,
        npm_config_dry_run: undefined,
        npm_config_global: undefined,
        npm_config_location: undefined,
        npm_config_json: undefined,
        npm_config_omit: undefined,
        npm_config_workspaces: undefined,
      },
    }),
  );
}

/**
 * Command and arguments that run npm: the one that runs us, if it does.
 *
 * @param {string[]} args
 * @returns {[string, string[]]}
 */
export function npm(...args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith(".js")
    ? [process.execPath, [cli, ...args]]
    : ["npm", args];
}

/**
 * Whether node_modules holds the version that the lock file names, for every
 * package that is not optional (those depend on the machine).
 */
function installedAsLocked() {
  const hidden = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const installed = packagesOf(hidden);
  return Object.entries(packagesOf(inRoot("package-lock.json"))).every(
    ([path, { version, optional }]) =>
      path === "" || optional || installed[path]?.version === version,
  );
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}
