/** One number when something goes wrong meanwhile: one record a call, nobody rings who should not. */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { SipMessage } from "../interop/support/sip-message.mjs";
import { Call } from "./support/call.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import {
  ACCOUNTS,
  AOR,
  TOPOLOGIES,
  history,
  household,
  invites,
  take,
} from "./support/household.mjs";

for (const [through, nodes] of TOPOLOGIES) {
  gracefulTest(
    `a rule that is changed while it rings counts as it is when it is looked at: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller, other } = await household(world);
      // Busy: another target, then none.
      await facts.call("rules_set", { busy: "2002" });
      const call = new Call(caller, AOR("2001"));
      const answer = call.invite();
      const first = await page.incoming("INVITE");
      await facts.call("rules_set", { busy: "2003" });
      page.answer(first, { status: 486 });
      await take(other);
      call.accepted = await answer;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      assert.equal((await call.request("BYE")).status, 200);
      page.received.length = 0;
      const second = new Call(caller, AOR("2001")).invite();
      const invite = await page.incoming("INVITE");
      await facts.call("rules_set", { busy: null, always: "2003" });
      page.answer(invite, { status: 486 });
      // What rings is not sent on by a rule for calls that come.
      assert.equal((await second).status, 486);
      assert.equal(invites(other).length, 1);
      assert.deepEqual(invites(desk), []);
      const records = await eventually("two records", async () => {
        const list = await facts.call("history", {});
        return list.length === 2 && list;
      });
      assert.deepEqual(
        records.map(({ result }) => result),
        ["busy", "forwarded"],
      );
    },
  );

  gracefulTest(
    `several answer at once: one call, one record, and nobody rings on: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller } = await household(world);
      await facts.call("rings_set", { ids: ["a", "d"] });
      const call = new Call(caller, AOR("2001"));
      const answer = call.invite();
      await Promise.all([page.incoming("INVITE"), desk.incoming("INVITE")]);
      await Promise.all([take(page), take(desk)]);
      call.accepted = await answer;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      assert.equal((await call.request("BYE")).status, 200);
      // The caller ends the other one, if there are two (RFC 3261 §13.2.2.4).
      const answers = world.transcript.entries.filter(
        ({ who, text }) =>
          who === "e" &&
          /^SIP\/2.0 200/.test(text) &&
          /CSeq: \d+ INVITE/.test(text),
      );
      const tags = new Set(
        answers.map(({ text }) => /^To:.*;tag=(\S+)/m.exec(text)?.[1]),
      );
      if (tags.size === 2) {
        const own = /;tag=(\S+)/.exec(call.accepted.header("To"))?.[1];
        const left = answers.find(({ text }) => !text.includes(`tag=${own}`));
        call.accepted = new SipMessage(/** @type {any} */ (left).text);
        await call.ack();
        assert.equal((await call.request("BYE")).status, 200);
      }
      for (const user of ["2001", "2002"]) {
        const records = await history(facts, user);
        assert.deepEqual(
          records.map(({ result }) => result),
          ["answered"],
        );
      }
    },
  );

  gracefulTest(
    `Redis is away when a rule would send a call on, and is back: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller, other } = await household(world);
      const { redis } = world.server;
      await facts.call("rules_set", { busy: "2003" });
      const call = new Call(caller, AOR("2001"));
      const answer = call.invite();
      const invite = await page.incoming("INVITE");
      redis.freeze();
      page.answer(invite, { status: 486 });
      // What the phone has said is true without Redis, too.
      assert.equal((await answer).status, 486);
      redis.thaw();
      assert.deepEqual([...invites(other), ...invites(desk)], []);
      // A node asks again a second after it got no answer.
      page.respond = () => ({ status: 486 });
      other.respond = () => ({ status: 603 });
      await eventually("a call to be sent on", async () => {
        const { status } = await new Call(caller, AOR("2001")).invite();
        return status === 603;
      });
      const [latest] = await history(facts, "2001");
      assert.equal(latest.result, "forwarded");
    },
  );
}
