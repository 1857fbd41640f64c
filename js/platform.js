/** @typedef {[name: string, sign: RegExp]} Sign */

/** Those that also call themselves by a later one's name come first. @type {Sign[]} */
const BROWSERS = [
  ["Edge", /Edg\w*\/(\d+)/],
  ["Opera", /OPR\/(\d+)/],
  ["Samsung Internet", /SamsungBrowser\/(\d+)/],
  ["Firefox", /(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /(?:Chrome|Chromium|CriOS)\/(\d+)/],
  ["Safari", /Version\/(\d+).*Safari/],
  ["Node", /^Node (\d+)/],
];
/** @type {Sign[]} */
const SYSTEMS = [
  ["Windows", /Windows|win32/],
  ["Android", /Android/],
  ["iOS", /iPhone|iPad|iPod/],
  ["ChromeOS", /CrOS/],
  ["macOS", /Mac OS|darwin/],
  ["Linux", /linux/i],
];

/**
 * Browser and system, such as "Chrome 156; Linux": by it people know their own
 * devices, and no more is told of them.
 *
 * @param {any} [page] the globals to use
 */
export function platform({ document, navigator, process } = globalThis) {
  const node = !document && process?.versions?.node;
  const text = node ? `Node ${node} ${process.platform}` : navigator?.userAgent;
  return [BROWSERS, SYSTEMS]
    .map((signs) => find(signs, String(text)))
    .filter(Boolean)
    .join("; ");
}

/**
 * @param {Sign[]} signs
 * @param {string} text
 */
function find(signs, text) {
  for (const [name, sign] of signs) {
    const [found, version] = sign.exec(text) ?? [];
    if (found) return version ? `${name} ${version}` : name;
  }
  return "";
}
