import { getInstance, provide } from "./core/instance.js";

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

provide(
  () => file(new URL("../pkg/client_bg.wasm", import.meta.url)),
  () => file(new URL("../pkg/csta_bg.wasm", import.meta.url)),
);

/** @param {import("./index.js").WasmSource} [source] */
export async function init(source) {
  if (source) provide(() => source);
  await getInstance();
}
