/** Graceline and JsSIP, each calling the other, in Chromium. */
import { pair } from "./support/cells.mjs";

pair({ stack: "graceline" }, { stack: "jssip" });
pair({ stack: "jssip" }, { stack: "graceline" });
