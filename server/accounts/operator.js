import { isLoopback } from "../../js/phone/options.js";

/** Of the operator's server, in ms. */
const PATIENCE = 10_000;

/**
 * A server of the operator's that does what this one cannot: it is asked over HTTP, so that
 * nothing of what users write reaches a shell.
 *
 * @param {string} url
 * @param {string} [token] proves to that server who asks
 * @returns {(body: object) => Promise<number>} its status
 */
export const operatorsServer = (url, token) => async (body) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    // It goes nowhere else.
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  await answer.body?.cancel();
  return answer.status;
};

/**
 * What is wrong with such a URL, in words.
 *
 * @param {string} text
 * @param {string} option that holds the token
 */
export function complaintAbout(text, option) {
  const { protocol, hostname, username, password } = URL.canParse(text)
    ? new URL(text)
    : /** @type {Partial<URL>} */ ({});
  if (username || password) return `must hold no password: use ${option}`;
  const safe = protocol === "http:" && isLoopback(`${hostname}`);
  return protocol !== "https:" && !safe
    ? "must be an https:// URL, or http:// on loopback"
    : undefined;
}
