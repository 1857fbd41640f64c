import { randomId, sealed, unsealed } from "./secrets.js";

const NONCE_SECONDS = 60;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * Proof by the key of a device: it signs a nonce. Nonces are sealed rather than kept, so
 * that asking for many fills nothing; only one that was answered is remembered.
 */
export class DeviceKeys {
  #store;

  /** @param {import("./store/store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {string} subject who is to answer */
  async nonce(subject) {
    const until = Date.now() + NONCE_SECONDS * 1000;
    const nonce = sealed(await this.#key(), {
      id: randomId(),
      subject,
      until,
    });
    return { nonce, expiresIn: NONCE_SECONDS };
  }

  /**
   * @param {string} subject
   * @param {string} nonce
   * @param {string} signature
   * @param {string} key public half
   */
  async proves(subject, nonce, signature, key) {
    const value = unsealed(await this.#key(), nonce);
    if (value?.subject !== subject || value.until <= Date.now()) return false;
    if (!(await isSigned(`${subject}\n${nonce}`, signature, key))) return false;
    return this.#store.once(`nonce ${value.id}`, NONCE_SECONDS);
  }

  #key() {
    return this.#store.secret("nonces");
  }
}

/**
 * What a device signs, but for the nonce.
 *
 * @param {{ user: string, domain: string, deviceId: string }} claimed
 */
export const subjectOf = ({ user, domain, deviceId }) =>
  `graceline-session\n${user}@${domain}\n${deviceId}`;

/** @param {string} text @param {string} signature @param {string} key */
async function isSigned(text, signature, key) {
  const bytes = (/** @type {string} */ base64) =>
    Buffer.from(base64, "base64url");
  try {
    const imported = await crypto.subtle.importKey(
      "raw",
      bytes(key),
      ALGORITHM,
      false,
      ["verify"],
    );
    return await crypto.subtle.verify(
      ALGORITHM,
      imported,
      bytes(signature),
      Buffer.from(text),
    );
  } catch {
    // No point of the curve.
    return false;
  }
}
