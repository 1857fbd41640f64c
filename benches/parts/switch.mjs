// Seconds without audio when a host in a call goes to another network: pages in Chromium, on a host
// with two links and on this machine, both of one library, one Kamailio. Counted is at both ends the
// time from the last packet of audio before to the first one after, and the longer one taken; null if
// there was none within the limit.
//
//   cut     the connection to the server is reset, and the old link is gone
//   silent  what goes by the old link is lost and nobody is told; everything new goes by the other one
//
// The contestants take part at the same time, each with a host of its own.

import { connect, talk } from "../../tests/real-calls/scenarios.mjs";
import { World } from "../../tests/real-calls/support/world.mjs";
import { Host } from "../../tests/networks/support/host.mjs";

const [rounds] = process.argv.slice(2).map(Number);
const LIMIT_MS = 30_000;
/** @type {Record<string, import("../../tests/real-calls/support/pages.mjs").Stack>} */
const stacks = { Graceline: "graceline", JsSIP: "jssip", "SIP.js": "sipjs" };

/** Two users of a library who talk, one of them on a host. */
class Contestant {
  /** @type {{ cut: (number | null)[], silent: (number | null)[] }} */
  gaps = { cut: [], silent: [] };
  /** @type {"wifi" | "mobile"} */
  #link = "wifi";
  /** @type {import("../../tests/real-calls/support/pages.mjs").UserPage[]} */
  #pages = [];
  /** @type {import("../../tests/real-calls/scenarios.mjs").End[]} */
  #ends = [];

  /**
   * @param {World} world
   * @param {import("../../tests/real-calls/support/pages.mjs").Stack} stack
   * @param {number} user the first of two
   * @param {Host} host
   */
  constructor(world, stack, user, host) {
    this.world = world;
    this.stack = stack;
    this.user = user;
    this.host = host;
  }

  async call() {
    for (const page of this.#pages) await page.close();
    const { chromium: program } = this.host;
    const force = this.#pages.length > 0;
    this.#pages = [
      await this.world.user(this.stack, `${this.user}`, { program, force }),
      await this.world.user(this.stack, `${this.user + 1}`, { force }),
    ];
    this.#ends = await connect(this.#pages[0], this.#pages[1]);
    await talk(...this.#ends);
  }

  /** @param {"cut" | "silent"} kind */
  async move(kind) {
    const gaps = this.#ends.map(({ page, call }) =>
      page.do.gap(call, LIMIT_MS),
    );
    const old = this.#link;
    this.#link = old === "wifi" ? "mobile" : "wifi";
    if (kind === "cut") {
      await this.host.leave(old);
      await this.host.cut(this.world.server.nodes[0].port);
      await this.host.join(this.#link);
    } else {
      await this.host.silence(old);
      await this.host.join(this.#link);
    }
    const found = await Promise.all(gaps);
    if (kind === "silent") {
      await this.host.leave(old);
      await this.host.hear();
    }
    const lasted = found.includes(null) ? null : Math.max(...found);
    this.gaps[kind].push(lasted);
    if (lasted === null) await this.call();
    else await talk(...this.#ends);
  }
}

/** @type {Host[]} */
const hosts = [];
while (hosts.length < Object.keys(stacks).length)
  hosts.push(await Host.create());
// A rival that is back as another client must not be refused: policy normal.
const world = await World.startAt(Host.server, Object.values(stacks), {
  policy: "normal",
});
try {
  const contestants = Object.values(stacks).map(
    (stack, index) =>
      new Contestant(world, stack, 2001 + 2 * index, hosts[index]),
  );
  await Promise.all(contestants.map((contestant) => contestant.call()));
  for (let round = 0; round < rounds; round += 1)
    for (const kind of /** @type {const} */ (["cut", "silent"])) {
      await Promise.all(contestants.map((contestant) => contestant.move(kind)));
      console.error(
        `round ${round + 1}, ${kind}, ms:`,
        ...contestants.map(({ gaps }) => gaps[kind].at(-1)),
      );
    }
  const names = Object.keys(stacks);
  console.log(
    JSON.stringify(
      Object.fromEntries(
        contestants.map(({ gaps }, index) => [names[index], gaps]),
      ),
    ),
  );
} finally {
  await world.stop();
  for (const host of hosts) host.remove();
}
