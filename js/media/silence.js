// Whether a far end has gone without a word. Loaded for phones with `mediaTimeout`.

/**
 * Resolves when so many seconds have passed in which something was to come from the
 * far end, as before, and nothing did; with false where the call ended first. Seconds
 * are looks: a page that slept has missed nothing.
 *
 * @param {import("../call/call.js").Call} call
 * @param {number} seconds
 * @returns {Promise<boolean>}
 */
export async function fallsSilent(call, seconds) {
  let [before, silent] = [0, 0];
  while (silent < seconds) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = await received(call);
    if (call.state === "ended") return false;
    // A held call is silent, and so is one whose far end has said that it only listens.
    const awaited =
      call.state === "connected" &&
      call.remoteStream?.getTracks().some(({ muted }) => !muted);
    silent = now > 0 && now === before && awaited ? silent + 1 : 0;
    before = now;
  }
  return true;
}

/**
 * Packets of sound and pictures.
 *
 * @param {import("../call/call.js").Call} call
 */
async function received(call) {
  const stats = await call.getStats().catch(() => new Map());
  let packets = 0;
  for (const stat of stats.values())
    if (stat.type === "inbound-rtp") packets += stat.packetsReceived;
  return packets;
}
