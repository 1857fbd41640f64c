import { existsSync } from "node:fs";
import { kamailioMissing } from "../../interop/support/kamailio.mjs";
import { serverTest } from "../../interop/support/interop-test.mjs";
import { Cluster } from "./cluster.mjs";

const TOOLS = [
  "/usr/bin/redis-server",
  "/usr/bin/redis-cli",
  "/usr/bin/sqlite3",
  "/usr/bin/openssl",
];

/** What keeps the deployment from being started here, or undefined. */
export function deploymentMissing() {
  const absent = TOOLS.find((path) => !existsSync(path));
  return kamailioMissing() ?? (absent && `${absent} is missing`);
}

/**
 * One test against a freshly started deployment of `deploy/kamailio`.
 * @param {string} name
 * @param {import("./cluster.mjs").ClusterOptions} options
 * @param {(world: Omit<import("../../interop/support/interop-test.mjs").World, "server"> & { server: Cluster }) => Promise<void>} body
 */
export function gracefulTest(name, options, body) {
  const start = () => Cluster.start(options);
  serverTest(name, { missing: deploymentMissing(), start }, body);
}
