import { CallAudio } from "./audio.js";

export { Sounds } from "./sounds.js";

/**
 * @param {import("../index.js").Call} call
 * @param {HTMLMediaElement} element
 */
export const attachAudio = (call, element) => new CallAudio(call, element);
