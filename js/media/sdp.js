// What is read from, and changed in, session descriptions (RFC 8866).

/** The part in DTLS of the one that plays the other part. @type {Record<string, string>} */
export const OTHER = { active: "passive", passive: "active" };

/** The session's lines, and those of each medium. @param {string} sdp */
const parts = (sdp) => sdp.split(/^(?=m=)/m);

/**
 * The kinds of a description's media, in order.
 *
 * @param {string} sdp
 */
export const kindsIn = (sdp) =>
  [...sdp.matchAll(/^m=(\w+)/gm)].map(([, kind]) => kind);

/**
 * Whether a description has a stream of a kind that is not refused (RFC 3264 §6).
 *
 * @param {string} sdp
 * @param {string} kind
 */
export const isOpen = (sdp, kind) =>
  new RegExp(`^m=${kind} (?!0[ /])`, "m").test(sdp);

/**
 * Whether it refuses all the sound and pictures that it has.
 *
 * @param {string} sdp
 */
export const isShut = (sdp) =>
  /^m=(audio|video) 0[ /]/m.test(sdp) && !isOpen(sdp, "(audio|video)");

/** @typedef {{ ufrag?: string, fingerprint?: string }} Transport of ICE, and of DTLS */

/**
 * Whom a description would have us talk to, if it says so in a way that browsers
 * understand (RFC 8839 §5.4, RFC 8122 §5).
 *
 * @param {string | undefined} sdp
 * @returns {Transport}
 */
export const transportOf = (sdp = "") => ({
  ufrag: /^a=ice-ufrag:(\S{4,})/m.exec(sdp)?.[1],
  fingerprint: /^a=fingerprint:(sha-(1|224|256|384|512) .*\w)/im
    .exec(sdp)?.[1]
    .toLowerCase(),
});

/**
 * The part in DTLS that a description chooses; "actpass" chooses none.
 *
 * @param {string | undefined} sdp
 */
export const roleIn = (sdp = "") => /^a=setup:(active|passive)/m.exec(sdp)?.[1];

/**
 * @param {string} sdp
 * @param {string} role
 */
export const inRole = (sdp, role) =>
  sdp.replace(/^a=setup:\w+/gm, `a=setup:${role}`);

/**
 * The offer that holds: RFC 3264 §8.4.
 *
 * @param {string} sdp
 */
export const holding = (sdp) =>
  sdp
    .replace(/^a=sendrecv\b/gm, "a=sendonly")
    .replace(/^a=recvonly\b/gm, "a=inactive");

/**
 * The same streams with nothing flowing in them.
 *
 * @param {string} sdp
 */
export function inactive(sdp) {
  const bare = sdp.replace(
    /^a=(sendrecv|sendonly|recvonly|inactive)\r?\n/gm,
    "",
  );
  const [session, ...media] = parts(bare);
  return [session, ...media.map((part) => `${part}a=inactive\r\n`)].join("");
}

/**
 * The answer that refuses every stream of an offer, as the offer does itself
 * (RFC 3264 §6: a port of zero is answered by a port of zero).
 *
 * @param {string} offer
 * @param {string} local a description of ours, of this session
 */
export function refusing(offer, local) {
  const session = parts(local)[0].replace(/^a=group:.*\r?\n/gm, "");
  const [, ...media] = parts(offer);
  return [
    session,
    ...media.map((part) => {
      const [line] = part.split(/\r?\n/);
      const mid = /^a=mid:\S+/m.exec(part);
      return [
        line.replace(/^(m=\S+) \S+/, "$1 0"),
        "c=IN IP4 0.0.0.0",
        ...(mid ?? []),
        "",
      ].join("\r\n");
    }),
  ].join("");
}
