/** A short run of the fuzzer; the long one is `npm run fuzz -- kamailio`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deploymentMissing } from "../support/graceful-test.mjs";
import { describe, fuzz } from "./run.mjs";

const missing = deploymentMissing();

for (const { nodes, count, devices } of [
  { nodes: 2, count: 300, devices: false },
  { nodes: 1, count: 150, devices: false },
  { nodes: 2, count: 100, devices: true },
])
  test(
    `${count} odd cases harm nobody: nodes, ${nodes}${devices ? ", devices" : ""}`,
    { skip: process.env.CI ? false : missing },
    async () => {
      const { find, played } = await fuzz({ seed: 1, count, nodes, devices });
      assert.equal(find && describe(find), undefined);
      assert.equal(played, count);
    },
  );
