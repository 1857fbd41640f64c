// What rules, records and presence cost the calls of deploy/kamailio:
//
//   node benches/kamailio/calls.mjs           about two minutes
//   node benches/kamailio/calls.mjs --quick   does it run at all?
//
// Calls a second of one node, each from INVITE over 180, 200 and ACK to BYE, between naive clients over
// WebSocket: with rules and records, and a colleague who watches the presence of each and is told of both
// ends of each call; and of the same node without any of it, in turns. Server and load share the machine,
// which plays the colleagues, too, so only the ratio means something. Needs what the tests' stage "kamailio" installs.

import { cpus } from "node:os";
import { SipClient } from "../../tests/interop/support/sip-client.mjs";
import { Call, description } from "../../tests/kamailio/support/call.mjs";
import { Cluster } from "../../tests/kamailio/support/cluster.mjs";
import { contact } from "../../tests/kamailio/support/contacts.mjs";
import { DOMAIN } from "../../tests/kamailio/support/deployment.mjs";
import { Watcher } from "../../tests/kamailio/support/watcher.mjs";

const quick = process.argv.includes("--quick");
const PAIRS = quick ? 2 : 10;
const SECONDS = quick ? 1 : 8;
const ROUNDS = quick ? 1 : 7;

/** Keeps nothing of what went over the wire. */
const transcript = /** @type {any} */ ({ add() {} });

/** What watchers were told. */
let told = 0;

/** Every callee is taken for a server, which has neither rules nor a record, and nothing changes for watchers. @param {string} text */
const without = (text) =>
  text
    .replace('$var(kind) = "user";', '$var(kind) = "server";')
    .replace("if ($Rp != CLUSTER_PORT) route(CALL_HUNG_UP);", "");

const usersOf = (/** @type {{ name: string }} */ { name }) =>
  Array.from({ length: 2 * PAIRS }, (_, index) => `${name}${index}`);
const settings = { CALLS_PER_MINUTE: 0 };
const nodes = [
  { name: "with", settings, memory: 512 },
  { name: "without", settings, memory: 512, edit: without },
];
const accounts = nodes.flatMap(usersOf).map((user) => ({ user }));
const cluster = await Cluster.start({ accounts, nodes });
try {
  const homes = [];
  for (const node of cluster.nodes) homes.push(await pairs(node));
  await watchEachOther(homes[0]);
  /** @type {number[]} */
  const ratios = [];
  const rates = [[0].slice(1), [0].slice(1)];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, home] of homes.entries())
      rates[index].push(await callsOf(home));
    ratios.push(rates[0][round] / rates[1][round]);
  }
  const [full, bare] = rates.map(median);
  const records = await cluster.redis.command(["KEYS", "graceline:call:*"]);
  const kept = records.split("\n").length;
  console.log(
    `Calls a second, one node, ${cpus().length} cores shared with the load; medians of ${ROUNDS}:`,
    `${full.toFixed(0)} with rules, records and presence, ${bare.toFixed(0)} without: ${median(ratios).toFixed(2)}`,
    `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}); ${kept} records, ${told} NOTIFYs`,
  );
} finally {
  await cluster.stop();
}

/**
 * Pairs of clients that call each other at one node.
 * @param {import("../../tests/kamailio/support/deployment.mjs").KamailioNode} node
 */
async function pairs(node) {
  const { url } = node;
  const clients = [];
  for (const user of usersOf(node)) {
    const password = cluster.passwords[user];
    const client = await SipClient.connect({
      ...{ url, user, password, name: user, domain: DOMAIN, transcript },
    });
    const own = contact(user, { device: "" });
    const { status } = await client.register({ contacts: [own] });
    if (status !== 200) throw new Error(`${user}: ${status}`);
    client.respond = (request) => answer(client, request);
    clients.push(client);
  }
  return clients;
}

/**
 * @param {SipClient} client
 * @param {import("../../tests/interop/support/sip-message.mjs").SipMessage} request
 */
function answer(client, request) {
  client.received.length = 0;
  if (request.method === "NOTIFY") told++;
  if (request.method !== "INVITE") return { status: 200 };
  client.answer(request, { status: 180, reason: "Ringing" });
  return {
    status: 200,
    headers: /** @type {[string, string][]} */ ([
      ["Contact", `<sip:${client.name}@callee.invalid;transport=ws>`],
      ["Content-Type", "application/sdp"],
    ]),
    body: description(client),
  };
}

/** Each watches the presence of another, of the next pair. @param {SipClient[]} clients */
async function watchEachOther(clients) {
  for (const [index, client] of clients.entries()) {
    const { aor } = clients[(index + 2) % clients.length];
    const { status } = await new Watcher(client).subscribe(3600, {
      ...{ uri: aor, event: "presence", accept: "application/pidf+xml" },
    });
    if (status !== 200) throw new Error(`watching ${aor}: ${status}`);
  }
}

/** Calls a second of all pairs. @param {SipClient[]} clients */
async function callsOf(clients) {
  const began = performance.now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: PAIRS }, async (_, pair) => {
      while (performance.now() - began < 1000 * SECONDS) {
        const [caller, callee] = clients.slice(2 * pair, 2 * pair + 2);
        const call = new Call(caller, callee.aor);
        call.accepted = await call.invite();
        if (call.accepted.status !== 200)
          throw new Error(call.accepted.startLine);
        await call.ack();
        const { status } = await call.request("BYE");
        if (status !== 200) throw new Error(`BYE: ${status}`);
        calls++;
      }
    }),
  );
  return calls / ((performance.now() - began) / 1000);
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
