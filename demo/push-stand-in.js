// A push subscription of a page itself, for browsers without push or without a push service that
// they reach: the demo's server takes the push and hands it on as it is, sealed for this page.

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const text = new TextEncoder();

/** A subscriber of RFC 8030, which opens what it is sent as a browser would (RFC 8291). */
export class StandIn {
  #keys;
  #auth = crypto.getRandomValues(new Uint8Array(16));
  id = crypto.randomUUID();

  static async make() {
    return new StandIn(
      await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]),
    );
  }

  /** @param {CryptoKeyPair} keys */
  constructor(keys) {
    this.#keys = keys;
  }

  /** As `PushSubscription.toJSON` has it. */
  async subscription() {
    return {
      endpoint: new URL(`/demo/api/push/${this.id}`, location.href).href,
      keys: {
        p256dh: base64url(await this.#publicHalf()),
        auth: base64url(this.#auth),
      },
    };
  }

  /**
   * What was sent: `aes128gcm` (RFC 8188 §2.1) in one record.
   * @param {string} body in base64
   * @returns {Promise<any>}
   */
  async open(body) {
    const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
    const salt = bytes.slice(0, 16);
    const end = 21 + (bytes[20] ?? 0);
    const sender = bytes.slice(21, end);
    const secret = await this.#agree(sender);
    const info = join("WebPush: info\0", await this.#publicHalf(), sender);
    const ikm = await derive(secret, this.#auth, info, 32);
    const part = (/** @type {string} */ name, /** @type {number} */ length) =>
      derive(ikm, salt, text.encode(`Content-Encoding: ${name}\0`), length);
    const key = await crypto.subtle.importKey(
      "raw",
      await part("aes128gcm", 16),
      "AES-GCM",
      false,
      ["decrypt"],
    );
    const iv = await part("nonce", 12);
    const plain = new Uint8Array(
      await crypto.subtle.decrypt(
        { name: "AES-GCM", iv },
        key,
        bytes.slice(end),
      ),
    );
    // Ends in a delimiter and padding (RFC 8188 §2).
    return JSON.parse(
      new TextDecoder().decode(plain.slice(0, plain.lastIndexOf(2))),
    );
  }

  async #publicHalf() {
    const { publicKey } = this.#keys;
    return new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  }

  /** @param {Uint8Array<ArrayBuffer>} sender */
  async #agree(sender) {
    const theirs = await crypto.subtle.importKey(
      "raw",
      sender,
      CURVE,
      false,
      [],
    );
    return crypto.subtle.deriveBits(
      { ...CURVE, public: theirs },
      this.#keys.privateKey,
      256,
    );
  }
}

/**
 * HKDF (RFC 5869) with SHA-256.
 * @param {ArrayBuffer} secret
 * @param {Uint8Array<ArrayBuffer>} salt
 * @param {Uint8Array<ArrayBuffer>} info
 * @param {number} length
 */
async function derive(secret, salt, info, length) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, [
    "deriveBits",
  ]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info };
  return crypto.subtle.deriveBits(how, key, 8 * length);
}

/** @param {string} label @param {...Uint8Array} parts */
const join = (label, ...parts) =>
  new Uint8Array([
    ...text.encode(label),
    ...parts.flatMap((part) => [...part]),
  ]);

/** @param {Uint8Array} bytes */
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
