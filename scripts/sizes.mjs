// npm run sizes: what users download, as raw, gzip and brotli, against the
// budgets of scripts/sizes.budget.json.

import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Explained, runMain, say } from "./lib/log.mjs";
import { inRoot, root } from "./lib/paths.mjs";

/** @typedef {{ raw: number, gzip: number, brotli: number }} Size */

/** Brotli bytes allowed for each line of the table. @type {Record<string, number>} */
const budgets = JSON.parse(
  readFileSync(inRoot("scripts", "sizes.budget.json"), "utf8"),
);

await runMain(async () => {
  const script = sizeOf(await bundledPhone());
  const wasm = sizeOf(readFileSync(inRoot("pkg", "client_bg.wasm")));
  /** @type {Record<string, Size>} */
  const table = {
    'import { Phone } from "graceline"': script,
    "client_bg.wasm": wasm,
    "registration alone (both)": sum(script, wasm),
    "graceline.min.js (all in one)": sizeOf(
      readFileSync(inRoot("pkg", "graceline.min.js")),
    ),
  };
  print(table);
  const over = Object.entries(budgets).filter(
    ([name, budget]) => !(table[name]?.brotli <= budget),
  );
  if (over.length === 0) return;
  throw new Explained(
    over
      .map(([name, budget]) => `${name}: over its budget of ${budget} bytes`)
      .join("\n"),
  );
});

/**
 * What a bundler makes of an app that imports the phone alone: the entry and
 * what it imports at once; what loads on demand does not count.
 */
async function bundledPhone() {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: 'export { Phone } from "graceline";',
      resolveDir: root,
    },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    absWorkingDir: root,
    outdir: "out",
    logLevel: "error",
  });
  /** @type {Set<string>} */
  const needed = new Set();
  const visit = (/** @type {string} */ path) => {
    if (needed.has(path)) return;
    needed.add(path);
    for (const { path: next, kind } of metafile.outputs[path].imports) {
      if (kind === "import-statement") visit(next);
    }
  };
  visit("out/stdin.js");
  return Buffer.concat(
    outputFiles
      .filter(({ path }) => [...needed].some((name) => path === inRoot(name)))
      .map(({ contents }) => contents),
  );
}

/** @param {Uint8Array} bytes @returns {Size} */
function sizeOf(bytes) {
  return {
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes).length,
  };
}

/** @param {Size} a @param {Size} b @returns {Size} */
function sum(a, b) {
  return {
    raw: a.raw + b.raw,
    gzip: a.gzip + b.gzip,
    brotli: a.brotli + b.brotli,
  };
}

/** @param {Record<string, Size>} table */
function print(table) {
  const cells = (/** @type {(string | number)[]} */ row) =>
    row.map((cell, i) => String(cell).padStart(i === 0 ? 0 : 9)).join("");
  const name = (/** @type {string} */ text) => text.padEnd(36);
  say(cells([name("bytes"), "raw", "gzip", "brotli", "budget"]));
  for (const [title, { raw, gzip, brotli }] of Object.entries(table)) {
    say(cells([name(title), raw, gzip, brotli, budgets[title] ?? ""]));
  }
}
