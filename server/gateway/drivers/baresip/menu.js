/**
 * What baresip's menu prints (1.0.0), as values.
 *
 * @typedef {{ aor: string, registered: boolean }} Account `registered`: or is not meant to be
 * @typedef {{ row: number, current: boolean, state: string, held: boolean, peer: string }} Row
 */

/** Colours. */
// eslint-disable-next-line no-control-regex
const COLOUR = /\u001b\[[0-9;]*m/g;
const ACCOUNT = /^[> ] (sips?:\S+)\s*(\S*)/;
const ROW =
  /^([> ]) \[line (\d+)\]\s+[\d:]+\s+([A-Z]+)\s+(\(on hold\))?\s*(.*)$/;

/** Of `reginfo`. @param {string} text @returns {Account[]} */
export const accountsIn = (text) =>
  matches(text.replace(COLOUR, ""), ACCOUNT).map(([, aor, state]) => ({
    aor,
    registered: state === "OK" || state === "",
  }));

/** Of `listcalls`: the calls of the current account. @param {string} text @returns {Row[]} */
export const rowsIn = (text) =>
  matches(text, ROW).map(([, mark, row, state, held, peer]) => ({
    row: Number(row),
    current: mark === ">",
    state,
    held: held !== undefined,
    peer,
  }));

/**
 * Of `callstat`: the current call's id (the Call-ID of SIP) and direction.
 *
 * @param {string} text
 * @returns {{ id?: string, direction: "incoming" | "outgoing" }}
 */
export function callIn(text) {
  const id = /^ af=\S+ id=(\S+)$/m.exec(text)?.[1];
  const incoming = /^ direction: Incoming$/m.test(text);
  return { id, direction: incoming ? "incoming" : "outgoing" };
}

/** @param {string} text @param {RegExp} pattern */
const matches = (text, pattern) =>
  text.split("\n").flatMap((line) => {
    const found = pattern.exec(line);
    return found ? [found] : [];
  });
