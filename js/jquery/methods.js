/** The methods of `$.fn.cwic`: CWIC 3.0.4's, and with `compatibility: 11` those of 11.0. */

import { conversationMethods } from "./conversations.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {any} Selection  a jQuery selection
 * @typedef {(this: Selection, ...args: any[]) => unknown} Method
 */

/**
 * @param {Session} session
 * @param {object} page
 * @param {() => void} page.unbind  removes the document's handlers of cwic events
 * @returns {Map<string, Method>}
 */
export function createMethods(session, page) {
  /** @type {Record<string, Method>} */
  const methods = {
    about: () => session.about(),

    init(options) {
      return session.init(this, options ?? {});
    },

    shutdown() {
      session.shutdown();
      page.unbind();
    },

    rebootIfBroken: (callback) => session.rebootIfBroken(callback),

    registerPhone(args) {
      return session.registerPhone(this, args ?? {});
    },

    switchPhoneMode(options) {
      return session.switchPhoneMode(this, options ?? {});
    },

    unregisterPhone(options) {
      if (!session.started) session.refuse(this, "notInitialized");
      session.unregisterPhone(options ?? {});
      return this;
    },

    getInstanceId: () => session.instanceId,

    // There is no plug-in whose use the browser's user would have to allow.
    getUserAuthStatus: () => "UserAuthorized",

    showUserAuthorization(options) {
      if (typeof options?.denied !== "function") {
        return session.refuse(this, "wrongArguments", { what: "" });
      }
      queueMicrotask(() => session.announce());
      return this;
    },

    disableCertValidation: certificateMethod(session),
    enableCertValidation: certificateMethod(session),

    ...conversationMethods(session),
  };
  return new Map(
    Object.entries(methods).map(([name, method]) => [
      name,
      ALWAYS.includes(name) ? method : whenStarted(session, method),
    ]),
  );
}

/** What can be asked without `init`, or refuses by itself. */
const ALWAYS = [
  ...["about", "init", "shutdown", "rebootIfBroken", "getInstanceId"],
  ...["getUserAuthStatus", "registerPhone", "switchPhoneMode"],
  "unregisterPhone",
];

/**
 * @param {Session} session
 * @param {Method} method
 * @returns {Method}
 */
function whenStarted(session, method) {
  return function (...args) {
    return session.started
      ? method.apply(this, args)
      : session.refuse(this, "notInitialized", { callback: args[0]?.error });
  };
}

/**
 * The browser validates certificates, always.
 * @param {Session} session
 * @returns {Method}
 */
function certificateMethod(session) {
  return function () {
    return session.refuse(this, "certificates");
  };
}

/** Names that 11.0 added and that have no equivalent here yet. */
const ADDED_IN_11 =
  "startDiscovery cancelSSO resetData setRingerDevice dock undock showCallInExternalWindow " +
  "hideExternalWindow showPreviewInExternalWindow getExternalWindowState " +
  "setExternalWindowAlwaysOnTop setExternalWindowShowSelfViewPip setExternalWindowShowControls " +
  "setExternalWindowTitle setExternalWindowSelfViewPipPosition " +
  "setExternalWindowShowSelfViewPipBorder setSpeakerVolume setRingerVolume setMicrophoneVolume " +
  "getMultimediaDeviceVolume setRingtone setPlayRingerOnAllDevices";

/**
 * @param {Session} session
 * @returns {Map<string, Method>}
 */
export function createMethods11(session) {
  /** @type {Map<string, Method>} */
  const methods = new Map();
  for (const name of ADDED_IN_11.split(" ")) {
    methods.set(name, function () {
      const at = session.started ? "notAvailable" : "notInitialized";
      return session.refuse(this, at, { method: name });
    });
  }
  methods.set("manualSignIn", function (args) {
    return session.registerPhone(this, args ?? {});
  });
  methods.set("signOut", function (options) {
    if (!session.started) session.refuse(this, "notInitialized");
    session.unregisterPhone({ ...options, forceLogout: true });
    return this;
  });
  return methods;
}
