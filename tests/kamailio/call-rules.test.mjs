/**
 * Where calls go by the rules of who is called, with real nodes: the table that the test registrar plays, too
 * (tests/registrar/call_rules.rs). Of a phone whose connection ends while it rings a proxy learns nothing.
 */
import assert from "node:assert/strict";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { Lane } from "./support/lane.mjs";
import { casesOf } from "./support/play.mjs";

const LANES = ["1", "2", "3", "4", "5", "6"];
const TOPOLOGIES = {
  "one node": [{}],
  "two nodes": [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

const cases = casesOf("calls").filter(
  (rows) => !rows.some((row) => row.startsWith("LOST")),
);
const lanes = LANES.map((name) => new Lane(undefined, undefined, name));
const accounts = [
  ...lanes.flatMap((lane) => lane.users.slice(0, -1)),
  "voicemail",
].map((user) => ({ user }));

for (const [name, nodes] of Object.entries(TOPOLOGIES))
  gracefulTest(
    `the table of calls, at ${name}`,
    { accounts, nodes },
    async (world) => {
      const facts = new Facts(world.server.redis);
      await world.server.database.sql(
        "UPDATE subscriber SET unique_account = 'on'",
      );
      // One mailbox is for one call at a time: cases of it are one lane's.
      const mailbox = cases.filter((rows) => /voicemail/.test(rows.join()));
      const others = cases.filter((rows) => !mailbox.includes(rows));
      const turns = LANES.map((_, lane) =>
        lane === 0
          ? mailbox
          : others.filter((_, at) => at % (LANES.length - 1) === lane - 1),
      );
      /** @type {string[]} */
      const failed = [];
      let played = 0;
      const play = async (
        /** @type {string} */ digit,
        /** @type {number} */ at,
      ) => {
        const lane = new Lane(world, facts, digit);
        await lane.open(lane.users.slice(0, at === 0 ? undefined : -1));
        for (const [name, ...rows] of turns[at]) {
          try {
            await lane.play(rows);
          } catch (error) {
            failed.push(`${name} (${digit}): ${error}`);
            return;
          }
          played += 1;
        }
      };
      await Promise.all(LANES.map(play));
      assert.equal(failed.join("\n\n"), "");
      assert.equal(played, cases.length);
    },
  );
