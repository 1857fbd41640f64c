/** What one user can have delivered, kept and pushed to others by MESSAGE. */
import assert from "node:assert/strict";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

gracefulTest(
  "one user writes so many messages a minute, over all connections",
  { nodes: [{ settings: { MESSAGES_PER_MINUTE: 4 } }] },
  async (world) => {
    const bob = await world.connect({ name: "bob", user: "2002" });
    const b = contact("b", { instance: instance("b") });
    await bob.register({ contacts: [b] });
    const alice = await world.connect({ name: "alice" });
    const other = await world.connect({ name: "other" });
    const answers = [];
    for (const from of [alice, other, alice, other, alice, other])
      answers.push(await from.request("MESSAGE", bob.aor));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 503, 503],
    );
    assert.equal(answers[5].header("Retry-After"), "60");
    const written = bob.received.filter(({ method }) => method === "MESSAGE");
    assert.equal(written.length, 4);
    // Others write as before.
    assert.equal((await bob.request("MESSAGE", alice.aor)).status, 480);
  },
);
