/**
 * The URI of a line, as the gateway is told: a bare number is one of the dial plan
 * (TR/87), with the device on which it is controlled.
 *
 * @param {string} line "2001", "tel:…" or "sip:…"
 * @param {string | undefined} device
 * @param {string} domain
 */
export function uriOf(line, device, domain) {
  let uri = line;
  if (!/^(tel|sips?):/i.test(line)) {
    if (/^[\d*#]+$/.test(line)) uri = `tel:${line};phone-context=dialstring`;
    else if (/^\+\d+$/.test(line)) uri = `tel:${line}`;
    else uri = line.includes("@") ? `sip:${line}` : `sip:${line}@${domain}`;
  }
  return device ? `${uri};device=${device.replace(/[;\s"<>]/g, escape)}` : uri;
}

/**
 * Who is at the other end, as the gateway writes it.
 *
 * @param {string} device empty: not known
 * @returns {import("../index.js").RemoteParty}
 */
export function partyOf(device) {
  const isUri = !device || /^[a-z][a-z0-9+.-]*:/i.test(device);
  const uri = isUri ? device.replace(/;phone-context=dialstring\b/i, "") : "";
  return { uri: isUri ? uri : `tel:${device}`, displayName: "" };
}

/**
 * The appearances of a line, which the Contacts of a 300 name:
 * `<sip:GATEWAY>;line="…";device="…";description="…";partition="…";inservice=true`.
 *
 * @param {string[]} contacts
 * @param {string | undefined} chosen the device that was chosen last
 * @returns {import("../index.js").LineAppearance[]}
 */
export function appearancesOf(contacts, chosen) {
  return contacts.flatMap((contact) => {
    const { line, device, description, partition, inservice } =
      parametersOf(contact);
    if (!line || !device) return [];
    return {
      line,
      device,
      ...(description && { description }),
      ...(partition && { partition }),
      inService: inservice !== "false",
      selected: device === chosen,
    };
  });
}

const PARAMETER = /;\s*([\w.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,"\s]*))/g;

/**
 * @param {string} contact
 * @returns {Record<string, string>}
 */
function parametersOf(contact) {
  const after = contact.slice(contact.indexOf(">") + 1);
  return Object.fromEntries(
    [...after.matchAll(PARAMETER)].map(([, name, quoted, token]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, "$1") ?? token,
    ]),
  );
}

/** @param {string} letter */
const escape = (letter) => encodeURIComponent(letter);
