import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/**
 * @param {import("./index.js").WasmSource} source
 * @param {{ csta?: any }} [more]
 */
export async function init(source, { csta } = {}) {
  provide(() => source, csta ? () => csta : undefined);
  await getInstance();
}
