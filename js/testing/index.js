export { fakeMedia } from "./media.js";
export { parseMessage } from "./message.js";
export { DEFAULT_USERS, startRegistrar } from "./registrar.js";
export { startSwitch } from "./switch/index.js";
