// As much of IndexedDB as keeps records, which Node has not; the records outlive nobody.

/** Gives Node an IndexedDB that is empty, until the test ends. */
export function useIndexedDb(t) {
  const stores = new Map();
  globalThis.indexedDB = {
    open() {
      const request = { result: database(stores) };
      queueMicrotask(() => {
        if (!stores.size) request.onupgradeneeded?.();
        request.onsuccess();
      });
      return request;
    },
  };
  globalThis.IDBKeyRange = { bound: (lower) => lower };
  t.after(() => {
    delete globalThis.indexedDB;
    delete globalThis.IDBKeyRange;
  });
}

const database = (stores) => ({
  createObjectStore: (name, { keyPath }) =>
    stores.set(name, { keyPath, records: new Map() }),
  transaction: (name) => ({
    objectStore: () => {
      const { keyPath, records } = stores.get(name);
      const keyOf = (record) =>
        JSON.stringify(keyPath.map((part) => record[part]));
      return {
        put: (record) =>
          answered(records.set(keyOf(record), record) && keyOf(record)),
        delete: (key) => answered(void records.delete(JSON.stringify(key))),
        // By the first part of the key alone, as the range of a test's account is.
        getAll: ([first]) =>
          answered(
            [...records.values()].filter((one) => one[keyPath[0]] === first),
          ),
      };
    },
  }),
  close() {},
});

function answered(result) {
  const request = { result };
  queueMicrotask(() => request.onsuccess());
  return request;
}
