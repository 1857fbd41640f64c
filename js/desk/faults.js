import { desk } from "../errors/desk.js";
import { fault, learn } from "../errors/error.js";

learn(desk);

/** By code, what is said of a login that came to nothing. @type {Record<string, string>} */
const LOGINS = {
  eServerRejected: "deskRefused",
  eOutOfService: "deskOut",
  eTimeout: "deskSilent",
  eDeviceAlreadyRegistered: "deskHeld",
};

/** By code, what is said of a command. @type {Record<string, string>} */
const COMMANDS = {
  ...LOGINS,
  eServerRejected: "serviceRefused",
  eInvalidArgument: "deskArgument",
  eInvalidState: "deskState",
  eAborted: "deskGivenUp",
  eNotSupported: "notOffered",
};

/** @typedef {import("./seam.js").Failure} Failure */

/** @param {Failure} failure */
export const commandFault = (failure) =>
  fault(COMMANDS[failure.code] ?? "serviceRefused", failure);

/**
 * @param {Failure} failure
 * @param {any} [ended] what the core said of the session's end
 */
export function loginFault(failure, ended) {
  // The core knows best why no credentials were accepted.
  if (ended?.at !== undefined) {
    const error = fault(ended.at, ended);
    if (error.code === "eCredentialsRejected") return error;
  }
  // The server's word on who asks, not the gateway's on what may be controlled.
  const status = ended?.status ?? failure.status;
  if (status === 401 || status === 407)
    return fault("credentialsRefused", { ...failure, status });
  return fault(LOGINS[failure.code] ?? "deskRefused", failure);
}
