/**
 * The table of a user's devices (tests/rules/devices.txt), played on the policy of deploy/kamailio, as an
 * account service and a node ask it. The test registrar plays the same one (tests/registrar/devices.rs).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { DOMAIN } from "./support/deployment.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { DAY, ask, casesOf, check, plain, register } from "./support/play.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());

async function listed() {
  const { ok } = await policy.account("devices", {});
  return ok
    .map(
      (/** @type {any} */ { id, state, registered }) =>
        id + (state === "revoked" ? "!" : "") + (registered ? "*" : ""),
    )
    .join(" ");
}

/**
 * @param {string} row
 * @param {number} began
 */
async function play(row, began) {
  const [question, answer, left = "", told = ""] = plain(row, began)
    .split(" | ")
    .map((cell) => cell.trim());
  const [word, ...words] = question.split(" ");
  const wait = /^wait=(\d+)(d?)$/.exec(word);
  if (wait) await policy.pass(Number(wait[1]) * (wait[2] ? DAY : 1));
  else if (word === "LOST") await policy.gone(words[0]);
  else if (word === "REGISTER") {
    const heard = await register(policy, words[0], words.slice(1));
    assert.equal(heard.answer, answer, row);
    const ousted = heard.requests.map(({ flow }) => flow.split(".")[0]);
    assert.equal(ousted.sort().join(" "), told, row);
  } else {
    const reply = await ask(policy, question);
    if (typeof reply.ok === "string")
      reply.ok = reply.ok.replace(`@${DOMAIN}`, "");
    check(reply, answer, row);
  }
  assert.equal(await listed(), left, row);
}

for (const [name, ...rest] of casesOf("devices")) {
  const rows = rest.filter((line) => !line.startsWith("  "));
  const override = rest.some((line) => line.trim() === "slot=override");
  test(name, { skip }, async () => {
    await policy.clear();
    Object.assign(policy.settings, {
      policy: override ? "duplicate" : "graceful",
      devices: "on",
    });
    const began = policy.time;
    for (const row of rows) await play(`${row} `, began);
  });
}

test("where rules may send calls", { skip }, async () => {
  await policy.clear();
  const table = new URL("../rules/targets.txt", import.meta.url);
  const rows = readFileSync(table, "utf8")
    .split("\n")
    .filter((row) => row.startsWith('"'));
  assert.ok(rows.length > 50, `${rows.length} rows`);
  for (const row of rows) {
    const bar = row.lastIndexOf("|");
    const kept = row.slice(bar + 1).trim();
    const busy = JSON.parse(row.slice(0, bar));
    const { ok, refused } = await policy.account("rules_set", { busy });
    if (kept === "-") assert.equal(refused, "invalid", row);
    else assert.equal(ok?.busy, kept, row);
  }
});
