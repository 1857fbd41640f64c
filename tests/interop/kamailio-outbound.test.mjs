/**
 * Several flows of one client at a real registrar (RFC 5626): two ways to one Kamailio, which keeps
 * them apart where it is told to.
 */
import assert from "node:assert/strict";
import { Relay } from "../support/relay.mjs";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import {
  PhoneUnderTest,
  bindingsOfDevice,
  newInstanceId,
} from "./support/phones.mjs";

/**
 * A phone with two ways to the server.
 * @param {import("./support/interop-test.mjs").World} world
 * @param {string} name
 * @param {object} [options] of `Phone`
 */
async function twoWays(world, name, options = {}) {
  const relays = [];
  for (let way = 0; way < 2; way += 1) {
    const relay = await Relay.start(Number(new URL(world.server.url).port));
    world.after(() => relay.close());
    relays.push(relay);
  }
  const phone = new PhoneUnderTest(world, name, {
    connections: relays.map((relay) => relay.url),
    ...options,
  });
  return { phone, first: relays[0], second: relays[1] };
}

/**
 * Resolves once so many bindings of the device are there.
 * @param {import("./support/interop-test.mjs").World} world
 * @param {number} count
 */
const bindings = (world, count) =>
  eventually(`${count} bindings`, async () => {
    const list = await bindingsOfDevice(world.server);
    return list.length === count && list;
  });

interopTest(
  "every open connection is bound, and a lost one costs no call",
  { outbound: true },
  async (world) => {
    const { phone, first, second } = await twoWays(world, "alice");
    await phone.register();
    const flows = await bindings(world, 2);
    const received = new Set(flows.map((binding) => binding.received));
    assert.equal(received.size, 2, "two connections");

    // Nobody has to notice anything: the other flow is bound already.
    first.refusing = true;
    first.cut();
    const caller = await world.connect({ user: "2002" });
    const message = await caller.request("MESSAGE", "sip:2001@example.test", {
      headers: [["Content-Type", "text/plain"]],
    });
    assert.equal(message.status, 200, "the message is taken");
    phone.phone.on("incoming", ({ call }) => call.reject(486));
    const invite = await caller.request("INVITE", "sip:2001@example.test", {
      headers: [["Contact", "<sip:2002@caller.invalid;transport=ws>"]],
    });
    assert.equal(invite.status, 486, "the call rings, and the app says so");
    await world.transcript.until(
      "alice to be registered at the second",
      () => phone.phone.registration?.connection === second.url,
    );

    // Back: the same flow again, not a third one.
    first.refusing = false;
    await eventually("the first flow to be bound anew", async () => {
      const list = await bindingsOfDevice(world.server);
      const anew = list.every(({ received }) => received !== flows[0].received);
      return list.length === 2 && anew;
    });
    await phone.phone.unregisterPhone();
    await bindings(world, 0);
  },
);

interopTest(
  "a takeover takes every flow",
  { outbound: true },
  async (world) => {
    const { phone } = await twoWays(world, "alice");
    await phone.register();
    await bindings(world, 2);
    const rival = await twoWays(world, "rival");
    await assert.rejects(rival.phone.register(), {
      code: "eDeviceAlreadyRegistered",
    });
    await rival.phone.register(true);
    await phone.event("eConnectionTerminated");
    await eventually("the rival's flows alone", async () => {
      const list = await bindingsOfDevice(world.server);
      return (
        list.length === 2 &&
        list.every(({ instance }) => instance === rival.phone.instance)
      );
    });
  },
);

interopTest(
  "a reloaded page finds its own flows no rivals",
  { outbound: true },
  async (world) => {
    const instanceId = newInstanceId();
    const { phone } = await twoWays(world, "alice", { instanceId });
    await phone.register();
    await bindings(world, 2);
    const reloaded = await twoWays(world, "reloaded", { instanceId });
    await reloaded.phone.register();
    await eventually("the new page's flows alone", async () => {
      const list = await bindingsOfDevice(world.server);
      const own = new Set(
        reloaded.phone
          .registers()
          .map(({ text }) => /^Call-ID: (.*)/m.exec(text)?.[1].trim()),
      );
      return list.length === 2 && list.every(({ callId }) => own.has(callId));
    });
  },
);

interopTest(
  "where flows are not kept apart there is one binding, which moves",
  {},
  async (world) => {
    const { phone, first, second } = await twoWays(world, "alice");
    await phone.register();
    assert.equal((await bindingsOfDevice(world.server)).length, 1);
    first.refusing = true;
    first.cut();
    await world.transcript.until(
      "alice to be registered at the second",
      () => phone.phone.registration?.connection === second.url,
    );
    assert.equal((await bindingsOfDevice(world.server)).length, 1);
  },
);
