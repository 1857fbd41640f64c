/** What a connection may do ends with its binding, and all that was bound over it ends with it. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { Watcher } from "../support/watcher.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";

/**
 * What a request without credentials is answered.
 * @param {any} client
 * @param {string} [method]
 */
const says = async (client, method = "MESSAGE") =>
  (await client.send(method, BOB)).status;

/** @type {Record<string, (world: any, client: any) => Promise<void>>} */
const endings = {
  "a REGISTER that removes it": async (_, client) => {
    await client.register({ contacts: ["*"], expires: 0 });
  },
  "one that removes it by its URI": async (_, client) => {
    await client.register({ contacts: [`${a};expires=0`] });
  },
  "the same client's login over another connection": async (world) => {
    const moved = await world.connect({ name: "moved" });
    const answer = await moved.register({ contacts: [a] });
    assert.equal(answer.status, 200);
  },
  "a removal over another connection": async (world) => {
    const other = await world.connect({ name: "other" });
    await other.register({ contacts: [`${a};expires=0`] });
    assert.deepEqual(await world.server.bindings(), []);
  },
  "a takeover": async (world) => {
    const rival = await world.connect({ name: "rival" });
    const answer = await rival.register({ contacts: [b], headers: [FORCE] });
    assert.equal(answer.status, 200);
  },
};

for (const [how, end] of Object.entries(endings))
  gracefulTest(
    `a connection says nothing without digest after ${how}`,
    {},
    async (world) => {
      const bob = await world.connect({ name: "bob", user: "2002" });
      await bob.register({ contacts: [b] });
      const client = await world.connect();
      await client.register({ contacts: [a] });
      assert.equal(await says(client), 200);
      await end(world, client);
      for (const method of ["MESSAGE", "INVITE", "REFER", "SUBSCRIBE"])
        assert.equal(await says(client, method), 407, method);
    },
  );

gracefulTest(
  "a connection says nothing without digest after its binding expired, nor longer than that when the account is gone",
  { nodes: [{ settings: { MIN_EXPIRES: 1, MAX_EXPIRES: 2 } }] },
  async (world) => {
    const client = await world.connect();
    const answer = await client.register({ contacts: [a] });
    assert.equal(answer.header("Expires"), "2");
    assert.equal(await says(client), 480);
    await world.server.database.sql("DELETE FROM subscriber");
    await eventually(
      "its rights to end",
      async () => (await says(client)) === 407,
      3_000,
    );
    const refused = await client.register({ contacts: [a] });
    assert.equal(refused.status, 401);
    assert.equal(await says(client), 407);
  },
);

gracefulTest(
  "one connection is one user's: no ghost of a second stays when it ends",
  {},
  async (world) => {
    const { passwords } = world.server;
    const client = await world.connect();
    await client.register({ contacts: [a] });
    const as = (/** @type {string} */ user) =>
      Object.assign(client, { user, password: passwords[user] });
    assert.equal((await as("2002").register({ contacts: [b] })).status, 403);
    assert.deepEqual(await world.server.bindings("2002"), []);
    // It is the first one's as before, until that has left.
    as("2001");
    assert.equal(await says(client), 480);
    await client.register({ contacts: ["*"], expires: 0 });
    assert.equal((await as("2002").register({ contacts: [b] })).status, 200);
    // What another user watches over it ends, too.
    as("2001");
    await new Watcher(client).subscribe();
    const { redis } = world.server;
    const key = (/** @type {string} */ user) =>
      `graceline:${user}@example.test`;
    assert.notEqual(await redis.command(["GET", key("2001")]), "");
    await client.terminate();
    await eventually(
      "everything to be gone",
      async () =>
        (await redis.command(["EXISTS", key("2001"), key("2002")])) === "0",
      2_000,
    );
  },
);
