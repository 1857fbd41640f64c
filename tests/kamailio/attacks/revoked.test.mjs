/** A device that is revoked in a call, whose client takes no notice: what it can still do, and for how long. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { Facts } from "../support/facts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";

const BOB = "sip:2002@example.test";
const own = (/** @type {string} */ digit) =>
  contact(digit, { instance: instance(digit), device: "" });

gracefulTest(
  "a client that does not go is heard no more in its call, and loses its connection",
  {
    nodes: [
      { name: "a", host: "127.0.0.2" },
      { name: "b", host: "127.0.0.3" },
    ],
  },
  async (world) => {
    const facts = await Facts.on(world);
    await facts.authorise(instance("a"));
    await facts.authorise(instance("b"), "mobile", "2002");
    const mallory = await world.connect({ name: "mallory" });
    await mallory.register({ contacts: [own("a")] });
    const { url } = world.server.nodes[1];
    const bob = await world.connect({ name: "bob", user: "2002", url });
    await bob.register({ contacts: [own("b")] });
    const call = await Call.start(mallory, BOB, bob);
    // It takes no notice of the close frame either.
    const { socket } = mallory;
    const receiver = socket._receiver;
    receiver.removeAllListeners("conclude");
    const told = once(receiver, "conclude");
    const cut = once(socket._socket, "close");

    await facts.call("revoke", { id: "a" });
    await mallory.incoming("NOTIFY");
    const before = bob.received.length;
    const methods = ["INFO", "REFER", "UPDATE", "MESSAGE", "INVITE"];
    for (const method of methods) {
      const { status } = await call.request(method);
      assert.equal(status, 403, method);
    }
    const [code, reason] = await told;
    assert.deepEqual([code, `${reason}`], [4003, "Device not authorised"]);
    const late = call.request("INFO").then(
      ({ status }) => status,
      () => "unheard",
    );
    await cut;
    assert.notEqual(await late, 200);
    assert.deepEqual(bob.received.slice(before), []);
    // The other side hears that nobody is there any more, and hangs up alone.
    assert.equal((await Call.hangUp(bob, call)).status, 480);
  },
);
