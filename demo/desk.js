// A page that drives a desk phone, the phone itself, another one to talk to, and what
// passes between the page and the gateway.

import { Phone } from "../js/index.js";
import { find, make, say } from "./element.js";
import { DeskPhone } from "./desk-phone.js";
import { use, watchDesk } from "./desk-server.js";
import { DeskTalk } from "./desk-talk.js";
import { Ladder } from "./ladder.js";
import { Reader } from "./reader.js";
import { listen } from "./server.js";
import { tapped } from "./tap.js";

/** @typedef {import("../js/index.js").Call} Call */

const LINE = "2001";
/** @type {Record<string, string>} */
const NAMES = { 2001: "Ann", 2002: "Bob", 2003: "Carol" };
const DESKS = [
  { owner: "Ann", device: "SEP2001", tone: "a", names: NAMES },
  { owner: "Bob", device: "SEP2002", tone: "c", names: NAMES },
];
const PAGE = { key: /** @type {const} */ ("a"), name: "Ann's page" };
const GATEWAY = { key: /** @type {const} */ ("b"), name: "CTI gateway" };

/** @type {Record<string, { text: string, look: string }>} */
const STATUS = {
  eIdle: { text: "Off", look: "off" },
  eRegistering: { text: "Connecting", look: "busy" },
  eReady: { text: "Ready", look: "ready" },
  eRecoveryPending: { text: "Waiting", look: "recovering" },
};

const page = find(document, "#page");
const number = /** @type {HTMLInputElement} */ (find(page, ".dial__number"));
const dial = /** @type {HTMLButtonElement} */ (find(page, ".dial__call"));
const { WebSocket: Tapped, documentOf } = tapped(WebSocket);
const reader = new Reader(find(document, "#reader"));
const ladder = new Ladder(
  {
    rows: find(document, "#ladder"),
    scroll: find(document, "#ladder-scroll"),
    newest: find(document, "#ladder-newest"),
    clear: find(document, "#ladder-clear"),
  },
  "SIP server",
);
ladder.onChoose = (entry) => reader.show(entry);

const desks = DESKS.map((who) => new DeskPhone(who, trouble));
find(document, "#stage").append(...desks.map(({ root }) => root));
/** @type {Map<Call, DeskTalk>} */
const talks = new Map();
/** @type {Phone | undefined} */
let phone;
let url = "";

listen({
  config(config) {
    // A server started anew has a new registrar, to which this page may not connect.
    if (phone && url !== config.url) location.reload();
    if (!phone) begin(config);
  },
  bindings() {},
  reachable(yes) {
    const place = find(document, "#trouble");
    place.hidden = yes;
    say(place, yes ? "" : "The demo server cannot be reached.");
  },
});

watchDesk({
  desk({ phones, nodes }) {
    phones.forEach((view, index) => desks[index]?.show(view));
    showNodes(nodes);
  },
  message: (message) => ladder.add(GATEWAY, message, lifelines()),
});

/** @param {import("./server.js").Config} config */
function begin(config) {
  url = config.url;
  const user = config.users.find(({ name }) => name === LINE);
  phone = new Phone({
    connections: url,
    user: LINE,
    domain: config.domain,
    password: user?.password,
    displayName: "Ann",
    userAgent: "Graceline-Demo (Ann's page)",
    remoteControl: { gateway: `sip:cti@${config.domain}` },
    WebSocket: /** @type {typeof WebSocket} */ (Tapped),
    storage: null,
  });
  phone.on("sip", (event) =>
    // What is sent passes the socket right after this.
    queueMicrotask(() =>
      ladder.add(
        PAGE,
        { ...event, csta: documentOf(event.message) },
        lifelines(),
      ),
    ),
  );
  phone.on("status", ({ status }) => {
    ladder.note(PAGE, status, lifelines());
    show();
  });
  phone.on("desk", ({ state, reason }) => {
    notice(state === "eInService" ? "" : (OUT[state]?.(reason) ?? state));
    show();
  });
  phone.on("incoming", ({ call }) => add(call));
  phone.on("call", ({ call }) => add(call));
  phone.on("error", ({ message }) => notice(message));
  phone
    .registerPhone({ mode: "DeskPhone" })
    .catch((/** @type {Error} */ { message }) => notice(message));
  find(page, ".dial").addEventListener("submit", (event) => {
    event.preventDefault();
    const target = number.value.trim();
    notice("");
    if (target && phone) add(phone.call(target));
  });
  show();
}

/** @type {Record<string, (reason?: string) => string>} */
const OUT = {
  eOutOfService: () => "The desk phone cannot be driven at the moment.",
  eRecoveryPending: () => "Waiting for the gateway.",
};

/** @param {Call} call */
function add(call) {
  const talk = new DeskTalk(call, {
    nameOf,
    others: () =>
      [...talks.keys()].filter(
        (other) => other !== call && other.state === "held",
      ),
    trouble: notice,
  });
  talks.set(call, talk);
  find(page, ".talks").append(talk.root);
  // What can be done with one may depend on the others.
  const showAll = () => talks.forEach((each) => each.show());
  call.on("state", showAll);
  call.on("error", ({ message }) => notice(message));
  call.once("ended", ({ cause, reason }) => {
    talks.delete(call);
    talk.root.remove();
    showAll();
    notice(
      cause === "remote"
        ? `${nameOf(call.remote.uri)} hung up.`
        : cause === "local"
          ? ""
          : `The call ended: ${reason}`,
    );
  });
  showAll();
}

/** @param {import("./desk-server.js").Node[]} nodes */
function showNodes(nodes) {
  find(document, "#nodes").replaceChildren(
    ...nodes.map(({ on, state, sessions }, index) => {
      const button = make("button", "button", on ? "Cut" : "Mend");
      button.type = "button";
      button.append(make("span", "hidden", ` connection ${index + 1}`));
      button.addEventListener("click", () =>
        use({ node: index, on: !on }).catch(trouble),
      );
      const serves = sessions === 1 ? "1 session" : `${sessions} sessions`;
      const text = make("span", "node__text", make("b", "", `${index + 1}`));
      text.append(` ${state}, ${serves}`);
      const dot = make("span", "dot");
      dot.setAttribute("aria-hidden", "true");
      const item = make("li", "node", dot, text, button);
      item.dataset.state = state;
      return item;
    }),
  );
}

function show() {
  if (!phone) return;
  const { text, look } = STATUS[phone.status] ?? STATUS.eIdle ?? {};
  page.dataset.look = look;
  say(find(page, ".status__text"), text ?? "");
  say(find(document, "#controlled"), phone.desk?.device || "a desk phone");
  dial.disabled = !phone.ready;
}

/** Thick while the phone is under control. */
function lifelines() {
  return { a: phone?.ready ?? false, b: false };
}

/** @param {string} uri */
function nameOf(uri) {
  const digits = uri.replace(/^(tel|sips?):/, "").replace(/[@;].*/, "");
  return NAMES[digits] ?? digits;
}

/** @param {string} text */
function notice(text) {
  say(find(page, ".caller__notice"), text);
}

/** @param {unknown} error */
function trouble(error) {
  notice(error instanceof Error ? error.message : String(error));
}
