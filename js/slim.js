import createCore from "./core.js";
import { getInstance, provide } from "./instance.js";

export { PhoneError } from "./error.js";
export { Phone } from "./phone.js";

/** @param {import("./index.js").WasmSource} source */
export async function init(source) {
  provide(createCore, () => source);
  await getInstance();
}
