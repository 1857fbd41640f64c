// Three devices of one user, somebody who calls her, and what the account service knows.

import { OwnerPage } from "./owner-page.js";

/** @type {import("./device-phone.js").Kind[]} */
const KINDS = [
  {
    ...{ key: "web", name: "Web page", class: "web", place: "on her desk" },
    ...{ tone: "a", chord: [262, 330] },
  },
  {
    ...{ key: "mobile", name: "Mobile", class: "mobile" },
    ...{ place: "in her pocket", tone: "b", chord: [392, 494], sleeps: true },
  },
  {
    ...{ key: "tablet", name: "Tablet", class: "mobile" },
    ...{ place: "at home", tone: "c", chord: [294, 370] },
  },
];

/** @type {import("./steps.js").Step[]} */
const STEPS = [
  {
    deed: "in",
    text: "Log in the web page and the mobile.",
    hint: "Each is let in at its first login.",
  },
  {
    deed: "limit",
    text: "Log in the tablet.",
    hint: "One mobile device too many: it asks.",
  },
  {
    deed: "replaced",
    text: "Choose the old phone.",
    hint: "It goes as the tablet comes.",
  },
  {
    deed: "asleep",
    text: "Let the mobile sleep.",
    hint: "It logs out, and can be woken.",
  },
  {
    deed: "woken",
    text: "Call Dana from Bob's phone.",
    hint: "Two ring; the third is woken, and rings.",
  },
  {
    deed: "elsewhere",
    text: "Answer on one of them.",
    hint: "The others stop, and know why.",
  },
  {
    deed: "everywhere",
    text: "Call again, and decline everywhere.",
    hint: "“Busy” would leave it to the others.",
  },
  {
    deed: "lockedOut",
    text: "Lock out a device in the list.",
    hint: "It is logged out at once, and stays out.",
  },
];

const page = new OwnerPage("devices", { steps: STEPS, kinds: KINDS, did });

/** @param {import("./device-phone.js").Deed} deed */
function did(deed) {
  const { phones, steps } = page;
  if (deed !== "in") return steps.did(deed);
  if (phones.filter(({ ready }) => ready).length > 1) steps.did(deed);
}
