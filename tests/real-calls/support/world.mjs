/**
 * The servers and browsers of the call tests, and the users in them.
 */
import { freeUdpPort } from "../../interop/support/server-process.mjs";
import { Cluster } from "../../kamailio/support/cluster.mjs";
import { Browsers } from "./pages.mjs";
import { Rtpengine } from "./rtpengine.mjs";

const USERS = ["2001", "2002", "2003", "2004"];

/** The deployed Kamailio with rtpengine, and browsers with pages of some stacks. */
export class World {
  /** @type {Cluster} */
  server;
  /** Where desk phones send to. */
  udpPort = 0;
  /** @type {import("./pages.mjs").UserPage[]} */
  #pages = [];
  /** @type {(() => Promise<unknown>)[]} */
  #releases = [];

  /** @param {import("./pages.mjs").Stack[]} stacks */
  static async start(...stacks) {
    const world = new World();
    try {
      const rtpengine = await Rtpengine.start();
      world.after(() => rtpengine.stop());
      world.udpPort = await freeUdpPort();
      world.server = await Cluster.start({
        accounts: USERS.map((user) => ({ user })),
        nodes: [
          {
            define: ["WITH_RTPENGINE", "WITH_MD5_PHONES"],
            listen: [`udp:127.0.0.1:${world.udpPort}`],
            settings: {
              RTPENGINE_SOCKET: `udp:127.0.0.1:${rtpengine.port}`,
              ALLOWED_ORIGINS: "http://127[.]0[.]0[.]1:[0-9]+",
            },
          },
        ],
      });
      world.after(() => world.server.stop());
      world.browsers = await Browsers.start([...new Set(stacks)]);
      world.after(() => world.browsers.close());
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** @param {() => Promise<unknown>} release runs at the end, last one first */
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
   */
  async user(stack, user, { browser = "chromium", iceServers = [] } = {}) {
    const page = await this.browsers.open(
      stack,
      `${stack} ${user} (${browser})`,
      browser,
    );
    page.uri = `sip:${user}@${this.server.domain}`;
    this.#pages.push(page);
    await page.do.register({
      url: this.server.url,
      user,
      domain: this.server.domain,
      password: this.server.passwords[user],
      iceServers,
    });
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
