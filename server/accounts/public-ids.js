/**
 * A public id in the one form that it is kept and looked up in: a number without visual
 * separators (RFC 3966 §5), or a name, `network:` before it or not, in lower case. ASCII
 * alone, so that none looks like another's. tests/rules/public-ids.txt has the cases.
 *
 * @param {string} text
 * @returns {{ id: string, kind: "tel" | "name" | "social" } | undefined} nothing if it is none
 */
export function readPublicId(text) {
  const number = text.replace(/[-.()]/g, "");
  if (/^\+?[0-9]{2,20}$/.test(number)) return { id: number, kind: "tel" };
  if (!/^([a-z][a-z0-9-]{1,15}:)?[a-z][a-z0-9._-]{1,46}$/i.test(text))
    return undefined;
  return {
    id: text.toLowerCase(),
    kind: text.includes(":") ? "social" : "name",
  };
}
