import createCore from "./core.js";
import base64 from "../pkg/inline/client_bg.js";
import { getInstance, provide } from "./instance.js";

export { PhoneError } from "./error.js";
export { Phone } from "./phone.js";

provide(createCore, () =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
);

export async function init() {
  await getInstance();
}
