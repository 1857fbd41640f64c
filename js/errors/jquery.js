/**
 * What the jQuery plug-in says by itself, by the keys of CWIC's error map. Without a full
 * stop: CWIC's own words, which pages may know.
 *
 * @type {import("./catalogue.js").Catalogue}
 */
export const jquery = {
  PluginNotAvailable: {
    notInitialized: ["Plug-in is not available or has not been initialized"],
  },
  BrowserNotSupported: {
    noWebAssembly: ["This browser has no WebAssembly.", "Use a current one."],
  },
  InvalidArguments: {
    wrongArguments: ["wrong arguments ({what})"],
    unknownUpdate: ["wrong arguments (update conversation)[ - {update}]"],
    noPassword: ["invalid password (type {type})"],
    noUser: ["Missing user name"],
    phoneMode: ['Invalid phone mode "{mode}"'],
    emptySelection: ["cannot start conversation with empty selection"],
    noRecipient: ["cannot start conversation: undefined or empty recipient"],
    nothingToUpdate: [
      "cannot update conversation: undefined or empty conversation id",
    ],
    nothingToEnd: [
      "cannot end conversation: undefined or empty conversation id",
    ],
    noSuchCall: ["eInvalidCallId: there is no call {id}"],
    recipientIsCall: [
      "{id} is a call.",
      "Answer it by { id }, call that number as text.",
    ],
  },
  InvalidState: {
    notLoggedIn: ["No phone is logged in.", "Call registerPhone first."],
  },
  InvalidCredentials: {
    passwordUnreadable: [
      "The encrypted password (cipher {cipher}) cannot be read.",
      "Ask the user for the password.",
    ],
  },
  NoCallManagerConfigured: {
    noServer: ["Missing CUCM address"],
    noWebSocketUrl: [
      "No WebSocket address was given.",
      'Add a ws:// or wss:// URL to "cucm", or set the option "connections".',
    ],
  },
  NoDevicesFound: {
    noDevice: ["no device found"],
  },
  OperationNotSupported: {
    notAvailable: ["{method} is not available yet."],
    noJoin: ["updateConversation: calls cannot be joined"],
    certificates: ["Check cwic('about').capabilities.certValidation"],
  },
  MissingCapability: {
    noDivert: ["cannot iDivert - missing capability"],
  },
  Unknown: {
    noMethod: ["{method}: no such method on jQuery.cwic"],
  },
};
