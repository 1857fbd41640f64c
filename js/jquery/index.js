/**
 * `graceline/jquery`: a page written for CWIC 3.0.4 or 11.0 works after swapping the script.
 *
 *     import attach from "graceline/jquery";
 *     attach(jQuery);
 *
 * Where a global jQuery is already there, importing is enough.
 */

import { Phone } from "../index.js";
import { attach as attachWith } from "./plugin.js";

/**
 * Registers `$.fn.cwic`. Repeating it for the same jQuery changes nothing.
 * @param {any} jQuery
 * @param {{ Phone?: new (options: any) => any }} [options]  `Phone`: another one than Graceline's
 */
export default function attach(jQuery, options = {}) {
  const Constructor = options.Phone ?? Phone;
  if (jQuery?.fn?.cwic?.Phone !== Constructor)
    attachWith(jQuery, { Phone: Constructor });
}

const { jQuery } = /** @type {any} */ (globalThis);
if (jQuery?.fn) attach(jQuery);
