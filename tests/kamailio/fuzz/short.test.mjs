/** A short run of the fuzzer; the long one is `npm run fuzz -- kamailio`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deploymentMissing } from "../support/graceful-test.mjs";
import { describe, fuzz } from "./run.mjs";

const missing = deploymentMissing();

for (const [nodes, count] of [
  [2, 300],
  [1, 150],
])
  test(
    `${count} odd cases harm nobody: nodes, ${nodes}`,
    { skip: process.env.CI ? false : missing },
    async () => {
      const { find, played } = await fuzz({ seed: 1, count, nodes });
      assert.equal(find && describe(find), undefined);
      assert.equal(played, count);
    },
  );
