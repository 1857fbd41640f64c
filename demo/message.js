// Reads just enough of a SIP message to caption it. The text is the phone's
// own trace: credentials and bodies are already left out.

import { readCsta } from "./csta.js";

/**
 * @typedef {"query" | "login" | "stay" | "leave" | ""} Purpose of a REGISTER
 * @typedef {{ title: string, caption: string, refusal: boolean, request: boolean,
 *   purpose: Purpose, transaction: string, heads: [name: string, value: string][],
 *   start: string, document: string, rest: string }} Reading `document`: CSTA
 * @typedef {(name: string) => string} Header the first value, "" if there is none
 */

/**
 * @param {string} message
 * @param {{ registered: boolean, asked: (transaction: string) => Purpose,
 *   csta?: string }} context whether the phone was registered when the message passed,
 *   what a REGISTER of its was for, and the CSTA document that it bore
 * @returns {Reading}
 */
export function read(message, { registered, asked, csta = "" }) {
  const [head = "", ...body] = message.split(/\r?\n\r?\n/);
  const [start = "", ...lines] = head.split(/\r?\n/);
  /** @type {[string, string][]} */
  const heads = lines.filter(Boolean).map((line) => {
    const colon = line.indexOf(":");
    return colon < 0
      ? ["", line]
      : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  /** @type {Header} */
  const header = (name) =>
    heads.find(([known]) => known.toLowerCase() === name)?.[1] ?? "";
  const transaction = `${header("call-id")} ${header("cseq")}`;
  const document = readCsta(csta);
  const rest = document ? "" : body.join("\n\n").trim();
  const text = document?.text ?? "";
  const shared = { heads, start, transaction, document: text, rest };
  const titled = (/** @type {string} */ title) =>
    document ? `${title} · ${document.name}` : title;
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  if (response) {
    const status = Number(response[1]);
    const purpose = asked(transaction);
    return {
      ...shared,
      purpose,
      title: titled(`${status} ${response[2]}`.trim()),
      caption: document?.caption ?? captionOfAnswer(status, header, purpose),
      refusal: status >= 400 && status !== 401 && status !== 407,
      request: false,
    };
  }
  const method = start.split(" ")[0] || "Unreadable";
  const purpose = method === "REGISTER" ? purposeOf(header, registered) : "";
  return {
    ...shared,
    purpose,
    title: titled(method),
    caption: document?.caption ?? captionOfRequest(method, header, purpose),
    refusal: false,
    request: true,
  };
}

/**
 * @param {Header} header
 * @param {boolean} registered
 * @returns {Purpose}
 */
function purposeOf(header, registered) {
  const contact = header("contact");
  if (!contact) return "query";
  const leaves = /;expires=0\b/i.test(lastOf(contact));
  if (leaves || header("expires") === "0") return "leave";
  return registered ? "stay" : "login";
}

/** @param {string} contact a phone's own Contact comes after those it removes */
const lastOf = (contact) => contact.split(",").at(-1) ?? "";

/**
 * @param {string} method
 * @param {Header} header
 * @param {Purpose} purpose
 */
function captionOfRequest(method, header, purpose) {
  switch (method) {
    case "REGISTER":
      return (
        captionOfRegister(header, purpose) +
        (header("authorization") ? ", with proof" : "")
      );
    case "SUBSCRIBE":
      return header("expires") === "0"
        ? "tell me no more"
        : "tell me of changes";
    case "NOTIFY":
      return header("event").startsWith("reg")
        ? "this is who is registered"
        : "your registration was taken";
    case "OPTIONS":
      return header("x-graceline") === "look"
        ? "look at your registration"
        : "are you there?";
    default:
      return "";
  }
}

/**
 * @param {Header} header
 * @param {Purpose} purpose
 */
function captionOfRegister(header, purpose) {
  const contact = header("contact");
  if (purpose === "query") return "who is registered?";
  if (contact === "*") return "log everyone out";
  if (purpose === "leave") return "log out";
  if (purpose === "stay") return "stay logged in";
  const forced =
    /Application-Requested-Destroy/i.test(header("reason")) ||
    /sip:g1-[0-9a-f-]+f@/i.test(lastOf(contact));
  return forced ? "log in here, log out there" : "log in";
}

/**
 * @param {number} status
 * @param {Header} header
 * @param {Purpose} purpose
 */
function captionOfAnswer(status, header, purpose) {
  if (status === 401 || status === 407) return "prove who you are";
  const warning = /^\d{3} \S+ "(.*)"$/.exec(header("warning"));
  if (warning?.[1]) return warning[1];
  if (!purpose) return "";
  if (status === 423) return "stay longer";
  if (status >= 400) return "refused";
  if (status >= 300) return "look elsewhere";
  if (purpose === "leave") return "logged out";
  if (purpose !== "query") return "registered";
  return header("contact")
    ? "this is who is registered"
    : "nobody is registered";
}
