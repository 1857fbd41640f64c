/**
 * Public ids, on the wire: whom others reach by them, and as whom a user is shown. What the account service is
 * answered: device-rules.test.mjs.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Call } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { loggedIn } from "./support/parties.mjs";
import { PolicyUnderTest } from "./support/policy.mjs";

const NUMBER = "+39333111222";
const BOB = "sip:2002@example.test";
const accounts = ["2001", "2002", "cti"].map((user) => ({ user }));
const TWO_NODES = [
  { name: "a", host: "127.0.0.2" },
  { name: "b", host: "127.0.0.3" },
];

/** @type {PolicyUnderTest} */
let policy;
before(async () => {
  policy = await PolicyUnderTest.start();
});
after(() => policy.stop());

const code = () => ({ code_hash: "c", until: policy.time + 600_000 });

test("each id has one form, however it is written", async () => {
  const table = await readFile(
    new URL("../rules/public-ids.txt", import.meta.url),
    "utf8",
  );
  const rows = table.split("\n").filter((row) => row.startsWith('"'));
  assert.ok(rows.length > 30);
  for (const row of rows) {
    await policy.clear();
    const at = row.lastIndexOf("|");
    const id = JSON.parse(row.slice(0, at));
    const expected = row.slice(at + 1).trim();
    const asked = { id, kind: "tel", ...code() };
    const reply = await policy.account("public_id_add", asked);
    if (expected === "-") assert.equal(reply.refused, "invalid", row);
    else assert.equal(reply.ok.id, expected, row);
  }
});

test("of two who want one name at once one gets it", async () => {
  await policy.clear();
  const connections = [policy.connect(), policy.connect()];
  const replies = await Promise.all(
    connections.map((connection, index) =>
      policy.account(
        "public_id_add",
        { id: index ? "MARCO" : "marco", kind: "name" },
        index ? "2002" : "2001",
        connection,
      ),
    ),
  );
  for (const connection of connections) connection.end();
  const refusals = replies.map(({ refused }) => refused);
  assert.deepEqual(refusals.filter(Boolean), ["taken"]);
  const winner = refusals[0] ? "2002" : "2001";
  const { ok } = await policy.account("public_id_owner", { id: "Marco" });
  assert.equal(ok, `${winner}@example.test`);
});

test("an id is its user's in the user's domain", async () => {
  await policy.clear();
  await policy.account("public_id_add", { id: "marco", kind: "name" });
  const owner = (/** @type {string} */ name, /** @type {string} */ domain) =>
    policy.call("owner", "graceline:id", { name, domain });
  assert.deepEqual(await owner("Marco", "example.test"), ["2001", "marco"]);
  assert.deepEqual(await owner("marco", "other.test"), []);
  assert.deepEqual(await owner("mario", "example.test"), []);
  // No other key of Redis' is read by it.
  await policy.command("SET", "graceline:other", "2001@example.test");
  assert.deepEqual(await owner("../other", "example.test"), []);
});

/** The two, registered, at the first node and at the last. @param {any} world */
async function parties(world) {
  const { nodes } = world.server;
  const facts = new Facts(world.server.redis);
  const at = (
    /** @type {string} */ name,
    /** @type {string} */ user,
    /** @type {any} */ node,
  ) => loggedIn(world, name, user, node);
  const add = async (
    /** @type {string} */ id,
    /** @type {string} */ user,
    confirmed = true,
  ) => {
    const kind = /^[a-z]/i.test(id) ? "name" : "tel";
    const proof = { code_hash: "c", until: Date.now() + 600_000 };
    await facts.call("public_id_add", { id, kind, ...proof }, user);
    if (confirmed && kind === "tel")
      await facts.call("public_id_confirm", { id, code_hash: "c" }, user);
  };
  const alice = await at("alice", "2001", nodes[0]);
  const bob = await at("bob", "2002", nodes[nodes.length - 1]);
  return { alice, bob, at, add, facts, nodes };
}

const asserted = (/** @type {any} */ message) =>
  message.all("P-Asserted-Identity").join();
const shown = (/** @type {string} */ name) => `<sip:${name}@example.test>`;
/** @returns {[string, string]} */
const preferred = (/** @type {string} */ uri) => [
  "P-Preferred-Identity",
  `<${uri}>`,
];

for (const nodes of [TWO_NODES.slice(0, 1), TWO_NODES])
  gracefulTest(
    `a user is reached by each confirmed id, and shown by it: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob, add, facts } = await parties(world);
      await add(NUMBER, "2002", false);
      await add("Marco", "2002");
      const ask = async (/** @type {string} */ uri, method = "OPTIONS") => {
        bob.received.length = 0;
        const answer = await alice.request(method, uri);
        const reached = bob.received.length > 0;
        return [answer.status, reached, asserted(answer)];
      };
      assert.deepEqual(await ask(`tel:${NUMBER}`), [404, false, ""]);
      await facts.call(
        "public_id_confirm",
        { id: NUMBER, code_hash: "c" },
        "2002",
      );
      for (const uri of [
        `tel:${NUMBER}`,
        "tel:+39-(333)-111.222;x=y",
        `sip:${NUMBER}@example.test`,
        "sip:+39-333-111-222@EXAMPLE.test;user=phone",
      ])
        for (const method of ["INVITE", "MESSAGE", "OPTIONS"])
          assert.deepEqual(
            await ask(uri, method),
            [200, true, shown(NUMBER)],
            `${method} ${uri}`,
          );
      assert.deepEqual(await ask("sip:MARCO@example.test"), [
        ...[200, true, shown("marco")],
      ]);
      assert.deepEqual(await ask(BOB), [200, true, shown("2002")]);
      for (const odd of [
        "sip:marco%00@example.test",
        "sip:marco%0a@example.test",
        "sip:marco%27--@example.test",
        "sip:m%D0%B0rco@example.test",
        "sip:graceline%3Aid%3Amarco@example.test",
      ])
        assert.deepEqual((await ask(odd)).slice(1), [false, ""], odd);
      await facts.call("public_id_remove", { id: "+39-333-111-222" }, "2002");
      assert.deepEqual(await ask(`tel:${NUMBER}`), [404, false, ""]);
    },
  );

for (const nodes of [TWO_NODES.slice(0, 1), TWO_NODES])
  gracefulTest(
    `a call between two public ids is under these names to its end: ${nodes.length} nodes`,
    { accounts, nodes },
    async (world) => {
      const { alice, bob, add } = await parties(world);
      await add("ada", "2001");
      await add("marco", "2002");
      alice.user = "ada";
      const call = await Call.start(alice, "sip:marco@example.test", bob);
      assert.equal(asserted(call.accepted), shown("marco"));
      assert.equal(asserted(await bob.incoming("INVITE")), shown("ada"));
      // Within the call it is as it was; who speaks there under another name is not in it.
      const info = await call.request("INFO");
      assert.deepEqual([info.status, asserted(info)], [200, ""]);
      assert.equal(asserted(await bob.incoming("INFO")), "");
      const update = await call.request("UPDATE", {
        headers: [preferred("sip:ada@example.test")],
      });
      assert.equal(update.status, 200);
      assert.equal(asserted(await bob.incoming("UPDATE")), shown("ada"));
      alice.user = "2001";
      assert.equal((await call.request("INFO")).status, 481);
      alice.user = "ada";
      bob.user = "marco";
      assert.equal((await Call.hangUp(bob, call)).status, 200);

      // Neither learns the login of the other, in whatever writing, nor that two calls are of one user.
      const again = await Call.start(alice, "sip:marco@example.test", bob);
      const heard = {
        2001: bob.received,
        2002: [call.accepted, again.accepted, ...alice.received],
      };
      for (const [login, messages] of Object.entries(heard)) {
        const hex = Buffer.from(login + "@").toString("hex");
        for (const { text } of messages)
          assert.doesNotMatch(text, new RegExp(`${login}@|${hex}`, "i"));
        const lines = messages
          .map(({ text }) => /;line=([^;>]+)/.exec(text)?.[1])
          .filter(Boolean);
        assert.equal(new Set(lines).size, 2, lines.join());
      }
    },
  );

gracefulTest(
  "a user is shown by the id that From names, or P-Preferred-Identity, if it is the user's",
  { accounts },
  async (world) => {
    const { alice, bob, at, add, nodes } = await parties(world);
    await add(NUMBER, "2001");
    await add("ada", "2001");
    await add("+39333000000", "2001", false);
    await add("marco", "2002");
    const seen = async (
      /** @type {string} */ from,
      /** @type {[string, string][]} */ ...headers
    ) => {
      bob.received.length = 0;
      alice.user = from;
      const answer = await alice.send("MESSAGE", BOB, { headers });
      alice.user = "2001";
      if (answer.status !== 200) return answer.status;
      return asserted(await bob.incoming("MESSAGE"));
    };
    assert.equal(await seen("ada"), shown("ada"));
    assert.equal(await seen("+39-333-111-222"), shown(NUMBER));
    const own = [`tel:+39-333-111222`, `sip:${NUMBER}@example.test;user=phone`];
    for (const uri of own) {
      assert.equal(await seen("2001", preferred(uri)), shown(NUMBER));
      assert.equal(await seen("ada", preferred(uri)), shown(NUMBER));
    }
    assert.equal(
      await seen("ada", preferred("sip:2001@example.test")),
      shown("2001"),
    );
    /** @type {[string, string]} */
    const forged = ["P-Asserted-Identity", shown("marco")];
    const foreign = ["marco", "2002", "+39333000000", "nobody", "m%D0%B0rco"];
    for (const id of foreign) {
      for (const domain of ["example.test", "elsewhere.test"])
        assert.equal(
          await seen("2001", preferred(`sip:${id}@${domain}`), forged),
          shown("2001"),
          id,
        );
      // Whose it is, and whether there is such a one, the refusal does not tell.
      assert.equal(await seen(id), 407, id);
    }
    assert.equal(await seen("ada", ["Privacy", "id"], preferred(own[0])), "");
    // An answer, too.
    bob.respond = () => ({
      status: 200,
      headers: [preferred("sip:marco@example.test"), forged],
    });
    assert.equal(asserted(await alice.send("MESSAGE", BOB)), shown("marco"));
    bob.respond = () => ({ status: 200, headers: [preferred(own[0])] });
    assert.equal(asserted(await alice.send("MESSAGE", BOB)), shown("2002"));

    // A gateway acts for who logs in.
    const gateway = await at("gateway", "cti", nodes[0]);
    await alice.send("INVITE", "sip:cti@example.test", {
      headers: [
        ["Contact", "<sip:a@caller.invalid>"],
        preferred("sip:ada@example.test"),
      ],
    });
    assert.equal(asserted(await gateway.incoming("INVITE")), shown("2001"));

    // By digest alone.
    const page = await world.connect({ name: "page", user: "2001" });
    const before = bob.received.length;
    page.user = "ada";
    page.authUser = "2001";
    assert.equal((await page.request("MESSAGE", BOB)).status, 200);
    assert.equal(asserted(bob.received[before]), shown("ada"));
    page.user = "marco";
    assert.equal((await page.request("MESSAGE", BOB)).status, 407);
  },
);

gracefulTest(
  "a name that an account gets later is the account's",
  { accounts },
  async (world) => {
    const { alice, bob, add } = await parties(world);
    await add("marco", "2002");
    await world.server.database.sql(
      "UPDATE subscriber SET username = 'marco' WHERE username = 'cti'",
    );
    assert.equal(
      (await alice.request("MESSAGE", "sip:marco@example.test")).status,
      480,
    );
    const answer = await bob.request("MESSAGE", "sip:2001@example.test", {
      headers: [preferred("sip:marco@example.test")],
    });
    assert.equal(answer.status, 200);
    assert.equal(asserted(await alice.incoming("MESSAGE")), shown("2002"));
    bob.user = "marco";
    const forged = await bob.send("MESSAGE", "sip:2001@example.test");
    assert.equal(forged.status, 407);
  },
);

gracefulTest(
  "a caller who has come back by another connection takes a call from an id back",
  { accounts },
  async (world) => {
    const { alice, bob, at, add, nodes } = await parties(world);
    await add("ada", "2001");
    bob.respond = ({ method }) => ({ status: method === "INVITE" ? 180 : 200 });
    alice.user = "ada";
    const branch = "z9hG4bKcancelled";
    void new Call(alice, BOB).invite({ branch, cseq: 7 }).catch(() => {});
    await bob.incoming("INVITE");
    const [invite] = world.transcript.requests({
      ...{ who: "alice", method: "INVITE", direction: "sent" },
    });
    const again = await at("alice", "2001", nodes[0]);
    const kept = /^(Via|Max-Forwards|From|To|Call-ID): /;
    const lines = invite.text.split("\r\n").filter((line) => kept.test(line));
    again.socket.send(
      [
        `CANCEL ${BOB} SIP/2.0`,
        ...lines,
        ...["CSeq: 7 CANCEL", "Content-Length: 0", "", ""],
      ].join("\r\n"),
    );
    await bob.incoming("CANCEL");
  },
);

gracefulTest(
  "a message from an id and to one is kept, and comes under that name",
  {},
  async (world) => {
    const facts = await Facts.on(world);
    const name = { kind: "name" };
    await facts.call("public_id_add", { id: "marco", ...name }, "2001");
    await facts.call("public_id_add", { id: "ada", ...name }, "2002");
    await facts.authorise(instance("a"), "mobile", "2001");
    await facts.authorise(instance("b"), "mobile", "2002");
    const own = (/** @type {string} */ digit) =>
      contact(digit, { instance: instance(digit), device: "" });
    const writer = await world.connect({ name: "writer", user: "2002" });
    await writer.register({ contacts: [own("b")] });
    writer.user = "ada";
    const sent = await writer.send("MESSAGE", "sip:Marco@example.test", {
      headers: [["Content-Type", "text/plain"]],
      body: "hello",
    });
    assert.equal(sent.status, 202);
    const reader = await world.connect({ name: "reader" });
    await reader.register({ contacts: [own("a")] });
    const message = await reader.incoming("MESSAGE");
    assert.equal(asserted(message), shown("ada"));
    assert.match(message.header("From"), /^<sip:ada@example[.]test>;tag=/);
    assert.doesNotMatch(message.text, /2002/);
  },
);
