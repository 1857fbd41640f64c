// The demo page: two phones, their registrar, and what they say to each other.

import { Client } from "./client.js";
import { find, say } from "./element.js";
import { Ladder } from "./ladder.js";
import { Reader } from "./reader.js";
import { STEPS } from "./registration-steps.js";
import { RegistrarPanel } from "./registrar-panel.js";
import { listen, setPolicy } from "./server.js";
import { Steps } from "./steps.js";

/**
 * @typedef {import("./server.js").Config} Config
 * @typedef {import("./server.js").RegistrationType} RegistrationType
 */

/** @type {Record<RegistrationType, string>} */
const MEANING = {
  graceful:
    "The second login is refused and its user asked. Who is logged out is told, and never steals the line back.",
  duplicate:
    "The last login wins without asking. The phone that it replaces is told, and stays out.",
  normal:
    "Plain SIP. Nobody is asked and nobody is told: each refresh steals the line back, for ever.",
};

/** Handovers that show a fight and not merely a change. */
const A_FIGHT = 3;

/** As in page.css: the reader stands below the diagram, out of sight. */
const oneColumn = matchMedia("(width < 46rem)");
/** @type {ScrollIntoViewOptions} */
const NEARBY = { block: "nearest", behavior: "smooth" };

const reader = new Reader(find(document, "#reader"));
const ladder = new Ladder({
  rows: find(document, "#ladder"),
  scroll: find(document, "#ladder-scroll"),
  newest: find(document, "#ladder-newest"),
  clear: find(document, "#ladder-clear"),
});
const steps = new Steps(
  find(document, "#steps"),
  find(document, "#steps-said"),
);

/** @type {import("./client.js").Told} */
const told = {
  message: (client, event) => ladder.add(client, event, registered()),
  note: (client, text) => ladder.note(client, text, registered()),
  nameOf: (who) => clientOf(who)?.name ?? "another client",
  step: (client, step) => {
    if (step !== "ready") steps.did(step);
    else steps.did(clients.every(({ ready }) => ready) ? "second" : "first");
  },
};

const a = new Client(
  find(document, "#phone-a"),
  { key: "a", name: "Phone A", place: "in the office" },
  told,
);
const b = new Client(
  find(document, "#phone-b"),
  { key: "b", name: "Phone B", place: "at home" },
  told,
);
const clients = [a, b];

const registrar = new RegistrarPanel((binding) => {
  const client = clientOf(binding);
  return client ?? { key: "", name: "another client" };
});

/** @type {Config | null} */
let config = null;
/** @type {RegistrationType | null} What the phones are now. */
let type = null;
/** One switch after the other. */
let switching = Promise.resolve();

ladder.onChoose = (entry) => {
  reader.show(entry);
  if (!entry) return;
  steps.did("read");
  if (oneColumn.matches) find(document, "#reader").scrollIntoView(NEARBY);
};

find(document, "#policy").addEventListener("change", (event) => {
  if (!(event.target instanceof HTMLInputElement)) return;
  const wanted = /** @type {RegistrationType} */ (event.target.value);
  switching = switching.then(() => switchTo(wanted, true)).catch(showTrouble);
});

listen({
  config: (news) => {
    // A server started anew has a new registrar, to which this page may not connect.
    if (config && config.url !== news.url) location.reload();
    config = news;
    registrar.describe(news.url);
    switching = switching
      .then(() => switchTo(config?.policy ?? news.policy, false))
      .catch(showTrouble);
  },
  bindings: (bindings) => {
    const holder = registrar.show(bindings);
    for (const client of clients) client.seeHolder(holder?.name ?? "");
    if (registrar.handovers >= A_FIGHT) steps.did("fought");
  },
  reachable: (yes) => {
    showServer(
      yes ? "up" : "down",
      yes ? "Demo server connected" : "Demo server not reachable",
    );
  },
});

/**
 * Ends what the phones were, and begins anew with another registration type.
 * @param {RegistrationType} wanted
 * @param {boolean} tell whether the registrar has yet to hear of it
 */
async function switchTo(wanted, tell) {
  if (!config || wanted === type) return;
  showType(wanted);
  type = null;
  await Promise.all(clients.map((client) => client.close()));
  if (tell) await setPolicy(wanted);
  type = wanted;
  registrar.forget();
  steps.begin(STEPS[wanted]);
  ladder.divide(`Registration type: ${wanted}`);
  for (const client of clients) client.open(config, wanted);
}

/** @param {RegistrationType} wanted */
function showType(wanted) {
  say(find(document, "#policy-text"), MEANING[wanted]);
  document.documentElement.dataset.type = wanted;
  for (const input of document.querySelectorAll("#policy input")) {
    if (!(input instanceof HTMLInputElement)) continue;
    input.disabled = false;
    input.checked = input.value === wanted;
  }
}

/** @param {unknown} error */
function showTrouble(error) {
  showServer("down", error instanceof Error ? error.message : String(error));
}

/**
 * @param {"up" | "down"} state
 * @param {string} text
 */
function showServer(state, text) {
  find(document, "#server").dataset.state = state;
  say(find(document, "#server-text"), text);
}

function registered() {
  return { a: a.ready, b: b.ready };
}

/** @param {import("./client.js").Who | undefined} who */
function clientOf(who) {
  return who && clients.find((client) => client.is(who));
}
