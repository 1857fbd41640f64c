/** What a reply that goes no further costs the node that drops it. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

/** More than processes of a node that serve connections. */
const CONNECTIONS = 16;

gracefulTest(
  "a dropped reply leaves no transaction behind, and keeps nobody from connecting",
  { accounts: ["2001", "2002", "2003"].map((user) => ({ user })) },
  async (world) => {
    const bob = await world.connect({ name: "bob", user: "2002" });
    const b = contact("b", { instance: instance("b") });
    await bob.register({ contacts: [b] });
    bob.respond = ({ method }) =>
      method === "INVITE" ? undefined : { status: 200 };
    const alice = await world.connect({ name: "alice" });
    const mallory = await world.connect({ name: "mallory", user: "2003" });
    const answer = new Call(alice, bob.aor).invite();
    const invite = await bob.incoming("INVITE");
    const twoEvents = /** @type {[string, string][]} */ ([
      ["Event", "x"],
      ["Event", "y"],
    ]);
    for (let round = 0; round < CONNECTIONS; round++) {
      // One that could be read in two ways, and one of somebody who was not asked.
      bob.answer(invite, { status: 180, headers: twoEvents });
      mallory.answer(invite, { status: 180 });
    }
    for (let round = 0; round < CONNECTIONS; round++)
      await world.connect({ name: `visitor ${round}` });
    bob.answer(invite, { status: 486, reason: "Busy Here" });
    assert.equal((await answer).status, 486);
    const [node] = world.server.nodes;
    await eventually("the transaction to be freed", async () => {
      const [, current] = /current: (\d+)/.exec(await node.rpc("tm.stats"));
      return current === "0";
    });
    assert.doesNotMatch(node.log, /failed to reply stateful/);
  },
);
