/**
 * A page and a desk phone (baresip, RTP over UDP), through rtpengine.
 */
import { after, before, describe, it } from "node:test";
import { DeskPhone } from "./support/baresip.mjs";
import { World } from "./support/world.mjs";

const stack = /** @type {import("./support/pages.mjs").Stack} */ (
  process.env.CALLS_STACK ?? "graceline"
);

describe("a page and a desk phone", () => {
  /** @type {World} */
  let world;
  /** @type {DeskPhone | undefined} */
  let desk;
  /** @type {import("./support/pages.mjs").UserPage} */
  let page;
  /** @type {number | undefined} the call's number in the page */
  let call;

  before(async () => {
    world = await World.start(stack);
  });
  after(() => world?.stop());

  /**
   * @param {string} name
   * @param {() => Promise<unknown>} body
   */
  const cell = (name, body) =>
    it(name, { timeout: 60_000 }, async () => {
      try {
        if (!desk) await open();
        await body();
      } catch (error) {
        console.error(await world.report());
        console.error(`--- the desk phone\n${desk?.log}`);
        // Whatever it left behind is no matter of the next cell.
        await world.stop();
        desk = undefined;
        call = undefined;
        world = await World.start(stack);
        throw error;
      }
    });

  const open = async () => {
    desk = await DeskPhone.start(world, "2004");
    world.after(() => desk?.stop());
    page = await world.user(stack, "2001");
  };

  const callTheDesk = async () => {
    const mark = desk.mark;
    call = await page.do.call(`sip:2004@${world.server.domain}`);
    await page.do.event(call, "connected");
    await desk.event("CALL_ESTABLISHED", mark);
  };

  /**
   * A cell in the call that the one before left, or in a new one.
   * @param {string} name
   * @param {() => Promise<unknown>} body
   */
  const inCall = (name, body) =>
    cell(name, async () => {
      if (call === undefined) await callTheDesk();
      await body();
    });

  /** Both hear each other, in a call that was not renegotiated yet. */
  const talk = () => Promise.all([page.do.talks(call), desk.hears()]);

  /** Both hear each other: the page hears the tone of the phone, then itself through the phone. */
  const talkAgain = async () => {
    await page.do.talks(call);
    await desk.send("echo");
    // Until the tone is out of the buffers.
    await page.do.observe(call, 300);
    await page.do.talks(call);
    await desk.send("tone");
  };

  const hangUp = async (/** @type {() => Promise<unknown>} */ act) => {
    const mark = desk.mark;
    await act();
    await Promise.all([
      page.do.event(call, "ended"),
      desk.event("CALL_CLOSED", mark),
    ]);
    call = undefined;
  };

  cell("the page calls: audio both ways", async () => {
    await callTheDesk();
    await talk();
  });
  inCall("digits from the page", async () => {
    const mark = desk.mark;
    await page.do.dtmf(call, "5");
    const { param } = await desk.event("CALL_DTMF_START", mark);
    if (param !== "5") throw new Error(`the desk phone heard the key ${param}`);
  });
  inCall("digits from the desk phone", async () => {
    await page.do.listen(call);
    await desk.do("sndcode", "7");
    await page.do.heard(call, "7");
  });
  inCall("ICE restart by the page", async () => {
    await page.do.restartIce(call);
    await talkAgain();
  });
  inCall("hold by the page", async () => {
    await page.do.hold(call);
    await page.do.quiet(call, "packets");
    await page.do.resume(call);
    await talkAgain();
  });
  inCall("hold by the desk phone", async () => {
    await desk.do("hold");
    await page.do.quiet(call, "packets");
    await desk.do("resume");
    await talkAgain();
  });
  inCall("the page hangs up", () => hangUp(() => page.do.hangup(call)));
  cell("the desk phone calls: audio both ways", async () => {
    const known = await page.do.count();
    const mark = desk.mark;
    await desk.do("dial", page.uri);
    call = await page.do.next(known, "incoming");
    await page.do.answer(call);
    await page.do.event(call, "connected");
    await desk.event("CALL_ESTABLISHED", mark);
    await talk();
  });
  inCall("the desk phone hangs up", () => hangUp(() => desk.do("hangup")));
});
