// Candidates in INFO bodies: application/trickle-ice-sdpfrag (RFC 8840 §9).

/**
 * All candidates gathered so far: the lists of a fragment are cumulative (§4.4).
 *
 * @param {string} sdp the local description, which holds them
 * @param {boolean} end whether there will be no more
 */
export function fragmentOf(sdp, end) {
  const [session, ...media] = sdp.split(/^(?=m=)/m);
  // Bundled: the first section's transport is that of all.
  const credentials = lines(session + (media[0] ?? ""), /^a=ice-(ufrag|pwd):/);
  const parts = media.flatMap((section) => {
    const candidates = lines(section, /^a=candidate:/);
    if (!candidates.length) return [];
    if (end) candidates.push("a=end-of-candidates");
    return [...lines(section, /^(m=|a=mid:)/), ...candidates];
  });
  return parts.length ? [...credentials, ...parts, ""].join("\r\n") : "";
}

/**
 * @param {string} fragment from the network
 * @returns {RTCIceCandidateInit[]}
 */
export function candidatesIn(fragment) {
  const usernameFragment = /^a=ice-ufrag:(\S+)/m.exec(fragment)?.[1];
  const [, ...media] = fragment.split(/^(?=m=)/m);
  return media.flatMap((section, sdpMLineIndex) => {
    const sdpMid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const where = sdpMid === undefined ? { sdpMLineIndex } : { sdpMid };
    return lines(section, /^a=candidate:/).map((line) => ({
      candidate: line.slice(2),
      usernameFragment,
      ...where,
    }));
  });
}

/**
 * @param {string} text
 * @param {RegExp} wanted
 */
const lines = (text, wanted) =>
  text.split(/\r?\n/).filter((line) => wanted.test(line));
