/** Contacts and REGISTERs in Cisco's wire form, written by hand. */

/** An instance made of one digit. */
export const instance = (/** @type {string} */ digit) =>
  `urn:uuid:${digit.repeat(8)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(4)}-${digit.repeat(12)}`;

export const ZERO = instance("0");

/** The header that asks for a takeover. @type {[string, string]} */
export const FORCE = [
  "Reason",
  'SIP;cause=200;text="cisco-alarm:111 Name=CSF ActiveLoad=1 InactiveLoad=1 Last=Application-Requested-Destroy"',
];

/**
 * A Contact whose user part tells the client.
 * @param {string} name
 * @param {{ device?: string, instance?: string }} [tells]
 */
export function contact(name, { device = "CSF", instance } = {}) {
  const parts = [`<sip:${name}@${name}.invalid;transport=ws>`];
  if (instance) parts.push(`+sip.instance="<${instance}>"`);
  if (device) parts.push(`+u.sip!devicename.ccm.cisco.com="${device}"`);
  return parts.join(";");
}

/** The text of the Warning that marks a conflict. */
export const CONFLICT = /^399 \S+ "Registration is active for another client"$/;
