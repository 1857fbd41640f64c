// What the graceful policy costs a Kamailio, and whether it holds under load:
//
//   node benches/kamailio/load.mjs            about two minutes
//   node benches/kamailio/load.mjs --quick    does it run at all?
//   node benches/kamailio/load.mjs --fights   the fights alone
//   … --memory=32                             on a node with so many MiB, default 256
//
// Logins a second of one node of deploy/kamailio, against the same Kamailio with its own registrar
// module in place of the policy, and of the same node where each device has to be authorised, in turns:
// from sipp over TCP (each login on a connection of its
// own), and from phones of this package over WebSocket. Server and load share the machine, so only
// the ratio means something. Then phones fight for devices, and every client is asked afterwards. A node
// that is short of memory turns some away, which is counted; one that ran out of it fails the run.
// Needs pkg/ (npm run build), what the tests' stage "kamailio" installs, and sip-tester.

import { createHash, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Phone } from "graceline";
import WebSocket from "ws";
import { ensureSipp } from "../../scripts/lib/system-packages.mjs";
import { eventually } from "../../tests/interop/support/eventually.mjs";
import { Cluster } from "../../tests/kamailio/support/cluster.mjs";
import { DOMAIN, run } from "../../tests/kamailio/support/deployment.mjs";
import { Facts } from "../../tests/kamailio/support/facts.mjs";

const quick = process.argv.includes("--quick");
const onlyFights = process.argv.includes("--fights");
const memory = Number(
  process.argv.find((arg) => arg.startsWith("--memory="))?.slice(9) ?? 256,
);
const LOGINS = quick ? 200 : 2000;
const PHONES = quick ? 20 : 300;
const ROUNDS = quick ? 1 : 3;
const AT_ONCE = 50;
const DEVICES = quick ? 2 : 20;
const RIVALS = 5;
const FIGHTS = quick ? 2 : 20;
const OUT_OF_MEMORY =
  /could not allocate|no more (shm|pkg|mem|shared|private)|(out|short) of (shm|pkg|mem|cell)|MEMORY_ERROR/i;

const here = (/** @type {string} */ file) =>
  fileURLToPath(new URL(file, import.meta.url));
const password = (/** @type {string} */ user) => `secret-${user}`;
const hash = (/** @type {string} */ algorithm, /** @type {string} */ user) =>
  createHash(algorithm)
    .update(`${user}:${DOMAIN}:${password(user)}`)
    .digest("hex");
const users = Array.from({ length: PHONES }, (_, index) => `u${index}`);
const instances = new Map(
  users.map((user) => [user, `urn:uuid:${randomUUID()}`]),
);

await ensureSipp();
const scratch = await mkdtemp(join(tmpdir(), "load-"));
const list = join(scratch, "users.csv");
const credentials = (/** @type {string} */ user) =>
  `${user};[authentication username=${user} password=${password(user)}];${instances.get(user)}`;
await writeFile(list, `SEQUENTIAL\n${users.map(credentials).join("\n")}\n`);

const cluster = await Cluster.start({ accounts: [], nodes: [] });
try {
  await cluster.database.sql(
    users
      .map(
        (user) =>
          `INSERT INTO subscriber (username, domain, ha1_sha256, ha1) VALUES ('${user}', '${DOMAIN}', '${hash("sha256", user)}', '${hash("md5", user)}');`,
      )
      .join("\n"),
  );
  const facts = new Facts(cluster.redis);
  for (const [user, instance] of onlyFights ? [] : instances)
    await facts.authorise(instance, "mobile", user);
  const settings = { FORCES_PER_MINUTE: 0 };
  // sipp knows MD5 only, and reads the first challenge.
  const define = ["WITH_MD5_PHONES"];
  const withPolicy = await cluster.add({ settings, define, memory });
  const without = await cluster.add({
    name: "plain",
    config: "without-policy.cfg",
    files: [here("without-policy.cfg")],
    settings,
    define,
    memory,
  });
  /** @typedef {{ plain: number[], policy: number[], devices: number[] }} Figures */
  /** @type {Record<string, Figures>} */
  const figures = {
    "sipp, TCP": { plain: [], policy: [], devices: [] },
    "phones, WebSocket": { plain: [], policy: [], devices: [] },
  };
  for (let round = 0; round < (onlyFights ? 0 : ROUNDS); round++)
    for (const [node, kind] of /** @type {const} */ ([
      [without, "plain"],
      [withPolicy, "policy"],
      [withPolicy, "devices"],
    ])) {
      const devices = kind === "devices" ? "on" : "off";
      await cluster.database.sql(`UPDATE domain SET devices = '${devices}'`);
      figures["sipp, TCP"][kind].push(await sippLogins(node));
      figures["phones, WebSocket"][kind].push(await phoneLogins(node));
    }
  if (!onlyFights)
    console.log(
      `Logins a second, one node, ${cpus().length} cores shared with the load; medians of ${ROUNDS}`,
    );
  for (const [how, { policy, plain, devices }] of Object.entries(figures)) {
    if (onlyFights) break;
    const [held, bare, admitted] = [policy, plain, devices].map(median);
    // What stands beside each other in time: other work comes and goes.
    const ratio = median(devices.map((rate, round) => rate / policy[round]));
    console.log(
      `  ${how}: ${held.toFixed(0)} with the policy, ${bare.toFixed(0)} without: ${(held / bare).toFixed(2)}`,
    );
    console.log(
      `  ${how}: ${admitted.toFixed(0)} with devices authorised: ${ratio.toFixed(2)} of the policy alone`,
    );
  }
  await cluster.database.sql("UPDATE domain SET devices = 'off'");
  const { violations, checks, forced, refused, away } =
    await fights(withPolicy);
  console.log(
    `Under load: ${violations} violations in ${checks} checks (${refused} refused, ${forced} forced, ${away} turned away)`,
  );
  if (violations > 0) process.exitCode = 1;
  // Figures of a node that ran out of memory are those of something else.
  for (const node of [withPolicy, without]) {
    const lines = node.log
      .split("\n")
      .filter((line) => OUT_OF_MEMORY.test(line));
    if (lines.length === 0) continue;
    console.log(
      `Out of memory, ${lines.length} times, node ${node.name}: ${lines[0]}`,
    );
    process.exitCode = 1;
  }
} finally {
  await cluster.stop();
  await rm(scratch, { recursive: true, force: true });
}

/** @param {import("../../tests/kamailio/support/deployment.mjs").KamailioNode} node */
async function sippLogins(node) {
  const began = performance.now();
  await run("sipp", [
    `${node.host}:${node.port}`,
    ...["-sf", here("login.xml"), "-inf", list, "-nostdin", "-t", "tn"],
    ...["-i", "127.0.0.1", "-max_socket", "500"],
    // Else its digest is for an address, not for the Request-URI.
    ...["-auth_uri", DOMAIN],
    ...["-m", `${LOGINS}`, "-l", `${AT_ONCE}`, "-r", "20000"],
  ]);
  const rate = LOGINS / ((performance.now() - began) / 1000);
  // Its connections are closed: no binding may stay.
  await eventually(
    "sipp's bindings to be gone",
    async () => (await cluster.redis.command(["KEYS", "graceline:u*"])) === "",
  );
  return rate;
}

/** @param {import("../../tests/kamailio/support/deployment.mjs").KamailioNode} node */
async function phoneLogins(node) {
  const phones = users.map((user) => phone(node, user, instances.get(user)));
  const began = performance.now();
  const waiting = [...phones];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let one = waiting.pop(); one; one = waiting.pop())
        await one.registerPhone();
    }),
  );
  const rate = phones.length / ((performance.now() - began) / 1000);
  await Promise.all(phones.map((one) => one.close()));
  return rate;
}

/**
 * Rivals log in to devices all at once, unforced and forced in turns; when all is quiet, exactly one
 * of each device is ready, and it is the one that is bound. An unforced burst on a free device must
 * have exactly one winner.
 * @param {import("../../tests/kamailio/support/deployment.mjs").KamailioNode} node
 */
async function fights(node) {
  const result = { violations: 0, checks: 0, forced: 0, refused: 0, away: 0 };
  const devices = users.slice(0, DEVICES);
  for (let fight = 0; fight < FIGHTS; fight++) {
    const forceRegistration = fight % 2 === 1;
    await Promise.all(
      devices.map(async (user) => {
        const rivals = Array.from({ length: RIVALS }, () => phone(node, user));
        const outcomes = await Promise.allSettled(
          rivals.map((one) => one.registerPhone({ forceRegistration })),
        );
        const won = outcomes.filter(({ status }) => status === "fulfilled");
        const away = outcomes.filter(turnedAway).length;
        result.away += away;
        result.refused += RIVALS - won.length - away;
        if (forceRegistration) result.forced += won.length;
        else if (won.length !== 1 && away < RIVALS) fault(user, outcomes);
        await quiet(rivals);
        const ready = rivals.filter((one) => one.ready);
        const bound = await cluster.bindings(user);
        result.checks++;
        const wanted = away < RIVALS ? 1 : 0;
        if (ready.length !== wanted || bound.length !== wanted)
          fault(user, { ready: ready.length, bound });
        await Promise.all(rivals.map((one) => one.close()));
        result.checks++;
        const left = await cluster.bindings(user);
        if (left.length !== 0) fault(user, { left });
      }),
    );
  }
  return result;

  /** What was seen of a violation. @param {string} user @param {unknown} seen */
  function fault(user, seen) {
    result.violations++;
    console.log(`violation: ${user}: ${JSON.stringify(seen)}`);
  }
}

/**
 * Whether a node that is short of memory let nobody in here, neither the connection nor the login.
 * @param {PromiseSettledResult<unknown>} outcome
 */
function turnedAway(outcome) {
  if (outcome.status === "fulfilled") return false;
  return ["eCouldNotConnect", "eServerRejected"].includes(outcome.reason.code);
}

/**
 * Resolves when at most one of the phones believes itself registered, or after ten seconds.
 * @param {Phone[]} phones
 */
function quiet(phones) {
  return new Promise((resolve) => {
    const look = () => {
      if (phones.filter((one) => one.ready).length > 1) return;
      clearTimeout(timer);
      resolve(undefined);
    };
    const timer = setTimeout(resolve, 10_000);
    for (const one of phones) one.on("status", look);
    look();
  });
}

/**
 * @param {import("../../tests/kamailio/support/deployment.mjs").KamailioNode} node
 * @param {string} user
 * @param {string} [instanceId] default: a new one
 */
function phone(node, user, instanceId = `urn:uuid:${randomUUID()}`) {
  return new Phone({
    connections: node.url,
    user,
    domain: DOMAIN,
    password: password(user),
    device: "CSF",
    instanceId,
    profile: "cisco",
    storage: null,
    WebSocket: /** @type {any} */ (WebSocket),
  });
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
