/** What proves who somebody is serves once, for what it was made for, and is seen by nobody else. */
import assert from "node:assert/strict";
import {
  digestAuthorization,
  parseChallenges,
} from "../../interop/support/sip-message.mjs";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const BOB = "sip:2002@example.test";
const CONTACT = /** @type {[string, string]} */ (["Contact", contact("a")]);
const two = {
  nodes: [
    { name: "a", host: "127.0.0.2" },
    { name: "b", host: "127.0.0.3" },
  ],
};

/** Another header of credentials, which says nothing. @param {string} realm */
const other = (realm) =>
  `Digest username="2001", realm="${realm}", nonce="n", uri="sip:example.test", response="${"0".repeat(32)}", cnonce="x", nc=00000001, qop=auth`;

gracefulTest(
  "a REGISTER that was overheard is of no use",
  two,
  async (world) => {
    const [here, there] = world.server.nodes;
    const client = await world.connect({ url: here.url });
    const thief = await world.connect({ name: "thief", url: there.url });
    const say = (
      /** @type {any} */ who,
      /** @type {[string, string][]} */ headers,
    ) =>
      who.send("REGISTER", "sip:example.test", {
        to: client.aor,
        callId: who.callId,
        headers: [CONTACT, ...headers],
      });
    for (const challenge of parseChallenges(await say(client, []))) {
      const value = digestAuthorization(challenge, {
        user: "2001",
        password: client.password,
        method: "REGISTER",
        uri: "sip:example.test",
        count: 1,
      });
      assert.equal((await say(client, [["Authorization", value]])).status, 200);
      for (const [mine, theirs] of [
        ["Authorization", "Authorization"],
        ["Authorization", "Proxy-Authorization"],
        ["Proxy-Authorization", "Authorization"],
        ["authorization", "AUTHORIZATION"],
      ])
        for (const realm of ["elsewhere.test", "example.test"])
          for (const headers of [
            [
              [mine, other(realm)],
              [theirs, value],
            ],
            [
              [theirs, value],
              [mine, other(realm)],
            ],
          ]) {
            const answer = await say(thief, /** @type {any} */ (headers));
            assert.equal(answer.status, 400, `${headers}`);
          }
      assert.equal((await say(thief, [["Authorization", value]])).status, 401);
    }
    const [binding, ...others] = await world.server.bindings();
    assert.deepEqual([binding.call_id, others], [client.callId, []]);
  },
);

gracefulTest(
  "credentials are for the request that they were made for",
  {},
  async (world) => {
    const bob = await world.connect({ name: "bob", user: "2002" });
    await bob.register({ contacts: [contact("b")] });
    const alice = await world.connect({ name: "alice" });
    for (const challenge of parseChallenges(await alice.send("MESSAGE", BOB)))
      for (const [
        method,
        uri,
        status,
      ] of /** @type {[string, string, number][]} */ ([
        ["MESSAGE", "sip:2003@example.test", 400],
        ["MESSAGE", "sip:2002@example.test;x=y", 400],
        ["MESSAGE", "", 400],
        ["INVITE", BOB, 407],
        ["MESSAGE", BOB, 200],
      ])) {
        const value = digestAuthorization(challenge, {
          user: "2001",
          password: alice.password,
          method,
          uri,
          count: 1,
        });
        const answer = await alice.send(
          "MESSAGE",
          BOB,
          {},
          { name: "Proxy-Authorization", value },
        );
        assert.equal(answer.status, status, `${method} ${uri}`);
      }
    assert.equal(bob.received.length, 2);
  },
);

for (const nodes of [[{ name: "a" }], two.nodes])
  gracefulTest(
    `credentials reach no far end: ${nodes.length} nodes`,
    { nodes },
    async (world) => {
      const here = world.server.nodes[0];
      const there = world.server.nodes[nodes.length - 1];
      const bob = await world.connect({
        name: "bob",
        user: "2002",
        url: there.url,
      });
      await bob.register({
        contacts: [contact("b", { instance: instance("b") })],
      });
      const alice = await world.connect({ name: "alice", url: here.url });
      // By digest alone, and over a connection with a binding.
      assert.equal((await alice.request("MESSAGE", BOB)).status, 200);
      await alice.register({
        contacts: [contact("a", { instance: instance("a") })],
      });
      const headers = /** @type {[string, string][]} */ ([
        ["Authorization", other("example.test")],
        ["Proxy-Authorization", other("example.test")],
        ["proxy-authorization", other("elsewhere.test")],
        ["AUTHORIZATION", "Bearer secret-token"],
      ]);
      for (const method of ["MESSAGE", "OPTIONS", "REFER"])
        assert.equal(
          (await alice.request(method, BOB, { headers })).status,
          200,
        );
      const call = new Call(alice, BOB);
      bob.respond = (request) => ({
        status: 200,
        headers:
          request.method === "INVITE"
            ? [["Contact", "<sip:bob@callee.invalid;transport=ws>"]]
            : [],
      });
      call.accepted = await call.invite({
        headers: [
          ["Contact", "<sip:a@caller.invalid;transport=ws>"],
          ...headers,
        ],
      });
      assert.equal(call.accepted.status, 200);
      await call.request("ACK", {
        cseq: Number.parseInt(call.accepted.header("CSeq"), 10),
        headers,
      });
      await bob.incoming("ACK");
      for (const method of ["INFO", "UPDATE", "INVITE", "BYE"])
        assert.equal((await call.request(method, { headers })).status, 200);
      // And one that is given up.
      bob.respond = ({ method }) => ({
        status: method === "INVITE" ? 180 : 200,
      });
      const given = new Call(alice, BOB);
      const branch = "z9hG4bKgivenup";
      void given
        .invite({
          branch,
          cseq: 7,
          headers: [["Contact", "<sip:a@a.invalid>"], ...headers],
        })
        .catch(() => {});
      await world.transcript.until("a second INVITE", () =>
        bob.received.some((one) => one.header("Call-ID") === given.callId),
      );
      await alice.send("CANCEL", BOB, {
        callId: given.callId,
        fromTag: given.fromTag,
        branch,
        cseq: 7,
        headers,
      });
      await bob.incoming("CANCEL");
      const heard = bob.received.map(({ text }) => text);
      assert.ok(heard.length >= 11, `${heard.length}`);
      assert.deepEqual(
        heard.filter((text) => /authorization|bearer|digest/i.test(text)),
        [],
      );
    },
  );
