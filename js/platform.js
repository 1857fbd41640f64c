/**
 * What a User-Agent header says of each: those that call themselves by a later
 * one's name as well come first.
 *
 * @type {Record<string, RegExp>}
 */
const BROWSERS = {
  Edge: /Edg\w*\/(\d+)/,
  Opera: /OPR\/(\d+)/,
  Firefox: /(?:Firefox|FxiOS)\/(\d+)/,
  Chrome: /(?:Chrome|CriOS)\/(\d+)/,
  Safari: /Version\/(\d+).*Safari/,
};
/** @type {Record<string, RegExp>} */
const SYSTEMS = {
  Windows: /Windows/,
  Android: /Android/,
  iOS: /iP(hone|ad)/,
  ChromeOS: /CrOS/,
  macOS: /Mac OS/,
  Linux: /Linux/,
};

/**
 * Browser and system, such as "Chrome 156; Linux": by it people know their own
 * devices, and no more is told of them.
 *
 * @param {any} [page] the globals to use
 */
export function platform({ document, navigator, process } = globalThis) {
  const node = !document && process?.versions?.node;
  if (node) return `Node ${parseInt(node)}; ${process.platform}`;
  const text = `${navigator?.userAgent}`;
  const find = (/** @type {Record<string, RegExp>} */ signs) =>
    Object.keys(signs).find((name) => signs[name]?.test(text));
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  const version = browser && BROWSERS[browser]?.exec(text)?.[1];
  return [browser && `${browser} ${version}`, system]
    .filter(Boolean)
    .join("; ");
}
