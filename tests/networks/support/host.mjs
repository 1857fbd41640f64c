/**
 * A host with two networks, as a telephone has Wi-Fi and mobile data: a network namespace with two
 * links to this machine, each with addresses of its own. The servers of this machine are found at
 * {@link Host.server}, by either link.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../kamailio/support/deployment.mjs";
import { chromiumPath } from "../../support/chromium.mjs";

/** Links of a host. @typedef {"wifi" | "mobile"} Link */

/** @type {Link[]} */
const LINKS = ["wifi", "mobile"];
/** Its network, so that runs side by side have one each: 10.X.Y.0/24. */
const PREFIX = `10.${100 + ((process.pid >> 8) % 100)}.${process.pid % 256}`;
const TABLE = "inet graceline";
let made = 0;
/** Hosts that have not been removed. @type {Set<Host>} */
const hosts = new Set();

/** The routing table of a link. @param {Link} link */
const table = (link) => `${101 + LINKS.indexOf(link)}`;

export class Host {
  /** Where the servers of this machine listen, seen from the host. */
  static server = `${PREFIX}.254`;
  #number = made++;
  #name = `graceline-${process.pid}-${this.#number}`;
  #directory = "";

  /** Makes a host that uses its Wi-Fi. Needs root. */
  static async create() {
    const host = new Host();
    try {
      await host.#make();
      return host;
    } catch (cause) {
      host.remove();
      throw new Error(
        "No network namespace could be made: that needs root, iproute2 and nftables.",
        { cause },
      );
    }
  }

  /** A program that starts Chromium on the host. */
  get chromium() {
    return join(this.#directory, "chromium");
  }

  /** The machine goes to another network: the other one is gone, with its addresses. @param {Link} link */
  async move(link) {
    const [other] = LINKS.filter((other) => other !== link);
    await this.#ip("link", "set", other, "down");
    await this.join(link);
  }

  /** Another network is there, and everything new goes by it. The old addresses stay. @param {Link} link */
  async join(link) {
    await this.#ip("link", "set", link, "up");
    // What has an address of a link goes by that link, as on a telephone; all else by the one that
    // was joined last.
    const way = ["default", "via", this.#ours(link)];
    await this.#ip("route", "replace", ...way);
    await this.#ip("route", "replace", ...way, "table", table(link));
  }

  /** No network at all. @param {Link} link the one that there is */
  async leave(link) {
    await this.#ip("link", "set", link, "down");
  }

  /** What goes by a link is lost, both ways, and nobody is told. @param {Link} link */
  silence(link) {
    return this.#drop(`iifname "${link}"`, `oifname "${link}"`);
  }

  /** As `silence`, but only what goes to and comes from a port of a server. @param {number} port */
  silencePort(port) {
    return this.#drop(`tcp sport ${port}`, `tcp dport ${port}`);
  }

  /** Nothing is lost any more. */
  hear() {
    return this.#exec("nft", "delete", "table", ...TABLE.split(" "));
  }

  /** Destroys the connections to a port, as a firewall's reset would. @param {number} port */
  async cut(port) {
    const killed = await this.#exec(
      ...["ss", "--kill", "--tcp", "--no-header"],
      ...["dst", Host.server, "dport", "=", `:${port}`],
    );
    if (!killed.includes(`${port}`))
      throw new Error(`there was no connection to port ${port}`);
  }

  /** Whatever was made is gone, also after half of it failed, and when a test run ends in mid-air. */
  remove() {
    hosts.delete(this);
    const gone = (/** @type {string[]} */ ...args) =>
      spawnSync("ip", args, { stdio: "ignore" });
    gone("netns", "delete", this.#name);
    for (const link of LINKS) gone("link", "delete", this.#peer(link));
    if (hosts.size === 0)
      gone("address", "delete", `${Host.server}/32`, "dev", "lo");
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #make() {
    hosts.add(this);
    this.#directory = await mkdtemp(join(tmpdir(), "host-"));
    await writeFile(
      this.chromium,
      `#!/bin/sh\nexec ip netns exec ${this.#name} "${chromiumPath()}" "$@"\n`,
    );
    await chmod(this.chromium, 0o755);
    await run("ip", ["netns", "add", this.#name]);
    await run("ip", ["address", "replace", `${Host.server}/32`, "dev", "lo"]);
    await this.#ip("link", "set", "lo", "up");
    for (const link of LINKS) {
      const peer = this.#peer(link);
      await run("ip", [
        ...["link", "add", peer, "type", "veth"],
        ...["peer", "name", link, "netns", this.#name],
      ]);
      await run("ip", [
        "address",
        "add",
        `${this.#ours(link)}/30`,
        "dev",
        peer,
      ]);
      await run("ip", ["link", "set", peer, "up"]);
      await this.#ip("address", "add", `${this.#own(link)}/30`, "dev", link);
      await this.#ip(
        "rule",
        "add",
        "from",
        this.#own(link),
        "table",
        table(link),
      );
    }
    await this.join("wifi");
  }

  /** @param {Link} link our end of it, by name */
  #peer(link) {
    return `gl${process.pid.toString(36)}${this.#number}${link[0]}`;
  }

  /** @param {Link} link our address on it */
  #ours(link) {
    return `${PREFIX}.${8 * this.#number + 4 * LINKS.indexOf(link) + 1}`;
  }

  /** @param {Link} link the host's address on it */
  #own(link) {
    return `${PREFIX}.${8 * this.#number + 4 * LINKS.indexOf(link) + 2}`;
  }

  /**
   * @param {string} incoming
   * @param {string} outgoing
   */
  #drop(incoming, outgoing) {
    const hook = (/** @type {string} */ name, /** @type {string} */ rule) =>
      `chain ${name} { type filter hook ${name} priority 0; ${rule} drop; };`;
    return this.#exec(
      "nft",
      `table ${TABLE} { ${hook("input", incoming)} ${hook("output", outgoing)} }`,
    );
  }

  /** @param {string[]} args */
  #ip(...args) {
    return run("ip", ["-netns", this.#name, ...args]);
  }

  /** @param {string[]} command */
  #exec(...command) {
    return run("ip", ["netns", "exec", this.#name, ...command]);
  }
}

process.on("exit", () => hosts.forEach((host) => host.remove()));
