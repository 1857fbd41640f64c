/**
 * JsSIP and SIP.js with each other: shows that these servers, browsers and scenarios work, so that
 * what fails with Graceline is Graceline's fault.
 */
import { pair } from "./support/cells.mjs";

pair({ stack: "sipjs" }, { stack: "jssip" });
