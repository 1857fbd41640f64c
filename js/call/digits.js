// Digits (DTMF) within a call. Loaded after the login, or else with the first of them.

/** What waits this long (ms) in a string of digits is a comma. */
const COMMA = 2000;

/**
 * @param {import("./call.js").Call} call
 * @param {import("./media.js").CallMedia} media
 * @param {string} digits
 * @param {{ duration?: number, gap?: number }} tones ms
 * @param {Promise<never>} over rejects when the call ends
 */
export async function sendDigits(call, media, digits, tones, over) {
  // The bounds that browsers set to tones within the sound.
  const duration = within(40, tones.duration ?? 100);
  const gap = within(30, tones.gap ?? 70);
  if (await media.do("sendDtmf", digits, { duration, gap })) return;
  // RFC 4733 was not agreed on: as INFO, which gateways understand.
  for (const digit of digits.toUpperCase()) {
    if (digit === ",") await pause(COMMA, over);
    else
      await Promise.all([
        call.sendInfo(
          "application/dtmf-relay",
          `Signal=${digit}\r\nDuration=${duration}\r\n`,
        ),
        pause(duration + gap, over),
      ]);
  }
}

/**
 * @param {number} least ms
 * @param {number} time
 */
const within = (least, time) =>
  Math.min(Math.max(Number(time) || 0, least), 6000);

/**
 * @param {number} time ms
 * @param {Promise<never>} over
 */
function pause(time, over) {
  /** @type {any} */
  let timer;
  const pause = new Promise((resolve) => (timer = setTimeout(resolve, time)));
  return Promise.race([pause, over]).finally(() => clearTimeout(timer));
}
