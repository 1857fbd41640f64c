/**
 * The fuzzer of deploy/kamailio: odd SIP from strangers, users and callees against real nodes, with
 * traps and victims that tell what got through.
 *
 *   node tests/kamailio/fuzz/run.mjs --seed=1 --seconds=60 --nodes=2 --devices
 *
 * The nth case is made from the seed plus n, so that a failing case is the first of the run with its
 * own seed. It prints the messages, made as short as it goes.
 */
import { parseArgs } from "node:util";
import { eventually } from "../../interop/support/eventually.mjs";
import { makeCase } from "./generator.mjs";
import { bound, judgeBindings } from "./oracles.mjs";
import { play } from "./play.mjs";
import { Random } from "./random.mjs";
import { shrink } from "./shrink.mjs";
import { World } from "./world.mjs";

/** @typedef {import("./generator.mjs").Step} Step */
/** @typedef {import("./oracles.mjs").Violation} Violation */

/** Cases after which Redis is looked at, and a new login is made. */
const INSPECT_EVERY = 20;
/** Cases among which the guilty one is looked for: some effects show late. */
const RECENT = 3;
/** Bytes of shared memory that a node may have more after a run than before it. */
const MAX_GROWTH = 16 * 1024 * 1024;
/**
 * What a node lets go by itself is gone by then: connections that were closed (a second), transactions
 * that nobody answered (10 s, and 5 s for what comes late).
 */
const LET_GO_MS = 30_000;

/**
 * @typedef {object} Find
 * @property {number} seed of the case
 * @property {Violation} violation
 * @property {Step[][]} cases that lead to it, as few and as short as it goes
 */

/**
 * @typedef {object} Options
 * @property {number} seed
 * @property {number} [seconds] how long
 * @property {number} [count] or how many cases
 * @property {number} [nodes] default 2
 * @property {boolean} [devices] whether devices are authorised one by one
 * @property {import("../support/deployment.mjs").NodeOptions["edit"]} [edit]
 * @property {string[]} [kinds] of violations to look for; default: all
 */

/**
 * Plays cases until one fails or all are over.
 * @param {Options} options
 * @returns {Promise<{ played: number, messages: number, find?: Find }>}
 */
export async function fuzz({
  seed,
  seconds,
  count = Infinity,
  nodes = 2,
  devices,
  edit,
  kinds,
}) {
  const counts = (/** @type {Violation} */ { kind }) =>
    !kinds || kinds.includes(kind);
  const start = () => World.start({ nodes, devices, edit });
  const end = performance.now() + (seconds ?? Infinity) * 1000;
  let world = await start();
  try {
    let before = await bound(world);
    const memory = await usedMemory(world);
    /** @type {Step[][]} */
    const recent = [];
    let [played, messages] = [0, 0];
    for (; played < count && performance.now() < end; played++) {
      const steps = makeCase(new Random(seed + played));
      recent.push(steps);
      if (recent.length > RECENT) recent.shift();
      messages += steps.length;
      const violations = await play(world, steps);
      if (violations.length === 0 && played % INSPECT_EVERY === 0)
        violations.push(...(await inspect(world, before)));
      if (violations.length === 0) continue;
      await world.stop();
      world = await start();
      if (!violations.some(counts)) {
        before = await bound(world);
        recent.length = 0;
        continue;
      }
      const violation = violations.filter(counts)[0];
      const { kind } = violation;
      const cases = await shrink(recent, async (candidate) => {
        const same = await fails(world, candidate, kind);
        if (same) {
          await world.stop();
          world = await start();
        }
        return same;
      });
      const find = { seed: seed + played, violation, cases };
      return { played: played + 1, messages, find };
    }
    const violations = await inspect(world, before);
    violations.push(...(await judgeMemory(world, memory)));
    if (violations.length > 0) {
      const find = { seed, violation: violations[0], cases: [] };
      return { played, messages, find };
    }
    return { played, messages };
  } finally {
    await world.stop();
  }
}

/**
 * @param {World} world
 * @param {Step[][]} cases
 * @param {string} kind
 */
async function fails(world, cases, kind) {
  const before = await bound(world);
  for (const steps of cases) {
    const violations = await play(world, steps);
    violations.push(...(await judgeBindings(world, before)));
    if (violations.length > 0)
      return violations.some((one) => one.kind === kind);
  }
  return false;
}

/**
 * @param {World} world
 * @param {Record<string, string>} before
 */
async function inspect(world, before) {
  const violations = await judgeBindings(world, before);
  for (const node of /** @type {const} */ (["here", "there"])) {
    const newcomer = await world.open("newcomer", node);
    const answer = await newcomer.register({ contacts: ["<sip:n@n.invalid>"] });
    if (answer.status !== 200)
      violations.push({ kind: "no login", text: answer.text });
    await newcomer.register({ contacts: ["*"], expires: 0, reuseNonce: true });
    await newcomer.close();
  }
  return violations;
}

/** Bytes of shared memory that each node uses. @param {World} world */
const usedMemory = (world) =>
  Promise.all(
    world.cluster.nodes.map(async (node) => {
      const text = await node.rpc("core.shmmem");
      return Number(/real_used: (\d+)/.exec(text)?.[1]);
    }),
  );

/**
 * @param {World} world
 * @param {number[]} before
 * @returns {Promise<Violation[]>}
 */
async function judgeMemory(world, before) {
  /** @type {number[]} */
  let growth = [];
  const isLetGo = async () => {
    const after = await usedMemory(world);
    growth = after.map((bytes, index) => bytes - before[index]);
    return growth.every((bytes) => bytes < MAX_GROWTH);
  };
  await eventually("memory to be let go", isLetGo, LET_GO_MS).catch(() => {});
  return growth.flatMap((bytes, index) =>
    bytes < MAX_GROWTH
      ? []
      : [{ kind: "memory", text: `${bytes} bytes more at node ${index}` }],
  );
}

/** A find, for people. @param {Find} find */
export function describe({ seed, violation, cases }) {
  const shown = cases.flat().map(showStep).join("\n\n");
  return `seed ${seed}: ${violation.kind}\n${violation.text}\n--- by\n${shown}`;
}

/** @param {Step} step */
function showStep({ by, via, node, does, start, headers = [], body, raw }) {
  if (does) return `${by}: ${does}`;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const text = raw ?? [start, ...lines, "", body].join("\n");
  const from = [by, via, node].filter(Boolean).join(" ");
  return `${from}:\n${JSON.stringify(text).slice(1, -1).replaceAll("\\n", "\n")}`;
}

/** @param {string[]} args */
async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
      seconds: { type: "string", default: "600" },
      nodes: { type: "string" },
      devices: { type: "boolean" },
    },
  });
  const seed = Number(values.seed);
  const houses = [
    { nodes: 2, devices: false },
    { nodes: 1, devices: false },
    { nodes: 2, devices: true },
  ].filter(
    ({ nodes, devices }) =>
      (values.nodes === undefined || nodes === Number(values.nodes)) &&
      (values.devices === undefined || devices === values.devices),
  );
  for (const { nodes, devices } of houses) {
    const seconds = Number(values.seconds) / houses.length;
    const { played, messages, find } = await fuzz({
      ...{ seed, seconds, nodes, devices },
    });
    console.log(
      `kamailio, ${nodes} nodes${devices ? " with devices" : ""}: seed ${seed}, ${played} cases, ${messages} messages: ${find ? "FAILED" : "nothing found"}`,
    );
    if (!find) continue;
    console.log(describe(find));
    process.exitCode = 1;
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  await main(process.argv.slice(2));
