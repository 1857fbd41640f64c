/**
 * What people are told: by kind of error, and by situation, what happened and
 * what to do about it.
 *
 * - `{name}` stands for a value; a full stop that it ends with gives way to ours.
 * - `[…]` is left out where its value is missing.
 *
 * docs/errors.md is made from this, by `node scripts/errors.mjs`.
 *
 * @typedef {[happened: string, remedy?: string]} Sentence
 * @typedef {Record<string, Record<string, Sentence>>} Catalogue
 */

const ASK =
  "Ask the user, then call registerPhone({ forceRegistration: true }).";
const ADDRESS =
  "Check the address, or ask the administrator of the telephone system.";
const NAME = "Check user name and password.";
const REFUSED = "The login failed: {reason}[ ({status})].";

/**
 * The core's situations, which it names by their place: src/fault.rs has the same
 * list, and a test that compares them.
 *
 * @type {Catalogue}
 */
export const core = {
  eInvalidArgument: {
    badTarget: [
      "The target cannot be called.",
      "Use a number, user@host, or a sip: or tel: URI.",
    ],
  },
  eInvalidState: {
    notRegistered: [
      "The phone is not registered.",
      "While it recovers, wait for eReady; else call registerPhone.",
    ],
    tooManyCalls: ["There are too many calls.", "End one of them."],
    notRinging: ["The call does not ring here."],
    notConnected: ["The call is not connected."],
    otherNotConnected: ["The other call is not connected."],
    transferring: ["The call is being transferred already."],
    callOver: ["The call has ended."],
  },
  eDeviceAlreadyRegistered: {
    deviceHeld: ["Another client is logged in with this device.", ASK],
  },
  eDeviceLimitReached: {
    deviceLimit: [
      REFUSED,
      "Log out on another device, or ask the administrator for more.",
    ],
  },
  eDeviceNotAuthorised: {
    notAuthorised: [
      "The registrar does not accept this device[ ({status})].",
      "Let it in on another device of the user, or ask the administrator.",
    ],
  },
  eCredentialsRejected: {
    credentialsRefused: [
      "The login failed: the registrar refused user name or password ({status}).",
      NAME,
    ],
    loginForbidden: [REFUSED, NAME],
    noCredentials: [
      "The login failed: the app had no credentials for this server ({status}).",
      NAME,
    ],
    challengedForEver: [
      "The login failed: the server asked for credentials again and again ({status}).",
      NAME,
    ],
    challengeUnanswerable: [
      "The login failed: the server asks for an authentication that cannot be answered ({status}).",
      "Check password, credentials and refuseMd5.",
    ],
  },
  eCouldNotConnect: {
    noConnection: [
      "No connection to the server could be opened.",
      "Check the network and the address in connections.",
    ],
  },
  eServerRejected: {
    loginRefused: [REFUSED, ADDRESS],
    challengeUnknown: [
      "The login failed: the server asks for an authentication that this phone does not know ({status}).",
      ADDRESS,
    ],
    serverUnproven: [
      "The login failed: the server did not prove that it knows the password (rspauth) ({status}).",
      ADDRESS,
    ],
    notListed: [
      "The login failed: the registrar accepted the login but does not list it ({status}).",
      ADDRESS,
    ],
    nothingGranted: [
      "The login failed: the registrar granted no time ({status}).",
      ADDRESS,
    ],
    removed: [
      "The login failed: the registrar removed this phone and forbids its return.",
      ADDRESS,
    ],
  },
  eTimeout: {
    loginUnanswered: [
      "The server did not answer the login in time.[ A message that came meanwhile was dropped: {dropped}.]",
      "Try again, or ask the administrator whether the registrar is running.",
    ],
    unanswered: [
      "The far end did not answer.[ A message that came meanwhile was dropped: {dropped}.]",
    ],
    transferSilent: ["The far end told no news of the transfer."],
  },
  eCallFailed: {
    refused: ["The far end answered {status}[ {reason}]."],
    endedUnanswered: ["The call ended before it was answered."],
    endedMeanwhile: ["The call has ended."],
    transferUntold: ["The far end did not tell what became of the transfer."],
    nobodyAnswered: ["Nobody answered in time."],
    unacknowledged: ["The far end did not confirm the call."],
    flowLost: ["The connection to the server was lost."],
    flowStayedAway: ["The connection to the server did not come back in time."],
    farEndLost: ["The far end could not be reached again in time."],
    forgotten: ["The far end does not know the call any more."],
    noDescription: ["The far end answered without a session description."],
    redirected: [
      "The call was redirected to {reason}.",
      "Call that if you want to.",
    ],
    notRefreshed: ["The far end did not refresh the call."],
    nothingHeard: ["Nothing has come from the far end for {reason} seconds."],
    transferred: ["The call was transferred."],
    replaced: ["The call goes on in another one."],
    takenOver: ["Another client took the device over."],
    loggedOut: ["The phone was logged out."],
    pageLeft: ["The page was left."],
    unregistered: ["The phone is not registered any more."],
  },
  eMediaFailed: {
    media: ["The media failed[: {why}]."],
  },
  eInternal: {
    unwritable: [
      "The login failed: {reason} cannot be sent, because of a character that has no place there.",
      "Please report this.",
    ],
  },
};

/**
 * Those of the page.
 *
 * @type {Catalogue}
 */
export const page = {
  eInvalidArgument: {
    option: ['The option "{option}" {complaint}.'],
  },
  eInvalidState: {
    closed: ["The phone is closed.", "Create a new Phone."],
    noWasm: [
      "graceline/slim does not know where its wasm is.",
      "Call init(source) first.",
    ],
    callState: ['Not possible while the state of the call is "{state}".'],
  },
  eDeviceAlreadyRegistered: {
    deviceHeldHere: ["This device is registered elsewhere.", ASK],
  },
  eCouldNotConnect: {
    connectionForbidden: [
      "The browser forbids this page to connect to {origin}[ ({why})].",
      "Allow it in connect-src of the page's Content-Security-Policy; a page of https needs wss.",
    ],
  },
  eAborted: {
    aborted: ["The registration was given up. The signal was aborted."],
    superseded: [
      "The registration was given up. A forced registration took its place.",
    ],
    unregistering: [
      "The registration was given up. unregisterPhone was called.",
    ],
    closing: ["The registration was given up. The phone was closed."],
  },
  eCallFailed: {
    neverRegistered: [
      "The phone is not registered.",
      "Call registerPhone first.",
    ],
    callRefused: ["The call failed: {status}[ {reason}]."],
  },
  eMediaFailed: {
    noMediaMethod: ["The phone's media handler has no {method}."],
  },
  eInternal: {
    notTaken: [
      'The phone\'s core does not take the command "{command}".',
      "Please report this.",
    ],
    trap: [
      "The phone failed inside and is out of service.",
      "Create a new Phone, and please report this.",
    ],
    wasmFailed: [
      "The phone's WebAssembly could not be loaded ({why}).",
      "Serve client_bg.wasm and calls_bg.wasm, which bundlers may leave behind, or import graceline/inline. A Content-Security-Policy must allow it in connect-src, and 'wasm-unsafe-eval' in script-src.",
    ],
  },
  // No error, but an event.
  eConnectionTerminated: {
    loggedInElsewhere: [
      "You logged in elsewhere[: {agent}]. Here you are logged out.",
    ],
    sameBrowser: [
      "You logged in in another tab of this browser[: {agent}]. Here you are logged out.",
    ],
    rivalReturned: [
      "A phone that you had logged out logged in again[: {agent}]. Here you are logged out.",
    ],
  },
};

/** What is said after the sentence of a login that left something behind. */
export const left =
  "The registrar may still list this phone, as {left}, until that binding lapses.";
