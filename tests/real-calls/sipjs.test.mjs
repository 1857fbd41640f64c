/** Graceline and SIP.js, each calling the other, in Chromium. */
import { pair } from "./support/cells.mjs";

pair({ stack: "graceline" }, { stack: "sipjs" });
pair({ stack: "sipjs" }, { stack: "graceline" });
