import { brotliCompressSync, gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { inRoot, root } from "./paths.mjs";

/** @typedef {{ raw: number, gzip: number, brotli: number }} Size bytes */

/** What an app that registers imports of the other libraries. */
export const peers = {
  JsSIP: 'import JsSIP from "jssip"; export default JsSIP;',
  "SIP.js": 'export { Registerer, UserAgent } from "sip.js";',
};

/**
 * What a page has to load to register a phone: the bundled JavaScript, and the
 * wasm beside it.
 */
export async function clientSizes() {
  const script = sizeOf(await bundled('export { Phone } from "graceline";'));
  const [wasm, calls] = ["client", "calls"].map((name) =>
    sizeOf(readFileSync(inRoot("pkg", `${name}_bg.wasm`))),
  );
  const both = sum(script, wasm);
  return { script, wasm, both, calls, all: sum(both, calls) };
}

/** The same of the other libraries. @returns {Promise<Record<string, Size>>} */
export async function peerSizes() {
  const entries = Object.entries(peers).map(async ([name, source]) => [
    name,
    sizeOf(await bundled(source)),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * What an app loads when it asks for it: an account, what `enablePush` is made of, and the
 * part of the service worker.
 *
 * @returns {Promise<Record<string, Size>>}
 */
export async function onDemandSizes() {
  const account = await bundled('export { Account } from "graceline/account";');
  const worker = await bundled('export * from "graceline/push";');
  return {
    "graceline/account (on demand)": sizeOf(account),
    "enablePush (on demand)": sizeOf(await chunkOf("js/account/waking.js")),
    "presence, mailbox, calls elsewhere (on demand)": sizeOf(
      await chunkOf("js/watch/watch.js"),
    ),
    "a phone that tabs share (on demand)": sizeOf(
      await chunkOf("js/shared/phone.js"),
    ),
    "graceline/push (service worker)": sizeOf(worker),
  };
}

/** @param {string} module that a phone loads when it needs it */
async function chunkOf(module) {
  const { outputFiles, metafile } = await bundle(
    'export { Phone } from "graceline";',
  );
  const [name = ""] =
    Object.entries(metafile.outputs).find(
      ([, { inputs }]) => module in inputs,
    ) ?? [];
  const file = outputFiles.find(({ path }) => path === inRoot(name));
  if (!file) throw new Error(`${module} is in no bundle`);
  return file.contents;
}

/**
 * What a bundler makes of an app that imports this alone: the entry and what it
 * imports at once; what loads on demand does not count.
 *
 * @param {string} contents
 */
async function bundled(contents) {
  const { outputFiles, metafile } = await bundle(contents);
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

/** @param {string} contents */
const bundle = (contents) =>
  build({
    stdin: { contents, resolveDir: root },
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

/** @param {Uint8Array} bytes @returns {Size} */
export function sizeOf(bytes) {
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
