import base64 from "../pkg/inline/client_bg.js";
import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

/** @param {string} base64 */
const bytes = (base64) =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

provide({
  wasm: () => bytes(base64),
  csta: async () => bytes((await import("../pkg/inline/csta_bg.js")).default),
});

export async function init() {
  await getInstance();
}
