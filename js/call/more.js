// What few calls need: one file, which loads when any of it is asked for first.

export { confer } from "./conference.js";
export { shareScreen } from "./screen.js";
export { setVideo } from "./video.js";
