/**
 * The table of messages (tests/rules/messages.txt), played on the policy of deploy/kamailio, as a node asks
 * it. The test registrar plays the same one (tests/registrar/messages.rs).
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { DAY, ask, casesOf, pairs, plain, register } from "./support/play.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());

/** The client that a request goes to. @param {string} uri */
const client = (uri) => uri.split("@")[1];

/**
 * What 2002 writes, and where it goes, or what 2002 is answered.
 * @param {string} text
 * @param {string[]} words
 */
async function write(text, words) {
  const { type, to, times = 1, silent } = Object.fromEntries(pairs(words));
  let answer = "";
  for (let number = 1; number <= times; number++) {
    const body = times === 1 ? text : `${text}${number}`;
    const [away, callId, ...places] = await policy.message(body, type, to);
    const there = places.filter((_, index) => index % 3 === 1).map(client);
    if (there.length) answer = `to ${there.sort().join(" ")}`;
    else answer = away === "0" ? "480" : "202";
    for (let at = 0; at < there.length; at++) {
      const device = /;device=(.*)$/.exec(places[3 * at])?.[1] ?? "";
      if (client(places[3 * at + 1]) === silent) continue;
      await policy.messageAnswered("x", callId, decodeURIComponent(device));
    }
  }
  return answer;
}

/** The texts in a cell. @param {string} cell */
const texts = (cell) =>
  cell
    .split(" ")
    .filter(Boolean)
    .flatMap((word) => {
      const [, first, last] = /^n(\d+)[.][.]n(\d+)$/.exec(word) ?? [];
      if (!first) return [word];
      const length = Number(last) - Number(first) + 1;
      return Array.from({ length }, (_, at) => `n${Number(first) + at}`);
    });

/** @param {string} row */
async function play(row) {
  const [question, answer, comes = ""] = plain(row, 0)
    .split(" | ")
    .map((cell) => cell.trim());
  const [word, ...words] = question.split(" ");
  const wait = /^wait=(\d+)(d?)$/.exec(word);
  if (wait) await policy.pass(Number(wait[1]) * (wait[2] ? DAY : 1));
  else if (word === "LOST") await policy.gone(words[0]);
  else if (word.startsWith("devices="))
    policy.settings.devices = word.slice("devices=".length);
  else if (word === "MESSAGE")
    assert.equal(await write(words[0] ?? "", words.slice(1)), answer, row);
  else if (word === "REGISTER") {
    const [name, ...says] = words;
    const heard = await register(policy, name, says);
    assert.equal(heard.answer, answer, row);
    const kept = heard.requests.filter(({ method }) => method === "MESSAGE");
    assert.deepEqual(
      kept.map(({ body }) => body),
      texts(comes),
      row,
    );
    for (const { uri, headers } of kept) {
      assert.equal(client(uri), name);
      const callId = /^Call-ID: (.*)$/m.exec(headers)?.[1].trim();
      if (!says.includes("silent")) await policy.messageAnswered(name, callId);
    }
  } else {
    const { refused } = await ask(policy, question);
    assert.equal(refused, undefined, row);
  }
}

for (const [name, ...rows] of casesOf("messages"))
  test(name, { skip }, async () => {
    await policy.clear();
    Object.assign(policy.settings, { policy: "graceful", devices: "on" });
    for (const row of rows) await play(`${row} `);
  });
