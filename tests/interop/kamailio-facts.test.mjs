/**
 * What the generic profile relies on about bindings, seen on the wire of a real Kamailio: when one
 * of these fails on a newer Kamailio, the profile has to be looked at again.
 */
import assert from "node:assert/strict";
import { interopTest } from "./support/interop-test.mjs";
import { GracelineContact } from "./support/graceline-contact.mjs";

const EXPIRES = 120;

/** @param {import("./support/sip-message.mjs").SipMessage} response */
const listed = (response) => response.contacts.map(({ uri }) => uri).sort();

interopTest("a query lists every binding", {}, async ({ server, connect }) => {
  const [alice, bob] = [await connect(), await connect()];
  const [ofAlice, ofBob] = [new GracelineContact(), new GracelineContact()];
  assert.deepEqual(await alice.query(), []);
  await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES });
  await bob.register({ contacts: [ofBob.binding], expires: EXPIRES });

  const [first, second] = await alice.query();
  assert.deepEqual(
    [first.uri, second.uri].sort(),
    [ofAlice.uri, ofBob.uri].sort(),
  );
  const mine = first.uri === ofAlice.uri ? first : second;
  assert.equal(mine.params["+sip.instance"], `<${ofAlice.instanceId}>`);
  assert.equal(
    mine.params["pub-gruu"],
    `sip:2001@${server.domain};gr=${ofAlice.instanceId}`,
  );
  assert.match(mine.params.received, /^sip:127\.0\.0\.1:\d+;transport=ws$/);
  assert.ok(Number(mine.params.expires) <= EXPIRES);
  // A Contact parameter that it does not know is dropped: the device must be in the user part.
  assert.ok(
    !Object.keys(mine.params).some((name) => name.includes("devicename")),
  );
});

// Each contact has a header line of its own: 5.6 reads a comma list from right to left.
interopTest(
  "with one contact allowed, removal first replaces a rival in one REGISTER",
  { maxContacts: 1 },
  async ({ connect }) => {
    const [alice, bob] = [await connect(), await connect()];
    const [ofAlice, ofBob] = [new GracelineContact(), new GracelineContact()];
    await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES });

    const refused = await bob.register({
      contacts: [ofBob.binding, ofAlice.removal],
      expires: EXPIRES,
    });
    assert.equal(refused.status, 503, "own contact first");
    const taken = await bob.register({
      contacts: [ofAlice.removal, ofBob.binding],
      expires: EXPIRES,
    });
    assert.equal(taken.status, 200);
    assert.deepEqual(listed(taken), [ofBob.uri]);
  },
);

interopTest(
  "too many contacts: 503 with P-Registrar-Error, and the present ones listed",
  { maxContacts: 1 },
  async ({ connect, transcript }) => {
    const [alice, bob] = [await connect(), await connect({ name: "bob" })];
    const ofAlice = new GracelineContact();
    await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES });
    const refused = await bob.register({
      contacts: [new GracelineContact().binding],
      expires: EXPIRES,
    });
    assert.equal(refused.status, 503);
    assert.equal(
      refused.header("P-Registrar-Error"),
      "Too many registered contacts",
    );
    assert.equal(refused.header("Retry-After"), "");
    assert.deepEqual(listed(refused), [ofAlice.uri]);
    // The usual script answers once more: a client must not take it for another answer.
    await transcript.until("the 500 behind it", () =>
      transcript.entries.some(
        ({ who, text }) =>
          who === "bob" &&
          /^SIP\/2\.0 500 /.test(text) &&
          text.includes(refused.branch),
      ),
    );
  },
);

interopTest("a bare URI is enough to un-REGISTER", {}, async ({ connect }) => {
  const alice = await connect();
  const [mine, other] = [new GracelineContact(), new GracelineContact()];
  await alice.register({ contacts: [mine.binding], expires: EXPIRES });
  await alice.register({ contacts: [other.binding], expires: EXPIRES });
  const left = await alice.register({ contacts: [mine.removal] });
  assert.deepEqual(listed(left), [other.uri]);
});

interopTest(
  "an un-REGISTER by bare URI that comes late is refused under the same Call-ID only",
  {},
  async ({ connect }) => {
    const alice = await connect();
    const mine = new GracelineContact();
    await alice.register({
      contacts: [mine.binding],
      expires: EXPIRES,
      cseq: 10,
    });
    const late = await alice.register({ contacts: [mine.removal], cseq: 5 });
    assert.equal(late.status, 400);
    assert.equal(late.header("P-Registrar-Error"), "Invalid CSeq number");
    assert.deepEqual(listed(late), [mine.uri]);
    const foreign = await alice.register({
      contacts: [mine.removal],
      callId: "another",
      cseq: 5,
    });
    assert.deepEqual(listed(foreign), []);
  },
);

for (const sameCallId of [true, false])
  interopTest(
    `the same contact from a new connection replaces the old one (${sameCallId ? "same" : "new"} Call-ID)`,
    {},
    async ({ server, connect }) => {
      const [before, after] = [await connect(), await connect()];
      const contact = new GracelineContact();
      const registration = { contacts: [contact.binding], expires: EXPIRES };
      await before.register({ ...registration, cseq: 10 });
      const [old] = await server.bindings("2001");
      if (sameCallId) after.callId = before.callId;
      // Even a lower CSeq is taken: a contact with +sip.instance is not checked for it.
      const response = await after.register({ ...registration, cseq: 5 });
      assert.deepEqual(listed(response), [contact.uri]);
      const [now] = await server.bindings("2001");
      assert.notEqual(now.received, old.received);
      assert.equal(now.callId, after.callId);
    },
  );

for (const gruu of [true, false])
  interopTest(
    `a reloaded page replaces its own ghost, GRUU ${gruu ? "on" : "off"}`,
    { gruu, maxContacts: 1 },
    async ({ connect }) => {
      const before = new GracelineContact();
      const reload = () =>
        new GracelineContact({
          instanceId: before.instanceId,
          claim: 0x6920_0001,
        });
      const page = await connect();
      await page.register({ contacts: [before.binding], expires: EXPIRES });

      const [second, third] = [reload(), reload()];
      const byInstance = await (
        await connect()
      ).register({ contacts: [second.binding], expires: EXPIRES });
      assert.deepEqual(
        listed(byInstance),
        [second.uri],
        "found by its instance",
      );
      const byRemoval = await (
        await connect()
      ).register({
        contacts: [second.removal, third.binding],
        expires: EXPIRES,
      });
      assert.deepEqual(
        listed(byRemoval),
        [third.uri],
        "removed in the login REGISTER",
      );
      const late = await page.register({ contacts: [before.removal] });
      assert.deepEqual(
        listed(late),
        [third.uri],
        "a late goodbye removes nothing",
      );
    },
  );

interopTest(
  "all-zero instances count as the same client, so nobody may send one",
  {},
  async ({ connect }) => {
    const zero = {
      instanceId: "urn:uuid:00000000-0000-0000-0000-000000000000",
    };
    const [ofAlice, ofBob] = [
      new GracelineContact(zero),
      new GracelineContact(zero),
    ];
    await (
      await connect()
    ).register({ contacts: [ofAlice.binding], expires: EXPIRES });
    const taken = await (
      await connect()
    ).register({ contacts: [ofBob.binding], expires: EXPIRES });
    assert.deepEqual(listed(taken), [ofBob.uri]);
  },
);

interopTest(
  "own contact first under a new Call-ID: the removal behind it is skipped",
  {},
  async ({ connect }) => {
    const [alice, bob] = [await connect(), await connect()];
    const [ofAlice, ofBob] = [new GracelineContact(), new GracelineContact()];
    await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES });
    await bob.register({ contacts: [ofBob.binding], expires: EXPIRES });
    const force = { expires: EXPIRES, callId: "another" };
    const ownFirst = await bob.register({
      ...force,
      contacts: [ofBob.binding, ofAlice.removal],
    });
    assert.deepEqual(listed(ownFirst), [ofAlice.uri, ofBob.uri].sort());
    const ownLast = await bob.register({
      ...force,
      contacts: [ofAlice.removal, ofBob.binding],
    });
    assert.deepEqual(listed(ownLast), [ofBob.uri]);
  },
);

interopTest(
  "simultaneous logins: exactly one is told of the other",
  {},
  async ({ connect }) => {
    for (let round = 0; round < 20; round += 1) {
      const pair = [await connect(), await connect()];
      await Promise.all(pair.map((client) => client.query()));
      const responses = await Promise.all(
        pair.map((client) =>
          client.register({
            contacts: [new GracelineContact().binding],
            expires: EXPIRES,
            reuseNonce: true,
          }),
        ),
      );
      assert.deepEqual(
        responses.map((response) => listed(response).length).sort(),
        [1, 2],
      );
      await pair[0].register({ contacts: ["*"], expires: 0 });
    }
  },
);

interopTest(
  "Contact: * removes everything",
  {},
  async ({ server, connect }) => {
    const alice = await connect();
    await alice.register({
      contacts: [new GracelineContact().binding],
      expires: EXPIRES,
    });
    await alice.register({
      contacts: [new GracelineContact().binding],
      expires: EXPIRES,
    });
    const wrong = await alice.register({ contacts: ["*"], expires: 10 });
    assert.equal(wrong.status, 400);
    assert.equal((await server.bindings("2001")).length, 2);
    for (const left of ["two bindings", "none"]) {
      const removed = await alice.register({ contacts: ["*"], expires: 0 });
      assert.equal(removed.status, 200, left);
      assert.equal(removed.header("Contact"), "");
    }
    assert.deepEqual(await server.bindings("2001"), []);
  },
);

interopTest(
  "expires: cut to the maximum, 423 below the minimum",
  { minExpires: 30, maxExpires: 60 },
  async ({ connect }) => {
    const alice = await connect();
    const contacts = [new GracelineContact().binding];
    const cut = await alice.register({ contacts, expires: 120 });
    assert.equal(cut.contacts[0].params.expires, "60");
    const brief = await alice.register({ contacts, expires: 5 });
    assert.equal(brief.status, 423);
    assert.equal(brief.header("Min-Expires"), "30");
  },
);
