export { fakeMedia } from "./media.js";
export { parseMessage } from "./message.js";
export { DEFAULT_USERS, startRegistrar } from "./registrar.js";
export { startSwitch } from "./switch/index.js";

/** @type {typeof import("./index.js").startAccounts} */
export const startAccounts = async (options) =>
  // Its libraries are of no use to who wants a registrar alone.
  (await import("./accounts.js")).startAccounts(options);

/** @type {typeof import("./index.js").startVoicemail} */
export const startVoicemail = async (options) =>
  (await import("./voicemail.js")).startVoicemail(options);
