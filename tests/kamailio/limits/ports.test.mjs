/**
 * Ports come back: what was noted of a connection ends with it, and is neither inherited nor taken
 * away from whoever has its port next.
 */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

/** Where nobody else takes the ports. */
const localAddress = "127.0.0.77";

const a = contact("a", { instance: instance("a") });
const b = contact("b", { instance: instance("b") });

/** How many WebSockets a node remembers, closed ones too. @param {any} node */
async function remembered(node) {
  const name = "ws_current_connections";
  const answer = await node.rpc("stats.fetch", name);
  return Number(new RegExp(`${name}: (\\d+)`).exec(answer)?.[1]);
}

/**
 * A client on the port that another had, as soon as it is free.
 * @param {any} world
 * @param {Partial<import("../../interop/support/sip-client.mjs").ClientOptions>} options
 */
const onPort = (world, options) =>
  eventually("the port to be free", async () => {
    try {
      return await world.connect({ ...options, localAddress });
    } catch {
      return undefined;
    }
  });

gracefulTest(
  "a closed connection that is forgotten late takes no binding of the next on its port",
  {},
  async (world) => {
    const first = await world.connect({ name: "first", localAddress });
    await first.register({ contacts: [a] });
    const { localPort } = first;
    await first.close();
    const next = await onPort(world, { name: "next", user: "2002", localPort });
    await next.register({ contacts: [b] });
    await eventually(
      "the first connection to be forgotten",
      async () => (await remembered(world.server.nodes[0])) === 1,
      20_000,
    );
    // What comes of that has happened when a third one's end has.
    const third = await world.connect({ name: "third" });
    await third.register({ contacts: [a] });
    await third.terminate();
    await eventually(
      "the third's line to be free",
      async () => (await world.server.bindings()).length === 0,
    );
    assert.equal((await world.server.bindings("2002")).length, 1);
  },
);

gracefulTest(
  "a port that is used again at once leaves no ghost of the client before",
  {},
  async (world) => {
    for (let round = 0; round < 5; round++) {
      const first = await world.connect({ name: "first", localAddress });
      await first.register({ contacts: [a] });
      const { localPort } = first;
      /** @type {any} */ (first.socket)._socket.resetAndDestroy();
      await first.closed;
      const next = await onPort(world, {
        name: "next",
        user: "2002",
        localPort,
      });
      await next.register({ contacts: [b] });
      await eventually(
        "the first binding to go",
        async () => (await world.server.bindings()).length === 0,
      );
      assert.equal((await world.server.bindings("2002")).length, 1);
      await next.close();
    }
  },
);
