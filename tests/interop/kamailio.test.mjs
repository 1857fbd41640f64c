/**
 * Graceful registration at a real registrar that knows nothing of it: one phone against another.
 */
import assert from "node:assert/strict";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import { PhoneUnderTest, bindingsOfDevice } from "./support/phones.mjs";

/** What identifies a binding and says whether it was touched. */
const identity = (
  /** @type {import("./support/kamailio.mjs").Binding[]} */ bindings,
) =>
  bindings.map(({ contact, callId, cseq, received }) => ({
    contact,
    callId,
    cseq,
    received,
  }));

interopTest("a phone registers by the generic profile", {}, async (world) => {
  const alice = new PhoneUnderTest(world, "alice", { profile: "auto" });
  const registration = await alice.register();
  assert.equal(alice.phone.status, "eReady");
  assert.equal(registration.user, "2001");
  assert.equal(registration.device, "CSFALICE");
  assert.equal(registration.connection, world.server.url);
  assert.equal(registration.expires, 120);
  assert.equal(registration.forceRegistration, false);

  const [binding, ...others] = await bindingsOfDevice(world.server);
  assert.deepEqual(others, []);
  assert.equal(binding.instance, `<${registration.instanceId}>`);
  // Round trips of a cold login: the challenge, the look, the registration.
  assert.equal(alice.registers().length, 3);

  await alice.phone.unregisterPhone();
  assert.deepEqual(await world.server.bindings("2001"), []);
});

interopTest(
  "a second phone of the device is refused, and nothing is taken over",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    const { instanceId } = await alice.register();
    const before = await world.server.bindings("2001");
    await assert.rejects(bob.register(), { code: "eDeviceAlreadyRegistered" });
    assert.deepEqual(
      identity(await world.server.bindings("2001")),
      identity(before),
    );
    const refusal = await bob.event("eDeviceAlreadyRegistered");
    assert.equal(refusal.device, "CSFALICE");
    assert.equal(refusal.elsewhere.instanceId, instanceId);
    assert.equal(bob.count("eDeviceAlreadyRegistered"), 1);
    assert.equal(bob.phone.ready, false);
    // Round trips: the challenge and the look; warm, the look alone.
    assert.equal(bob.registers().length, 2);
    await assert.rejects(bob.register(), { code: "eDeviceAlreadyRegistered" });
    assert.equal(bob.registers().length, 3);
    assert.equal(alice.phone.status, "eReady");
  },
);

/** @type {[string, import("./support/kamailio.mjs").Variants][]} */
const registrars = [
  ["plain", {}],
  ["one contact allowed", { maxContacts: 1 }],
  ["bindings go with their connections", { dropOnClose: true }],
  ["requests are challenged", { proxyAuth: true }],
  [
    "requests are challenged and nc is checked",
    { proxyAuth: true, nonceCount: true },
  ],
  ["without GRUU", { gruu: false }],
  ["SHA-256", { algorithm: "SHA-256" }],
];

for (const [name, variants] of registrars)
  interopTest(
    `force takes over, and the ousted phone is told at once (${name})`,
    variants,
    async (world) => {
      const alice = new PhoneUnderTest(world, "alice");
      const bob = new PhoneUnderTest(world, "bob");
      await alice.register();
      await assert.rejects(bob.register(), {
        code: "eDeviceAlreadyRegistered",
      });
      const beforeForce = world.transcript.length;
      const registration = await bob.register(true);
      assert.equal(registration.forceRegistration, true);
      // Round trips of a force with a known nonce: the look and the REGISTER.
      assert.equal(bob.registers(beforeForce).length, 2);

      const [binding, ...others] = await bindingsOfDevice(world.server);
      assert.deepEqual(others, []);
      assert.equal(binding.instance, `<${registration.instanceId}>`);

      const { by } = await alice.event("eConnectionTerminated");
      assert.equal(by.instanceId, registration.instanceId);
      assert.notEqual(alice.phone.status, "eReady");
      const [hint] = world.transcript.requests({
        who: "alice",
        method: "OPTIONS",
        direction: "received",
        since: beforeForce,
      });
      assert.match(hint.text, /^X-Graceline: look\r$/m);

      // Whatever else happens to the line, the ousted phone is silent until its app says so.
      const ousted = world.transcript.length;
      await bob.phone.unregisterPhone();
      await bob.register();
      assert.deepEqual(alice.registers(ousted), []);
      assert.equal(alice.count("eConnectionTerminated"), 1);

      await alice.register(true);
      await bob.event("eConnectionTerminated");
      assert.equal((await bindingsOfDevice(world.server)).length, 1);
    },
  );

interopTest(
  "forced back and forth within seconds, the ousted phone is told each time",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    await alice.register();
    for (let nth = 1; nth <= 3; nth += 1)
      for (const [winner, loser] of [
        [bob, alice],
        [alice, bob],
      ]) {
        await winner.register(true);
        await loser.event("eConnectionTerminated", { nth, deadline: 8_000 });
        assert.equal((await bindingsOfDevice(world.server)).length, 1);
      }
    assert.equal(alice.phone.status, "eReady");
  },
);

interopTest(
  "devices of one user stand side by side, and a force spares the others",
  {},
  async (world) => {
    const desk = new PhoneUnderTest(world, "desk", { device: "CSFDESK" });
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob");
    await Promise.all([desk.register(), alice.register()]);
    assert.equal((await world.server.bindings("2001")).length, 2);
    const before = await bindingsOfDevice(world.server, "CSFDESK");
    await bob.register(true);
    await alice.event("eConnectionTerminated");
    assert.deepEqual(
      identity(await bindingsOfDevice(world.server, "CSFDESK")),
      identity(before),
    );
    assert.equal(desk.phone.status, "eReady");
    assert.equal(desk.count("eConnectionTerminated"), 0);
  },
);

interopTest(
  "a duplicate registration takes over without asking, and honours being ousted",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    const bob = new PhoneUnderTest(world, "bob", {
      registrationType: "duplicate",
    });
    await alice.register();
    await bob.register();
    await alice.event("eConnectionTerminated");
    assert.equal((await bindingsOfDevice(world.server)).length, 1);
    await alice.register(true);
    await bob.event("eConnectionTerminated");
  },
);

interopTest(
  "a normal registration stands beside whatever is there",
  {},
  async (world) => {
    const phones = ["alice", "bob"].map(
      (name) => new PhoneUnderTest(world, name, { registrationType: "normal" }),
    );
    for (const phone of phones) await phone.register();
    assert.equal((await bindingsOfDevice(world.server)).length, 2);
    // Nothing is looked at first: the challenge and the registration.
    for (const phone of phones) assert.equal(phone.registers().length, 2);
  },
);

interopTest(
  "a wrong password is said, and not tried again",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice", { password: "wrong" });
    await assert.rejects(alice.register(), { code: "eCredentialsRejected" });
    assert.equal(alice.registers().length, 2);
    assert.equal(alice.phone.ready, false);
  },
);

for (const [force, outcome] of /** @type {const} */ ([
  [false, "eDeviceLimitReached"],
  [true, "eDeviceLimitReached"],
]))
  interopTest(
    `too many contacts of other devices (force ${force})`,
    { maxContacts: 1 },
    async (world) => {
      const desk = new PhoneUnderTest(world, "desk", { device: "CSFDESK" });
      const alice = new PhoneUnderTest(world, "alice");
      await desk.register();
      const before = await world.server.bindings("2001");
      await assert.rejects(alice.register(force), { code: outcome });
      assert.deepEqual(
        identity(await world.server.bindings("2001")),
        identity(before),
      );
      assert.equal(desk.phone.status, "eReady");
    },
  );

interopTest(
  "a shorter lifetime is accepted, a longer minimum asked for",
  { minExpires: 150, maxExpires: 3600 },
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    assert.equal((await alice.register()).expires, 150);
    await alice.phone.unregisterPhone();
    assert.deepEqual(await world.server.bindings("2001"), []);
  },
);

interopTest(
  "a nonce that expired since costs a round trip, not the credentials",
  { nonceExpire: 1 },
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    const observer = await world.connect();
    await observer.query(); // its nonce is no older than the phone's
    await eventually("the nonces to expire", async () => {
      const { status } = await observer.register({ reuseNonce: true });
      return status === 401;
    });
    await alice.phone.unregisterPhone();
    assert.deepEqual(await world.server.bindings("2001"), []);
    assert.equal(alice.count("error"), 0);
  },
);

interopTest(
  "a registered phone answers OPTIONS of others",
  {},
  async (world) => {
    const alice = new PhoneUnderTest(world, "alice");
    await alice.register();
    const stranger = await world.connect({ user: "2002", name: "stranger" });
    const answer = await stranger.request("OPTIONS", "sip:2001@example.test");
    assert.equal(answer.status, 200);
    assert.equal(alice.phone.status, "eReady");
  },
);

interopTest(
  "simultaneous unforced logins: exactly one of each pair wins",
  {},
  async (world) => {
    const pairs = Array.from({ length: 20 }, (_, index) => {
      const device = `CSF${index}`;
      return ["a", "b"].map(
        (side) => new PhoneUnderTest(world, `${device}${side}`, { device }),
      );
    });
    await Promise.all(
      pairs.map(async (pair) => {
        const outcomes = await Promise.allSettled(
          pair.map((phone) => phone.register()),
        );
        const codes = outcomes.map((outcome) =>
          outcome.status === "fulfilled" ? "registered" : outcome.reason.code,
        );
        assert.deepEqual(codes.sort(), [
          "eDeviceAlreadyRegistered",
          "registered",
        ]);
      }),
    );
    const bindings = await world.server.bindings("2001");
    const ready = pairs.flat().filter(({ phone }) => phone.ready);
    assert.deepEqual(
      bindings.map(({ instance }) => instance).sort(),
      ready.map(({ phone }) => `<${phone.registration?.instanceId}>`).sort(),
    );
    assert.equal(bindings.length, pairs.length);
  },
);

for (const [name, variants] of /** @type {typeof registrars} */ ([
  ["plain", {}],
  ["without GRUU", { gruu: false }],
  ["no more contacts allowed than devices", { maxContacts: 2 }],
]))
  interopTest(
    `simultaneous forces succeed, and one of them remains (${name})`,
    variants,
    async (world) => {
      const desk = new PhoneUnderTest(world, "desk", { device: "CSFDESK" });
      const holder = new PhoneUnderTest(world, "holder");
      const rivals = ["alice", "bob"].map(
        (rival) => new PhoneUnderTest(world, rival),
      );
      await desk.register();
      await holder.register();
      await Promise.all(rivals.map((phone) => phone.register(true)));
      await holder.event("eConnectionTerminated");
      await eventually("one of them to remain", async () => {
        const [binding, ...others] = await bindingsOfDevice(world.server);
        const ready = rivals.filter(({ phone }) => phone.ready);
        return (
          others.length === 0 &&
          ready.length === 1 &&
          binding?.instance === `<${ready[0].phone.registration?.instanceId}>`
        );
      });
      assert.equal(holder.count("eConnectionTerminated"), 1);
      assert.equal(desk.phone.status, "eReady");
    },
  );

interopTest("abort frees what may have been bound", {}, async (world) => {
  const alice = new PhoneUnderTest(world, "alice");
  const controller = new AbortController();
  const pending = alice.phone.registerPhone({ signal: controller.signal });
  await world.transcript.until("the REGISTER with its Contact", () =>
    alice.registers().some(({ text }) => /^Contact:/m.test(text)),
  );
  controller.abort();
  await assert.rejects(pending, { code: "eAborted" });
  await eventually(
    "the line to be free",
    async () => (await world.server.bindings("2001")).length === 0,
  );
});
