// A desk phone and a web page of one number, a colleague who calls, and what belongs to the number.

import { Account } from "../js/account/index.js";
import { Calls } from "../server/accounts/page/calls.js";
import { Messages } from "../server/accounts/page/messages.js";
import { CallRules } from "../server/accounts/page/rules.js";
import { find, make, say } from "./element.js";
import { mortal } from "./mortal.js";
import { watchNumber } from "./number-watch.js";
import { OwnerPage } from "./owner-page.js";

/** @type {import("./steps.js").Step[]} */
const STEPS = [
  {
    deed: "desk",
    text: "Log in the desk phone, and call Kim from Bob's.",
    hint: "Nobody is on the page: the desk phone rings.",
  },
  {
    deed: "web",
    text: "Log in the web page, and call again.",
    hint: "The page rings, the desk phone does not.",
  },
  {
    deed: "taken",
    text: "Answer, then choose “Take it here” at the desk phone.",
    hint: "The call goes on there.",
  },
  {
    deed: "closed",
    text: "Hang up, close the page, and call again.",
    hint: "The desk phone rings at once.",
  },
  {
    deed: "message",
    text: "Let it ring for ten seconds, and speak after the tone.",
    hint: "The lamps light on both phones.",
  },
  {
    deed: "heard",
    text: "Play the message below.",
    hint: "The lamps go out on both.",
  },
];

const web = mortal(WebSocket);
/** The page was closed since it rang last. */
let isClosed = false;

/** @type {import("./device-phone.js").Kind[]} */
const KINDS = [
  {
    ...{ key: "desk", name: "Desk phone", class: "deskphone" },
    ...{ place: "on the desk", tone: "a", chord: [262, 330] },
  },
  {
    ...{ key: "web", name: "Web page", class: "web", place: "at work" },
    ...{ tone: "b", chord: [392, 494], WebSocket: web.WebSocket },
  },
];

const all = new OwnerPage("number", {
  ...{ steps: STEPS, kinds: KINDS, did },
  shown(owner, domain, bob) {
    for (const phone of all.phones)
      watchNumber(phone, { taken: () => all.steps.did("taken") });
    offerToClose(all.phones[1]);
    follow(bob, owner);
    keep(owner, domain).catch(({ message }) => all.trouble(message));
  },
});

/**
 * A page that is killed: what it has open ends, and it can say nothing more.
 *
 * @param {import("./device-phone.js").DevicePhone} page
 */
function offerToClose(page) {
  const close = make("button", "button", "Close the page");
  close.type = "button";
  const fit = () => (close.hidden = !page.ready);
  page.phone.on("status", fit);
  fit();
  close.addEventListener("click", async () => {
    isClosed = true;
    web.die();
    await page.phone.unregisterPhone().catch(() => {});
    web.live();
    page.say("Closed. Nobody was told.");
  });
  find(page.root, ".device__deeds").after(close);
}

/**
 * What a colleague sees of Kim.
 *
 * @param {import("./caller.js").Caller} bob
 * @param {import("./devices-server.js").Owner} owner
 */
function follow(bob, { name, user }) {
  const seen = make("p", "presence");
  seen.setAttribute("role", "status");
  find(bob.root, ".phone__head").after(seen);
  const presence = bob.phone.presence(user);
  const show = () => {
    seen.dataset.state = presence.state;
    say(seen, `${name} is ${WORDS[presence.state]}`);
  };
  presence.on("change", show);
  show();
}

const WORDS = {
  ...{ available: "available", busy: "on the phone", away: "away" },
  ...{ offline: "not there", unknown: "somewhere" },
};

/**
 * Rules, calls and messages: of the number, and there whoever is logged in.
 *
 * @param {import("./devices-server.js").Owner} owner
 * @param {string} domain
 */
async function keep({ user, password, account: { url } }, domain) {
  const account = new Account({ url, user, domain, password });
  const parts = {
    ...{ account, domain },
    complain: (/** @type {any} */ { message }) => all.trouble(message),
    speak: (/** @type {string} */ text) => say(find(document, "#spoken"), text),
  };
  const rules = new CallRules(parts);
  const calls = new Calls(parts);
  const messages = new Messages(parts);
  account.on("rules", (now) => rules.show(now));
  account.on("devices", (devices) => calls.know(devices));
  account.on("history", (record) => calls.add(record));
  account.on("voicemail", (counts) => {
    if (counts.new) all.steps.did("message");
    else if (counts.old) all.steps.did("heard");
    void messages.refresh();
  });
  rules.show(await account.rules());
  calls.know(await account.devices());
  calls.show(await calls.first());
  await messages.refresh();
}

/**
 * @param {import("./device-phone.js").Deed} deed
 * @param {import("./device-phone.js").DevicePhone} device
 */
function did(deed, device) {
  if (deed !== "rings") return;
  const { phones, steps } = all;
  const [desk, page] = phones;
  if (device === page) steps.did("web");
  else if (isClosed) steps.did("closed");
  else if (!page?.ready && device === desk) steps.did("desk");
}
