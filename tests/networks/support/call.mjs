/**
 * A call to lose networks and servers in: a phone in Chromium on a host of its own talks to one in
 * Chromium on this machine, through the real Kamailio.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, it } from "node:test";
import { connect, outlive, talk } from "../../real-calls/scenarios.mjs";
import { World } from "../../real-calls/support/world.mjs";
import { Host } from "./host.mjs";

/** @typedef {import("../../real-calls/scenarios.mjs").End} End */

export class Call {
  /** @type {Host} */
  host;
  /** @type {World} */
  world;
  /** The host's end, and the other one. @type {[End, End]} */
  ends;

  /**
   * The call of a suite's tests.
   * @param {number} nodes whose addresses both phones have
   */
  constructor(nodes) {
    before(() => this.#start(nodes));
    after(() => this.world?.stop());
    afterEach(async (context) => {
      // @ts-expect-error what node:test knows of the test that ran
      if (context?.error) console.error(await this.world.report());
    });
  }

  /** The phones called anew. */
  async again() {
    const [{ page: caller }, { page: callee }] = this.ends;
    this.ends = await connect(caller, callee);
    await talk(...this.ends);
  }

  /**
   * A test: something happens, the call outlives it, and of it a phone shows nothing but that it
   * recovers and is ready.
   * @param {string} name
   * @param {() => unknown} happens
   * @param {number[]} [concerned] whose connections are lost: 0 is the host's end
   */
  outlives(name, happens, concerned = [0]) {
    it(name, { timeout: 90_000 }, async () => {
      const before = await this.#statuses();
      await outlive(this.ends, happens);
      for (const [index, shown] of (await this.#statuses()).entries())
        assert.deepEqual(
          shown.slice(before[index].length),
          concerned.includes(index) ? ["eRecoveryPending", "eReady"] : [],
          this.ends[index].page.name,
        );
    });
  }

  /** What each phone has been. @returns {Promise<string[][]>} */
  #statuses() {
    return Promise.all(this.ends.map(({ page }) => page.do.statuses()));
  }

  /** @param {number} nodes */
  async #start(nodes) {
    const host = (this.host = await Host.create());
    this.world = await World.startAt(Host.server, ["graceline"], { nodes });
    this.world.after(async () => host.remove());
    const url = this.world.server.nodes.map((node) => node.url);
    this.ends = await connect(
      await this.world.user("graceline", "2001", {
        url,
        program: host.chromium,
      }),
      await this.world.user("graceline", "2002", { url }),
    );
    await talk(...this.ends);
  }
}
