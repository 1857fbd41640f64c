/**
 * Graceline with itself and with the two JavaScript libraries, each calling the other, in
 * Chromium; and with itself between Firefox and Chromium.
 */
import { pair } from "./support/cells.mjs";

const graceline = { stack: "graceline" };
const firefox = { stack: "graceline", browser: "firefox" };
const jssip = { stack: "jssip" };
const sipjs = { stack: "sipjs" };

pair(graceline, graceline);
pair(graceline, jssip);
pair(jssip, graceline);
pair(graceline, sipjs);
pair(sipjs, graceline);
pair(firefox, graceline, { transfers: false });
pair(graceline, firefox, { transfers: false });
