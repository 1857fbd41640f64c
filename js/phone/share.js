/** What a shared phone may be asked for before that what it is made of is loaded. */
const METHODS = ["registerPhone", "unregisterPhone", "close", "message"];

/**
 * Makes a phone one that all tabs share: js/shared takes the place of what it is by
 * itself.
 *
 * @param {any} phone
 * @param {any} settings
 * @param {import("./storage.js").Store} store
 * @param {() => Promise<unknown>} admit loads what lets it in, where there are accounts
 */
export function share(phone, settings, store, admit) {
  const loading = import("../shared/phone.js").then(
    ({ SharedPhone }) => new SharedPhone(phone, settings, store, admit),
  );
  for (const name of METHODS)
    phone[name] = async (/** @type {any[]} */ ...args) =>
      /** @type {any} */ (await loading)[name](...args);
  return loading;
}
