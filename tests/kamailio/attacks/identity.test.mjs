/** A client speaks for itself: who it is the server says, and it challenges and redirects nobody. */
import assert from "node:assert/strict";
import { Call, shownLine } from "../support/call.mjs";
import { CHALLENGE, CLAIMS, FOREIGN_ROUTE } from "../support/claims.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { parties } from "../support/parties.mjs";

const BOB = "sip:2002@example.test";
const accounts = ["2001", "2002", "2003"].map((user) => ({ user }));
const one = [{ name: "a" }];
const two = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
];

/**
 * What a message claims.
 * @param {import("../../interop/support/sip-message.mjs").SipMessage} message
 */
function assertSpokenFor(
  message,
  /** @type {string[]} */ identity,
  /** @type {string} */ what,
) {
  assert.doesNotMatch(message.text, /boss|\+1900/i, what);
  assert.deepEqual(message.all("P-Asserted-Identity"), identity, what);
  assert.deepEqual(message.all("X-Graceline-Node"), [], what);
}

const ALICE_ID = ["<sip:2001@example.test>"];
const BOB_ID = ["<sip:2002@example.test>"];

for (const nodes of [one, two])
  gracefulTest(
    `nobody says of themselves who they are: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await parties(world);
      const answers = /** @type {[string, string][]} */ ([
        ...CLAIMS,
        FOREIGN_ROUTE,
      ]);
      bob.respond = ({ method }) => ({
        status: 200,
        headers: [
          ...(method === "INVITE"
            ? [["Contact", "<sip:bob@callee.invalid>"]]
            : []),
          ...answers,
        ],
      });
      const outside = /** @type {[string, string][]} */ ([
        ...CLAIMS,
        FOREIGN_ROUTE,
      ]);
      for (const method of ["MESSAGE", "OPTIONS", "REFER", "INFO"]) {
        const answer = await alice.request(method, BOB, { headers: outside });
        assert.equal(answer.status, 200);
        assertSpokenFor(answer, BOB_ID, `${method} answered`);
        assertSpokenFor(await bob.incoming(method), ALICE_ID, method);
      }
      const call = new Call(alice, BOB);
      call.accepted = await call.invite({
        headers: [["Contact", "<sip:a@caller.invalid>"], ...outside],
      });
      assert.equal(call.accepted.status, 200);
      assertSpokenFor(call.accepted, BOB_ID, "INVITE answered");
      assertSpokenFor(await bob.incoming("INVITE"), ALICE_ID, "INVITE");
      // With a route of the callee's own among ours the call has none: it hurts the callee alone.
      answers.pop();
      const good = new Call(alice, BOB);
      good.accepted = await good.invite();
      assert.ok(good.accepted.all("Record-Route").length > 0);
      await good.request("ACK", {
        cseq: Number.parseInt(good.accepted.header("CSeq"), 10),
        headers: CLAIMS,
      });
      assertSpokenFor(await bob.incoming("ACK"), ALICE_ID, "ACK");
      for (const method of ["INFO", "UPDATE", "INVITE", "MESSAGE"]) {
        bob.received.length = 0;
        const answer = await good.request(method, { headers: CLAIMS });
        assertSpokenFor(answer, BOB_ID, `${method} answered`);
        assertSpokenFor(await bob.incoming(method), ALICE_ID, method);
      }
      // From the callee: it has the INVITE's route.
      alice.respond = () => ({ status: 200, headers: CLAIMS });
      const invite = world.transcript
        .requests({ who: "bob", method: "INVITE", direction: "received" })
        .find(({ text }) => text.includes(good.callId));
      assert.ok(invite);
      const back = (/** @type {any} */ headers) =>
        bob.send("INFO", /^Contact: <([^>]+)>/m.exec(invite.text)?.[1] ?? "", {
          to: alice.aor,
          toTag: good.fromTag,
          fromTag: /;tag=([^;]+)/.exec(good.accepted.header("To"))?.[1],
          callId: good.callId,
          headers: [
            ...[...invite.text.matchAll(/^Record-Route: (.*)\r$/gm)].map(
              ([, route]) => /** @type {[string, string]} */ (["Route", route]),
            ),
            ...headers,
          ],
        });
      const answer = await back(CLAIMS);
      assert.equal(answer.status, 200);
      assertSpokenFor(answer, ALICE_ID, "INFO of the callee answered");
      assertSpokenFor(
        await alice.incoming("INFO"),
        BOB_ID,
        "INFO of the callee",
      );
    },
  );

for (const nodes of [one, two])
  gracefulTest(
    `who asks for privacy is not named: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await parties(world);
      for (const [privacy, shown] of /** @type {[string, boolean][]} */ ([
        ["id", false],
        ["header; id", false],
        ["critical;ID", false],
        ["none", true],
        ["idle", true],
      ])) {
        const headers = /** @type {[string, string][]} */ ([
          ["Privacy", privacy],
        ]);
        bob.respond = () => ({ status: 200, headers });
        bob.received.length = 0;
        const answer = await alice.request("MESSAGE", BOB, { headers });
        assertSpokenFor(answer, shown ? BOB_ID : [], privacy);
        assertSpokenFor(
          await bob.incoming("MESSAGE"),
          shown ? ALICE_ID : [],
          privacy,
        );
      }
      // Nor by digest, from a connection without a binding.
      bob.received.length = 0;
      bob.respond = () => ({ status: 200 });
      const guest = await world.connect({ name: "guest" });
      assert.equal(
        (await guest.request("MESSAGE", BOB, { headers: [["Privacy", "id"]] }))
          .status,
        200,
      );
      assertSpokenFor(await bob.incoming("MESSAGE"), [], "by digest");
    },
  );

for (const nodes of [one, two])
  gracefulTest(
    `no far end asks for a proof: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob } = await parties(world);
      const headers = /** @type {[string, string][]} */ ([
        ["WWW-Authenticate", CHALLENGE],
        ["Proxy-Authenticate", CHALLENGE],
        ["proxy-authenticate", CHALLENGE],
        ["Authentication-Info", 'nextnonce="mine"'],
        ["Proxy-Authentication-Info", 'nextnonce="mine"'],
        ["Contact", "<sip:bob@callee.invalid>"],
      ]);
      const unasked = (
        /** @type {any} */ answer,
        /** @type {string} */ what,
      ) => {
        assert.ok(![401, 407].includes(answer.status), what);
        assert.doesNotMatch(answer.text, /mine|authenticat/i, what);
      };
      const statuses = [401, 407, 403, 404, 486, 603, 494, 200];
      for (const status of statuses)
        for (const method of ["INVITE", "MESSAGE", "REFER", "OPTIONS"]) {
          bob.respond = () => ({ status, headers });
          const answer = await alice.send(method, BOB, {
            headers: [["Contact", "<sip:a@a.invalid>"]],
          });
          unasked(answer, `${method} ${status}`);
          assert.equal(
            answer.status,
            status === 401 || status === 407 ? 403 : status,
          );
        }
      bob.respond = () => ({
        status: 200,
        headers: [["Contact", "<sip:bob@callee.invalid>"]],
      });
      const call = await Call.start(alice, BOB, bob);
      for (const status of statuses)
        for (const method of ["INVITE", "INFO", "BYE"]) {
          bob.respond = () => ({ status, headers });
          unasked(await call.request(method), `${method} ${status} in a call`);
        }
      assert.deepEqual(
        world.transcript.entries.filter(
          ({ who, text }) =>
            who === "alice" && /^SIP\/2\.0 (401|407)[^]*mine/.test(text),
        ),
        [],
      );
    },
  );

for (const nodes of [one, two])
  gracefulTest(
    `one's own call leads to nobody else, and not under another name: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob, carol } = await parties(world);
      const call = await Call.start(alice, BOB, bob);
      const inside = (
        /** @type {any} */ who,
        /** @type {string} */ method,
        /** @type {any} */ options,
      ) =>
        who.send(method, options.uri, {
          to: BOB,
          toTag: /;tag=([^;]+)/.exec(call.accepted.header("To"))?.[1],
          fromTag: call.fromTag,
          callId: call.callId,
          headers: call.accepted
            .all("Record-Route")
            .reverse()
            .map((/** @type {string} */ route) => ["Route", route])
            .concat([["Contact", "<sip:a@caller.invalid>"]]),
          ...options,
        });
      const line = await shownLine(carol);
      const own = await shownLine(alice);
      const [remote] = call.accepted.contacts;
      const methods = [
        "MESSAGE",
        "INVITE",
        "INFO",
        "REFER",
        "UPDATE",
        "BYE",
        "OPTIONS",
        "NOTIFY",
      ];
      for (const method of methods) {
        for (const uri of [
          `sip:q@nowhere.invalid;line=${line}`,
          `${remote.uri};line=${line}`.replace(/;line=[^;]+/, ""),
          remote.uri.replace(/;line=/, `;line=${line};line=`),
          remote.uri.replace(/;line=/, `;LINE=${line};line=`),
          `sip:q@nowhere.invalid;line=${own}`,
        ]) {
          const answer = await inside(alice, method, { uri });
          // Of two lines the other one may count; it is that of the call.
          if (!/LINE=|line=.*line=/.test(uri))
            assert.equal(answer.status, 481, `${method} ${uri}`);
        }
        // Carol has heard all of it.
        assert.equal(
          (await inside(carol, method, { uri: remote.uri })).status,
          481,
        );
      }
      assert.deepEqual(carol.received, []);
      // Under another name.
      for (const user of ["2003", "boss"]) {
        alice.user = user;
        for (const method of methods)
          assert.equal(
            (await inside(alice, method, { uri: remote.uri })).status,
            481,
            `${method} as ${user}`,
          );
      }
      alice.user = "2001";
      assert.equal(
        (
          await inside(alice, "INFO", {
            uri: remote.uri,
            to: "sip:2003@example.test",
          })
        ).status,
        481,
      );
      // A line in a Contact is the node's to write.
      carol.received.length = 0;
      bob.respond = () => ({
        status: 200,
        headers: [["Contact", `<sip:bob@callee.invalid;line=${line}>`]],
      });
      const second = new Call(alice, BOB);
      second.accepted = await second.invite({
        headers: [
          [
            "Contact",
            `<sip:a@caller.invalid;Line=${line};x=y>, <sip:b@b.invalid;line=${line}>`,
          ],
        ],
      });
      assert.equal(second.accepted.status, 200);
      assert.doesNotMatch(second.accepted.text, new RegExp(line));
      await second.ack();
      assert.equal((await second.request("BYE")).status, 200);
      for (const { text } of bob.received)
        assert.doesNotMatch(text, new RegExp(`line=${line}`));
      assert.deepEqual(carol.received, []);
    },
  );

const SPOKEN_FOR = "<sip:2003@example.test>";

for (const nodes of [one, two])
  gracefulTest(
    `who makes calls for desk phones says for whom, and nobody else does: ${nodes.length} nodes`,
    {
      accounts: [...accounts, { user: "controller" }, { user: "controllers" }],
      nodes,
    },
    async (world) => {
      const { alice, bob } = await parties(world);
      const { url } = world.server.nodes[0];
      const at = (/** @type {string} */ user) =>
        world.connect({ name: user, user, url });
      const controller = await at("controller");
      const similar = await at("controllers");
      bob.respond = () => ({
        status: 200,
        headers: [["Contact", "<sip:bob@callee.invalid>"]],
      });
      /** How bob is told of a call that says this of itself. */
      const asserted = async (
        /** @type {typeof alice} */ caller,
        /** @type {string[]} */ ...meant
      ) => {
        bob.received.length = 0;
        const call = new Call(caller, BOB);
        const headers = meant.map((value) => ["P-Preferred-Identity", value]);
        call.accepted = await call.invite({
          headers: /** @type {[string, string][]} */ ([
            ["Contact", "<sip:x@caller.invalid>"],
            ...headers,
          ]),
        });
        assert.equal(call.accepted.status, 200);
        const invite = await bob.incoming("INVITE");
        assert.deepEqual(invite.all("P-Preferred-Identity"), []);
        return { call, told: invite.all("P-Asserted-Identity") };
      };
      const { call, told } = await asserted(controller, SPOKEN_FOR);
      assert.deepEqual(told, [SPOKEN_FOR]);
      // Within the call nobody else comes to be at the phone.
      await call.ack();
      bob.received.length = 0;
      await call.request("INVITE", {
        headers: [["P-Preferred-Identity", ALICE_ID[0]]],
      });
      const again = await bob.incoming("INVITE");
      assert.deepEqual(again.all("P-Asserted-Identity"), []);
      const own = ["<sip:controller@example.test>"];
      for (const lie of [
        "<sip:2003@elsewhere.test>",
        '"Boss" <sip:2003@example.test>',
        "<sip:2003@example.test>, <sip:boss@example.test>",
        "<sip:2003@example.test;boss>",
        "<sips:2003@example.test>",
        "<sip:@example.test>",
        "<tel:+1900>",
      ])
        assert.deepEqual((await asserted(controller, lie)).told, own, lie);
      assert.deepEqual((await asserted(alice, SPOKEN_FOR)).told, ALICE_ID);
      assert.deepEqual((await asserted(similar, SPOKEN_FOR)).told, [
        "<sip:controllers@example.test>",
      ]);
      // Phones show From: it says so there, too, and has its calls all the same.
      const from = async (/** @type {typeof alice} */ caller) => {
        bob.received.length = 0;
        caller.user = "2003";
        const call = new Call(caller, BOB);
        call.accepted = await call.invite({
          headers: [
            ["Contact", "<sip:x@caller.invalid>"],
            ["P-Preferred-Identity", SPOKEN_FOR],
          ],
        });
        return call;
      };
      // Not before it is known by its connection.
      assert.equal((await from(controller)).accepted.status, 407);
      controller.user = "controller";
      const bound = contact("gateway", { instance: instance("9") });
      assert.equal(
        (await controller.register({ contacts: [bound] })).status,
        200,
      );
      const shown = await from(controller);
      assert.equal(shown.accepted.status, 200);
      const invite = await bob.incoming("INVITE");
      assert.match(invite.header("From"), /<sip:2003@example[.]test>/);
      assert.deepEqual(invite.all("P-Asserted-Identity"), [SPOKEN_FOR]);
      await shown.ack();
      assert.equal((await shown.request("BYE")).status, 200);
      assert.match(`${(await from(similar)).accepted.status}`, /^40[37]$/);
      assert.deepEqual(bob.received, []);
      // Who is not the account by its password is not by its name.
      bob.received.length = 0;
      alice.user = "controller";
      const forged = await new Call(alice, BOB).invite({
        headers: [["P-Preferred-Identity", SPOKEN_FOR]],
      });
      assert.match(`${forged.status}`, /^40[37]$/);
      assert.deepEqual(bob.received, []);
    },
  );
