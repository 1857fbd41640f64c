/**
 * Check and save are one step: however many log in at one instant, one client has the device.
 */
import assert from "node:assert/strict";
import { FORCE } from "./support/contacts.mjs";
import { COUNT, allAtOnce, count, crowd } from "./support/crowd.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

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
