/**
 * What the generic profile relies on about routes to a rival, connections and nonces, seen on the
 * wire of a real Kamailio.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import { GracelineContact } from "./support/graceline-contact.mjs";

const EXPIRES = 120;
const LOOK = /** @type {[string, string][]} */ ([["X-Graceline", "look"]]);

/** @param {import("./support/sip-message.mjs").SipMessage} response */
const listed = (response) => response.contacts.map(({ uri }) => uri).sort();

/** @param {import("./support/sip-message.mjs").SipMessage} response */
const pubGruu = (response) => response.contacts[0].params["pub-gruu"];

interopTest(
  "OPTIONS to a pub-gruu is delivered before the removal that follows it, not after",
  {},
  async ({ connect }) => {
    const [alice, bob] = [await connect(), await connect()];
    const [ofAlice, ofBob] = [new GracelineContact(), new GracelineContact()];
    const gruu = pubGruu(
      await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES }),
    );
    await bob.query();
    const [hint, force] = await Promise.all([
      bob.request("OPTIONS", gruu, { headers: LOOK }),
      bob.register({
        contacts: [ofAlice.removal, ofBob.binding],
        expires: EXPIRES,
        reuseNonce: true,
      }),
    ]);
    assert.equal(hint.status, 200);
    assert.deepEqual(listed(force), [ofBob.uri]);
    const received = await alice.incoming("OPTIONS");
    assert.equal(received.header("X-Graceline"), "look");
    assert.equal(received.requestUri, ofAlice.uri);

    const tooLate = await bob.request("OPTIONS", gruu, { headers: LOOK });
    assert.equal(tooLate.status, 404);
  },
);

for (const nonceCount of [false, true])
  interopTest(
    `where requests are challenged, only a hint signed with the REGISTER's nonce is in time (nc ${nonceCount ? "checked" : "ignored"})`,
    { proxyAuth: true, nonceCount },
    async ({ connect }) => {
      const [alice, bob] = [await connect(), await connect()];
      const [ofAlice, ofBob] = [new GracelineContact(), new GracelineContact()];
      const hint = (
        /** @type {typeof bob} */ by,
        /** @type {string} */ gruu,
        /** @type {boolean} */ reuseNonce,
      ) => by.request("OPTIONS", gruu, { headers: LOOK, reuseNonce });
      const force = (
        /** @type {typeof bob} */ by,
        /** @type {string[]} */ ...contacts
      ) => by.register({ contacts, expires: EXPIRES, reuseNonce: true });

      const gruuOfAlice = pubGruu(
        await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES }),
      );
      await bob.query();
      const [signed, forced] = await Promise.all([
        hint(bob, gruuOfAlice, true),
        force(bob, ofAlice.removal, ofBob.binding),
      ]);
      assert.equal(signed.status, 200);
      assert.equal(alice.received.length, 1);

      await alice.query();
      const [unsigned] = await Promise.all([
        hint(alice, pubGruu(forced), false),
        force(alice, ofBob.removal, ofAlice.binding),
      ]);
      assert.equal(
        unsigned.status,
        404,
        "the repeat after the 407 finds nobody",
      );
      assert.equal(bob.received.length, 0);
    },
  );

interopTest(
  "without GRUU, OPTIONS to the address-of-record reaches the rival",
  { gruu: false },
  async ({ connect }) => {
    const [alice, bob] = [await connect(), await connect()];
    const ofAlice = new GracelineContact();
    const [{ params }] = (
      await alice.register({ contacts: [ofAlice.binding], expires: EXPIRES })
    ).contacts;
    assert.equal(params["pub-gruu"], undefined);
    const toContact = await bob.request("OPTIONS", ofAlice.uri, {
      headers: LOOK,
    });
    assert.equal(
      toContact.status,
      403,
      "its contact cannot be reached from outside",
    );
    const toUser = await bob.request("OPTIONS", bob.aor, { headers: LOOK });
    assert.equal(toUser.status, 200);
    assert.equal(
      (await alice.incoming("OPTIONS")).header("X-Graceline"),
      "look",
    );
  },
);

interopTest(
  "OPTIONS to somebody whose connection is gone fails at once",
  {},
  async ({ connect }) => {
    const [alice, bob] = [await connect(), await connect()];
    const gruu = pubGruu(
      await alice.register({
        contacts: [new GracelineContact().binding],
        expires: EXPIRES,
      }),
    );
    await alice.close(); // returns when the server has seen it
    const response = await bob.request("OPTIONS", gruu, { headers: LOOK });
    assert.equal(response.status, 500);
  },
);

for (const dropOnClose of [false, true])
  interopTest(
    `a binding ${dropOnClose ? "goes with" : "outlives"} its connection (dropOnClose ${dropOnClose})`,
    { dropOnClose },
    async ({ connect }) => {
      const observer = await connect();
      for (const leave of /** @type {const} */ (["close", "terminate"])) {
        const client = await connect();
        const contact = new GracelineContact();
        await client.register({
          contacts: [contact.binding],
          expires: EXPIRES,
        });
        await client[leave]();
        if (dropOnClose)
          await eventually(
            `the binding to go (${leave})`,
            async () => (await observer.query()).length === 0,
          );
        else
          assert.ok(
            (await observer.query()).some(({ uri }) => uri === contact.uri),
          );
      }
    },
  );

interopTest(
  "an expired nonce is answered by a 401 without stale",
  { nonceExpire: 1 },
  async ({ connect }) => {
    const alice = await connect();
    await alice.query();
    const old = alice.challenge?.nonce;
    const refused = await eventually("the nonce to expire", async () => {
      const response = await alice.register({ reuseNonce: true });
      return response.status === 401 && response;
    });
    assert.doesNotMatch(refused.header("WWW-Authenticate"), /stale/i);
    assert.equal((await alice.register()).status, 200);
    assert.notEqual(alice.challenge?.nonce, old);
  },
);

interopTest(
  "a repeated nc is answered by a 401 without stale; gaps and other connections are fine",
  { nonceCount: true },
  async ({ connect }) => {
    const [alice, reloaded] = [await connect(), await connect()];
    await alice.query();
    alice.nonceCount = 0;
    const repeated = await alice.register({ reuseNonce: true });
    assert.equal(repeated.status, 401);
    assert.doesNotMatch(repeated.header("WWW-Authenticate"), /stale/i);
    reloaded.challenge = alice.challenge;
    reloaded.nonceCount = 9;
    assert.equal((await reloaded.register({ reuseNonce: true })).status, 200);
  },
);

interopTest("a wrong password is a 401 for ever", {}, async ({ connect }) => {
  const alice = await connect({ password: "wrong" });
  assert.equal((await alice.register()).status, 401);
  const stranger = await connect({ user: "2009", password: "any" });
  assert.equal(
    (await stranger.register()).status,
    401,
    "so is an unknown user",
  );
});

interopTest(
  "digest with SHA-256",
  { algorithm: "SHA-256" },
  async ({ connect }) => {
    const alice = await connect();
    assert.deepEqual(await alice.query(), []);
    assert.equal(alice.challenge?.algorithm, "SHA-256");
  },
);

interopTest(
  "no answer carries a Date: claims rest on the clients' clocks",
  {},
  async ({ connect, transcript }) => {
    const alice = await connect();
    await alice.register({
      contacts: [new GracelineContact().binding],
      expires: EXPIRES,
    });
    const answers = transcript.entries.filter(
      ({ direction }) => direction === "received",
    );
    assert.equal(answers.length, 2);
    for (const { text } of answers) assert.doesNotMatch(text, /^Date:/im);
  },
);

for (const end of /** @type {const} */ (["restart", "kill"]))
  interopTest(
    `${end}: connections end, bindings and nonces are lost`,
    {},
    async ({ server, connect }) => {
      const alice = await connect();
      const contacts = [new GracelineContact().binding];
      await alice.register({ contacts, expires: EXPIRES });
      const closed = once(alice.socket, "close");
      await server[end]();
      assert.equal((await closed)[0], 1006, "no close frame");
      if (end === "kill") await server.start();
      assert.deepEqual(await server.bindings("2001"), []);
      const back = await connect();
      back.challenge = alice.challenge;
      const refused = await back.register({
        contacts,
        expires: EXPIRES,
        reuseNonce: true,
      });
      assert.equal(refused.status, 401);
    },
  );
