/**
 * Check and save are one step: however many log in at one instant, one client has the device.
 */
import assert from "node:assert/strict";
import { FORCE, contact, instance } from "./support/contacts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

const COUNT = 50;

/**
 * Clients that are connected and know a nonce, each with its Contact.
 * @param {any} world
 * @param {(index: number) => string} url
 */
export async function crowd(world, url) {
  const clients = [];
  for (let index = 0; index < COUNT; index++) {
    const client = await world.connect({
      name: `client-${index}`,
      url: url(index),
    });
    await client.query();
    const id = index.toString(16).padStart(2, "0");
    const own = contact(`c${id}`, {
      instance: instance("f").replace(/ff$/, id),
    });
    clients.push({ client, contacts: [own], id });
  }
  return clients;
}

/**
 * @param {Awaited<ReturnType<typeof crowd>>} clients
 * @param {[string, string][]} [headers]
 */
export async function allAtOnce(clients, headers = []) {
  const answers = await Promise.all(
    clients.map(({ client, contacts }) =>
      client.register({ contacts, headers, reuseNonce: true }),
    ),
  );
  return answers.map(({ status }) => status);
}

/**
 * @param {number[]} statuses
 * @param {number} status
 */
export const count = (statuses, status) =>
  statuses.filter((one) => one === status).length;

gracefulTest(
  `${COUNT} unforced logins at one instant: one wins`,
  {},
  async (world) => {
    const clients = await crowd(world, () => world.server.url);
    for (let round = 0; round < 5; round++) {
      const statuses = await allAtOnce(clients);
      assert.deepEqual(
        [count(statuses, 200), count(statuses, 403)],
        [1, COUNT - 1],
      );
      const winner = clients[statuses.indexOf(200)];
      const bindings = await world.server.bindings();
      assert.deepEqual(
        bindings.map(({ contact_user }) => contact_user),
        [`c${winner.id}`],
      );
      await winner.client.register({
        contacts: ["*"],
        expires: 0,
        reuseNonce: true,
      });
      assert.deepEqual(await world.server.bindings(), []);
    }
  },
);

gracefulTest(
  `${COUNT} forced logins at one instant: one is left`,
  {
    nodes: [{ settings: { FORCES_PER_MINUTE: 0 } }],
  },
  async (world) => {
    const clients = await crowd(world, () => world.server.url);
    const statuses = await allAtOnce(clients, [FORCE]);
    assert.equal(count(statuses, 200), COUNT, "each had it for a moment");
    const bindings = await world.server.bindings();
    assert.equal(bindings.length, 1);
    // Everybody but the last was told, once.
    const left = bindings[0].contact_user;
    for (const { client, id } of clients) {
      if (`c${id}` === left) continue;
      await client.incoming("NOTIFY");
      assert.equal(await client.closed, 4001);
      assert.equal(client.received.length, 1);
    }
    const survivor = clients.find(({ id }) => `c${id}` === left);
    assert.deepEqual(survivor?.client.received, []);
  },
);
