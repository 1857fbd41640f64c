/**
 * One number with several phones, with real nodes: what of rules and records the tables do not say
 * (call-rules.test.mjs, history-rules.test.mjs, call-records.test.mjs). Which devices ring: ringing.test.mjs.
 */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { Call } from "./support/call.mjs";
import { instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import {
  ACCOUNTS,
  AOR,
  TOPOLOGIES,
  TWO_NODES,
  history,
  household,
  invites,
  phone,
  take,
} from "./support/household.mjs";

for (const [through, nodes] of TOPOLOGIES) {
  gracefulTest(
    `the rule for no answer leaves the desk phone alone, and records name devices: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller, other } = await household(world);
      const noAnswer = { to: "2003", seconds: 5 };
      await facts.call("rules_set", { noAnswer });
      const call = new Call(caller, AOR("2001"));
      const lie = /** @type {[string, string][]} */ ([
        ["Contact", "<sip:e@caller.invalid;transport=ws>"],
        ["Diversion", "<sip:liar@example.test>;reason=unconditional"],
        ["History-Info", "<sip:liar@example.test>;index=1"],
      ]);
      const answer = call.invite({ headers: lie });
      const first = await page.incoming("INVITE");
      assert.deepEqual(first.all("Diversion"), []);
      assert.deepEqual(first.all("History-Info"), []);
      const invite = await other.incoming("INVITE");
      assert.deepEqual(invite.all("Diversion"), [
        "<sip:2001@example.test>;reason=no-answer",
      ]);
      assert.deepEqual(invite.all("History-Info"), [
        "<sip:2001@example.test?Reason=SIP%3Bcause%3D408>;index=1, " +
          "<sip:2003@example.test;cause=408>;index=1.1;mp=1",
      ]);
      assert.equal(invite.all("Record-Route").length > 0, true);
      await page.incoming("CANCEL");
      await take(other);
      call.accepted = await answer;
      await call.ack();
      assert.deepEqual(invites(desk), []);
      // Within the dialog, from both sides: it was signed for who has it.
      assert.equal((await call.request("INFO")).status, 200);
      // Its From is To of the INVITE: who was called.
      other.user = "2001";
      assert.equal((await Call.hangUp(other, call)).status, 200);
      const [here] = await history(facts, "2001");
      assert.deepEqual(
        [here.result, here.rang, here.forwardedTo, here.direction],
        ["forwarded", ["a"], "2003", "incoming"],
      );
      const [there] = await history(facts, "2003");
      assert.deepEqual(
        [there.result, there.rang, there.answeredBy],
        ["answered", ["f"], "f"],
      );
      const calls = await history(facts, "2002");
      assert.equal(calls.length, 1);
      const [{ result, direction, device, from, to, id }] = calls;
      assert.deepEqual(
        [result, direction, device, from.uri, to.uri],
        ["answered", "outgoing", "e", AOR("2002"), AOR("2001")],
      );
      assert.deepEqual([here.id, there.id], [id, id]);
    },
  );

  gracefulTest(
    `the page goes while it rings, without a word or with one: the desk phone rings, and takes the call: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk, caller } = await household(world);
      const ends = {
        gone: () => page.terminate(),
        "logged out": (/** @type {any} */ client) =>
          client.register({
            contacts: ["*"],
            expires: 0,
            headers: [["X-Graceline-Instance", instance("a")]],
          }),
      };
      let client = page;
      for (const end of Object.values(ends)) {
        const call = new Call(caller, AOR("2001"));
        const answer = call.invite();
        await client.incoming("INVITE");
        assert.deepEqual(invites(desk), []);
        await end(client);
        await take(desk);
        call.accepted = await answer;
        assert.equal(call.accepted.status, 200);
        await call.ack();
        assert.equal((await call.request("BYE")).status, 200);
        await desk.incoming("BYE");
        desk.received.length = 0;
        client = await phone(world, "a", { url: world.server.url });
      }
      const records = await eventually("two records", async () => {
        const list = await facts.call("history", {});
        return list.length === 2 && list;
      });
      for (const { result, answeredBy } of records)
        assert.deepEqual([result, answeredBy], ["answered", "d"]);
    },
  );

  gracefulTest(
    `a call in the instant in which the page is gone rings at the desk phone: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { page, desk, caller } = await household(world);
      let client = page;
      for (let time = 0; time < 8; time++) {
        const ended = client.terminate();
        const call = new Call(caller, AOR("2001"));
        const answer = call.invite();
        await ended;
        await take(desk);
        call.accepted = await answer;
        assert.equal(call.accepted.status, 200, call.accepted.startLine);
        await call.ack();
        assert.equal((await call.request("BYE")).status, 200);
        await desk.incoming("BYE");
        desk.received.length = 0;
        client = await phone(world, "a", { url: world.server.url });
      }
    },
  );

  gracefulTest(
    `a device dials the star code to ring, and not to: ${through}`,
    { ...ACCOUNTS, ...nodes },
    async (world) => {
      const { facts, page, desk } = await household(world);
      const dial = async (/** @type {any} */ client) => {
        const answer = await new Call(client, AOR("*987")).invite();
        const said = answer.startLine.replace(/^SIP\/2.0 480 /, "");
        return [said, await facts.call("rings", {})];
      };
      assert.deepEqual(await dial(desk), [
        "This Device Rings, No Other",
        ["d"],
      ]);
      assert.deepEqual(await dial(page), [
        "This Device Rings, Too",
        ["d", "a"],
      ]);
      assert.deepEqual(await dial(desk), ["This Device Rings No More", ["a"]]);
      assert.deepEqual(await dial(page), [
        "It Rings Where You Are Logged In",
        "auto",
      ]);
      assert.deepEqual(await facts.call("history", {}), []);
    },
  );

  gracefulTest(
    `nobody of those who were woken comes: the rule for that, which wakes others: ${through}`,
    {
      ...ACCOUNTS,
      nodes: (nodes.nodes ?? [{}]).map((one) => ({
        ...one,
        settings: { PUSH_SECONDS: 2 },
      })),
    },
    async (world) => {
      const { facts, page, desk, caller, other } = await household(world);
      const push = { endpoint: "https://p.test/1", p256dh: "k", auth: "s" };
      await facts.call("push_set", { id: "a", push });
      await facts.call("push_set", { id: "f", push }, "2003");
      for (const one of [page, desk, other]) await one.terminate();
      for (const user of ["2001", "2003"])
        await eventually("nobody", async () => {
          return (await facts.registered(user)).length === 0;
        });
      await facts.call("rules_set", { offline: "2003" });
      const call = new Call(caller, AOR("2001"));
      const answer = call.invite();
      const heard = (
        /** @type {string} */ status,
        /** @type {number} */ times,
      ) =>
        world.transcript.until(status, () => {
          const told = world.transcript.entries.filter(
            ({ who, text }) =>
              who === "e" && text.startsWith(`SIP/2.0 ${status}`),
          );
          return told.length === times;
        });
      await heard("182", 1);
      await heard("181", 1);
      await heard("182", 2);
      const [node] = world.server.nodes;
      const woken = await phone(world, "f", { url: node.url, user: "2003" });
      const invite = await woken.incoming("INVITE");
      assert.match(invite.header("Diversion"), /reason=unavailable$/);
      await take(woken);
      call.accepted = await answer;
      assert.equal(call.accepted.status, 200);
      await call.ack();
      assert.equal((await call.request("BYE")).status, 200);
      const [there] = await history(facts, "2003");
      assert.deepEqual([there.result, there.answeredBy], ["answered", "f"]);
      assert.equal((await history(facts, "2001"))[0].result, "forwarded");
    },
  );
}

gracefulTest(
  "who gets a call by a rule declines it for all devices, as before: one who was busy everywhere",
  { ...ACCOUNTS },
  async (world) => {
    const { facts, page, caller, other } = await household(world);
    await facts.authorise(instance("c"), "desktop", "2003");
    const [{ url }] = world.server.nodes;
    const another = await phone(world, "c", { url, user: "2003" });
    await facts.call("rules_set", { busy: "2003" });
    page.respond = () => ({ status: 600 });
    const answer = new Call(caller, AOR("2001")).invite();
    await another.incoming("INVITE");
    const invite = await other.incoming("INVITE");
    other.answer(invite, { status: 603 });
    assert.equal((await answer).status, 603);
    await another.incoming("CANCEL");
    const [{ result, rang }] = await history(facts, "2003");
    assert.deepEqual([result, rang.sort()], ["declined", ["c", "f"]]);
  },
);

gracefulTest(
  "a rule leads to nobody elsewhere, nor to a server",
  {},
  async (world) => {
    const facts = new Facts(world.server.redis);
    const caller = await phone(world, "a");
    const callee = await phone(world, "b", { user: "2002" });
    const status = async () =>
      (await new Call(caller, AOR("2002")).invite()).status;
    for (const [index, to] of [
      "sip:2001@elsewhere.test",
      "sip:cti@example.test",
      "sip:controller@example.test",
    ].entries()) {
      await facts.call("rules_set", { always: to, busy: null }, "2002");
      assert.equal(await status(), 404, to);
      await facts.call("rules_set", { always: null, busy: to }, "2002");
      callee.respond = () => ({ status: 486 });
      assert.equal(await status(), 404, to);
      const calls = await facts.call("history", {}, "2002");
      assert.equal(calls.length, 2 * index + 2);
      assert.deepEqual(
        [calls[0].result, calls[0].forwardedTo],
        ["forwarded", to],
      );
    }
  },
);

gracefulTest("who has no account has no history", {}, async (world) => {
  const caller = await phone(world, "a");
  assert.equal((await new Call(caller, AOR("2999")).invite()).status, 404);
  const keys = await world.server.redis.command(["KEYS", "*2999*"]);
  assert.equal(keys.trim(), "");
  const [{ result }] = await history(new Facts(world.server.redis), "2001");
  assert.equal(result, "failed");
});

gracefulTest(
  "a node is killed in a call: its phone hangs up over another one, and there is one record",
  TWO_NODES,
  async (world) => {
    const facts = new Facts(world.server.redis);
    const [first, second] = world.server.nodes;
    const caller = await phone(world, "a", { url: first.url });
    const callee = await phone(world, "b", { url: second.url, user: "2002" });
    const call = new Call(caller, AOR("2002"));
    const answer = call.invite();
    await take(callee);
    call.accepted = await answer;
    await call.ack();
    await callee.incoming("ACK");
    await first.kill();
    await caller.closed;
    const back = await phone(world, "a", { url: second.url });
    call.caller = back;
    assert.equal((await call.request("BYE")).status, 200);
    for (const user of ["2001", "2002"]) {
      const calls = await history(facts, user);
      assert.deepEqual(
        calls.map(({ result }) => result),
        ["answered"],
      );
    }
  },
);

gracefulTest(
  "a node is killed while a call of it rings: the other one ends its record",
  {
    nodes: TWO_NODES.nodes.map((node) => ({
      ...node,
      settings: { LEASE_SECONDS: 5 },
    })),
  },
  async (world) => {
    const facts = new Facts(world.server.redis);
    const [first, second] = world.server.nodes;
    const caller = await phone(world, "a", { url: first.url });
    const callee = await phone(world, "b", { url: second.url, user: "2002" });
    new Call(caller, AOR("2002")).invite().catch(() => {});
    await callee.incoming("INVITE");
    await first.kill();
    const missed = await history(facts, "2002", 45_000);
    assert.deepEqual(
      missed.map(({ result }) => result),
      ["missed"],
    );
    assert.equal((await history(facts, "2001"))[0].result, "failed");
  },
);
