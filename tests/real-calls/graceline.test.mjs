/** Graceline with itself: in Chromium, and between Firefox and Chromium. */
import { pair } from "./support/cells.mjs";

/** @type {import("./support/cells.mjs").Client} */
const chromium = { stack: "graceline" };
/** @type {import("./support/cells.mjs").Client} */
const firefox = { stack: "graceline", browser: "firefox" };

pair(chromium, chromium);
pair(firefox, chromium, { transfers: false });
pair(chromium, firefox, { transfers: false });
