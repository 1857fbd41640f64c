/**
 * What `graceline/sounds` may have to say: it is loaded with it.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const sounds = {
  eInvalidState: {
    audioBlocked: [
      "The browser plays no sound yet.",
      "Call release() from a click or a key.",
    ],
  },
  eNotSupported: {
    noOutputs: ["In this browser the output device cannot be chosen."],
  },
  eMediaFailed: {
    noOutput: [
      "The output device cannot be used: {why}.",
      "Choose another one.",
    ],
  },
};
