/** The fuzzer itself: the same seed makes the same cases, and what fails becomes short. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCase } from "./generator.mjs";
import { Random } from "./random.mjs";
import { shrink } from "./shrink.mjs";

test("a seed makes the same case again, another one another", () => {
  const cases = [1, 1, 2].map((seed) => makeCase(new Random(seed)));
  assert.deepEqual(cases[0], cases[1]);
  assert.notDeepEqual(cases[0], cases[2]);
});

test("a failure becomes as short as it goes", async () => {
  const cases = Array.from({ length: 3 }, (_, seed) =>
    makeCase(new Random(seed)),
  );
  const [step] = cases[1];
  step.headers = [
    ["X-Guilty", "1"],
    ["X-Innocent", "2"],
  ];
  step.body = "long";
  const shortest = await shrink(cases, async (candidate) =>
    JSON.stringify(candidate).includes("X-Guilty"),
  );
  assert.deepEqual(
    shortest.map((steps) => steps.map(({ headers, body }) => [headers, body])),
    [[[[["X-Guilty", "1"]], ""]]],
  );
});
