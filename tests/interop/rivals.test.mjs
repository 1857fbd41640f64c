/**
 * JsSIP and SIP.js as the other login of the user: they register blindly, are never told anything
 * and refresh blindly. Their binding carries no device, so it counts with `conflictScope: "user"`.
 */
import assert from "node:assert/strict";
import { interopTest } from "./support/interop-test.mjs";
import { PhoneUnderTest } from "./support/phones.mjs";
import { jsSip, sipJs } from "./support/rivals.mjs";

/**
 * Resolves when the rival's REGISTER that follows a mark was answered with 200.
 * @param {import("./support/transcript.mjs").Transcript} transcript
 * @param {string} who
 * @param {number} mark
 */
const registeredAgain = (transcript, who, mark) =>
  transcript.until(`${who} to be registered again`, () =>
    transcript.entries
      .slice(mark)
      .some(
        (entry) =>
          entry.who === who &&
          entry.direction === "received" &&
          /^SIP\/2\.0 200 [^]*^CSeq: \d+ REGISTER/m.test(entry.text),
      ),
  );

/**
 * Makes a phone look at once, as the hint of another phone does.
 * @param {import("./support/interop-test.mjs").World} world
 * @param {PhoneUnderTest} phone
 */
async function hint({ connect, server }, phone) {
  const herald = await connect({ name: "herald" });
  const instanceId = phone.phone.registration?.instanceId;
  await herald.request(
    "OPTIONS",
    `sip:2001@${server.domain};gr=${instanceId}`,
    {
      headers: [["X-Graceline", "look"]],
    },
  );
  await herald.terminate();
}

for (const createRival of [jsSip, sipJs]) {
  interopTest(
    `${createRival.name}: found, refused, and removed by force`,
    {},
    async (world) => {
      const rival = createRival(world);
      await rival.start();
      const [before] = await world.server.bindings("2001");
      const alice = new PhoneUnderTest(world, "alice", {
        conflictScope: "user",
      });
      await assert.rejects(alice.register(), {
        code: "eDeviceAlreadyRegistered",
      });
      const [untouched, ...more] = await world.server.bindings("2001");
      assert.equal(untouched.contact, before.contact);
      assert.deepEqual(more, []);

      await alice.register(true);
      const [binding, ...others] = await world.server.bindings("2001");
      assert.deepEqual(others, []);
      assert.equal(
        binding.instance,
        `<${alice.phone.registration?.instanceId}>`,
      );
    },
  );

  interopTest(
    `${createRival.name}: of no concern where only the same device counts`,
    {},
    async (world) => {
      const rival = createRival(world);
      await rival.start();
      const alice = new PhoneUnderTest(world, "alice");
      await alice.register();
      assert.equal((await world.server.bindings("2001")).length, 2);
    },
  );

  interopTest(
    `${createRival.name}: steals the line back once, and the phone notices`,
    {},
    async (world) => {
      const { transcript } = world;
      const rival = createRival(world);
      await rival.start();
      const alice = new PhoneUnderTest(world, "alice", {
        conflictScope: "user",
      });
      await alice.register(true);

      const mark = transcript.length;
      rival.refresh();
      await registeredAgain(transcript, rival.name, mark);
      await hint(world, alice);
      const { reason } = await alice.event("eConnectionTerminated");
      assert.equal(reason, "rivalReturned");

      // From here on the line is the rival's: no ping-pong.
      const ousted = transcript.length;
      rival.refresh();
      await registeredAgain(transcript, rival.name, ousted);
      await hint(world, alice);
      assert.deepEqual(alice.registers(ousted), []);
      assert.equal(alice.count("eConnectionTerminated"), 1);
    },
  );
}
