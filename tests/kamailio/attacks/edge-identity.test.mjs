/** At the edge, too, a client speaks for itself alone: towards the back end, and so towards everybody. */
import assert from "node:assert/strict";
import { Call } from "../support/call.mjs";
import { CHALLENGE, CLAIMS, FOREIGN_ROUTE } from "../support/claims.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { edge } from "../support/edge.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const BOB = "sip:2002@example.test";
const nobody = { nodes: [] };

/** @param {any} world */
async function aliceAndBob(world) {
  await edge(world);
  const alice = await world.connect({ name: "alice" });
  const bob = await world.connect({ name: "bob", user: "2002" });
  for (const client of [alice, bob])
    await client.register({
      contacts: [contact(client.name, { instance: instance(client.name[0]) })],
      headers: [FORCE],
    });
  return { alice, bob };
}

gracefulTest(
  "edge: nobody says of themselves who they are",
  nobody,
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    const claims = /** @type {[string, string][]} */ ([
      ...CLAIMS,
      FOREIGN_ROUTE,
    ]);
    bob.respond = () => ({
      status: 200,
      headers: [["Contact", "<sip:bob@callee.invalid>"], ...claims],
    });
    for (const method of ["MESSAGE", "OPTIONS", "INVITE"]) {
      const answer = await alice.request(method, BOB, {
        headers: [
          ["Contact", "<sip:a@caller.invalid>"],
          ["X-Kept", method],
          ...claims,
        ],
      });
      assert.equal(answer.status, 200, method);
      assert.doesNotMatch(answer.text, /boss|\+1900/i, `${method} answered`);
      const heard = await bob.incoming(method);
      assert.doesNotMatch(heard.text, /boss|\+1900/i, method);
      assert.equal(heard.header("X-Kept"), method);
    }
    // A call goes on by the routes that are the servers' own.
    claims.pop();
    const call = await Call.start(alice, BOB, bob);
    bob.respond = () => ({ status: 200, headers: claims });
    const answer = await call.request("INFO", { headers: claims });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(
      answer.text + (await bob.incoming("INFO")).text,
      /boss|\+1900/i,
    );
  },
);

gracefulTest("edge: no far end asks for a proof", nobody, async (world) => {
  const { alice, bob } = await aliceAndBob(world);
  for (const status of [401, 407, 403, 486, 200])
    for (const method of ["MESSAGE", "INVITE"]) {
      bob.respond = () => ({
        status,
        headers: [
          ["WWW-Authenticate", CHALLENGE],
          ["proxy-authenticate", CHALLENGE],
          ["Contact", "<sip:bob@callee.invalid>"],
        ],
      });
      const answer = await alice.send(method, BOB, {
        headers: [["Contact", "<sip:a@caller.invalid>"]],
      });
      assert.equal(answer.status, [401, 407].includes(status) ? 403 : status);
      assert.doesNotMatch(answer.text, /mine|authenticate/i);
    }
});

gracefulTest(
  "edge: phones obey their registrar, and callers take back their own calls",
  nobody,
  async (world) => {
    const { alice, bob } = await aliceAndBob(world);
    for (const event of [
      "service-control",
      "check-sync",
      "talk",
      "reg",
      "refer",
    ])
      for (const name of ["Event", "o"])
        assert.equal(
          (await alice.send("NOTIFY", BOB, { headers: [[name, event]] }))
            .status,
          489,
          event,
        );
    const call = await Call.start(alice, BOB, bob);
    for (const event of ["service-control", "check-sync", "talk", "xrefer"])
      assert.equal(
        (await call.request("NOTIFY", { headers: [["Event", event]] })).status,
        489,
        event,
      );
    assert.equal(
      (await call.request("NOTIFY", { headers: [["Event", "refer;id=1"]] }))
        .status,
      200,
    );
    assert.equal((await call.request("BYE")).status, 200);

    bob.received.length = 0;
    bob.respond = ({ method }) => ({ status: method === "INVITE" ? 180 : 200 });
    const mallory = await world.connect({ name: "mallory" });
    const ringing = new Call(alice, BOB);
    const branch = "z9hG4bKring";
    void ringing.invite({ branch, cseq: 7 }).catch(() => {});
    await bob.incoming("INVITE");
    const invite = world.transcript
      .requests({ who: "alice", method: "INVITE" })
      .find(({ text }) => text.includes(ringing.callId));
    mallory.socket.send(
      String(invite?.text)
        .replace(/^INVITE/, "CANCEL")
        .replace("7 INVITE", "7 CANCEL")
        .replace(
          /Content-Length: \d+\r\n\r\n[^]*$/,
          "Content-Length: 0\r\n\r\n",
        ),
    );
    const { host } = new URL(world.server.url);
    assert.equal((await mallory.send("OPTIONS", `sip:${host}`)).status, 200);
    assert.equal((await alice.send("MESSAGE", BOB)).status, 200);
    assert.deepEqual(
      bob.received.map(({ method }) => method),
      ["INVITE", "MESSAGE"],
    );
    await alice.send("CANCEL", BOB, {
      callId: ringing.callId,
      fromTag: ringing.fromTag,
      branch,
      cseq: 7,
    });
    await bob.incoming("CANCEL");
  },
);
