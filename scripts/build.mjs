// npm run build: everything in pkg/, of which only what changed is built again.
//
//   npm run build                  all of it
//   npm run build -- registrar     the named parts: client, csta, script, controller,
//                                  gateway, registrar, libraries

import { buildScript, scriptFiles } from "./lib/bundle.mjs";
import { buildLibraries, libraryFiles } from "./lib/libraries.mjs";
import { Explained, runMain, say, secondsSince } from "./lib/log.mjs";
import { checkNode, ensureNodePackages } from "./lib/node-packages.mjs";
import { pkg } from "./lib/paths.mjs";
import { removeOthers } from "./lib/stamps.mjs";
import {
  buildInline,
  buildWasm,
  inlineFile,
  wasmFiles,
  wasmNames,
} from "./lib/wasm.mjs";

/** What each part is made of. Each of these may use what the one before it made. */
const parts = {
  client: [() => buildWasm("client"), () => buildInline("client")],
  csta: [() => buildWasm("csta"), () => buildInline("csta")],
  script: [buildScript],
  controller: [() => buildWasm("controller")],
  gateway: [() => buildWasm("gateway")],
  registrar: [() => buildWasm("registrar")],
  libraries: [buildLibraries],
};

/** All that is made. */
const files = [
  ...wasmNames.flatMap((name) => wasmFiles(name)),
  ...["client", "csta"].map((name) => inlineFile(name)),
  ...scriptFiles,
  ...libraryFiles,
];

/** Parts that use each other's results. They are built side by side with the others. */
const chains = [
  ["client", "csta", "script"],
  ["controller"],
  ["gateway"],
  ["registrar"],
  ["libraries"],
];

await runMain(async () => {
  const start = performance.now();
  const wanted = partsNamed(process.argv.slice(2));
  checkNode();
  await ensureNodePackages();
  const built = await Promise.all(
    chains.map((chain) =>
      buildChain(chain.filter((it) => wanted.includes(it))),
    ),
  );
  // What an earlier version made would be published, too.
  if (wanted.length === Object.keys(parts).length) removeOthers(pkg, files);
  const news = built.includes(true);
  say(news ? `pkg/ built in ${secondsSince(start)}` : "pkg/ is up to date");
});

/**
 * @param {string[]} chain
 * @returns {Promise<boolean>} whether there was anything to do
 */
async function buildChain(chain) {
  let built = false;
  for (const name of chain) {
    for (const build of parts[/** @type {keyof typeof parts} */ (name)])
      built = (await build()) || built;
  }
  return built;
}

/** @param {string[]} names */
function partsNamed(names) {
  const unknown = names.find((name) => !(name in parts));
  if (unknown) {
    throw new Explained(
      `There is no part "${unknown}": ${Object.keys(parts).join(", ")}.`,
    );
  }
  return names.length === 0 ? Object.keys(parts) : names;
}
