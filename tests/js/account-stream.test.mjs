// Server-sent events as they come over a network: in pieces, late, or not any more.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PhoneError } from "graceline/account";
import { Stream } from "../../js/account/stream.js";

/** A stream to which each of `answers` is what one attempt gets. */
function listen(t, ...answers) {
  const story = [];
  let over;
  const done = new Promise((resolve) => (over = resolve));
  const stream = new Stream({
    open: async () => {
      story.push("open");
      const answer = answers.shift();
      if (!answer) {
        over();
        return new Promise(() => {});
      }
      if (answer instanceof Error) throw answer;
      return new Response(ReadableStream.from(answer.map(bytes)));
    },
    heard: (event, data) => story.push(`${event} ${data}`),
    missed: () => story.push("missed"),
    failed: ({ code }) => {
      story.push(`failed ${code}`);
      over();
    },
  });
  t.after(() => stream.stop());
  stream.start();
  return { story, done, stream };
}

const bytes = (text) => new TextEncoder().encode(text);

test("messages, however they are cut and ended", async (t) => {
  const { story, done } = listen(t, [
    ": listening\n\nevent: dev",
    "ices\nda",
    "ta: [1]\n\n: beat\n\n",
    "event: ringsOn\r\ndata: 1\r",
    "\ndata:2\r\n\r\n",
    "data: alone\r\rid: 7\n\nevent: none\n\n",
    "event: cut\ndata: off",
  ]);
  await done;
  assert.deepEqual(story, [
    "open",
    "devices [1]",
    "ringsOn 1\n2",
    "message alone",
    "open",
  ]);
});

test("it ends, and is opened again: what was missed can be asked for", async (t) => {
  const { story, done } = listen(t, ["data: 1\n\n"], ["data: 2\n\n"]);
  await done;
  assert.deepEqual(story, [
    ...["open", "message 1"],
    ...["open", "missed", "message 2", "open"],
  ]);
});

test("pauses grow while nothing comes, and not beyond half a minute", async (t) => {
  const away = () => new PhoneError("eCouldNotConnect", "away");
  t.mock.method(Math, "random", () => 0.5);
  const pauses = [];
  const { setTimeout } = globalThis;
  t.mock.method(globalThis, "setTimeout", (run, delay) => {
    if (delay < 60_000) pauses.push(delay);
    return setTimeout(run, delay < 60_000 ? 0 : delay);
  });
  const { done } = listen(t, ...Array.from({ length: 8 }, away), [
    ": beat\n\n",
  ]);
  await done;
  assert.deepEqual(
    pauses,
    [0, 1, 2, 4, 8, 16, 30, 30, 0].map((seconds) => seconds * 1000),
  );
});

test("who may not listen does not ask again", async (t) => {
  const refused = new PhoneError("eCredentialsRejected", "no");
  const { story, done, stream } = listen(t, refused, ["data: 1\n\n"]);
  await done;
  assert.deepEqual(story, ["open", "failed eCredentialsRejected"]);
  stream.start();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(story[2], "open", "but may, once he may");
});

test("a message without end is no message", async (t) => {
  const endless = Array(40).fill(`data: ${"x".repeat(32 * 1024)}`);
  const { story, done } = listen(t, endless);
  await done;
  assert.deepEqual(story, ["open", "open"]);
});

test("silence is a connection that is dead", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const story = [];
  let opened;
  const next = () => new Promise((resolve) => (opened = resolve));
  const stream = new Stream({
    open: (signal) => {
      story.push("open");
      opened();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason)),
      );
    },
    heard: assert.fail,
    missed: assert.fail,
    failed: assert.fail,
  });
  t.after(() => stream.stop());
  let attempt = next();
  stream.start();
  await attempt;
  attempt = next();
  t.mock.timers.tick(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(0);
  await attempt;
  assert.deepEqual(story, ["open", "open"]);
});
