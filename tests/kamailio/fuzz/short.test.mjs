/** A short run of the fuzzer; the long one is `npm run fuzz -- kamailio`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deploymentMissing } from "../support/graceful-test.mjs";
import { describe, fuzz } from "./run.mjs";

/** What the configuration keeps out up to now. */
const KINDS = [
  ...["trap", "closed", "rights", "unheard", "stranger heard", "no login"],
  ...["reply out of nowhere", "rest", "a key in Redis", "bindings", "memory"],
  ...["secret in the log", "trouble in the log", "NOTIFY from a user"],
  ...["credentials passed", "ambiguous"],
];

const missing = deploymentMissing();

for (const [nodes, count] of [
  [2, 100],
  [1, 50],
])
  test(
    `${count} odd cases harm nobody: nodes, ${nodes}`,
    { skip: process.env.CI ? false : missing },
    async () => {
      const { find, played } = await fuzz({
        seed: 1,
        count,
        nodes,
        kinds: KINDS,
      });
      assert.equal(find && describe(find), undefined);
      assert.equal(played, count);
    },
  );
