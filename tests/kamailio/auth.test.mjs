/** Digest: which algorithms, wrong passwords, nonces, and the database. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../interop/support/eventually.mjs";
import {
  digestAuthorization,
  parseChallenges,
} from "../interop/support/sip-message.mjs";
import { contact } from "./support/contacts.mjs";
import { DEPLOYMENT } from "./support/deployment.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const CONTACT = /** @type {[string, string]} */ (["Contact", contact("a")]);

/**
 * Sends a REGISTER with credentials made from a challenge.
 * @param {any} client
 * @param {import("../interop/support/sip-message.mjs").Challenge} challenge
 * @param {Partial<{ user: string, password: string, count: number, uri: string }>} [changes]
 */
function answerChallenge(client, challenge, changes = {}) {
  const uri = "sip:example.test";
  const value = digestAuthorization(challenge, {
    user: client.user,
    password: client.password,
    method: "REGISTER",
    uri,
    count: 1,
    ...changes,
  });
  const options = { to: client.aor, callId: client.callId, headers: [CONTACT] };
  return client.send("REGISTER", uri, options, {
    name: "Authorization",
    value,
  });
}

/** @param {any} client */
async function challenges(client) {
  const options = { to: client.aor, callId: client.callId, headers: [CONTACT] };
  return parseChallenges(
    await client.send("REGISTER", "sip:example.test", options),
  );
}

gracefulTest(
  "SHA-256 is offered first, MD5 after it, and either is good",
  {},
  async (world) => {
    const client = await world.connect();
    const [sha, md5, ...others] = await challenges(client);
    assert.deepEqual(
      [sha.algorithm, md5.algorithm, others.length],
      ["SHA-256", "MD5", 0],
    );
    assert.ok(sha.qop && md5.qop);
    for (const challenge of [sha, md5]) {
      assert.equal(
        (await answerChallenge(client, challenge)).status,
        200,
        challenge.algorithm,
      );
      // As before RFC 2617: without a count.
      const old = { ...challenge, qop: false };
      assert.equal(
        (await answerChallenge(client, old)).status,
        200,
        `old ${challenge.algorithm}`,
      );
    }
  },
);

gracefulTest(
  "an answer to a challenge counts once, on whichever node",
  {
    nodes: [
      { name: "a", host: "127.0.0.2" },
      { name: "b", host: "127.0.0.3" },
    ],
  },
  async (world) => {
    const [here, there] = world.server.nodes;
    const client = await world.connect({ url: here.url });
    const thief = await world.connect({ name: "thief", url: there.url });
    for (const challenge of await challenges(client)) {
      for (const count of [1, 2, 3])
        assert.equal(
          (await answerChallenge(client, challenge, { count })).status,
          200,
          "a fresh one takes one round trip",
        );
      const [heard] = world.transcript
        .requests({ who: "client", method: "REGISTER" })
        .slice(-1);
      const value = /^Authorization: (.*)\r$/m.exec(heard.text)?.[1] ?? "";
      const repeat = (/** @type {any} */ who) =>
        who.send(
          "REGISTER",
          "sip:example.test",
          { to: who.aor, callId: who.callId, headers: [CONTACT] },
          { name: "Authorization", value },
        );
      for (const who of [thief, client]) {
        const answer = await repeat(who);
        assert.equal(answer.status, 401);
        // Nobody is asked for the password again, and it is no wrong one.
        assert.match(answer.header("WWW-Authenticate"), /stale=true/);
      }
      assert.equal(
        (await answerChallenge(client, challenge, { count: 4 })).status,
        200,
      );
    }
    const [binding, ...others] = await world.server.bindings();
    assert.deepEqual(others, []);
    assert.equal(binding.call_id, client.callId);
  },
);

gracefulTest(
  "what proves nothing is not let in",
  {
    accounts: [{ user: "2001" }, { user: "2002" }],
    nodes: [{ settings: { FAILURES_PER_USER: 1000 } }],
  },
  async (world) => {
    const client = await world.connect();
    for (const challenge of await challenges(client)) {
      const cases = {
        "a wrong password": { password: "wrong" },
        "an empty password": { password: "" },
        "another user": { user: "2002", password: "secret-2002" },
        "a user that does not exist": { user: "nobody" },
        "a quote in the name": { user: "2001' or '1'='1" },
      };
      for (const [what, changes] of Object.entries(cases)) {
        const answer = await answerChallenge(client, challenge, changes);
        assert.equal(answer.status, 401, `${what}, ${challenge.algorithm}`);
      }
      // A nonce that the server never gave, answered rightly.
      const nonce = challenge.nonce.replace(/^..../, "AAAA");
      const now = Math.floor(Date.now() / 1000);
      const own = `${now}.${"0".repeat(64)}`;
      for (const forged of [nonce, "x", `${challenge.nonce}x`, own]) {
        const answer = await answerChallenge(client, {
          ...challenge,
          nonce: forged,
        });
        assert.equal(
          answer.status,
          401,
          `${challenge.algorithm} with nonce ${forged}`,
        );
      }
    }
    for (const user of ["2001' or '1'='1", "2001%27--", '2001"', "20 01"]) {
      const rogue = await world.connect({ name: "rogue", password: "x" });
      const answer = await rogue.send("REGISTER", "sip:example.test", {
        to: `sip:${encodeURIComponent(user)}@example.test`,
        headers: [CONTACT],
      });
      assert.ok(
        [400, 401, 404].includes(answer.status),
        `${user}: ${answer.startLine}`,
      );
    }
    assert.deepEqual(await world.server.bindings(), []);
    assert.doesNotMatch(world.server.log, /secret-|ERROR/);
  },
);

gracefulTest(
  "a nonce that has expired is said to be stale",
  {
    nodes: [{ settings: { NONCE_SECONDS: 1 } }],
  },
  async (world) => {
    const client = await world.connect();
    for (const index of [0, 1]) {
      const challenge = (await challenges(client))[index];
      const answer = await eventually("the nonce to expire", async () => {
        const answer = await answerChallenge(client, challenge);
        return answer.status !== 200 && answer;
      });
      assert.equal(answer.status, 401);
      assert.ok(parseChallenges(answer).every(({ stale }) => stale));
    }
  },
);

gracefulTest(
  "the database holds hashes, and changes count at once",
  {},
  async (world) => {
    const dump = await world.server.database.sql(".dump subscriber");
    assert.doesNotMatch(dump, /secret-/);
    // What adds users writes no SQL but its own.
    for (const user of ["x'; DROP TABLE subscriber; --", "$(id)", ""])
      await assert.rejects(world.server.database.add({ user }), /a user is/);
    const client = await world.connect();
    assert.equal(
      (await client.register({ contacts: [CONTACT[1]] })).status,
      200,
    );
    await world.server.database.add({
      user: "2001",
      password: "new \"pass' $word",
      policy: "normal",
    });
    assert.equal(
      (await client.register({ contacts: [CONTACT[1]] })).status,
      401,
    );
    client.password = "new \"pass' $word";
    const answer = await client.register({ contacts: [CONTACT[1]] });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.all("Supported"), ["X-graceline-asserted-id"]);
    // Someone who may log in with SHA-256 only.
    await world.server.database.sql("UPDATE subscriber SET ha1 = NULL");
    const [sha, md5] = await challenges(client);
    assert.equal((await answerChallenge(client, md5)).status, 401);
    assert.equal((await answerChallenge(client, sha)).status, 200);
  },
);

gracefulTest(
  "with the shipped secret nobody is served",
  { nodes: [{ settings: { NONCE_SECRET: "change-me" } }] },
  async (world) => {
    const site = await readFile(join(DEPLOYMENT, "site.cfg"), "utf8");
    assert.match(site, /^#!substdef "!NONCE_SECRET!change-me!g"$/m);
    const client = await world.connect({});
    const answer = await client.register({ contacts: [CONTACT[1]] });
    assert.equal(answer.startLine, "SIP/2.0 503 Secret Not Set");
  },
);
