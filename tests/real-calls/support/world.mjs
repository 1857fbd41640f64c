/**
 * The servers and browsers of the call tests, and the users in them.
 */
import { fileURLToPath } from "node:url";
import { Kamailio } from "../../interop/support/kamailio.mjs";
import { Browsers } from "./pages.mjs";
import { Rtpengine } from "./rtpengine.mjs";

const config = fileURLToPath(new URL("../kamailio-calls.cfg", import.meta.url));

/** One Kamailio, with rtpengine, and browsers with pages of some stacks. */
export class World {
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
      world.server = await Kamailio.start({
        config,
        udp: true,
        defines: [`RTPENGINE="udp:127.0.0.1:${rtpengine.port}"`],
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
      password: `secret-${user}`,
      iceServers,
    });
    return page;
  }

  /** Closes all pages. */
  async clear() {
    await Promise.all(this.#pages.splice(0).map((page) => page.close()));
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
    await this.clear();
    for (const release of this.#releases.splice(0).reverse()) await release();
  }
}
