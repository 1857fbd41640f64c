// What a shared phone keeps beyond its host: a worker has no localStorage.

const DATABASE = "graceline-shared";
const STORE = "phones";

/**
 * A Storage for one phone, over IndexedDB; and a class of WebSockets that send nothing
 * before what was stored until then is: the count of a nonce must not be used twice
 * (RFC 7616 §3.4), also where a host dies at once. Where there is no IndexedDB nothing
 * outlives the host.
 */
export class Memory {
  /** @type {Map<string, string>} */
  #items = new Map();
  /** Settles when all is stored. @type {Promise<unknown> | undefined} */
  #storing;
  /** @type {Promise<IDBDatabase> | undefined} */
  #database;

  /** Reads what is there. */
  async open() {
    const [keys, values] = await Promise.all([
      this.#inStore("readonly", (store) => store.getAllKeys()),
      this.#inStore("readonly", (store) => store.getAll()),
    ]);
    keys?.forEach((/** @type {string} */ key, /** @type {number} */ at) =>
      this.#items.set(key, values[at]),
    );
    return this;
  }

  /** @param {string} key */
  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  setItem(key, value) {
    this.#items.set(key, value);
    const stored = this.#inStore("readwrite", (store) => store.put(value, key));
    const storing = Promise.all([this.#storing, stored]).then(() => {
      if (this.#storing === storing) this.#storing = undefined;
    });
    this.#storing = storing;
  }

  /** @param {any} WebSocket a class */
  socketClass(WebSocket) {
    const memory = this;
    return class extends WebSocket {
      /** @type {Promise<unknown> | undefined} */
      #sent;

      /** @param {any} data */
      send(data) {
        this.#inTurn(() => super.send(data));
      }

      close() {
        this.#inTurn(() => super.close());
      }

      /** @param {() => void} act */
      #inTurn(act) {
        const before = memory.#storing ?? this.#sent;
        if (!before) return act();
        // A socket that is not open any more says so by its close.
        const sent = Promise.all([before, this.#sent])
          .then(act)
          .catch(() => {})
          .then(() => {
            if (this.#sent === sent) this.#sent = undefined;
          });
        this.#sent = sent;
      }
    };
  }

  /**
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest} act
   * @returns {Promise<any>} undefined where nothing can be kept
   */
  async #inStore(mode, act) {
    try {
      const database = await (this.#database ??= openDatabase());
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = reject;
      });
      return request.result;
    } catch {
      // Blocked or full: the next host begins anew, nothing worse.
      this.#database = undefined;
      return undefined;
    }
  }
}

/** @returns {Promise<IDBDatabase>} */
const openDatabase = () =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
