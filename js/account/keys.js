/** Where keys are kept: one record an account and instance. */
const DATABASE = "graceline";
const STORE = "devices";

const PAIR = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };

/**
 * @typedef {object} Known a device of this browser profile
 * @property {string} id given by the service
 * @property {string} instanceId
 * @property {CryptoKeyPair} keys
 */

/**
 * The keys of this browser profile's devices, of one account: pairs whose private half no
 * script can read, which alone makes a login without a password safe to offer. Where there
 * is no IndexedDB (Node, some private windows) or no WebCrypto (plain http) there are none.
 */
export class Keys {
  #account;

  /** @param {string} account */
  constructor(account) {
    this.#account = account;
  }

  /**
   * @param {string} [instanceId] default: any
   * @returns {Promise<Known[]>} the one that was kept last first
   */
  async find(instanceId) {
    const account = this.#account;
    const records = await inStore("readonly", (store) =>
      store.getAll(IDBKeyRange.bound([account], [account, []])),
    );
    return (records ?? [])
      .filter((/** @type {Known} */ one) =>
        instanceId ? one.instanceId === instanceId : true,
      )
      .sort((/** @type {any} */ a, /** @type {any} */ b) => b.at - a.at);
  }

  /** @returns {Promise<CryptoKeyPair | undefined>} a new pair, if it could be kept */
  async make() {
    if (!globalThis.indexedDB || !globalThis.crypto?.subtle) return undefined;
    return crypto.subtle.generateKey(PAIR, false, ["sign", "verify"]);
  }

  /**
   * @param {Known} known
   * @returns {Promise<boolean>} whether it will be there tomorrow
   */
  async keep({ id, instanceId, keys }) {
    const account = this.#account;
    const record = { account, instanceId, id, keys, at: Date.now() };
    return !!(await inStore("readwrite", (store) => store.put(record)));
  }

  /** @param {Known} known of which the service knows nothing any more */
  async forget({ instanceId }) {
    const key = [this.#account, instanceId];
    await inStore("readwrite", (store) => store.delete(key));
  }
}

/** @param {CryptoKeyPair} keys @returns {Promise<string>} the point, base64url */
export const publicHalf = async ({ publicKey }) =>
  base64url(await crypto.subtle.exportKey("raw", publicKey));

/** @param {CryptoKeyPair} keys @param {string} text */
export async function sign({ privateKey }, text) {
  const bytes = new TextEncoder().encode(text);
  return base64url(await crypto.subtle.sign(SIGNATURE, privateKey, bytes));
}

/** @param {ArrayBuffer} bytes */
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>} undefined where nothing can be kept
 */
async function inStore(mode, work) {
  let database;
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () =>
      opening.result.createObjectStore(STORE, {
        keyPath: ["account", "instanceId"],
      });
    database = await done(opening);
    return await done(
      work(database.transaction(STORE, mode).objectStore(STORE)),
    );
  } catch {
    // Blocked, full or missing: nothing worse than asking for the password again.
    return undefined;
  } finally {
    database?.close();
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
