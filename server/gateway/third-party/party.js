/**
 * Who a URI names, as the link has it (docs/cti-link.md).
 *
 * @param {string} uri
 * @returns {{ number?: string, restricted?: boolean }}
 */
export function partyOf(uri) {
  const [, user, host = ""] = /^sips?:([^@;?]+)@([^;?]+)/i.exec(uri) ?? [];
  if (!user) return {};
  if (/\.invalid$/i.test(host)) return { restricted: true };
  try {
    return { number: decodeURIComponent(user) };
  } catch {
    return { number: user };
  }
}

/** Whether it is the URI of a user. @param {string} uri @param {string} user @param {string} domain */
export function isOf(uri, user, domain) {
  const [, named, host] = /^sips?:([^@;?]+)@([^;?:]+)/i.exec(uri) ?? [];
  return named === user && host?.toLowerCase() === domain.toLowerCase();
}
