// npm run build: everything in pkg/, of which only what changed is built again.
//
//   npm run build                  all of it
//   npm run build -- registrar     the named parts: client, registrar, script

import { buildScript } from "./lib/bundle.mjs";
import { Explained, runMain, say, secondsSince } from "./lib/log.mjs";
import { checkNode, ensureNodePackages } from "./lib/node-packages.mjs";
import { buildInline, buildWasm } from "./lib/wasm.mjs";

/** In order: each part may use what the ones before it made. */
const parts = {
  client: async () => [await buildWasm("client"), await buildInline()],
  registrar: async () => [await buildWasm("registrar")],
  script: async () => [await buildScript()],
};

await runMain(async () => {
  const start = performance.now();
  const wanted = partsNamed(process.argv.slice(2));
  checkNode();
  await ensureNodePackages();
  let built = false;
  for (const part of wanted) built = (await part()).includes(true) || built;
  say(built ? `pkg/ built in ${secondsSince(start)}` : "pkg/ is up to date");
});

/** @param {string[]} names */
function partsNamed(names) {
  if (names.length === 0) return Object.values(parts);
  return names.map((name) => {
    const part = parts[/** @type {keyof typeof parts} */ (name)];
    if (part) return part;
    throw new Explained(
      `There is no part "${name}": ${Object.keys(parts).join(", ")}.`,
    );
  });
}
