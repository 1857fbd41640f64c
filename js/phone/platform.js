/** By what browsers call themselves; Safari is whoever has a version and no other name. */
const NAMES = {
  Edg: "Edge",
  OPR: "Opera",
  FxiOS: "Firefox",
  CriOS: "Chrome",
  Version: "Safari",
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
  // Edge and Opera are also Chrome, and everybody is Safari.
  const [, name, version] =
    /(Edg|OPR|Firefox|FxiOS|CriOS)\w*\/(\d+)/.exec(text) ??
    /(Chrome)\/(\d+)/.exec(text) ??
    /(Version)\/(\d+)/.exec(text) ??
    [];
  const browser =
    name && `${NAMES[/** @type {"Edg"} */ (name)] ?? name} ${version}`;
  // Android is also Linux, and iPhones are like Mac OS.
  const [system] =
    /Windows|Android|iPhone|iPad|CrOS|Mac|Linux(?!; Android)/.exec(text) ?? [];
  return [browser, system].filter(Boolean).join("; ");
}
