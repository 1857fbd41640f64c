import createCore from "./core/core.js";
import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/** @param {import("./index.js").WasmSource} source */
export async function init(source) {
  provide(createCore, () => source);
  await getInstance();
}
