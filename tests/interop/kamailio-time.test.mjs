/**
 * What only time brings: refreshes, and looks that nobody hinted at. Side by side, because each
 * of them waits for real seconds.
 */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { eventually } from "./support/eventually.mjs";
import { interopTest } from "./support/interop-test.mjs";
import {
  PhoneUnderTest,
  bindingsOfDevice,
  newInstanceId,
} from "./support/phones.mjs";
import { jsSip } from "./support/rivals.mjs";

const DEADLINE_MS = 45_000;

describe("in real time", { concurrency: true }, () => {
  interopTest(
    "a registration outlives the time it was granted",
    { maxExpires: 22 },
    async (world) => {
      const alice = new PhoneUnderTest(world, "alice");
      const { expires } = await alice.register();
      assert.equal(expires, 22);
      const registered = () =>
        alice.registers().filter(({ text }) => /^Contact:/m.test(text)).length;
      await world.transcript.until(
        "two refreshes",
        () => registered() === 3,
        DEADLINE_MS,
      );
      await eventually("the second one to count", async () => {
        const [binding] = await bindingsOfDevice(world.server);
        return binding?.expires > 20;
      });
      assert.equal(alice.phone.status, "eReady");
      // Without reg-event a refresh is a look and a REGISTER, and needs no new challenge.
      assert.equal(alice.registers().length, 3 + 2 * 2);
    },
  );

  interopTest(
    "a rival's own refresh is noticed at the phone's next look",
    {},
    async (world) => {
      const rival = jsSip(world, 10); // refreshes after 5 s
      await rival.start();
      const alice = new PhoneUnderTest(world, "alice", {
        conflictScope: "user",
        expires: 40, // looks every 20 s
      });
      await alice.register(true);
      const forced = world.transcript.length;
      const { reason } = await alice.event("eConnectionTerminated", {
        deadline: DEADLINE_MS,
      });
      assert.equal(reason, "rivalReturned");
      // Nobody fought: the phone looked, took its contact back, and left.
      assert.ok(alice.registers(forced).length <= 2);
    },
  );

  interopTest(
    "of two phones with one instance (a cloned profile) one remains",
    {},
    async (world) => {
      const shared = { instanceId: newInstanceId(), expires: 40 };
      const phones = ["original", "clone"].map(
        (name) => new PhoneUnderTest(world, name, shared),
      );
      for (const phone of phones) await phone.register();
      const looks = () => phones.map((phone) => phone.registers().length);
      const before = looks();
      await world.transcript.until(
        "either to look again",
        () => looks().some((count, index) => count > before[index]),
        DEADLINE_MS,
      );
      await eventually(
        "one of them to remain",
        async () => {
          const bindings = await bindingsOfDevice(world.server);
          const ready = phones.filter(({ phone }) => phone.ready);
          return bindings.length === 1 && ready.length === 1;
        },
        5_000,
      );
    },
  );
});
