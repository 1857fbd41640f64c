// How secure the telephone system says that a call is: the parameter `security`
// of Cisco's Call-Info. It tells of the whole way, by its weakest part; our own
// leg of it is always encrypted (DTLS-SRTP).

import { find, say } from "./element.js";

/**
 * What each value means, and its icon.
 * @type {Record<string, { icon: string, name: string, meaning: string }>}
 */
const LEVELS = {
  encrypted: {
    icon: "lock",
    name: "Encrypted",
    meaning: "sound and signalling, all the way.",
  },
  authenticated: {
    icon: "shield",
    name: "Authenticated",
    meaning: "all are who they say they are, but the sound can be overheard.",
  },
  notauthenticated: {
    icon: "open-lock",
    name: "Not secure",
    meaning: "part of the way is open to others.",
  },
};
const UNKNOWN = {
  icon: "unknown",
  name: "Security unknown",
  meaning: "the telephone system cannot tell.",
};

/**
 * Shows what is known of a call; nothing, as long as nothing was told.
 * @param {HTMLElement} place
 * @param {import("../js/index.js").CallInfo | null} callInfo
 */
export function showSecurity(place, callInfo) {
  const told = callInfo?.security;
  place.hidden = told === undefined;
  if (told === undefined) return;
  const value = String(told).toLowerCase();
  const level = Object.hasOwn(LEVELS, value) ? LEVELS[value] : UNKNOWN;
  place.dataset.security = level.icon;
  find(place, "use").setAttribute(
    "href",
    `/demo/icons.svg#security-${level.icon}`,
  );
  say(find(place, ".security__name"), `${level.name}:`);
  say(find(place, ".security__meaning"), level.meaning);
}

/**
 * What a phone sends so that the far end is told of a security.
 * @param {string} security a value, or nothing
 * @returns {Record<string, string>}
 */
export const callInfoHeader = (security) =>
  security
    ? {
        "Call-Info": `<urn:x-cisco-remotecc:callinfo>; security=${security}`,
      }
    : {};
