/** Graceline with itself: in Chromium, and between Firefox and Chromium. */
import { pair } from "./support/cells.mjs";

const chromium = { stack: "graceline" };
const firefox = { stack: "graceline", browser: "firefox" };

pair(chromium, chromium);
pair(firefox, chromium, { transfers: false });
pair(chromium, firefox, { transfers: false });
