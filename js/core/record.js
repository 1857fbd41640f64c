/**
 * What a core is given, as src/bridge/record.rs reads it: arguments one after the
 * other, properties as name and value. A NUL becomes a line break, which is refused in
 * the same places.
 *
 * @param {any[]} args
 */
export const record = (args) =>
  args
    .flatMap((arg) => (Object(arg) === arg ? properties(arg) : field(arg)))
    .map((text) => text.replaceAll("\0", "\n"))
    .join("\0");

/** @param {any} value @returns {string} empty if it is false or missing */
const field = (value) =>
  value === true ? "true" : value || value === 0 ? String(value) : "";

/**
 * What is false or missing is left out, and what the core knows nothing of. A
 * list repeats its name; a pair is joined by a colon.
 *
 * @param {object} object
 * @returns {string[]}
 */
const properties = (object) =>
  Object.entries(object).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .map((item) => (Array.isArray(item) ? item.join(":") : item))
      .filter((item) => item === true || /^(string|number)$/.test(typeof item))
      .flatMap((item) => [name, field(item)]),
  );
