// Writes docs/errors.md from the catalogue, and src/browser/sentences/catalogue.rs, which
// says the same to programs in Rust; with --check it compares them.

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { account } from "../js/errors/account.js";
import { core, left, page } from "../js/errors/catalogue.js";
import { desk } from "../js/errors/desk.js";
import { jquery } from "../js/errors/jquery.js";
import { media } from "../js/errors/media.js";
import { shared } from "../js/errors/shared.js";
import { sounds } from "../js/errors/sounds.js";
import { testing } from "../js/errors/testing.js";
import { inRoot } from "./lib/paths.mjs";

/** What each code means, in the order of the page. @type {[string, string][]} */
const CODES = [
  [
    "eInvalidArgument",
    "An option, or what a method was given, cannot be used.",
  ],
  [
    "eInvalidState",
    "Not possible now: the phone is closed, the call has ended, …",
  ],
  [
    "eDeviceAlreadyRegistered",
    "Another client holds the device; `details` says which. Nothing was taken over.",
  ],
  ["eDeviceLimitReached", "The registrar has enough devices of this user."],
  [
    "eDeviceNotAuthorised",
    "The registrar does not accept this device, or not any more.",
  ],
  [
    "eCredentialsRejected",
    "User name, password or token are wrong, or missing.",
  ],
  [
    "eForbidden",
    "The account service does not allow that to this user or device.",
  ],
  ["eNotFound", "The account service knows nothing of that name."],
  ["eLimitReached", "There are as many as there may be, other than devices."],
  ["ePublicIdTaken", "The public id belongs to somebody else."],
  ["eCodeRejected", "The code that confirms a public id is wrong or too old."],
  [
    "eTooManyRequests",
    "Asked too often; `details.retryAfter` says for how long to wait, in seconds.",
  ],
  ["eCouldNotConnect", "No server could be reached."],
  ["eServerRejected", "The registrar does not want it, for another reason."],
  ["eTimeout", "Nobody answered in time."],
  [
    "eAborted",
    "The app ended it: by its signal, `unregisterPhone`, `close`, or a forced login. Nobody has to be told.",
  ],
  ["eCallFailed", "A call, or something of one, did not come about."],
  ["eMediaFailed", "Microphone, camera, or what a call's sound goes by."],
  ["eNotSupported", "This phone, its gateway or this mode does not offer it."],
  [
    "eOutOfService",
    "The desk phone, its switch, or the way to it is out of service.",
  ],
  [
    "eDeviceNotChosen",
    "The line is on several desk phones; `details.appearances` lists them.",
  ],
  [
    "eInternal",
    "A fault of Graceline, or its wasm could not be loaded. The cause has the rest.",
  ],
  [
    "eConnectionTerminated",
    "No error but an event: the device was taken over. The sentence is its `message`.",
  ],
];

const { values } = parseArgs({ options: { check: { type: "boolean" } } });
const files = {
  "docs/errors.md": await format(write(), { parser: "markdown" }),
  "src/browser/sentences/catalogue.rs": writeRust(),
};
for (const [file, text] of Object.entries(files))
  if (!values.check) writeFileSync(inRoot(file), text);
  else if (readFileSync(inRoot(file), "utf8") !== text) {
    console.error(`${file} is old: run node scripts/errors.mjs.`);
    process.exitCode = 1;
  }

function write() {
  const all = [
    core,
    page,
    media,
    desk,
    account,
    shared,
    sounds,
    testing,
  ].flatMap((part) => Object.entries(part));
  const unknown = all.find(
    ([code]) => !CODES.some(([known]) => known === code),
  );
  if (unknown)
    throw new Error(`scripts/errors.mjs does not know ${unknown[0]}.`);
  return `# Errors

<!-- Made from js/errors by node scripts/errors.mjs. -->

What a method throws or rejects with, and what the event \`error\` brings, is a
\`PhoneError\`:

| property           | what                                                                   |
| ------------------ | ---------------------------------------------------------------------- |
| \`code\`             | stable, for programs: \`PhoneError.is(error, "eTimeout")\`               |
| \`message\`          | for people: what happened, and what to do about it                     |
| \`remedy\`           | the second half of it alone, empty where there is nothing to be done   |
| \`status\`, \`reason\` | of the SIP answer, if one was the reason                               |
| \`details\`          | \`{ device, elsewhere }\`, \`{ option }\`, \`{ target }\` of a redirection, \`{ appearances }\` |
| \`cause\`            | what was thrown underneath                                             |

Whoever wants other words, or another language, gives them by situation:

\`\`\`js
import { translate } from "graceline";

translate({
  noConnection: ["Der Server ist nicht erreichbar.", "Ist das Netz da?"],
  loginRefused: ["Die Anmeldung ist gescheitert: {reason}[ ({status})]."],
});
\`\`\`

\`{name}\` stands for a value, \`[…]\` is left out where its value is missing. Behind the
sentence of a login that may have left something at the registrar stands \`left\`:
“${left}”

${CODES.map(([code, meaning]) => section(code, meaning, all)).join("\n\n")}

## In pages for CWIC

\`graceline/jquery\` says these by itself, under the keys of CWIC's error map. Those
without a full stop are CWIC's own.

${table(Object.values(jquery))}
`;
}

/**
 * @param {string} code
 * @param {string} meaning
 * @param {[string, Record<string, import("../js/errors/catalogue.js").Sentence>][]} all
 */
function section(code, meaning, all) {
  const situations = all
    .filter(([one]) => one === code)
    .map(([, situations]) => situations);
  return `## ${code}

${meaning}

${table(situations)}`;
}

/** @param {Record<string, import("../js/errors/catalogue.js").Sentence>[]} parts */
function table(parts) {
  const rows = parts
    .flatMap((situations) => Object.entries(situations))
    .map(
      ([at, [happened, remedy = ""]]) =>
        `| \`${at}\` | ${happened} | ${remedy} |`,
    );
  return `| situation | what happened | what to do |
| --- | --- | --- |
${rows.join("\n")}`;
}

/** What a phone of `src/browser` may have to say, in that API's words. */
function writeRust() {
  const rows = [core, page, media]
    .flatMap((part) => Object.values(part))
    .flatMap((situations) => Object.entries(situations));
  /** @type {(at: string, sentence: readonly [string, string?]) => string} */
  const line = (at, [happened, remedy = ""]) =>
    `    (${[at, inRust(happened), inRust(remedy)].map((text) => JSON.stringify(text)).join(", ")}),\n`;
  const lines = [...rows, /** @type {const} */ (["left", [left]])].map(
    ([at, sentence]) => line(at, sentence),
  );
  return `//! Made from js/errors by node scripts/errors.mjs.

/// By situation: what happened, and what to do.
#[rustfmt::skip]
pub(super) const SENTENCES: &[(&str, &str, &str)] = &[
${lines.join("")}];
`;
}

/** @param {string} text */
function inRust(text) {
  return text
    .replace("registerPhone({ forceRegistration: true })", "register(true)")
    .replace(/(un)?registerPhone/g, "$1register");
}
