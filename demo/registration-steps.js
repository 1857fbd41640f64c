// What to try with two phones on one line, by registration type.

/** @type {import("./steps.js").Step} */
const FIRST = {
  deed: "first",
  text: "Log in Phone A.",
  hint: "It gets the line.",
};
/** @type {import("./steps.js").Step} */
const READ = {
  deed: "read",
  text: "Choose a message below.",
  hint: "Read what was said on the wire.",
};

/** @type {Record<import("./server.js").RegistrationType, import("./steps.js").Step[]>} */
export const STEPS = {
  graceful: [
    FIRST,
    {
      deed: "refused",
      text: "Log in Phone B.",
      hint: "It is refused, and asks you.",
    },
    {
      deed: "told",
      text: "Choose “Log in here”.",
      hint: "Phone A is told, and stays out.",
    },
    READ,
  ],
  duplicate: [
    FIRST,
    {
      deed: "second",
      text: "Log in Phone B.",
      hint: "It takes the line without asking.",
    },
    {
      deed: "told",
      text: "Look at Phone A.",
      hint: "It was told, and stays out.",
    },
    READ,
  ],
  normal: [
    FIRST,
    {
      deed: "second",
      text: "Log in Phone B.",
      hint: "Nobody is asked, nobody is told.",
    },
    {
      deed: "fought",
      text: "Wait a few seconds.",
      hint: "Each refresh takes the line back.",
    },
    READ,
  ],
};
