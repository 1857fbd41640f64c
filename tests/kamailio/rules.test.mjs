/**
 * The table of rules (tests/rules/register.txt), played on the policy of deploy/kamailio. The test
 * registrar plays the same one (tests/registrar/rules.rs).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { instance } from "./support/contacts.mjs";
import { deploymentMissing } from "./support/graceful-test.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

const TABLE = new URL("../rules/register.txt", import.meta.url);
const text = readFileSync(TABLE, "utf8").replace(/^#.*\n/gm, "");
const cases = text.split(/^== /m).slice(1);
assert.ok(cases.length > 10, `${cases.length} cases`);

/** @type {PolicyUnderTest} */
let policy;
const skip = process.env.CI ? false : deploymentMissing();
before(async () => {
  if (!skip) policy = await PolicyUnderTest.start();
});
after(() => policy?.stop());

/** A digit in capitals is the same instance, written otherwise. @param {string} digit */
const urn = (digit) =>
  instance(digit).replace(/(?<=:)[A-F-]+$/, (id) => id.toUpperCase());

/** @param {string} cell */
const contacts = (cell) =>
  cell
    .replace(/\{(.)\}/g, (_, digit) => `+sip.instance="<${urn(digit)}>"`)
    .replace(/\[(.+?)\]/g, '+u.sip!devicename.ccm.cisco.com="$1"');

/** @param {string} uri */
const host = (uri) => /^sip:(?:[^@]*@)?([^@]+)$/.exec(uri)?.[1];

/** @param {string} name @param {string[]} headers */
const header = (name, headers) =>
  headers.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);

/**
 * An answer as the table has it.
 * @param {{ status: number, headers: string[] }} answer
 * @param {number} began milliseconds
 */
function summary({ status, headers }, began) {
  const said = [`${status}`];
  if (status === 200) {
    const listed = headers.filter((line) => line.startsWith("Contact: "));
    for (const line of listed) {
      const [, uri, seconds] =
        /^Contact: <(.*?)>.*;expires=(\d+)/.exec(line) ?? [];
      said.push(`${host(uri)}:${seconds}`);
    }
  }
  const holder = header("X-Graceline-Holder", headers);
  if (holder) {
    const [, user, since] = /;contact="(.*?)";since=(\d+);/.exec(holder) ?? [];
    said.push(`${user}@${Number(since) - Math.floor(began / 1000)}`);
  }
  if (header("P-Registrar-Error", headers)) said.push("full");
  for (const name of ["Min-Expires", "Retry-After"])
    said.push(...(header(name, headers)?.split(" ") ?? []));
  const [code, ...rest] = said;
  return [code, ...rest.sort()].join(" ");
}

async function bound() {
  const list = await policy.bindings();
  const names = list.map(({ uri, instance = "", device }) => {
    const digit = instance && `{${instance.at(-1)}}`;
    return `${host(uri)}${digit}[${device}]`;
  });
  return names.sort().join(" ");
}

/** @param {string} cell */
const sorted = (cell) => cell.split(" ").filter(Boolean).sort().join(" ");

/** @param {string} row */
async function play(row, began = 0) {
  const cells = row.split(" | ").map((cell) => cell.trim());
  const [who, says, contact, answer = "", left = "", told = ""] = cells;
  const said = Object.fromEntries(
    says
      .split(" ")
      .map(
        (word) => /** @type {[string, string]} */ ([...word.split("="), ""]),
      ),
  );
  /** @type {string[]} */
  let ousted = [];
  if ("lost" in said) await policy.gone(who);
  else if ("wait" in said) await policy.pass(Number(said.wait));
  else {
    const reply = await policy.register(who, {
      contacts: contacts(contact),
      forced: "force" in said,
      callId: said.call && `call of ${said.call}`,
      cseq: said.cseq ? Number(said.cseq) : undefined,
      expires: said.expires,
    });
    assert.equal(summary(reply, began), answer, row);
    ousted = reply.notifies.map(({ flow }) => flow.split(".")[0]);
  }
  assert.equal(await bound(), sorted(left), row);
  assert.equal(ousted.sort().join(" "), sorted(told), row);
}

for (const lines of cases) {
  const [name, ...rest] = lines.split("\n").filter((line) => line.trim());
  const settings = rest.filter((line) => line.startsWith("  "));
  test(name, { skip }, async () => {
    await policy.clear();
    const said = settings.flatMap((line) => line.trim().split(" "));
    const set = Object.fromEntries(said.map((word) => word.split("=")));
    Object.assign(policy.settings, {
      policy: set.policy ?? "graceful",
      limit: set.limit ?? 0,
      force_limit: set.forces ?? 0,
    });
    const began = policy.time;
    for (const row of rest)
      if (!settings.includes(row)) await play(`${row} `, began);
  });
}
