/**
 * A page drives a desk phone (baresip) through the CTI gateway and the deployed Kamailio. The far
 * ends are pages of other stacks; sound is measured where it arrives.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startGateway } from "graceline/gateway";
import { DeskPhone } from "./support/baresip.mjs";
import { World } from "./support/world.mjs";

describe("a page that drives a desk phone", () => {
  /** @type {World} */
  let world;
  /** @type {DeskPhone} */
  let desk;
  /** It drives the phone. @type {import("./support/pages.mjs").UserPage} */
  let page;
  /** @type {import("./support/pages.mjs").UserPage} */
  let far;
  /** @type {import("./support/pages.mjs").UserPage} */
  let other;
  /** Of the call in the page, and at the far end. */
  let call = 0;
  let end = 0;

  const open = async () => {
    world = await World.start("graceline", "jssip", "sipjs");
    const { domain, passwords, url } = world.server;
    desk = await DeskPhone.start(world, "2001", {
      ...{ answer: "manual", driven: true },
    });
    world.after(() => desk.stop());
    const gateway = await startGateway({
      login: { connections: url, user: "cti", domain, password: passwords.cti },
      connections: [`baresip://127.0.0.1:${desk.controlPort}`],
      lines: { 2001: [{ device: "DESK" }] },
      heartbeat: 1,
      log: ({ message }) => (desk.log += `gateway: ${message}\n`),
    });
    world.after(() => gateway.stop());
    page = await world.user("graceline", "2001", {
      desk: { gateway: `sip:cti@${domain}` },
    });
    far = await world.user("jssip", "2002");
    other = await world.user("sipjs", "2003");
  };

  /**
   * @param {string} name
   * @param {() => Promise<unknown>} body
   */
  const cell = (name, body) =>
    it(name, { timeout: 60_000 }, async () => {
      try {
        await body();
      } catch (error) {
        console.error(await world.report());
        console.error(`--- the desk phone\n${desk.log}`);
        throw error;
      }
    });

  before(open);
  after(() => world?.stop());

  /** Has the desk phone call a page, which answers. */
  const connect = async (callee) => {
    const known = await callee.do.count();
    const outgoing = await page.do.call(callee.uri);
    const incoming = await callee.do.next(known, "incoming");
    await callee.do.answer(incoming);
    await Promise.all([
      page.do.event(outgoing, "connected"),
      callee.do.event(incoming, "connected"),
    ]);
    return [outgoing, incoming];
  };

  cell("the page has it call: sound both ways", async () => {
    [call, end] = await connect(far);
    await Promise.all([far.do.talks(end), desk.hears()]);
    // The page itself has no part in that.
    await assert.rejects(
      page.do.measure(call),
      /cannot do this with a call of a desk phone/,
    );
  });
  cell("hold and resume", async () => {
    await page.do.hold(call);
    await far.do.quiet(end, "packets");
    await page.do.resume(call);
    await far.do.talks(end);
  });
  cell("digits", async () => {
    await far.do.listen(end);
    await page.do.dtmf(call, "7");
    await far.do.heard(end, "7");
  });
  cell("a consultation, and back to the first call", async () => {
    const [second, otherEnd] = await connect(other);
    await Promise.all([
      other.do.talks(otherEnd),
      far.do.quiet(end, "packets"),
      page.do.event(call, "held"),
    ]);
    await page.do.hangup(second);
    await other.do.event(otherEnd, "ended");
    await far.do.talks(end);
  });
  cell("a blind transfer: the two far ends talk", async () => {
    const [known, knownFar] = [await other.do.count(), await far.do.count()];
    const moved = page.do.transfer(call, other.uri);
    const [incoming, outgoing] = await Promise.all([
      other.do.next(known, "incoming"),
      far.do.next(knownFar, "outgoing"),
    ]);
    await other.do.answer(incoming);
    await moved;
    await page.do.event(call, "ended");
    await Promise.all([other.do.talks(incoming), far.do.talks(outgoing)]);
    await other.do.hangup(incoming);
    await far.do.event(outgoing, "ended");
  });
  cell("the far end hangs up", async () => {
    [call, end] = await connect(other);
    await other.do.talks(end);
    await other.do.hangup(end);
    await page.do.event(call, "ended");
  });
  cell("it is called: the page answers, talks, and hangs up", async () => {
    const known = await page.do.count();
    end = await far.do.call(page.uri);
    call = await page.do.next(known, "incoming");
    await page.do.answer(call);
    await Promise.all([
      page.do.event(call, "connected"),
      far.do.event(end, "connected"),
    ]);
    await Promise.all([far.do.talks(end), desk.hears()]);
    await page.do.hangup(call);
    await far.do.event(end, "ended");
  });
  cell("what is done by hand is seen in the page", async () => {
    const known = await page.do.count();
    const knownFar = await far.do.count();
    desk.key("dial 2002");
    end = await far.do.next(knownFar, "incoming");
    call = await page.do.next(known, "outgoing");
    await far.do.answer(end);
    await page.do.event(call, "connected");
    desk.key("hold");
    await page.do.event(call, "held");
    desk.key("hangup");
    await page.do.event(call, "ended");
  });
  cell("unplugged: out of service", async () => {
    await page.do.desk("eInService");
    await desk.stop();
    await page.do.desk("eOutOfService");
  });
});
