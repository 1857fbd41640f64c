import { isLoopback } from "../../js/phone/options.js";

/** Of the operator's server, in ms. */
const PATIENCE = 10_000;

/**
 * Sends codes by a server of the operator's, which is asked over HTTP: nothing of what users
 * write reaches a shell.
 *
 * @param {string} url
 * @param {string} [token] proves to that server who asks
 * @returns {(sending: import("./codes.js").Sending) => Promise<void>}
 */
export const codesTo =
  (url, token) =>
  async ({ id, code, channel }) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ id, code, channel }),
      // A code goes nowhere else.
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
  };

/** What is wrong with such a URL, in words. @param {string} text */
export function complaintAbout(text) {
  const { protocol, hostname, username, password } = URL.canParse(text)
    ? new URL(text)
    : /** @type {Partial<URL>} */ ({});
  if (username || password) return "must hold no password: use send-code-token";
  const safe = protocol === "http:" && isLoopback(`${hostname}`);
  return protocol !== "https:" && !safe
    ? "must be an https:// URL, or http:// on loopback"
    : undefined;
}
