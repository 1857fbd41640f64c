/**
 * Drivers by the scheme of the addresses that they are for.
 *
 * @type {Record<string, () => Promise<{ open: import("../driver.js").OpenDriver }>>}
 */
export const drivers = {
  "sip:": () => import("./sip.js"),
  "switch:": () => import("./switch.js"),
  "baresip:": () => import("./baresip.js"),
  "ami:": () => import("./ami.js"),
};
