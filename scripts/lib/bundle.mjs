import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Explained, say, step } from "./log.mjs";
import { inRoot, pkg } from "./paths.mjs";
import { digestOf, replaceFile, unlessFresh } from "./stamps.mjs";

const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/**
 * Builds `pkg/graceline.min.js`: core, jQuery plugin and wasm in one file for a
 * plain `<script>`.
 *
 * @returns {Promise<boolean>} whether there was anything to do
 */
export function buildScript() {
  const output = join(pkg, "graceline.min.js");
  // For demo/jquery.html, which has to work from the tarball.
  const jquery = join(pkg, "jquery.min.js");
  return unlessFresh({
    stamp: join(pkg, ".stamps", "script"),
    digest: digestOf(
      ["js", "pkg/inline", "package-lock.json", "scripts/lib/bundle.mjs"],
      version,
    ),
    outputs: [output, jquery],
    work: () =>
      step("bundling graceline.min.js", async () => {
        const { code } = await bundleScript();
        replaceFile(output, code);
        const released = inRoot("node_modules/jquery4/dist/jquery.min.js");
        replaceFile(jquery, readFileSync(released));
        say(`  pkg/graceline.min.js: ${code.length} bytes`);
      }),
  });
}

async function bundleScript() {
  const entry = inRoot("js", "script.js");
  if (!existsSync(entry)) {
    throw new Explained(
      "js/script.js, the entry of graceline.min.js, is missing.",
    );
  }
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    banner: { js: `/*! Graceline ${version}, MIT */` },
    logLevel: "warning",
  });
  return { code: outputFiles[0].contents };
}
