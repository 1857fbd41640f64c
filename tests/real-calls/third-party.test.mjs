/**
 * The CTI gateway's driver `sip:` with phones that know nothing of it (baresip), behind the deployed
 * Kamailio: who is connected, and what they hear.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { open } from "../../server/gateway/drivers/sip.js";
import { Link } from "../gateway/support/link.mjs";
import { DeskPhone } from "./support/baresip.mjs";
import { World } from "./support/world.mjs";

const CONTROLLER = "controller";

describe("a desk phone that is driven through the SIP server", () => {
  /** @type {World} */
  let world;
  /** @type {Record<string, DeskPhone>} */
  const phones = {};
  /** @type {Link} */
  let link;
  /** @type {import("./support/pages.mjs").UserPage} */
  let page;

  before(async () => {
    world = await World.start("graceline");
    for (const user of ["2001", "2002", "2003"]) {
      phones[user] = await DeskPhone.start(world, user);
      world.after(() => phones[user].stop());
    }
    const { url, domain, passwords } = world.server;
    link = await Link.over(
      { after: (end) => world.after(async () => end()) },
      open,
      `sip:${CONTROLLER}:${passwords[CONTROLLER]}@${domain}?server=${url}`,
      { 2001: [{ device: "DESK" }] },
    );
    assert.equal(link.reason, undefined);
    await link.ask("monitor");
  });
  after(() => world?.stop());

  /**
   * @param {string} name
   * @param {() => Promise<unknown>} body
   */
  const cell = (name, body) =>
    it(name, { timeout: 60_000 }, async () => {
      try {
        await body();
      } catch (error) {
        for (const [user, { log }] of Object.entries(phones))
          console.error(`--- ${user}\n${log}`);
        console.error(await world.report());
        throw error;
      }
    });

  const marked = () =>
    Object.fromEntries(
      Object.entries(phones).map(([user, { mark }]) => [user, mark]),
    );
  const closed = (user, mark) => phones[user].event("CALL_CLOSED", mark);

  /** A call that the phones answer by themselves. */
  const call = async (to) => {
    const mark = link.views.length;
    const made = await link.ask("makeCall", { to });
    await link.view(`${to} connected`, mark);
    return made.call;
  };

  cell("a call: the far end hears the desk phone, and is heard", async () => {
    const desk = phones["2001"];
    const mark = desk.mark;
    const farMark = phones["2002"].mark;
    const made = await call("2002");
    // It shows whose call it is.
    const { peeruri } = await phones["2002"].event("CALL_ESTABLISHED", farMark);
    assert.equal(peeruri, "sip:2001@example.test");
    // It may ring before it lifts.
    const told = link.take().filter((view) => view !== "2002 alerting");
    assert.deepEqual(told, [
      "2002 initiated",
      "2002 dialling",
      "2002 connected",
    ]);
    await phones["2002"].hears();
    // It hears itself, by way of the desk phone; half a second later nothing else is left.
    await desk.send("echo");
    await phones["2002"].hears();
    await phones["2002"].hears();
    await desk.send("tone");
    await link.ask("clearConnection", { call: made });
    await closed("2001", mark);
  });

  /** A call of the desk phone to the page, which answers. */
  const callPage = async () => {
    const known = await page.do.count();
    const mark = link.views.length;
    const made = await link.ask("makeCall", { to: "2004" });
    const end = await page.do.next(known, "incoming");
    await page.do.answer(end);
    await link.view("2004 connected", mark);
    return { call: made.call, end };
  };

  /** The page hears the tone of a phone, then itself by way of it. */
  const talk = async (end, phone) => {
    await page.do.talks(end);
    await phone.send("echo");
    // Until the tone is out of the buffers.
    await page.do.observe(end, 300);
    await page.do.talks(end);
    await phone.send("tone");
  };

  cell("a page is the far end: hold, and back", async () => {
    const desk = phones["2001"];
    const mark = desk.mark;
    page = await world.user("graceline", "2004");
    const { call: made, end } = await callPage();
    await talk(end, desk);
    assert.deepEqual(await link.ask("holdCall", { call: made }), {});
    await page.do.quiet(end, "packets");
    assert.deepEqual(await link.ask("retrieveCall", { call: made }), {});
    await talk(end, desk);
    await page.do.hangup(end);
    await link.view("2004 ended, normalClearing");
    await closed("2001", mark);
  });

  cell("a consultation and its transfer", async () => {
    const marks = marked();
    const { call: held, end } = await callPage();
    const { call: active } = await link.ask("consultationCall", {
      call: held,
      to: "2003",
    });
    await link.view("2003 connected");
    await phones["2003"].hears();
    await page.do.quiet(end, "packets");
    assert.deepEqual(await link.ask("transferCall", { held, active }), {});
    await link.view("2003 ended, transfer, by local, to 2003, from 1");
    await closed("2001", marks["2001"]);
    await talk(end, phones["2003"]);
    await page.do.hangup(end);
    await closed("2003", marks["2003"]);
  });

  cell("the far end is sent elsewhere", async () => {
    const marks = marked();
    const { call: made, end } = await callPage();
    await link.ask("singleStepTransferCall", { call: made, to: "2003" });
    await closed("2001", marks["2001"]);
    await phones["2003"].event("CALL_ESTABLISHED", marks["2003"]);
    await talk(end, phones["2003"]);
    await phones["2003"].do("hangup");
    await page.do.event(end, "ended");
  });
});
