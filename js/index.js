import { getInstance, preload, provide, sources } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/**
 * @param {URL} url
 * @returns {import("./index.js").WasmSource}
 */
function file(url) {
  // Node's fetch knows no file: URLs. Not an import: bundlers for browsers
  // would stumble over it.
  const fs =
    url.protocol === "file:" &&
    globalThis.process?.getBuiltinModule?.("node:fs");
  return fs ? fs.readFileSync(url) : url;
}

const client = () => new URL("../pkg/client_bg.wasm", import.meta.url);

provide({
  wasm: () => file(client()),
  calls: () => file(new URL("../pkg/calls_bg.wasm", import.meta.url)),
  csta: () => file(new URL("../pkg/csta_bg.wasm", import.meta.url)),
  worker: () => new URL("../pkg/worker.js", import.meta.url),
  // An app may import graceline/inline, and something of ours that imports this.
  ...sources,
});

// A page needs it soon: it is fetched while the page's own code runs, or rather after what of
// that runs at once and may name another source.
Promise.resolve()
  .then(() => client().protocol === "file:" || preload())
  .catch(() => {});

/** @param {import("./index.js").WasmSource} [source] */
export async function init(source) {
  if (source) provide({ wasm: () => source });
  await getInstance();
}
