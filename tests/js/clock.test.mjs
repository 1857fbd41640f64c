import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "../../js/core/clock.js";

/** Two clocks of a machine that a test sets. */
function machine() {
  const time = { ran: 5000, wall: 1_700_000_000_000 };
  const clock = createClock({
    performance: { now: () => time.ran },
    Date: { now: () => time.wall },
  });
  const start = time.wall;
  return { time, elapsed: () => clock() - start };
}

test("starts at the Unix time and runs with the machine", () => {
  const { time, elapsed } = machine();
  assert.equal(elapsed(), 0);
  time.ran += 1500;
  time.wall += 1500;
  assert.equal(elapsed(), 1500);
});

test("time spent asleep counts, though performance.now stood still", () => {
  const { time, elapsed } = machine();
  time.ran += 10;
  time.wall += 3_600_000;
  assert.equal(elapsed(), 3_600_000);
  time.ran += 500;
  time.wall += 500;
  assert.equal(elapsed(), 3_600_500);
});

test("a wall clock set back does not stop or turn the time", () => {
  const { time, elapsed } = machine();
  time.ran += 2000;
  time.wall -= 3_600_000;
  assert.equal(elapsed(), 2000);
  time.ran += 500;
  time.wall += 500;
  assert.equal(elapsed(), 2500);
});

test("a sleep after the wall clock was set back still counts", () => {
  const { time, elapsed } = machine();
  time.ran += 2000;
  time.wall -= 3_600_000;
  elapsed();
  time.wall += 600_000;
  assert.equal(elapsed(), 602_000);
});

test("never backwards, even if performance.now is", () => {
  const { time, elapsed } = machine();
  time.ran += 1000;
  time.wall += 1000;
  elapsed();
  time.ran -= 400;
  time.wall -= 400;
  assert.equal(elapsed(), 1000);
});

test("reading often does not make it fast", () => {
  const { time, elapsed } = machine();
  for (let i = 0; i < 10_000; i++) {
    time.ran += 0.1;
    time.wall = 1_700_000_000_000 + Math.round(i / 10);
    elapsed();
  }
  assert.ok(Math.abs(elapsed() - 1000) <= 1, `${elapsed()} ms`);
});
