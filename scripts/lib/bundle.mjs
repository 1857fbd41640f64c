import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Explained, say, step } from "./log.mjs";
import { inRoot, pkg } from "./paths.mjs";
import { digestOf, replaceFile, unlessFresh } from "./stamps.mjs";

const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/** In pkg/. */
export const scriptFiles = ["graceline.min.js", "jquery.min.js", "worker.js"];

/**
 * Builds `pkg/graceline.min.js`: core, jQuery plugin and wasm in one file for a
 * plain `<script>`; and `pkg/worker.js`, the phone that tabs share, without the wasm.
 *
 * @returns {Promise<boolean>} whether there was anything to do
 */
export function buildScript() {
  // The second one is for demo/jquery.html, which has to work from the tarball.
  const [output, jquery, worker] = scriptFiles.map((file) => join(pkg, file));
  return unlessFresh({
    stamp: join(pkg, ".stamps", "script"),
    digest: digestOf(
      ["js", "pkg/inline", "package-lock.json", "scripts/lib/bundle.mjs"],
      version,
    ),
    outputs: [output, jquery, worker],
    work: () =>
      step("bundling graceline.min.js", async () => {
        const code = await bundle("script.js", "iife");
        replaceFile(output, code);
        replaceFile(worker, await bundle("shared/worker.js", "esm"));
        const released = inRoot("node_modules/jquery4/dist/jquery.min.js");
        replaceFile(jquery, readFileSync(released));
        say(`  pkg/graceline.min.js: ${code.length} bytes`);
      }),
  });
}

/**
 * @param {string} file the entry, in js/
 * @param {"iife" | "esm"} format
 */
async function bundle(file, format) {
  const entry = inRoot("js", file);
  if (!existsSync(entry)) {
    throw new Explained(`js/${file}, an entry of what is built, is missing.`);
  }
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    banner: { js: `/*! Graceline ${version}, MIT */` },
    logLevel: "warning",
  });
  return outputFiles[0].contents;
}
