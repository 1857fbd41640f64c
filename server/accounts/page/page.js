// The user's page: signs in, then shows each part and keeps it up to date. What came from the
// network reaches the document as text alone (demo/element.js).

import { Account, PhoneError } from "../../../js/account/index.js";
import { find, say } from "../../../demo/element.js";
import { Calls } from "./calls.js";
import { Devices } from "./devices.js";
import { Ids } from "./ids.js";
import { Messages } from "./messages.js";
import { Rings } from "./rings.js";
import { CallRules } from "./rules.js";

const signIn = find(document, "#sign-in");
const accountPart = find(document, "#account");
const signOut = find(document, "#sign-out");
const trouble = find(document, "#trouble");
const refused = find(document, "#refused");
const name = /** @type {HTMLInputElement} */ (find(document, "#name"));
const password = /** @type {HTMLInputElement} */ (find(document, "#password"));

/** The one domain that is served here, if it is one. @type {string | null} */
let domain = null;
/** @type {Account | undefined} */
let account;

/** @param {string} text a sentence for people who do not see what changed */
const speak = (text) => say(find(document, "#spoken"), text);

/** @param {unknown} error */
function complain(error) {
  trouble.textContent = sentence(error);
  trouble.hidden = false;
}

/** @param {unknown} error */
const sentence = (error) =>
  error instanceof PhoneError
    ? error.message
    : `Something went wrong on this page: ${error}`;

/**
 * What was typed: a user of the one domain, or an address.
 * @param {string} typed
 */
function whose(typed) {
  const address = typed.trim().replace(/^sips?:/i, "");
  const at = address.lastIndexOf("@");
  if (at > 0)
    return { user: address.slice(0, at), domain: address.slice(at + 1) };
  return { user: address, domain };
}

async function enter() {
  const { user, domain } = whose(name.value);
  if (!domain) {
    refuse("Give your whole address, such as ann@example.com.");
    return;
  }
  const one = new Account({
    url: new URL("/", location.href).href,
    user,
    domain,
    password: password.value,
  });
  try {
    await show(one, domain.toLowerCase());
  } catch (error) {
    one.close();
    refuse(sentence(error));
    return;
  }
  account = one;
  password.value = "";
  refused.hidden = true;
  say(find(document, "#who"), `${user}@${domain}`);
  turn(true);
}

/** @param {string} why */
function refuse(why) {
  refused.textContent = why;
  refused.hidden = false;
  password.focus();
  password.select();
}

/** @param {boolean} inside */
function turn(inside) {
  signIn.hidden = inside;
  accountPart.hidden = !inside;
  signOut.hidden = !inside;
  if (inside) find(document, "#main").focus();
  else name.focus();
}

/**
 * Shows an account's parts and follows their changes. Rejects if it cannot be read.
 * @param {Account} account
 * @param {string} domain
 */
async function show(account, domain) {
  const parts = { complain, speak, account, domain };
  const calls = new Calls(parts);
  const [devices, ringsOn, ids, rules, records] = await Promise.all([
    account.devices(),
    account.ringsOn(),
    account.publicIds(),
    account.rules(),
    calls.first(),
  ]);
  const rings = new Rings(parts);
  const list = new Devices(parts);
  const publicIds = new Ids(parts);
  rings.show({ devices, ringsOn });
  list.show(devices);
  publicIds.show(ids);
  const callRules = new CallRules(parts);
  callRules.show(rules);
  calls.know(devices);
  calls.show(records);
  account.on("devices", (devices) => {
    trouble.hidden = true;
    list.show(devices);
    rings.show({ devices });
    calls.know(devices);
  });
  account.on("ringsOn", (ringsOn) => rings.show({ ringsOn }));
  account.on("rules", (rules) => callRules.show(rules));
  const messages = new Messages(parts);
  account.on("voicemail", () => void messages.refresh());
  await messages.refresh();
  account.on("history", (record) => calls.add(record));
}

signIn.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (find(signIn, "button"));
  button.disabled = true;
  try {
    await enter();
  } finally {
    button.disabled = false;
  }
});

signOut.addEventListener("click", () => {
  // The service hears of it, though the page goes at once.
  account?.close();
  // Nothing of the account stays in the page.
  location.reload();
});

({ domain } = await fetch("/page/domain")
  .then((answer) => answer.json())
  .catch(() => ({ domain: null })));
turn(false);
