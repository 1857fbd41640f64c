/**
 * What `graceline/testing` and the command line may have to say.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const testing = {
  eInvalidArgument: {
    noSipMessage: ["This is no SIP message: {why}."],
    commandLine: ["{complaint}.", "Try: graceline {help}"],
  },
};
