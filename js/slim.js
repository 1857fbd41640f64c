import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/**
 * @param {import("./index.js").WasmSource} source
 * @param {{ calls?: any, csta?: any }} [more]
 */
export async function init(source, { calls, csta } = {}) {
  provide({
    wasm: () => source,
    ...(calls && { calls: () => calls }),
    ...(csta && { csta: () => csta }),
  });
  await getInstance();
}
