/** What one user cannot do to another: close their phone, restart it, make it answer, end its call. */
import assert from "node:assert/strict";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const BOB = "sip:2002@example.test";
const accounts = ["2001", "2002", "2003"].map((user) => ({ user }));
const two = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
];

/** @param {any} world */
async function aliceAndBob(world) {
  const [here] = world.server.nodes;
  const there = world.server.nodes[world.server.nodes.length - 1];
  const alice = await world.connect({ name: "alice", url: here.url });
  const bob = await world.connect({
    name: "bob",
    user: "2002",
    url: there.url,
  });
  await alice.register({
    contacts: [contact("a", { instance: instance("a") })],
  });
  await bob.register({ contacts: [contact("b", { instance: instance("b") })] });
  return { alice, bob };
}

/** Headers of events that a phone could obey. @type {[string, string][][]} */
const EVENTS = [
  [["Event", "service-control"]],
  [["event", "Service-Control;x=y"]],
  [["o", "service-control"]],
  [["Event", "check-sync;reboot=true"]],
  [["Event", "reg"]],
  [["Event", "talk"]],
  [["Event", "hold"]],
  [["Event", "message-summary"]],
  [["Event", "refer-me"]],
  [["Event", "xrefer"]],
  [["Event", "talk;refer"]],
  [],
];

for (const nodes of [[{ name: "a" }], two])
  gracefulTest(
    `no user tells another's phone what only its registrar may: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await aliceAndBob(world);
      const body = `action=reset\r\nRegisterCallId={${bob.callId}}\r\n`;
      const targets = [BOB, `${BOB};gr=${instance("b")}`, "sip:example.test"];
      for (const target of targets)
        for (const event of [...EVENTS, [["Event", "refer"]]]) {
          const headers = /** @type {any} */ ([
            ...event,
            ["Subscription-State", "active"],
          ]);
          const answer = await alice.request("NOTIFY", target, {
            headers,
            body,
          });
          assert.ok(
            answer.status >= 400,
            `${target} ${event}: ${answer.startLine}`,
          );
          const publish = await alice.request("PUBLISH", target, {
            headers,
            body,
          });
          // The mailbox is the voicemail server's to tell of.
          const isKnown = event[0]?.[1] === "message-summary";
          assert.equal(publish.status, isKnown ? 403 : 489);
        }
      for (const method of ["notify", "Notify", "SERVICE", "X-ODD"]) {
        const answer = await alice.request(method, BOB, {
          headers: EVENTS[0],
          body,
        });
        assert.ok(answer.status >= 400, method);
      }
      // Within a call of their own: how a transfer goes on, and nothing else.
      const call = await Call.start(alice, BOB, bob);
      for (const headers of EVENTS)
        assert.ok(
          (await call.request("NOTIFY", { headers, body })).status >= 400,
          `${headers}`,
        );
      const two = /** @type {any} */ ([
        ["Event", "refer"],
        ["o", "service-control"],
      ]);
      assert.equal(
        (await call.request("NOTIFY", { headers: two, body })).status,
        400,
      );
      for (const event of ["refer", "refer;id=7"])
        assert.equal(
          (await call.request("NOTIFY", { headers: [["Event", event]] }))
            .status,
          200,
        );
      assert.deepEqual(
        bob.received.map(({ method }) => method),
        ["INVITE", "ACK", "NOTIFY", "NOTIFY"],
      );
      assert.equal(bob.socket.readyState, bob.socket.OPEN);
      assert.equal((await bob.query()).length, 1);
    },
  );

for (const nodes of [[{ name: "a" }], two])
  gracefulTest(
    `only the caller takes a call back: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await aliceAndBob(world);
      const mallory = await world.connect({
        name: "mallory",
        user: "2003",
        url: world.server.nodes[0].url,
      });
      await mallory.register({ contacts: [contact("m")] });
      const stranger = await world.connect({ name: "stranger" });
      bob.respond = ({ method }) => ({
        status: method === "INVITE" ? 180 : 200,
      });
      const call = new Call(alice, BOB);
      const branch = "z9hG4bKring";
      void call.invite({ branch, cseq: 7 }).catch(() => {});
      await bob.incoming("INVITE");
      const sent = world.transcript.requests({
        who: "alice",
        method: "INVITE",
      })[0].text;
      for (const thief of [mallory, stranger]) {
        // With everything that the INVITE had, and its sender's name.
        const cancel = sent
          .replace(/^INVITE/, "CANCEL")
          .replace(/CSeq: 7 INVITE/, "CSeq: 7 CANCEL")
          .replace(/\r\n\r\n[^]*$/, "\r\n\r\n")
          .replace(/Content-Length: \d+/, "Content-Length: 0");
        thief.socket.send(cancel);
        assert.equal(
          (await thief.send("OPTIONS", "sip:example.test")).status,
          200,
        );
      }
      assert.equal((await mallory.request("MESSAGE", BOB)).status, 200);
      assert.deepEqual(
        bob.received.map(({ method }) => method),
        ["INVITE", "MESSAGE"],
      );
      await alice.send("CANCEL", BOB, {
        callId: call.callId,
        fromTag: call.fromTag,
        branch,
        cseq: 7,
      });
      await bob.incoming("CANCEL");

      // Nor need the caller have a binding.
      bob.received.length = 0;
      const guest = await world.connect({
        name: "guest",
        url: world.server.nodes[0].url,
      });
      const second = new Call(guest, BOB);
      // After the challenge it has a transaction of its own.
      void second.invite({ cseq: 9 }).catch(() => {});
      await bob.incoming("INVITE");
      const again = world.transcript.requests({
        who: "guest",
        method: "INVITE",
      })[1].text;
      await guest.send("CANCEL", BOB, {
        callId: second.callId,
        fromTag: second.fromTag,
        branch: /branch=([^;\r]+)/.exec(again)?.[1],
        cseq: 9,
      });
      await bob.incoming("CANCEL");
    },
  );

gracefulTest(
  "a CANCEL with another call's tag ends none",
  { accounts },
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    const carol = await world.connect({ name: "carol", user: "2003" });
    await carol.register({ contacts: [contact("c")] });
    bob.respond = (/** @type {any} */ { method }) =>
      method === "INVITE" ? { status: 180, reason: "Rings" } : { status: 200 };
    const call = new Call(alice, BOB);
    call.invite().catch(() => {});
    await bob.incoming("INVITE");
    const { callId, fromTag } = call;
    const own = new Call(carol, BOB);
    own.callId = callId;
    const branch = "z9hG4bKcarols";
    own.invite({ branch, cseq: 1 }).catch(() => {});
    await world.transcript.until("both to ring", () => {
      const rung = bob.received.filter(({ method }) => method === "INVITE");
      return rung.length === 2;
    });
    const lie = { callId, fromTag, branch, cseq: 1 };
    assert.equal((await carol.send("CANCEL", BOB, lie)).status, 481);
    const { redis } = world.server;
    const known = await redis.command(["--raw", "KEYS", "graceline:call:*"]);
    const records = await Promise.all(
      known.split("\n").map((key) => redis.command(["--raw", "GET", key])),
    );
    assert.equal(records.length, 2);
    assert.doesNotMatch(records.join(), /given_up/);
  },
);
