/** Who is logged in rings, and a page whose process ends is not: the desk phone does, at the call of that instant. */
import assert from "node:assert/strict";
import { gracefulTest } from "../kamailio/support/graceful-test.mjs";
import { PageDeaths } from "./support/page-deaths.mjs";

for (const kind of /** @type {const} */ (["page", "browser"]))
  gracefulTest(
    `the process of a ${kind} is killed: the desk phone rings within a second`,
    { nodes: [] },
    async (world) => {
      const deaths = await PageDeaths.start(world);
      for (let time = 0; time < 2; time++) {
        const took = await deaths.next(kind);
        assert.ok(took <= 1_000, `${took} ms`);
      }
    },
  );
