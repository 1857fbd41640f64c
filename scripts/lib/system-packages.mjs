import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Missing, step } from "./log.mjs";
import { answerOf, findProgram, run } from "./run.mjs";

/** Chromium and its driver, for the tests that only a browser can run. */
export async function ensureBrowser() {
  const there = () =>
    (process.env.CHROMIUM ??
      findProgram("chromium", "chromium-browser", "google-chrome")) &&
    findProgram("chromedriver");
  if (there()) return;
  await installPackages("Chromium and its driver", [
    ["chromium", "chromium-driver"],
    ["chromium-browser", "chromium-chromedriver"],
  ]);
  if (!there()) throw new Missing("Chromium was installed but is not in PATH.");
}

/** Callgrind, which counts instructions. */
export async function ensureValgrind() {
  if (findProgram("valgrind")) return;
  await installPackages("Valgrind", [["valgrind"]]);
}

/**
 * Kamailio with what the interop tests and deploy/kamailio need of it, and the
 * servers and tools that deploy/kamailio works with. Tests start a Redis and databases
 * of their own; that a distribution may start some too does not matter.
 */
export async function ensureKamailio() {
  const modules = [
    ...["websocket", "outbound", "ndb_redis", "tls", "crypto"],
    ...["db_sqlite", "db_postgres", "db_mysql"],
    ...["presence", "pua_dialoginfo", "pua_reginfo"],
  ];
  const programs = [
    "kamailio",
    "redis-server",
    "redis-cli",
    "sqlite3",
    "psql",
    "mariadb",
    "mariadbd",
    "openssl",
  ];
  const there = () =>
    programs.every((program) => findProgram(program)) &&
    // The programs of its server are in no PATH.
    existsSync("/usr/lib/postgresql") &&
    modules.every(hasKamailioModule);
  if (there()) return;
  await installPackages("Kamailio with Redis and databases", [
    [
      "kamailio",
      "kamailio-websocket-modules",
      "kamailio-outbound-modules",
      "kamailio-sqlite-modules",
      "kamailio-postgres-modules",
      "kamailio-mysql-modules",
      "kamailio-redis-modules",
      "kamailio-tls-modules",
      "kamailio-presence-modules",
      "redis-server",
      "sqlite3",
      "postgresql",
      "mariadb-server",
      "openssl",
    ],
  ]);
  if (!there()) {
    throw new Missing(
      `Kamailio was installed, but not all of ${[...programs, ...modules].join(", ")}.`,
    );
  }
}

/** rtpengine, which carries calls between browsers and phones that know no WebRTC. */
export async function ensureRtpengine() {
  await ensureProgram("rtpengine", [["rtpengine-daemon"], ["rtpengine"]]);
}

/** What makes hosts with networks of their own: namespaces, and filters in them. */
export async function ensureNetworkTools() {
  if (!["ip", "ss", "nft"].every((program) => findProgram(program)))
    await installPackages("iproute2 and nftables", [["iproute2", "nftables"]]);
}

/** sipp, which puts load on SIP servers. */
export async function ensureSipp() {
  await ensureProgram("sipp", [["sip-tester"]]);
}

/** baresip, the desk phone of the call tests. */
export async function ensureBaresip() {
  await ensureProgram("baresip", [["baresip-core"]]);
}

/** Firefox, which the call tests drive without a driver program. */
export async function ensureFirefox() {
  await ensureProgram("firefox-esr", [["firefox-esr"]]);
}

/**
 * @param {string} program
 * @param {string[][]} choices as of {@link installPackages}
 */
async function ensureProgram(program, choices) {
  if (findProgram(program)) return;
  await installPackages(program, choices);
  if (!findProgram(program)) {
    throw new Missing(`${program} was installed but is not in PATH.`);
  }
}

/** A C++ compiler, for libFuzzer. */
export async function ensureCxx() {
  if (!findProgram("c++")) await installPackages("A C++ compiler", [["g++"]]);
}

/** @param {string} name */
function hasKamailioModule(name) {
  return ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"]
    .flatMap((folder) => [folder, ...subfolders(folder)])
    .some((folder) =>
      existsSync(join(folder, "kamailio", "modules", `${name}.so`)),
    );
}

/** @param {string} folder */
function subfolders(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

/** The last installation: apt-get does one at a time. @type {Promise<unknown>} */
let installing = Promise.resolve();

/**
 * Installs distribution packages as root; anybody else is told the command.
 *
 * @param {string} what
 * @param {string[][]} choices sets of packages; the first that this distribution has is taken
 */
function installPackages(what, choices) {
  const result = installing.then(() => install(what, choices));
  installing = result.catch(() => {});
  return result;
}

/**
 * @param {string} what
 * @param {string[][]} choices
 */
async function install(what, choices) {
  const [first] = choices;
  if (!findProgram("apt-get")) {
    throw new Missing(
      `${what} is missing. Install it from your distribution (on Debian: ${first.join(" ")}).`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Missing(
      `${what} is missing. Install it with:\n  sudo apt-get install --no-install-recommends ${first.join(" ")}`,
    );
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await step(`installing ${what}`, async () => {
    await run("apt-get", ["update"], { env });
    for (const packages of choices) {
      if (!(await available(packages))) continue;
      await run(
        "apt-get",
        ["install", "--yes", "--no-install-recommends", ...packages],
        { env },
      );
      return;
    }
    throw new Missing(
      `This distribution has no package ${first[0]}. Install ${what} by hand.`,
    );
  });
}

/** @param {string[]} packages */
async function available(packages) {
  for (const name of packages) {
    const policy = await answerOf("apt-cache", ["policy", name]);
    if (!policy || /Candidate: \(none\)/.test(policy)) return false;
  }
  return true;
}
