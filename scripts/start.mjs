// npm start: builds what is missing and serves the demo with its own registrar.
// The environment variable PORT names the port.

import { spawnSync } from "node:child_process";
import { runMain, say } from "./lib/log.mjs";
import { inRoot } from "./lib/paths.mjs";

await runMain(async () => {
  const { status } = spawnSync(
    process.execPath,
    [inRoot("scripts", "build.mjs")],
    {
      stdio: ["ignore", 2, 2],
    },
  );
  if (status !== 0) {
    process.exitCode = status ?? 1;
    return;
  }
  say("starting the demo (Ctrl-C ends it)");
  // In this process, so that ending it ends the demo.
  process.argv = [process.argv[0], inRoot("js", "cli", "graceline.js"), "demo"];
  await import("../js/cli/graceline.js");
});
