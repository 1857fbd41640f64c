/**
 * The servers and browsers of the call tests, and the users in them.
 */
import { freeUdpPort } from "../../interop/support/server-process.mjs";
import { Cluster } from "../../kamailio/support/cluster.mjs";
import { Browsers } from "./pages.mjs";
import { Rtpengine } from "./rtpengine.mjs";

const USERS = [
  ...["2001", "2002", "2003", "2004", "2005"],
  ...["cti", "controller", "voicemail"],
];

/** @typedef {() => Promise<unknown> | undefined} Release */

/** The deployed Kamailio with rtpengine, and browsers with pages of some stacks. */
export class World {
  /** @type {import("./pages.mjs").UserPage[]} */
  #pages = [];
  #releases;

  /**
   * The servers on loopback.
   * @param {import("./pages.mjs").Stack[]} stacks
   */
  static start(...stacks) {
    return World.#start(stacks, async (releases) => {
      const rtpengine = await Rtpengine.start();
      releases.push(() => rtpengine.stop());
      const udpPort = await freeUdpPort();
      const node = {
        define: ["WITH_RTPENGINE", "WITH_MD5_PHONES"],
        listen: [`udp:127.0.0.1:${udpPort}`],
        settings: {
          RTPENGINE_SOCKET: `udp:127.0.0.1:${rtpengine.port}`,
          ALLOWED_ORIGINS: "http://127[.]0[.]0[.]1:[0-9]+",
        },
      };
      return { nodes: [node], udpPort };
    });
  }

  /**
   * The servers where hosts with networks of their own reach them, too. No rtpengine: media go
   * from browser to browser.
   * @param {string} address {@link import("../../networks/support/host.mjs").Host.server}
   * @param {import("./pages.mjs").Stack[]} stacks
   * @param {object} [options]
   * @param {number} [options.nodes] of Kamailio
   * @param {"graceful" | "normal"} [options.policy]
   */
  static startAt(address, stacks, { nodes = 1, policy } = {}) {
    const pattern = address.replaceAll(".", "[.]");
    return World.#start(
      stacks,
      async () => ({
        policy,
        nodes: Array.from({ length: nodes }, (_, index) => ({
          name: "abcdefgh"[index],
          host: address,
          settings: {
            ALLOWED_ORIGINS: `http://${pattern}:[0-9]+`,
            CLUSTER_PEERS: pattern,
          },
        })),
      }),
      address,
    );
  }

  /**
   * @param {import("./pages.mjs").Stack[]} stacks
   * @param {(releases: Release[]) => Promise<{ nodes: import("../../kamailio/support/deployment.mjs").NodeOptions[], udpPort?: number, policy?: "graceful" | "normal" }>} prepare
   * @param {string} [address]
   */
  static async #start(stacks, prepare, address) {
    /** @type {Release[]} */
    const releases = [];
    try {
      const { nodes, udpPort = 0, policy } = await prepare(releases);
      const accounts = USERS.map((user) => ({ user, policy }));
      const server = await Cluster.start({ accounts, nodes });
      releases.push(() => server.stop());
      const browsers = await Browsers.start([...new Set(stacks)], address);
      releases.push(() => browsers.close());
      return new World(server, udpPort, browsers, releases);
    } catch (error) {
      for (const release of releases.reverse()) await release();
      throw error;
    }
  }

  /**
   * @param {Cluster} server
   * @param {number} udpPort where desk phones send to
   * @param {Browsers} browsers
   * @param {Release[]} releases
   */
  constructor(server, udpPort, browsers, releases) {
    this.server = server;
    this.udpPort = udpPort;
    this.browsers = browsers;
    this.#releases = releases;
  }

  /** @param {Release} release runs at the end, last one first */
  after(release) {
    this.#releases.push(release);
  }

  /**
   * Opens a page and registers its user.
   * @param {import("./pages.mjs").Stack} stack
   * @param {string} user 2001 to 2004
   * @param {object} [options]
   * @param {"chromium" | "firefox"} [options.browser]
   * @param {RTCIceServer[]} [options.iceServers]
   * @param {string | string[]} [options.url] another way to the server, or several
   * @param {boolean} [options.force] over a login of the same user (Graceline)
   * @param {string} [options.program] that starts a Chromium of its own
   * @param {object} [options.desk] Graceline: `remoteControl`, and the page drives a desk phone
   * @param {boolean} [options.replaces] SIP.js: whether it takes INVITEs with Replaces
   * @param {string} [options.instanceId] Graceline
   * @param {boolean} [options.watches] Graceline: whether it is told of the user's other devices
   */
  async user(
    stack,
    user,
    {
      browser = "chromium",
      iceServers = [],
      url = this.server.url,
      program = undefined,
      replaces = true,
      force = false,
      desk = undefined,
      instanceId = undefined,
      watches = false,
    } = {},
  ) {
    const page = await this.browsers.open(
      stack,
      `${stack} ${user} (${browser})`,
      browser,
      program,
    );
    page.uri = `sip:${user}@${this.server.domain}`;
    this.#pages.push(page);
    page.account = {
      url,
      user,
      domain: this.server.domain,
      password: this.server.passwords[user],
      iceServers,
      replaces,
      force,
      desk,
      instanceId,
      watches,
    };
    await page.do.register(page.account);
    return page;
  }

  /** What passed on the wires so far, for people. */
  async report() {
    const wires = await Promise.all(
      this.#pages.map(async (page) => {
        const lines = await page.do.wire().catch(() => ["(gone)"]);
        return `--- ${page.name}\n${lines.join("\n")}`;
      }),
    );
    return [...wires, "--- log of Kamailio", this.server.log].join("\n");
  }

  /** Closes the pages and ends the servers. */
  async stop() {
    this.#pages = [];
    for (const release of this.#releases.splice(0).reverse()) await release();
  }
}
