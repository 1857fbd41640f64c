/** The objects that CWIC hands to a page: devices, lines, registrations, `about()`. */

/**
 * @typedef {object} Device
 * @property {string} name
 * @property {string} description
 * @property {string} model
 * @property {string} modelDescription
 * @property {boolean} isSoftPhone
 * @property {boolean} isDeskPhone
 * @property {string[]} lineDNs
 * @property {"eUnknown" | "eInService" | "eOutOfService"} serviceState
 * @property {boolean} inService
 * @property {string} serviceCause
 * @property {boolean} isPrivate
 * @property {boolean} isDND
 * @property {string} DNDType
 * @property {Line[]} lines
 * @property {boolean} exists
 *
 * @typedef {object} Line
 * @property {string} directoryNumber
 * @property {string} externalNumber
 * @property {string} name
 * @property {string} label
 * @property {Record<string, boolean>} capabilities
 * @property {boolean} exists
 * @property {boolean} registered
 *
 * @typedef {object} CwicRegistration
 * @property {string} [user]
 * @property {string} [mode]
 * @property {boolean} [authenticate]
 * @property {boolean} [useCcmcip]
 * @property {boolean} [forceRegistration]
 * @property {Record<string, Device>} devices
 * @property {Device} [device]
 * @property {Line} [line]
 * @property {string} [domain]       ours, as are the next three
 * @property {string} [instanceId]
 * @property {string} [connection]
 * @property {number} [expires]
 */

/** The API level that pages find in `about()`, by compatibility. */
const API_VERSION = { 3: "3.0.4.0", 11: "11.0.1.0" };

/**
 * @param {string} directoryNumber
 * @param {boolean} registered
 * @returns {Line}
 */
export function line(directoryNumber, registered) {
  return {
    directoryNumber,
    externalNumber: "",
    name: directoryNumber,
    label: directoryNumber,
    capabilities: {},
    exists: true,
    registered,
  };
}

/**
 * A soft phone device with one line, the user's.
 * @param {string} name
 * @param {string} user
 * @param {boolean} inService
 * @returns {Device}
 */
export function softPhone(name, user, inService) {
  return {
    name,
    description: "",
    model: "503",
    // By this text CWIC and its pages recognise a soft phone.
    modelDescription: "Cisco Unified Client Services Framework",
    isSoftPhone: true,
    isDeskPhone: false,
    lineDNs: [user],
    serviceState: inService ? "eInService" : "eOutOfService",
    inService,
    serviceCause: "",
    isPrivate: false,
    isDND: false,
    DNDType: "",
    lines: [line(user, inService)],
    exists: true,
  };
}

/**
 * A desk phone with the line that is controlled on it.
 * @param {{ device: string, line: string, description?: string, inService: boolean }} appearance
 * @returns {Device}
 */
export function deskPhone({
  device,
  line: number,
  description = "",
  inService,
}) {
  return {
    ...softPhone(device, number, inService),
    description,
    model: "",
    modelDescription: "",
    isSoftPhone: false,
    isDeskPhone: true,
  };
}

/** What `about().device` says while there is none. */
const NO_DEVICE = {
  exists: false,
  inService: false,
  lines: {},
  model: -1,
  modelDescription: "",
  name: "",
};

/**
 * @param {string} version  four numbers
 */
function numbered(version) {
  const [release, major, minor, revision] = version.split(".");
  return { release, major, minor, revision };
}

/**
 * @param {object} state
 * @param {3 | 11} state.compatibility
 * @param {string} state.jquery    jQuery's version
 * @param {boolean} state.started  whether `init` was called
 * @param {string} state.status    of the phone
 * @param {Device | undefined} state.device
 */
export function about({ compatibility, jquery, started, status, device }) {
  const version = API_VERSION[compatibility];
  const release = { system_release: "Graceline" };
  return {
    javascript: { version, ...release, ...numbered(version) },
    jquery: { version: jquery },
    plugin: started
      ? {
          version: { plugin: version, ecc: version, ...release },
          ...numbered(version),
        }
      : null,
    states: { system: started ? status : "unknown" },
    device: device ?? NO_DEVICE,
    // Nothing to authorise; the browser validates certificates.
    capabilities: {
      video: Boolean(globalThis.RTCPeerConnection),
      multireg: true,
      delayedUserAuth: true,
      certValidation: false,
    },
    upgrade: {},
  };
}
