// The tones of graceline/sounds as samples: how long they sound and are silent, and which
// frequencies are in them. That browsers play them: tests/browser/sounds.test.mjs

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countries, names, render, toneOf } from "../../js/sounds/tones.js";

const RATE = 8000;
const WINDOW = 0.01;

/** Seconds of sound and of silence, in turn. */
function cadenceOf(samples) {
  const size = RATE * WINDOW;
  const runs = [];
  let last;
  for (let at = 0; at < samples.length; at += size) {
    const part = samples.subarray(at, at + size);
    const isSound = Math.max(...part.map(Math.abs)) > 0.05;
    if (isSound === last) runs[runs.length - 1] += WINDOW;
    else runs.push(WINDOW);
    last = isSound;
  }
  return runs;
}

/** How strong a frequency is, 0 to 1 (Goertzel). */
function strength(samples, frequency) {
  const w = (2 * Math.PI * frequency) / RATE;
  let [re, im] = [0, 0];
  samples.forEach((sample, i) => {
    re += sample * Math.cos(w * i);
    im += sample * Math.sin(w * i);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

for (const country of countries)
  describe(country, () => {
    for (const name of names)
      test(name, () => {
        const tone = toneOf(country, name);
        const samples = render(tone, RATE);
        const measured = cadenceOf(samples);
        assert.equal(measured.length, tone.cadence.length);
        measured.forEach((seconds, i) =>
          assert.ok(
            Math.abs(seconds - tone.cadence[i]) <= 2 * WINDOW,
            `${seconds} s, not ${tone.cadence[i]} s`,
          ),
        );
        const burst = samples.subarray(0, Math.round(tone.cadence[0] * RATE));
        for (const frequency of tone.frequencies)
          assert.ok(
            strength(burst, frequency) > 0.6 / tone.frequencies.length,
            `${frequency} Hz`,
          );
        assert.ok(strength(burst, 1500) < 0.1);
        assert.ok(Math.max(...samples.map(Math.abs)) <= 1);
      });
  });

test("some of them, as they are known", () => {
  assert.deepEqual(toneOf("us", "ringback"), {
    frequencies: [440, 480],
    cadence: [2, 4],
  });
  assert.deepEqual(toneOf("gb", "ringback").cadence, [0.4, 0.2, 0.4, 2]);
  assert.deepEqual(toneOf("de", "busy"), {
    frequencies: [425],
    cadence: [0.48, 0.48],
  });
  assert.deepEqual(toneOf("gb", "ring").cadence, [0.4, 0.2, 0.4, 2]);
});
