import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CLI, startCopy } from "./accounts.mjs";

/**
 * The voicemail of a deployment, with the account service that it needs, as an administrator starts both.
 *
 * @param {{ server: import("./cluster.mjs").Cluster, after: (end: () => unknown) => void }} world
 */
export async function startVoicemail(world) {
  const { server, after } = world;
  const folder = await mkdtemp(join(tmpdir(), "voicemail-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const [token, password] = ["token", "password"].map((name) =>
    join(folder, name),
  );
  await writeFile(token, "administrators-4711");
  await writeFile(password, server.passwords.voicemail);
  const { client } = await startCopy(world, "--admin-token", token);
  const child = spawn(process.execPath, [
    ...[CLI, "voicemail", "--account", client.url, "--admin-token", token],
    ...["--connections", server.nodes.map(({ url }) => url).join(",")],
    ...["--domain", server.domain, "--password", password],
    ...["--folder", join(folder, "messages")],
  ]);
  let errors = "";
  child.stderr.on("data", (data) => (errors += data));
  const ended = once(child, "close");
  after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await Promise.race([
    once(createInterface(child.stdout), "line"),
    ended.then(() => {
      throw new Error(`graceline voicemail ended: ${errors}`);
    }),
  ]);
  return { accounts: client.url };
}
