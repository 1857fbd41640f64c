/**
 * Reading what a page hands to `registerPhone`. Nothing here looks at the page's own address:
 * neither a connection nor a credential ever comes from a URL that somebody could have sent.
 */

/**
 * @typedef {object} Addresses  CWIC's three address lists
 * @property {string[]} tftp
 * @property {string[]} ccmcip
 * @property {string[]} cti
 *
 * @typedef {{ cipher: string, encrypted: string }} EncryptedPassword
 */

/**
 * A text argument; CWIC pages have extensions, keys and ids as numbers, too.
 * @param {unknown} value
 * @returns {string} "" where it is neither
 */
export function textOf(value) {
  if (typeof value === "string") return value.trim();
  return Number.isSafeInteger(value) && Number(value) >= 0 ? `${value}` : "";
}

/** @param {unknown} value @returns {any[]} */
export function toArray(value) {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/**
 * CWIC's `cucm`: a string ("address" or "label address"), an object of address lists, or an
 * array of both. `ccmcip` and `cti` default to `tftp`.
 * @param {unknown} cucm
 * @returns {Addresses}
 */
export function parseCucm(cucm) {
  /** @type {Addresses} */
  const addresses = { tftp: [], ccmcip: [], cti: [] };
  for (const element of toArray(cucm)) {
    const lists =
      typeof element === "object" && element ? element : { tftp: [element] };
    const tftp = addressList(lists.tftp);
    addresses.tftp.push(...tftp);
    addresses.ccmcip.push(
      ...(Array.isArray(lists.ccmcip) ? addressList(lists.ccmcip) : tftp),
    );
    addresses.cti.push(
      ...(Array.isArray(lists.cti) ? addressList(lists.cti) : tftp),
    );
  }
  return addresses;
}

/** @param {unknown} list */
function addressList(list) {
  return Array.isArray(list)
    ? list.filter((item) => typeof item === "string").map(lastWord)
    : [];
}

/** "Lab node ws://10.0.0.1:8080" is a label and an address. @param {string} text */
function lastWord(text) {
  return text.trim().split(/\s+/).pop() ?? "";
}

/**
 * The URLs to connect to: the option, else every WebSocket URL among the addresses, in order,
 * each once.
 * @param {unknown} option  `connections` of registerPhone or init
 * @param {Addresses} addresses
 * @returns {string[]}
 */
export function connectionUrls(option, addresses) {
  const given = toArray(option);
  const candidates =
    given.length > 0
      ? given
      : Object.values(addresses).flat().filter(isWebSocketUrl);
  return [...new Set(candidates)];
}

/** @param {string} address */
function isWebSocketUrl(address) {
  return /^wss?:\/\//i.test(address);
}

/**
 * The CTI gateway: a SIP URI among the addresses, those of CTI first; else the user that our
 * gateway is by default.
 *
 * @param {Addresses} addresses
 * @param {string} domain
 */
export const gatewayOf = ({ cti, tftp, ccmcip }, domain) =>
  [...cti, ...tftp, ...ccmcip].find((address) => /^sips?:/i.test(address)) ??
  `sip:cti@${domain}`;

/**
 * The host of a connection URL: the domain of a page that names none.
 * @param {string | undefined} url
 * @returns {string} "" where the URL has none (the phone refuses the URL, and says why)
 */
export function hostOf(url) {
  try {
    return new URL(String(url)).hostname;
  } catch {
    return "";
  }
}

/**
 * The name in a device or line argument, which is a string or CWIC's object.
 * @param {unknown} argument
 * @param {"name" | "directoryNumber"} property
 */
export function nameOf(argument, property) {
  return textOf(
    typeof argument === "object" && argument
      ? /** @type {Record<string, unknown>} */ (argument)[property]
      : argument,
  );
}

/**
 * CWIC handed the page an encrypted password, to be given back at the next login. Here it is a
 * random handle that means something to this page load alone: the password itself never leaves.
 */
export class Passwords {
  /** @type {Map<string, string>} */
  #byHandle = new Map();

  /**
   * @param {string} password
   * @returns {EncryptedPassword}
   */
  keep(password) {
    for (const [handle, kept] of this.#byHandle) {
      if (kept === password) return { cipher: "cucm", encrypted: handle };
    }
    // 32 bytes are 44 characters ending in "=": the form by which CWIC pages tell an encrypted
    // password from a clear one.
    const handle = btoa(
      String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))),
    );
    this.#byHandle.set(handle, password);
    return { cipher: "cucm", encrypted: handle };
  }

  /**
   * @param {EncryptedPassword} encrypted  cipher "cucm": a handle of ours; "base64": the UTF-8
   *   bytes of the password
   * @returns {string | undefined} undefined where it says nothing to us
   */
  open({ cipher, encrypted }) {
    if (cipher === "cucm") return this.#byHandle.get(encrypted);
    try {
      const bytes = Uint8Array.from(atob(encrypted), (character) =>
        character.charCodeAt(0),
      );
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return undefined;
    }
  }

  clear() {
    this.#byHandle.clear();
  }
}
