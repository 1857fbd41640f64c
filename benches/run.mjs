// npm run bench: Graceline against what an app would otherwise use, measured in
// one run. Installs and builds what that needs.
//
//   npm run bench                     everything, half an hour, most of it `switch`
//   npm run bench -- parse requests   the named parts
//   npm run bench -- --quick          few rounds: does it run at all?

import { join } from "node:path";
import { Explained, runMain, step } from "../scripts/lib/log.mjs";
import {
  ensureNodePackages,
  checkNode,
} from "../scripts/lib/node-packages.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { run } from "../scripts/lib/run.mjs";
import { ensureRust } from "../scripts/lib/rust.mjs";
import {
  ensureBrowser,
  ensureKamailio,
  ensureNetworkTools,
  ensureRtpengine,
} from "../scripts/lib/system-packages.mjs";
import { clientSizes, peerSizes } from "../scripts/lib/sizes.mjs";
import { figure } from "./lib/rounds.mjs";
import { print } from "./lib/table.mjs";

/** @typedef {import("./lib/rounds.mjs").Figure} Figure */
/** @typedef {import("./lib/table.mjs").Row} Row */
/** @typedef {{ rows: Row[], notes: string[] }} Result */

const words = process.argv.slice(2);
const quick = words.includes("--quick");

/** @type {Record<string, () => Promise<Result>>} */
const parts = {
  native,
  parse,
  requests,
  cycle,
  memory,
  startup,
  calls,
  switch: networkSwitch,
  "round-trips": roundTrips,
  size,
};

await runMain(async () => {
  checkNode();
  const names = words.filter((word) => word !== "--quick");
  const unknown = names.find((name) => !(name in parts));
  if (unknown)
    throw new Explained(
      `There is no part "${unknown}": ${Object.keys(parts).join(", ")}.`,
    );
  await ensureNodePackages();
  await run(process.execPath, [inRoot("scripts", "build.mjs")]);
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  const notes = [];
  for (const name of names.length ? names : Object.keys(parts)) {
    const result = await step(`measuring: ${name}`, parts[name]);
    rows.push(...result.rows);
    notes.push(...result.notes);
  }
  print(rows, notes);
});

/** Parse and typed access of Rust parsers. @returns {Promise<Result>} */
async function native() {
  await ensureRust();
  const folder = inRoot("benches", "native");
  await run("cargo", ["build", "--release"], { cwd: folder });
  const { output } = await run(
    join(folder, "target", "release", "graceline-bench"),
    [inRoot("benches", "messages"), quick ? "3" : "41"],
    { stdout: "capture" },
  );
  /** @type {{ name: string, nanos: number[], differs: string[] }[]} */
  const [ours, ...others] = JSON.parse(output);
  return {
    rows: [
      {
        figure: "parse + typed access, native",
        unit: "µs",
        ours: scaled(figure(ours.nanos)),
        peers: Object.fromEntries(
          others.map(({ name, nanos }) => [name, scaled(figure(nanos))]),
        ),
        goal: { factor: 1.5 },
      },
    ],
    notes: others
      .filter(({ differs }) => differs.length > 0)
      .map(
        ({ name, differs }) =>
          `${name} reads otherwise, or not: ${differs.join(", ")}`,
      ),
  };
}

/** @returns {Promise<Result>} */
async function parse() {
  const { figures, notes } = await child(
    "parse",
    quick ? [1, 20, 100] : [15, 200, 10_000],
  );
  return {
    rows: [
      row("parse + typed access, in JavaScript", "µs", figures, {
        peer: "JsSIP",
        factor: 15,
      }),
    ],
    notes,
  };
}

/** @returns {Promise<Result>} */
async function requests() {
  const { figures, notes } = await child(
    "requests",
    quick ? [1, 20, 50] : [15, 150, 6000],
  );
  return {
    rows: Object.entries(figures).map(([method, each]) =>
      row(`${method} in, answer out`, "µs", /** @type {any} */ (each), {
        peer: "JsSIP",
        factor: 30,
      }),
    ),
    notes,
  };
}

/** @returns {Promise<Result>} */
async function cycle() {
  const { figures, notes } = await child("cycle", quick ? [1, 1] : [15, 8]);
  return {
    rows: Object.entries(figures).map(([kind, each]) =>
      row(
        `register, 100 refreshes, unregister: ${kind}`,
        "ms",
        Object.fromEntries(
          Object.entries(each).map(([name, micros]) => [
            name,
            scaled(/** @type {any} */ (micros)),
          ]),
        ),
        { peer: "JsSIP", factor: 5 },
      ),
    ),
    notes,
  };
}

/** One library a process, in turns. @returns {Promise<Result>} */
async function memory() {
  const names = { graceline: "Graceline", jssip: "JsSIP", sipjs: "SIP.js" };
  /** @type {Record<string, Record<string, number[]>>} */
  const samples = { live: {}, resident: {} };
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const [peer, name] of Object.entries(names)) {
      const result = await child(
        "memory",
        [peer, quick ? 100 : 1000],
        ["--expose-gc"],
      );
      for (const kind of Object.keys(samples))
        (samples[kind][name] ??= []).push(result[kind] / 1024);
    }
  }
  const figures = (/** @type {string} */ kind) =>
    Object.fromEntries(
      Object.entries(samples[kind]).map(([name, list]) => [name, figure(list)]),
    );
  return {
    rows: [
      row("memory of an idle registered phone: live", "KiB", figures("live"), {
        peer: "JsSIP",
        factor: 2,
      }),
      row("… resident growth", "KiB", figures("resident"), {
        peer: "JsSIP",
        factor: 5,
      }),
    ],
    notes: [],
  };
}

/** @returns {Promise<Result>} */
async function startup() {
  await ensureBrowser();
  const { figures } = await child("startup", [quick ? 1 : 10]);
  return {
    rows: Object.entries(figures).map(([name, each]) =>
      row(`page to first registration in Chromium: ${name}`, "ms", each, {
        factor: 1,
      }),
    ),
    notes: [],
  };
}

/** @returns {Promise<Result>} */
async function calls() {
  await ensureBrowser();
  await ensureKamailio();
  await ensureRtpengine();
  const { figures, withoutStun } = await child(
    "calls",
    quick ? [1, 1] : [15, 3],
  );
  return {
    rows: [
      row("call() to the far end's audio in Chromium", "ms", figures, {
        factor: 1,
      }),
      row("… with a STUN server that does not answer", "ms", withoutStun, {
        factor: 2,
      }),
    ],
    notes: [],
  };
}

/** @returns {Promise<Result>} */
async function networkSwitch() {
  await ensureBrowser();
  await ensureKamailio();
  await ensureNetworkTools();
  /** @type {Record<string, Record<"cut" | "silent", (number | null)[]>>} */
  const gaps = await child("switch", quick ? [1] : [20]);
  /** @type {Row[]} */
  const rows = [];
  for (const [kind, what] of /** @type {const} */ ([
    ["cut", "a network lost, another there"],
    ["silent", "a network silent, another there"],
  ])) {
    /** @param {(seconds: number[]) => Figure} choose */
    const of = (choose) =>
      Object.fromEntries(
        Object.entries(gaps).map(([name, { [kind]: samples }]) => [
          name,
          choose(samples.map((ms) => (ms === null ? Infinity : ms / 1000))),
        ]),
      );
    const worst = (/** @type {number[]} */ seconds) =>
      exactly(Math.max(...seconds));
    rows.push(
      row(`without audio: ${what}`, "s", of(figure), { factor: 1 }),
      row("… the worst", "s", of(worst), { factor: 1 }),
    );
  }
  return { rows, notes: [] };
}

/** @returns {Promise<Result>} */
async function roundTrips() {
  const { counts, notes } = await child("round-trips", []);
  /** What `docs/registration.md` promises: REGISTERs of ours. @type {Record<string, number>} */
  const promised = {
    "registered, plain registrar": 3,
    "refused, plain registrar": 2,
    "back after a lost socket, plain registrar": 2,
    "registered, graceful registrar": 2,
    "refused, graceful registrar": 2,
    "back after a lost socket, graceful registrar": 1,
  };
  return {
    rows: Object.entries(counts).map(
      ([what, { Graceline: ours, ...others }]) => ({
        figure: `round trips: ${what}`,
        unit: "",
        ours: exactly(ours),
        peers: Object.fromEntries(
          Object.entries(others).map(([name, count]) => [name, exactly(count)]),
        ),
        goal: { most: promised[what] },
      }),
    ),
    notes,
  };
}

/** @returns {Promise<Result>} */
async function size() {
  const { both, all } = await clientSizes();
  const others = Object.entries(await peerSizes());
  const kib = (/** @type {number} */ bytes) => exactly(bytes / 1024);
  const peers = Object.fromEntries(
    others.map(([name, { brotli }]) => [name, kib(brotli)]),
  );
  /** @param {string} figure @param {number} bytes */
  const line = (figure, bytes) => ({
    figure,
    unit: "KiB",
    ours: kib(bytes),
    peers,
    goal: { factor: 1 },
  });
  return {
    rows: [
      line("to be registered, brotli", both.brotli),
      line("… and with calls, brotli", all.brotli),
    ],
    notes: [],
  };
}

/**
 * A part of its own process: nothing of one disturbs the other.
 *
 * @param {string} name
 * @param {(string | number)[]} args
 * @param {string[]} [flags] of Node
 * @returns {Promise<any>}
 */
async function child(name, args, flags = []) {
  const { output } = await run(
    process.execPath,
    [...flags, inRoot("benches", "parts", `${name}.mjs`), ...args.map(String)],
    { stdout: "capture", env: { NODE_ENV: "production", DEBUG: undefined } },
  );
  return JSON.parse(output);
}

/**
 * @param {string} title
 * @param {string} unit
 * @param {Record<string, Figure>} figures
 * @param {Row["goal"]} goal
 * @returns {Row}
 */
function row(title, unit, { Graceline: ours, ...peers }, goal) {
  return { figure: title, unit, ours, peers, goal };
}

/** @param {Figure} figure @returns {Figure} in a unit a thousand times as large */
function scaled({ median, low, high }) {
  return { median: median / 1000, low: low / 1000, high: high / 1000 };
}

/** @param {number | null} value null: never @returns {Figure} */
function exactly(value) {
  const median = value ?? Infinity;
  return { median, low: median, high: median };
}
