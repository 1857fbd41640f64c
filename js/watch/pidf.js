import { child, text } from "./tree.js";

/** Longest remark that is shown, in characters. */
const LONGEST_NOTE = 256;

/** Activities (RFC 4480 §3.2) by what they mean for who calls. */
const BUSY = ["busy", "on-the-phone", "meeting", "presentation", "performance"];
const AWAY = [
  ...["away", "appointment", "breakfast", "dinner", "holiday", "lunch"],
  ...["meal", "permanent-absence", "sleeping", "travel", "vacation"],
];

/**
 * What a presence document says (RFC 3863).
 *
 * @param {import("../core/seam.js").Element | undefined} document
 * @returns {{ state: import("../index.js").PresenceState, note?: string }}
 */
export function readPresence(document) {
  if (document?.name !== "presence") return { state: "unknown" };
  const tuple = child(document, "tuple");
  const person = child(document, "person");
  const activities = child(person, "activities") ?? child(tuple, "activities");
  const does = (/** @type {string[]} */ names) =>
    activities?.children.some(({ name }) => names.includes(name));
  const note = [document, tuple, person]
    .map((part) => text(child(part, "note")))
    .find(Boolean)
    ?.slice(0, LONGEST_NOTE);
  const basic = text(child(tuple, "status", "basic"));
  const state = () => {
    if (basic === "closed") return "offline";
    if (does(BUSY)) return "busy";
    if (does(AWAY)) return "away";
    return basic === "open" ? "available" : "unknown";
  };
  return { state: state(), note };
}

/**
 * The document that says so.
 *
 * @param {string} entity
 * @param {"available" | "busy" | "away" | "offline"} state
 * @param {string} [note]
 */
export function writePresence(entity, state, note) {
  const basic = state === "offline" ? "closed" : "open";
  const activity = { busy: "<rpid:busy/>", away: "<rpid:away/>" }[
    /** @type {string} */ (state)
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<presence xmlns="urn:ietf:params:xml:ns:pidf"',
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"',
    ` xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="${escaped(entity)}">`,
    `<tuple id="user"><status><basic>${basic}</basic></status></tuple>`,
    note ? `<note>${escaped(note)}</note>` : "",
    activity
      ? `<dm:person id="person"><rpid:activities>${activity}</rpid:activities></dm:person>`
      : "",
    "</presence>",
  ].join("");
}

/** @param {string} text */
const escaped = (text) =>
  text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
