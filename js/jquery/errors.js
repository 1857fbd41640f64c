/**
 * Error objects as a CWIC page knows them: `{ code, message, details, … }`.
 *
 * Two tables decide which entry a failure gets: the error map (key → entry, extensible by the
 * page through `init`), and the aliases (the name that the phone uses → key). An unlisted name,
 * such as eDeviceAlreadyRegistered, falls back on the key that the caller names, and is then
 * found in `details` and in `nativeError`.
 */

/**
 * @typedef {{ code: number | string, message: string, [property: string]: unknown }} ErrorEntry
 * @typedef {Record<string, ErrorEntry>} ErrorMap
 * @typedef {3 | 11} Compatibility  the CWIC release whose error codes the page expects
 */

/** CWIC 3.0.4: numeric codes. @type {[number, string, string][]} */
const NUMERIC = [
  [0, "Unknown", "Unknown error"],
  [1, "PluginNotAvailable", "Plugin not available"],
  [2, "BrowserNotSupported", "Browser not supported"],
  [3, "InvalidArguments", "Invalid arguments"],
  [4, "InvalidState", "Invalid State"],
  [5, "NativePluginError", "Native plugin error"],
  [6, "OperationNotSupported", "Operation not supported"],
  [7, "ReleaseMismatch", "Release mismatch"],
  [10, "NoCallManagerConfigured", "No CUCM found"],
  [11, "NoDevicesFound", "No devices found"],
  [12, "NoCsfDevicesFound", "No CSF device found"],
  [13, "PhoneConfigGenError", "Phone configuration error"],
  [14, "SipProfileGenError", "Sip profile error"],
  [15, "ConfigNotSet", "Configuration not set"],
  [16, "TftpFetchError", "TFTP fetch error"],
  [
    18,
    "TooManyPluginInstances",
    "Too many plug-in instances - device registered in another browser",
  ],
  [19, "AuthenticationFailure", "Authentication failed"],
  [20, "LoginError", "Login Error"],
  [21, "NoCredentialsConfigured", "No credentials configured"],
  [22, "InvalidCredentials", "Invalid credentials"],
  [30, "CallControlError", "Call control error"],
  [31, "CreateCallError", "Cannot create call"],
  [40, "VideoWindowError", "Video window error"],
  [41, "NotUserAuthorized", "User did not authorize access"],
  [999, "NoError", "No error"],
];

/** CWIC 11.0: the code is the key. @type {Record<string, string>} */
const TEXTUAL = {
  Unknown: "Unknown error",
  PluginNotAvailable: "Plugin not available",
  BrowserNotSupported: "Browser not supported",
  InvalidArguments: "Invalid arguments",
  InvalidState: "Invalid State",
  NativePluginError: "Native plugin error",
  OperationNotSupported: "Operation not supported",
  InvalidTFTPServer: "The configured TFTP server is incorrect",
  InvalidCCMCIPServer: "The configured CCMCIP server is incorrect",
  InvalidCTIServer: "The configured CTI server is incorrect",
  ReleaseMismatch: "Release mismatch",
  NoDevicesFound: "No devices found",
  TooManyPluginInstances: "Too many plug-in instances",
  AuthenticationFailure: "Authentication failed",
  SignInError: "Sign-in Error",
  CallControlError: "Call control error",
  PhoneConfigGenError: "Phone configuration error",
  CreateCallError: "Cannot create call",
  NetworkError: "Network error",
  VideoWindowError: "Video window error",
  CapabilityMissing: "Capability Missing",
  NotUserAuthorized: "User did not authorize access",
  OperationFailed: "Operation Failed",
  ExtensionNotAvailable: "Browser extension not available",
  DockingCapabilitiesNotAvailable:
    "External video docking capabilities not available",
  DockArgumentNotHTMLElement: "Dock needs to be called on an HTMLElement",
  ServiceDiscoveryMissingOrInvalidCallback:
    "Service discovery callback missing or invalid",
  SSOMissingOrInvalidRedirectURI: "Redirect URI missing or invalid",
  InvalidUserInput: "Invalid user input",
  CertificateError: "Certificate error",
  InvalidURLFragment: "Invalid URL fragment received",
  ErrorReadingConfig: "Error reading config",
  UnexpectedLifecycleState: "Unexpected application lifecycle state",
  SSOStartSessionError: "SSO start session error",
  SSOCanceled: "SSO canceled",
  SSOInvalidUserSwitch: "Invalid user switch",
  SSOSessionExpired: "SSO session expired",
  ServiceDiscoveryFailure: "Cannot find services automatically",
  CannotConnectToServer: "Cannot connect to CUCM server",
  SelectDeviceFailure: "Connecting to phone device failed",
  NoError: "No error",
};

/** Names by key, as lists: `key: "name name …"`. */
const SHARED_ALIASES = {
  NoError: "Ok eNoError",
  InvalidArguments: "eInvalidCallId eInvalidArgument",
  InvalidState: "eInvalidState",
  OperationNotSupported: "eOperationNotSupported eNotSupported",
  NotUserAuthorized: "eNotUserAuthorized",
  CreateCallError: "eCreateCallFailed",
  CallControlError: "eCallOperationFailed",
  PhoneConfigGenError: "eNoActiveDevice",
  TooManyPluginInstances: "eLoggedInLock",
  VideoWindowError: "eWindowAlreadyExists eNoWindowExists",
  // CWIC's own slip: a key that its map does not hold, so the error stays "Unknown".
  InvalidArgument: "eNoPhoneMode",
  // Ours: a trap in the core is what a crash of the native plug-in was.
  NativePluginError: "eInternal",
};

const ALIASES_3 = {
  ...SHARED_ALIASES,
  ConfigNotSet: "eTftpNotConfigured eCcmcipNotConfigured eCtiNotConfigured",
  NoCallManagerConfigured:
    "eNoAuthServersConfigured eNoTftpServersConfigured eNoServersConfigured",
  NoCredentialsConfigured: "eNoCredentialsConfigured",
  NoDevicesFound: "eDeviceNotChosen",
  InvalidCredentials: "eCredentialsRejected",
  TftpFetchError:
    "eTftpCouldNotConnect eTftpFileNotFound eTftpFileEmpty eTftpFileInvalid",
  LoginError:
    "eLogoutFailed eUnknownFailure eUnsupportedPhoneMode eAuthCouldNotConnect " +
    "eAuthServerCertificateRejected eAuthResponseEmpty eAuthResponseInvalid " +
    "eOutOfService eNoDeviceNameConfigured eLineMustNotBeConfigured eNoLocalIpConfigured " +
    "eRequireAuthenticationString eCapfEnrolmentFailed eCapfEnrolmentRequired " +
    "eRequireSecureCachePath eRequireSecurityLibrary eStorageError eSecurityLibraryError " +
    "eNoCtiServersConfigured eDeviceNotInService eCouldNotConnect eServerCertificateRejected " +
    "eResponseEmpty eResponseInvalid eDeviceNotAuthorised",
};

const ALIASES_11 = {
  ...SHARED_ALIASES,
  CapabilityMissing: "eCapabilityMissing MissingCapability",
  OperationFailed: "eOperationFailed",
  SignInError: "eLogoutFailed",
  NoDevicesFound: "DeviceRegNoDevicesFound eDeviceNotChosen",
  AuthenticationFailure:
    "InvalidCredential InvalidCredentialServerHealth NoCredentialsConfiguredServerHealth " +
    "ServerAuthenticationFailure InValidConfig InvalidToken " +
    // what 3.x pages call these:
    "eCredentialsRejected InvalidCredentials NoCredentialsConfigured",
  NetworkError: "NoNetwork TLSFailure SSLConnectError",
  CannotConnectToServer: "ServerConnectionFailure",
  CertificateError: "ServerCertificateRejected InvalidCertRejected",
  InvalidTFTPServer: "NoCallManagerConfigured",
  SelectDeviceFailure: "eDeviceNotAuthorised",
};

/** @param {Record<string, string>} lists */
function byName(lists) {
  return new Map(
    Object.entries(lists).flatMap(([key, names]) =>
      names.split(" ").map((name) => [name, key]),
    ),
  );
}

/**
 * @param {Compatibility} compatibility
 * @returns {ErrorMap} a fresh error map
 */
function defaultErrorMap(compatibility) {
  return compatibility === 11
    ? Object.fromEntries(
        Object.entries(TEXTUAL).map(([key, message]) => [
          key,
          { code: key, message },
        ]),
      )
    : Object.fromEntries(
        NUMERIC.map(([code, key, message]) => [key, { code, message }]),
      );
}

/** The error map and aliases of one page. */
export class Errors {
  /** @param {Compatibility} [compatibility] */
  constructor(compatibility = 3) {
    this.compatibility = compatibility;
    this.map = defaultErrorMap(compatibility);
    this.aliases = byName(compatibility === 11 ? ALIASES_11 : ALIASES_3);
    /** The key of a failed login that no table lists. */
    this.loginFailure =
      compatibility === 11 ? "ServerConnectionFailure" : "LoginError";
  }

  /**
   * The page's additions: key (or numeric code) → message, or properties of the entry.
   * @param {Record<string, string | object>} additions
   * @param {(message: string, context?: unknown) => void} [log]
   */
  extend(additions, log = () => {}) {
    for (const [name, info] of Object.entries(additions)) {
      const key = this.#keyOfCode(name) ?? name;
      if (typeof info === "string") {
        this.map[key] = /** @type {ErrorEntry} */ ({
          ...this.map[key],
          message: info,
        });
      } else if (info && typeof info === "object") {
        this.map[key] = /** @type {ErrorEntry} */ ({
          ...this.map[key],
          ...info,
        });
      } else {
        log(`ignoring invalid custom error [key=${name}]`, info);
      }
    }
  }

  /** @param {string} code  "17" in a page's error map means the entry whose code is 17 */
  #keyOfCode(code) {
    return Object.keys(this.map).find(
      (key) => String(this.map[key]?.code) === code,
    );
  }

  /**
   * The entry for a name: its alias, then the name itself as a key, then the same for `backup`.
   * @param {string} name  what the phone reports, or a key
   * @param {string} [backup]  a key
   * @returns {ErrorEntry}
   */
  entry(name, backup = "Unknown") {
    for (const candidate of [name, backup]) {
      const key = this.aliases.get(candidate) ?? candidate;
      if (this.aliases.has(candidate) || Object.hasOwn(this.map, key)) {
        return this.map[key] ?? this.#unknown;
      }
    }
    return this.#unknown;
  }

  get #unknown() {
    return /** @type {ErrorEntry} */ (this.map["Unknown"]);
  }

  /**
   * The error object: "Unknown" to begin with, strings collected in `details`, objects merged
   * in order.
   * @param {...(string | object | null | undefined)} parts
   * @returns {ErrorEntry & { details: string[] }}
   */
  build(...parts) {
    const error = { details: /** @type {string[]} */ ([]), ...this.#unknown };
    for (const part of parts) {
      if (typeof part === "string") error.details.push(part);
      else if (part) Object.assign(error, part);
    }
    return error;
  }
}

/**
 * What a failure adds to the error object. The phone's code comes first in `details`, the sentence
 * for people after it; `nativeError` spares the page a search.
 * @param {any} failure  a PhoneError of the phone's, or of ours, whose code is a key; or anything
 *   thrown: the `code` of a DOMException is a number of old, and its name may be all that it says
 */
export function failureParts(failure) {
  const { code, message, name: kind } = Object(failure);
  const name = typeof code === "string" ? code : "eUnknownFailure";
  const nativeError = /^e[A-Z]/.test(name)
    ? name
    : failure.details?.nativeError;
  const said = message || kind || failure;
  const details = [nativeError, said, failure?.reason]
    .filter(
      (text, index, all) =>
        typeof text === "string" && text && all.indexOf(text) === index,
    )
    .map(harmless);
  /** @type {Record<string, unknown>} */
  const properties = nativeError ? { nativeError } : {};
  for (const key of ["remedy", "status", "reason", "device", "elsewhere"]) {
    const value = failure?.[key] ?? failure?.details?.[key];
    if (value !== undefined && value !== "")
      properties[key] = typeof value === "string" ? harmless(value) : value;
  }
  return { name, details, properties };
}

/**
 * CWIC pages are used to write `details` into the page as HTML, and a failure may quote the
 * network: no text of ours may open a tag or an entity.
 * @param {string} text
 */
export function harmless(text) {
  return text.replace(/[<>&]/g, "");
}
