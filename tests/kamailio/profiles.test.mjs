/**
 * Every profile of the SDK, and other libraries, at deploy/kamailio: the compatibility table of
 * docs/kamailio.md.
 */
import assert from "node:assert/strict";
import { PhoneUnderTest } from "../interop/support/phones.mjs";
import { parseChallenges } from "../interop/support/sip-message.mjs";
import { jsSip, sipJs } from "../interop/support/rivals.mjs";
import { freePort } from "./support/ports.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";

for (const profile of ["auto", "cisco", "generic"])
  gracefulTest(
    `profile ${profile}: refused, forced, told at once, quiet afterwards`,
    {},
    async (world) => {
      const alice = new PhoneUnderTest(world, "alice", { profile });
      const bob = new PhoneUnderTest(world, "bob", { profile });
      await alice.register();
      await assert.rejects(bob.register(), {
        code: "eDeviceAlreadyRegistered",
      });
      await bob.register(true);
      const began = performance.now();
      await alice.event("eConnectionTerminated");
      assert.ok(performance.now() - began < 2_000);
      assert.equal((await world.server.bindings()).length, 1);
      const ousted = world.transcript.length;
      await bob.phone.unregisterPhone();
      await bob.register();
      assert.deepEqual(alice.registers(ousted), []);
      assert.equal(alice.count("eConnectionTerminated"), 1);
      await alice.register(true);
      await bob.event("eConnectionTerminated");
    },
  );

for (const library of [jsSip, sipJs])
  gracefulTest(
    `${library.name}, which knows MD5 only and nothing of this: refused, ousted, kept out`,
    {},
    async (world) => {
      const rival = library(/** @type {any} */ (world));
      await rival.start();
      // It names no device, and so is the one of the user's name.
      const phone = new PhoneUnderTest(world, "phone", { device: "2001" });
      await assert.rejects(phone.register(), {
        code: "eDeviceAlreadyRegistered",
      });
      await phone.register(true);
      // It is told, but does not understand; its connection is closed, and the line stays where it
      // is.
      await world.transcript.until("the rival's connection to be closed", () =>
        world.transcript.entries.some(
          ({ who, text }) => who === rival.name && text === "closed 4001",
        ),
      );
      assert.equal(phone.phone.status, "eReady");
      const [binding, ...others] = await world.server.bindings();
      assert.deepEqual(others, []);
      assert.equal(binding.instance, phone.phone.registration?.instanceId);
    },
  );

gracefulTest("the switches switch", { nodes: [] }, async (world) => {
  const rtpengine = `udp:127.0.0.1:${await freePort()}`;
  const here = await world.server.add({
    define: ["WITH_RTPENGINE"],
    settings: { RTPENGINE_SOCKET: rtpengine },
  });
  const there = await world.server.add({ name: "b", undefine: ["WITH_MD5"] });
  assert.match(await here.rpc("rtpengine.show", "all"), new RegExp(rtpengine));
  for (const [node, algorithms] of /** @type {[typeof here, string[]][]} */ ([
    [here, ["SHA-256", "MD5"]],
    [there, ["SHA-256"]],
  ])) {
    const client = await world.connect({ url: node.url });
    const answer = await client.send("REGISTER", "sip:example.test", {
      to: client.aor,
    });
    const offered = parseChallenges(answer).map(({ algorithm }) => algorithm);
    assert.deepEqual(offered, algorithms);
  }
});
