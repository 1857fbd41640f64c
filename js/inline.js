import createCore from "./core/core.js";
import base64 from "../pkg/inline/client_bg.js";
import { getInstance, provide } from "./core/instance.js";

export { PhoneError, translate } from "./errors/error.js";
export { Phone } from "./phone/phone.js";

provide(createCore, () =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
);

export async function init() {
  await getInstance();
}
