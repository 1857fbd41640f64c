// How people and times are said.

/**
 * @param {import("../../../js/account/index.js").Party} party
 * @param {string} domain of the user: without saying so it is that
 */
export function nameOf({ uri, displayName }, domain) {
  const address = uri.replace(/^(sips?|tel):/i, "").replace(/[;?].*$/, "");
  const [user, at] = address.split("@");
  return displayName || (at?.toLowerCase() === domain ? user : address);
}

/** @param {number} seconds */
export function lengthOf(seconds) {
  const two = (/** @type {number} */ n) => `${n}`.padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)} min`;
}

/** @param {string} at in ISO 8601 */
export function when(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], {
    ...(!isToday && { dateStyle: "medium" }),
    timeStyle: "short",
  });
}
