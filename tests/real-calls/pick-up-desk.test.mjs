/**
 * A page takes the call of the user's desk phone (baresip) over, while it rings, and while the far end, a page,
 * talks on: through deploy/kamailio and rtpengine.
 */
import { after, before, describe, it } from "node:test";
import { eventually } from "../interop/support/eventually.mjs";
import { talk } from "./scenarios.mjs";
import { oneNumber } from "./support/one-number.mjs";
import { World } from "./support/world.mjs";

describe("a call of the desk phone", () => {
  /** @type {World} */
  let world;
  before(async () => {
    world = await World.start("graceline");
  });
  after(() => world?.stop());

  it(
    "goes to the page while it rings, and with its sound",
    { timeout: 60_000 },
    async () => {
      const { facts, desk, deskId, instanceId } = await oneNumber(world, [
        "answermode=manual",
      ]);
      const page = await world.user("graceline", "2001", {
        ...{ instanceId, watches: true },
      });
      const far = await world.user("graceline", "2002");
      try {
        await eventually("both to be registered", async () => {
          const there = await facts.registered();
          return there.length === 2;
        });
        // While it rings at the desk phone.
        await facts.call("rings_set", { ids: [deskId] });
        const rung = desk.mark;
        const outgoing = await far.do.call(page.uri);
        await desk.event("CALL_INCOMING", rung);
        const [{ id: ringing }] = await page.do.elsewhere(["incoming"]);
        const before = await far.do.count();
        const taken = await page.do.pickUp(ringing);
        const going = await far.do.next(before, "incoming");
        await Promise.all([
          page.do.event(taken, "connected"),
          far.do.event(outgoing, "ended"),
          desk.event("CALL_CLOSED", rung),
        ]);
        await talk({ page, call: taken }, { page: far, call: going });
        await page.do.hangup(taken);
        await far.do.event(going, "ended");

        // While it goes on there.
        const begun = await far.do.count();
        await far.do.answerAll();
        const mark = desk.mark;
        await desk.do("dial", far.uri);
        const first = await far.do.next(begun, "incoming");
        await desk.event("CALL_ESTABLISHED", mark);
        await Promise.all([far.do.talks(first), desk.hears()]);

        const [{ id: elsewhere }] = await page.do.elsewhere(["connected"]);
        const known = await far.do.count();
        const call = await page.do.pickUp(elsewhere);
        const next = await far.do.next(known, "incoming");
        await Promise.all([
          page.do.event(call, "connected"),
          far.do.event(first, "ended"),
          desk.event("CALL_CLOSED", mark),
        ]);
        await talk({ page, call }, { page: far, call: next });
        await page.do.hangup(call);
        await far.do.event(next, "ended");
      } catch (error) {
        console.error(await world.report());
        console.error(`--- the desk phone\n${desk.log}`);
        throw error;
      }
    },
  );
});
