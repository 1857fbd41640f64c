/**
 * What the account service, and its client, may have to say: it is loaded with that.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const account = {
  eInvalidArgument: {
    accountArgument: ["The account service cannot use that[: {reason}]."],
  },
  eInvalidState: {
    accountClosed: ["The account is closed.", "Create a new Account."],
    noAccount: [
      "This phone has no account service.",
      "Name it as the option account.",
    ],
    pushFailed: [
      "The browser made no push subscription.",
      "Check that its service worker is active and that the browser has push.",
    ],
  },
  eCredentialsRejected: {
    signInRefused: [
      "The account service refused user name, password or token.",
      "Check user name and password, or get a new token.",
    ],
    noProof: [
      "There is nothing to sign in with at the account service.",
      "Give the user's password or a token: this browser has no key of a device of this user.",
    ],
  },
  eForbidden: {
    accountForbidden: ["The account service does not allow that[: {reason}]."],
    pushForbidden: [
      "The user does not allow notifications of this site.",
      "Ask again from a click, or have the user allow them in the browser.",
    ],
  },
  eDeviceNotAuthorised: {
    deviceRevoked: [
      "This device was revoked.",
      "Let it in again on another device of the user, or ask the administrator.",
    ],
  },
  eDeviceLimitReached: {
    deviceLimitOfUser: [
      "The user has as many devices of this kind as there may be[: {limit}].",
      "Replace one of details.devices, after asking the user, or ask the administrator for more.",
    ],
  },
  eNotFound: {
    notThere: ["The account service knows nothing of that name."],
  },
  eLimitReached: {
    accountLimit: [
      "There are as many of them as there may be[: {limit}].",
      "Remove one first.",
    ],
  },
  ePublicIdTaken: {
    publicIdTaken: ["This id belongs to somebody else."],
  },
  eCodeRejected: {
    codeRejected: [
      "The code is wrong or too old.",
      "Try again, or ask for a new one.",
    ],
  },
  eTooManyRequests: {
    slowedDown: [
      "The account service was asked too often.",
      "Try again[ in {retryAfter} seconds] later.",
    ],
  },
  eNotSupported: {
    accountNotOffered: ["The account service does not offer that."],
  },
  eOutOfService: {
    accountOut: [
      "The account service is out of service.",
      "Try again later, or ask the administrator.",
    ],
  },
  eCouldNotConnect: {
    accountUnreachable: [
      "The account service cannot be reached.",
      "Check the network, the url and whether the service lists this page's origin. A Content-Security-Policy must allow it in connect-src.",
    ],
  },
  eTimeout: {
    accountSilent: [
      "The account service did not answer in time.",
      "Try again, or ask the administrator whether it is running.",
    ],
  },
  eInternal: {
    accountBroken: [
      "The account service failed, or what answered is none ({status}).",
      "Check the url, or ask the administrator.",
    ],
  },
};
