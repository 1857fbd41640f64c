/**
 * Wrong passwords: who guesses is slowed down to a known rate, and shuts out neither the user whose
 * password it is nor anybody else behind the same address.
 */
import assert from "node:assert/strict";
import { PhoneUnderTest } from "../../interop/support/phones.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });

/**
 * What so many guesses in a row are answered.
 * @param {any} world
 * @param {number} count
 * @param {{ client?: any, user?: (index: number) => string }} [how] over one connection, or a new one
 *   each; at whom
 */
async function guesses(world, count, { client, user = () => "2001" } = {}) {
  const statuses = [];
  for (let index = 0; index < count; index++) {
    const from = client ?? (await world.connect({ name: "guesser" }));
    Object.assign(from, { user: user(index), password: `guess-${index}` });
    const answer = await from.register({ contacts: [a] });
    statuses.push(answer.status);
    if (!client) await from.terminate();
  }
  return statuses;
}

/** @param {number[]} statuses */
const heard = (statuses) => statuses.filter((status) => status === 401).length;

gracefulTest(
  "guesses at one user over one connection are limited, and the user logs in all the same",
  {},
  async (world) => {
    const phone = new PhoneUnderTest(world, "phone", { password: "wrong" });
    await assert.rejects(phone.register(), { code: "eCredentialsRejected" });
    const client = await world.connect({ name: "guesser" });
    const statuses = await guesses(world, 20, { client });
    assert.deepEqual(statuses.slice(0, 3), [401, 401, 401]);
    assert.ok(heard(statuses) <= 5, `${statuses}`);
    // Who has guessed is not told that it was right this time.
    client.password = world.server.passwords[2001];
    const right = await client.register({ contacts: [a] });
    assert.equal(right.status, 503);
    assert.equal(right.header("Retry-After"), "60");

    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    await guesses(world, 5, { client });
    // Nor does it keep the user from staying.
    await alice.phone.registerPhone();
    const other = await world.connect({ name: "other", user: "2002" });
    assert.equal((await other.register({ contacts: [a] })).status, 200);
  },
);

gracefulTest(
  "guesses at one user over a new connection each are limited to a rate",
  { nodes: [{ settings: { GUESS_SECONDS: 2 } }] },
  async (world) => {
    const began = performance.now();
    const statuses = await guesses(world, 60);
    const seconds = (performance.now() - began) / 1000;
    const limit = 5 + Math.ceil(seconds) + 1;
    assert.ok(heard(statuses) <= limit, `${heard(statuses)} in ${seconds} s`);
    // The user is asked to come again, and then heard.
    const client = await world.connect();
    let answer;
    do answer = await client.register({ contacts: [a] });
    while (answer.status === 503 && answer.header("Retry-After") === "2");
    assert.equal(answer.status, 200);
    assert.ok(performance.now() - began < 60_000);
    // From then on the connection is its user's, and waits for nobody.
    await guesses(world, 3);
    for (let round = 0; round < 3; round++)
      assert.equal((await client.register({ contacts: [a] })).status, 200);
  },
);

gracefulTest(
  "guesses at one user from many addresses are limited in all",
  {
    nodes: [{ settings: { FAILURES_PER_USER: 1000, FAILURES_PER_ADDRESS: 8 } }],
  },
  async (world) => {
    const statuses = [];
    for (let index = 2; index < 32; index++) {
      const client = await world.connect({
        name: "guesser",
        localAddress: `127.0.0.${index}`,
      });
      statuses.push(...(await guesses(world, 1, { client })));
      await client.terminate();
    }
    assert.ok(heard(statuses) <= 12, `${statuses}`);
    assert.ok(statuses.includes(503));
  },
);

gracefulTest(
  "an address with too many wrong passwords shuts nobody out who gives the right one",
  { nodes: [{ settings: { FAILURES_PER_ADDRESS: 4 } }] },
  async (world) => {
    const client = await world.connect({ name: "guesser" });
    const user = (/** @type {number} */ index) => `30${index}`;
    const statuses = await guesses(world, 6, { client, user });
    assert.deepEqual(statuses, [401, 401, 401, 401, 503, 503]);
    for (const user of ["2001", "2002"]) {
      const right = await world.connect({ user, name: user });
      assert.equal((await right.register({ contacts: [a] })).status, 200);
    }
    // Each further guess costs a connection.
    const others = await guesses(world, 3, { user: (index) => `40${index}` });
    assert.deepEqual(others, [401, 401, 401]);
  },
);

gracefulTest(
  "a database that takes names for equal gives nobody a second one",
  { accounts: [{ user: "alice" }] },
  async (world) => {
    // As MySQL does by its usual collations.
    const { database } = world.server;
    const schema = await database.sql(
      "SELECT sql || ';' FROM sqlite_master WHERE sql LIKE '%TABLE subscriber%'",
    );
    const loose = schema.replace(
      "username VARCHAR(64) NOT NULL",
      "username VARCHAR(64) NOT NULL COLLATE NOCASE",
    );
    assert.notEqual(loose, schema);
    const kept = "CREATE TEMP TABLE kept AS SELECT * FROM subscriber";
    await database.sql(
      `${kept}; DROP TABLE subscriber; ${loose} INSERT INTO subscriber SELECT * FROM kept`,
    );
    const password = world.server.passwords.alice;
    for (const user of ["Alice", "ALICE", "aLice"]) {
      const client = await world.connect({ user, password, name: user });
      // Answered as alice, whose password it knows.
      const challenge = await client.send("REGISTER", "sip:example.test", {
        to: client.aor,
        headers: [["Contact", a]],
      });
      assert.equal(challenge.status, 401);
      client.user = "alice";
      const aor = `sip:${user}@example.test`;
      const answer = await client.request("REGISTER", "sip:example.test", {
        to: aor,
        headers: [["Contact", a]],
      });
      assert.equal(answer.status, 401);
      assert.deepEqual(await world.server.bindings(user), []);
    }
    const alice = await world.connect({ user: "alice", name: "alice" });
    assert.equal((await alice.register({ contacts: [a] })).status, 200);
  },
);
