// What one CTI gateway carries: idle sessions and their memory, MakeCall a second, and how
// long a key at a desk phone takes to the page against a round trip to the SIP server.
//
//   node benches/gateway/load.mjs [sessions …]     default 300
//
// Memory is measured whenever there are so many sessions: 300 2000 10000. The gateway is
// a process of its own, `npx graceline gateway`; the test registrar, the switch and all
// pages share this one, so that its figures are what is left for the gateway on this
// machine.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startRegistrar, startSwitch } from "../../js/testing/index.js";
import { SipClient } from "../../tests/interop/support/sip-client.mjs";
import {
  CtiClient,
  connection,
  inside,
} from "../../tests/js/support/cti-client.js";

const STAGES = process.argv.slice(2).map(Number);
if (!STAGES.length) STAGES.push(300);
const SESSIONS = Math.max(...STAGES);
/** Of one user; the gateway serves no more than 32. */
const LINES = 25;
const USERS = Math.ceil(SESSIONS / LINES);
/** Calls are made at so many phones at once. */
const BUSY = 20;
const CALLS = 2_000;
const KEYS = 200;
const DOMAIN = "example.test";

const userOf = (/** @type {number} */ index) => `${1000 + index}`;
const users = Array.from({ length: USERS }, (_, index) => userOf(index));
const linesOf = (/** @type {string} */ user) =>
  Array.from({ length: LINES }, (_, index) => `${user}${10 + index}`);
const lines = users.flatMap(linesOf);
const password = "secret";

const registrar = await startRegistrar({
  domain: DOMAIN,
  users: Object.fromEntries(
    [...users, "cti"].map((user) => [user, { password }]),
  ),
});
const exchange = await startSwitch({
  phones: Object.fromEntries(lines.map((line) => [line, [`SEP${line}`]])),
});
const { child, memory } = await startGateway();

/** @type {{ session: CtiClient, line: string, page: SipClient }[]} */
const sessions = [];
/** @type {number} ms */
let opening = 0;
const weights = [{ sessions: 0, ...(await memory()) }];
for (const stage of STAGES) {
  const begun = performance.now();
  await openUpTo(stage);
  opening += performance.now() - begun;
  weights.push({ sessions: sessions.length, ...(await memory()) });
}
console.log("memory of the gateway's process, KiB");
console.table(weights);

const rows = [
  ["sessions, monitored", `${sessions.length}`],
  ["opened a second", `${Math.round((sessions.length / opening) * 1000)}`],
  ["MakeCall and ClearConnection a second", `${await callsASecond()}`],
  ...(await keyToPage()),
];
rows.push(["all of them ended, and the process", await stopping()]);
for (const [what, figure] of rows) console.log(`${what.padEnd(45)}${figure}`);

for (const page of new Set(sessions.map(({ page }) => page))) page.terminate();
await exchange.stop();
await registrar.stop();

/** @param {number} count */
async function openUpTo(count) {
  const having = sessions.length / LINES;
  const coming = users.slice(having, Math.ceil(count / LINES));
  await Promise.all(
    coming.map(async (user) => {
      const page = await SipClient.connect({
        url: registrar.url,
        user,
        password,
      });
      const first = new CtiClient(page);
      await page.register({ contacts: [first.contact], expires: 3600 });
      for (const line of linesOf(user)) {
        const session = new CtiClient(page);
        await session.control(`tel:${line}`);
        sessions.push({ session, line, page });
      }
    }),
  );
}

async function startGateway() {
  const program = fileURLToPath(
    new URL("../../js/cli/graceline.js", import.meta.url),
  );
  const probe = new URL("./memory.mjs", import.meta.url);
  const child = spawn(
    process.execPath,
    [
      ...["--expose-gc", "--import", probe.href],
      ...[program, "gateway", "--config", "-", "--json"],
    ],
    { stdio: ["pipe", "pipe", "inherit", "ipc"] },
  );
  const { stdin, stdout } =
    /** @type {import("node:child_process").ChildProcessWithoutNullStreams} */ (
      child
    );
  stdin.end(
    JSON.stringify({
      login: {
        ...{ connections: [registrar.url], user: "cti", domain: DOMAIN },
        password,
      },
      connections: [exchange.url],
      lines: Object.fromEntries(
        lines.map((line) => [line, [{ device: `SEP${line}` }]]),
      ),
      may: Object.fromEntries(users.map((user) => [user, linesOf(user)])),
    }),
  );
  const log = createInterface(stdout);
  const says = (/** @type {string} */ text) =>
    new Promise((resolve) =>
      log.on("line", (line) => line.includes(text) && resolve(undefined)),
    );
  await Promise.all([says(" is up."), says("is registered")]);
  const memory = async () => {
    child.send("memory");
    const [told] = await once(child, "message");
    return /** @type {import("./memory.mjs").Memory} */ (told);
  };
  return { child, memory };
}

async function callsASecond() {
  const begun = performance.now();
  let left = CALLS;
  await Promise.all(
    sessions.slice(0, BUSY).map(async ({ session, line }, index) => {
      // Its far end is a phone that nobody else calls.
      const far = sessions[BUSY + index].line;
      const own = `tel:${line}`;
      while (left-- > 0) {
        const made = await session.ask(
          "MakeCall",
          `<callingDevice>${own}</callingDevice><calledDirectoryNumber>tel:${far}</calledDirectoryNumber>`,
        );
        const call = inside(made, "callID");
        await session.ask(
          "ClearConnection",
          connection("connectionToBeCleared", call, own),
        );
      }
    }),
  );
  return Math.round((CALLS / (performance.now() - begun)) * 1000);
}

async function stopping() {
  const begun = performance.now();
  child.kill("SIGTERM");
  await once(child, "exit");
  return `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}

/** @returns {Promise<string[][]>} medians */
async function keyToPage() {
  const [{ line, page }] = sessions;
  const phone = exchange.phone(`SEP${line}`);
  /** @type {number[]} */
  const keys = [];
  /** @type {number[]} */
  const trips = [];
  // Who was made last hears the events of all sessions of a page.
  const heard = new CtiClient(page);
  for (let round = 0; round < KEYS; round++) {
    let begun = performance.now();
    phone.lift();
    await heard.until("ServiceInitiatedEvent");
    keys.push(performance.now() - begun);
    phone.hangup();
    await heard.until("ConnectionClearedEvent");
    begun = performance.now();
    await page.request("OPTIONS", `sip:${DOMAIN}`);
    trips.push(performance.now() - begun);
  }
  return [
    ["key at the desk phone to the page, median", `${median(keys)} ms`],
    ["a round trip to the SIP server, median", `${median(trips)} ms`],
  ];
}

/** @param {number[]} values */
function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1].toFixed(2);
}
