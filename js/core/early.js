/** `readyState` of a WebSocket. */
const OPEN = 1;

/**
 * A socket that is opened before anybody asks for it: most logins wait for the wasm and for the
 * way to the server, which need not be one after the other.
 *
 * @param {any} WebSocket a class
 * @param {string} url
 * @returns {{ WebSocket: any, close(): void }} in place of the class, for which the first socket
 *   to that address is this one, unless it was closed meanwhile
 */
export function openEarly(WebSocket, url) {
  /** @type {any} */
  let early;
  const take = () => [early, (early = undefined)][0];
  try {
    early = new WebSocket(url, "sip");
    // In Node an error nobody handles would end the process.
    early.onerror = () => {};
  } catch {
    // Whoever asks for one will hear why.
  }
  return {
    // What an ordinary function returns is what `new` gives.
    WebSocket: function (/** @type {[string, string]} */ ...args) {
      const is = args[0] === url && early?.readyState <= OPEN;
      return is ? take() : new WebSocket(...args);
    },
    close() {
      try {
        take()?.close();
      } catch {
        // The app's own class misbehaves; nobody needs it anyway.
      }
    },
  };
}
