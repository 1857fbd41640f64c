import { readFileSync } from "node:fs";
import { initSync } from "../../pkg/registrar.js";

/** @type {import("../../pkg/registrar.js").InitOutput | undefined} */
let wasm;

/** The registrar's wasm, loaded when it is first needed. */
export function loadWasm() {
  const file = new URL("../../pkg/registrar_bg.wasm", import.meta.url);
  return (wasm ??= initSync({ module: readFileSync(file) }));
}
