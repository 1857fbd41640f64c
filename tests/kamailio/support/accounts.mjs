import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AccountClient } from "../../js/support/account-client.js";

export const CLI = fileURLToPath(
  new URL("../../../js/cli/graceline.js", import.meta.url),
);

/**
 * A copy of the account service beside a deployment, as an administrator starts it.
 *
 * @param {{ server: import("./cluster.mjs").Cluster, after: (end: () => unknown) => void }} world
 * @param {...string} args more of its command line
 */
export async function startCopy({ server, after }, ...args) {
  const child = spawn(process.execPath, [
    ...[CLI, "account", "--database", server.database.url],
    ...["--redis", `redis://127.0.0.1:${server.redis.port}`, ...args],
  ]);
  after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "close");
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (output.stdout += data));
  child.stderr.on("data", (data) => (output.stderr += data));
  const ended = once(child, "close").then(() => {
    throw new Error(`graceline account ended: ${output.stderr}`);
  });
  ended.catch(() => {});
  const warnings = createInterface(child.stderr)[Symbol.asyncIterator]();
  const lines = createInterface(child.stdout);
  const [url] = await Promise.race([once(lines, "line"), ended]);
  /** The next line that it writes for its administrator. */
  const warned = async () => (await warnings.next()).value;
  return { client: new AccountClient(url), output, warned };
}

/**
 * A client that is signed in by the password of the SIP account.
 *
 * @param {AccountClient} client
 * @param {string} [user]
 */
export async function signedIn(client, user = "2001") {
  const { body } = await client.signIn(user, { password: `secret-${user}` });
  return client.as(body.token);
}
