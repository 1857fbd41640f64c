/**
 * Pages that go away and servers that do, at a real registrar.
 */
import assert from "node:assert/strict";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import { Page } from "./support/page.mjs";
import {
  PhoneUnderTest,
  bindingsOfDevice,
  newInstanceId,
} from "./support/phones.mjs";

/** @type {[string, import("./support/kamailio.mjs").Variants][]} */
const registrars = [
  ["bindings outlive their connections", {}],
  ["one contact allowed", { maxContacts: 1 }],
  ["without GRUU", { gruu: false }],
  ["bindings go with their connections", { dropOnClose: true }],
];

for (const [name, variants] of registrars)
  interopTest(
    `a page that crashed is registered again after its reload (${name})`,
    variants,
    async (world) => {
      const instanceId = newInstanceId();
      const page = new Page(world, "page", { instanceId });
      await page.register();
      await page.crash();
      const reloaded = new Page(world, "reloaded", { instanceId });
      const registration = await reloaded.register();
      assert.equal(registration.forceRegistration, false);
      const [binding, ...ghosts] = await bindingsOfDevice(world.server);
      assert.equal(binding.instance, `<${instanceId}>`);
      assert.deepEqual(ghosts, []);
    },
  );

interopTest(
  "a page that crashed and lost its instance finds its ghost foreign, and may force",
  {},
  async (world) => {
    const page = new Page(world, "page");
    await page.register();
    await page.crash();
    const stranger = new PhoneUnderTest(world, "stranger");
    await assert.rejects(stranger.register(), {
      code: "eDeviceAlreadyRegistered",
    });
    await stranger.register(true);
    assert.equal((await bindingsOfDevice(world.server)).length, 1);
  },
);

interopTest(
  "closing the page frees the line by one REGISTER",
  {},
  async (world) => {
    const page = new Page(world, "page");
    await page.register();
    const before = world.transcript.length;
    await page.leave();
    await eventually(
      "the line to be free",
      async () => (await world.server.bindings("2001")).length === 0,
    );
    const goodbyes = world.transcript.requests({ who: "page", since: before });
    assert.equal(goodbyes.length, 1);
    assert.match(goodbyes[0].text, /^Authorization: Digest /m);
    const bob = new PhoneUnderTest(world, "bob");
    await bob.register();
  },
);

interopTest("a reload by way of pagehide keeps the line", {}, async (world) => {
  const instanceId = newInstanceId();
  for (let load = 1; load <= 5; load += 1) {
    const page = new Page(world, `load ${load}`, { instanceId });
    await page.register();
    await page.leave();
  }
  const last = new PhoneUnderTest(world, "last", { instanceId });
  await last.register();
  const bindings = await bindingsOfDevice(world.server);
  assert.equal(bindings.length, 1);
});

for (const end of /** @type {const} */ (["restart", "kill"]))
  interopTest(
    `the phone is back by itself after the server's ${end}`,
    {},
    async (world) => {
      const alice = new PhoneUnderTest(world, "alice");
      await alice.register();
      await world.server[end]();
      await alice.status("eRecoveryPending");
      if (end === "kill") await world.server.start();
      await alice.status("eReady");
      assert.equal((await bindingsOfDevice(world.server)).length, 1);
      assert.equal(alice.count("eConnectionTerminated"), 0);
    },
  );

interopTest(
  "a cut connection is replaced, its ghost too",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    const [before] = await world.server.bindings("2001");
    alice.Socket.opened.at(-1)?.terminate();
    await alice.status("eRecoveryPending");
    await alice.status("eReady");
    const [after, ...ghosts] = await world.server.bindings("2001");
    assert.deepEqual(ghosts, []);
    assert.notEqual(after.received, before.received);
    assert.equal(alice.count("eConnectionTerminated"), 0);
  },
);

interopTest(
  "where the nonce dies with the connection during a login, the password is still right",
  {},
  async (world) => {
    const { server } = world;
    const alice = new PhoneUnderTest(world, "alice");
    /** @type {Promise<void> | undefined} */
    let killed;
    alice.Socket.beforeSend = (text, socket) => {
      if (killed || !/^Authorization: /m.test(text)) return;
      killed = server.kill();
      socket.terminate();
    };
    const registering = alice.register();
    await alice.transcript.until("the server to be killed", () => killed);
    await killed;
    await server.start();
    await registering;
    assert.equal((await bindingsOfDevice(server)).length, 1);
  },
);

interopTest(
  "unregistering while the connection is being replaced frees the line",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    alice.Socket.opened.at(-1)?.terminate();
    await alice.status("eRecoveryPending");
    await alice.phone.unregisterPhone();
    assert.deepEqual(await world.server.bindings("2001"), []);
    assert.equal(alice.phone.status, "eIdle");
  },
);

interopTest(
  "a phone whose connection was cut while another one forced is ousted, not back",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    await alice.register();
    alice.Socket.opened.at(-1)?.terminate();
    await alice.status("eRecoveryPending");
    await bob.register(true);
    await alice.event("eConnectionTerminated");
    const [binding, ...others] = await bindingsOfDevice(world.server);
    assert.deepEqual(others, []);
    assert.equal(binding.instance, `<${bob.phone.registration?.instanceId}>`);
    assert.equal(bob.phone.status, "eReady");
  },
);

interopTest(
  "a force outlasts a server that forgets it, even if the ousted phone is back first",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    await alice.register();
    alice.Socket.unplug();
    await alice.status("eRecoveryPending");
    await bob.register(true); // alice cannot be told
    bob.Socket.unplug();
    await bob.status("eRecoveryPending");
    await world.server.restart();
    alice.Socket.offline = false;
    await alice.status("eReady");
    bob.Socket.offline = false;
    await bob.status("eReady");
    await alice.event("eConnectionTerminated", { deadline: 8_000 });
    const [binding, ...others] = await bindingsOfDevice(world.server);
    assert.equal(binding.instance, bob.instance);
    assert.deepEqual(others, []);
  },
);
