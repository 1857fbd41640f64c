import createCore from "./core/core.js";
import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/** @returns {import("./index.js").WasmSource} */
function wasm() {
  const url = new URL("../pkg/client_bg.wasm", import.meta.url);
  // Node's fetch knows no file: URLs. Not an import: bundlers for browsers
  // would stumble over it.
  const fs =
    url.protocol === "file:" &&
    globalThis.process?.getBuiltinModule?.("node:fs");
  return fs ? fs.readFileSync(url) : url;
}

provide(createCore, wasm);

/** @param {import("./index.js").WasmSource} [source] */
export async function init(source) {
  if (source) provide(createCore, () => source);
  await getInstance();
}
