/**
 * The voicemail as a user has it: a page in Chromium that sends a call there while it rings, a caller in
 * another who leaves a message, and the lamps of the page and of a desk phone (baresip) of the same number; through
 * deploy/kamailio.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Account } from "graceline/account";
import { eventually } from "../interop/support/eventually.mjs";
import { startVoicemail } from "../kamailio/support/voicemail.mjs";
import { oneNumber } from "./support/one-number.mjs";
import { World } from "./support/world.mjs";

describe("a user's voicemail", () => {
  /** @type {World} */
  let world;
  before(async () => {
    world = await World.start("graceline");
  });
  after(() => world?.stop());

  it(
    "has what a caller said whom the page sent there, and lights the lamps of page and desk phone",
    { timeout: 60_000 },
    async () => {
      const { domain, passwords } = world.server;
      const { desk, instanceId } = await oneNumber(world, ["mwi=yes"], {
        lamp: true,
      });
      const { accounts: url } = await startVoicemail({
        server: world.server,
        after: (release) => world.after(async () => release()),
      });
      const page = await world.user("graceline", "2001", {
        ...{ instanceId, watches: true },
      });
      const caller = await world.user("graceline", "2002");
      const mailbox = new Account({
        ...{ url, user: "2001", domain, password: passwords[2001] },
      });
      world.after(async () => mailbox.close());

      /** Both lamps change within a second of a deed. @param {number} fresh @param {() => Promise<unknown>} deed */
      const lamps = async (fresh, deed) => {
        const mark = desk.mark;
        const lit = desk.event("MWI_NOTIFY", mark);
        const began = performance.now();
        await deed();
        const [{ param }] = await Promise.all([lit, page.do.voicemail(fresh)]);
        assert.ok(performance.now() - began < 1_000);
        assert.match(
          param,
          fresh ? /^Messages-Waiting: yes/m : /^Messages-Waiting: no/m,
        );
        assert.match(param, new RegExp(`^Voice-Message: ${fresh}/`, "m"));
      };
      try {
        await page.do.voicemail(0);
        await desk.event("MWI_NOTIFY");
        const call = await caller.do.call(page.uri);
        const ringing = await page.do.next(0, "incoming");
        await page.do.deflect(ringing, "voicemail");
        await caller.do.event(call, "connected");
        await caller.do.says(call, 3);
        await lamps(1, () => caller.do.hangup(call));
        const [message, ...others] = await mailbox.voicemails();
        assert.deepEqual(others, []);
        assert.equal(message.from.uri, `sip:2002@${domain}`);
        assert.ok(message.seconds >= 1 && message.seconds <= 5);
        await lamps(0, () => mailbox.heard(message.id));
        const [{ result }] = await eventually("a record", async () => {
          const calls = await mailbox.history();
          return calls.length > 0 && calls;
        });
        assert.equal(result, "voicemail");
      } catch (error) {
        console.error(await world.report());
        console.error(`--- the desk phone\n${desk.log}`);
        throw error;
      }
    },
  );
});
