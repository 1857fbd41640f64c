/** IPv6: what knows a connection by its address reads the brackets right, on one node and two. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call } from "../support/call.mjs";
import { FORCE, contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });
const BOB = "sip:2002@example.test";

const NODES = ["a", "b"].map((name) => ({
  name,
  host: "[::1]",
  settings: { CLUSTER_PEERS: "::1" },
}));

for (const [where, count] of /** @type {const} */ ([
  ["one node", 1],
  ["two nodes", 2],
]))
  gracefulTest(
    `IPv6, ${where}: refused, forced, told, closed, called, freed`,
    { nodes: NODES.slice(0, count) },
    async (world) => {
      const { nodes } = world.server;
      const [here, there] = [nodes[0].url, nodes[count - 1].url];
      const first = await world.connect({ name: "first", url: here });
      const second = await world.connect({ name: "second", url: there });
      const bob = await world.connect({ name: "bob", user: "2002", url: here });
      assert.equal((await first.register({ contacts: [a] })).status, 200);
      assert.equal((await bob.register({ contacts: [b] })).status, 200);
      assert.equal((await second.register({ contacts: [b] })).status, 403);
      const forced = await second.register({ contacts: [b], headers: [FORCE] });
      assert.equal(forced.status, 200);
      await first.incoming("NOTIFY");
      assert.equal(await first.closed, 4001);

      const call = await Call.start(second, BOB, bob);
      assert.equal((await call.request("INFO")).status, 200);
      assert.equal((await Call.hangUp(bob, call)).status, 200);

      await second.terminate();
      await eventually(
        "the line to be free",
        async () => (await world.server.bindings()).length === 0,
        2_000,
      );
    },
  );
