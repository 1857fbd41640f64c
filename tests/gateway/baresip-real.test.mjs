/**
 * The driver `baresip://` and a real baresip, which calls two users of another one directly.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { open } from "../../server/gateway/drivers/baresip.js";
import { Link } from "./support/link.mjs";
import { startPhones } from "./support/phones.mjs";

const LINES = { 2001: [{ device: "DESK" }] };

/** The phones of {@link startPhones}, and a link to the one that is driven. */
async function start(t) {
  const { desk, others } = await startPhones(t);
  const address = `baresip://127.0.0.1:${desk.controlPort}`;
  const link = await Link.over(t, open, address, LINES);
  assert.deepEqual(await link.ask("monitor"), {
    device: { line: "2001", device: "DESK", inService: true },
    calls: [],
  });
  return { desk, link, others };
}

/** A call from the desk phone to 2002 that is answered. */
async function inCall(t) {
  const parts = await start(t);
  const { link, others } = parts;
  const { call } = await link.ask("makeCall", { to: "2002" });
  await others.event("CALL_INCOMING");
  await others.do("uafind", "sip:2002@example.test");
  await others.do("accept");
  await link.view("2002 connected");
  return { ...parts, call };
}

/** A second call, to 2003, while the first waits. */
async function inConsultation(t) {
  const parts = await inCall(t);
  const { link, others, call } = parts;
  const mark = others.mark;
  const second = await link.ask("consultationCall", { call, to: "2003" });
  await others.event("CALL_INCOMING", mark);
  await others.do("uafind", "sip:2003@example.test");
  await others.do("accept");
  await link.view("2003 connected");
  return { ...parts, second: second.call };
}

describe("a real baresip", { timeout: 120_000 }, () => {
  it("makes a call, holds, retrieves, sends digits and clears", async (t) => {
    const { link, others, call } = await inCall(t);
    // It may ring before it is looked at.
    const began = link.take().filter((view) => view !== "2002 dialling");
    assert.deepEqual(began, ["2002 alerting", "2002 connected"]);
    const mark = others.mark;
    assert.deepEqual(await link.ask("holdCall", { call }), {});
    assert.deepEqual(link.take(), ["2002 held"]);
    assert.equal(
      await link.ask("holdCall", { call }),
      "invalidConnectionState",
    );
    assert.deepEqual(await link.ask("retrieveCall", { call }), {});
    assert.deepEqual(
      await link.ask("generateDigits", { call, digits: "5" }),
      {},
    );
    const { param } = await others.event("CALL_DTMF_START", mark);
    assert.equal(param, "5");
    assert.deepEqual(await link.ask("clearConnection", { call }), {});
    assert.deepEqual(link.take(), [
      "2002 connected",
      "2002 ended, normalClearing, by local",
    ]);
    await others.event("CALL_CLOSED", mark);
    assert.equal(
      await link.ask("clearConnection", { call }),
      "invalidConnectionID",
    );
  });

  it("answers; the far end hangs up", async (t) => {
    const { link, others } = await start(t);
    await others.do("uafind", "sip:2003@example.test");
    await others.do("dial", "2001");
    const { call } = await link.view("2003 ringing");
    assert.equal(call.direction, "incoming");
    assert.deepEqual(await link.ask("answerCall", { call: call.id }), {});
    await link.view("2003 connected");
    assert.equal(
      await link.ask("answerCall", { call: call.id }),
      "noCallToAnswer",
    );
    await others.do("hangup");
    await link.view("2003 ended, normalClearing");
  });

  it("tells what is done at its own keys, and of calls that were there before", async (t) => {
    const { desk, link, others } = await start(t);
    desk.key("dial 2002");
    await link.view("2002 alerting");
    await others.do("uafind", "sip:2002@example.test");
    await others.do("accept");
    await link.view("2002 connected");
    desk.key("hold");
    await link.view("2002 held");
    link.close();
    const address = `baresip://127.0.0.1:${desk.controlPort}`;
    const later = await Link.over(t, open, address, LINES);
    const { calls } = await later.ask("monitor");
    assert.equal(calls.length, 1);
    const { id, state, direction, remote } = calls[0];
    assert.deepEqual(
      { state, direction, remote },
      { state: "held", direction: "outgoing", remote: { number: "2002" } },
    );
    desk.key("resume");
    await later.view("2002 connected");
    await later.ask("clearConnection", { call: id });
    await later.view("2002 ended, normalClearing, by local");
  });

  it("reaches nobody: the call fails, and says why", async (t) => {
    const { link } = await start(t);
    const { call } = await link.ask("makeCall", { to: "2009" });
    const failed = await link.view("2009 failed, destNotObtainable");
    assert.equal(failed.call.id, call);
    await link.view("2009 ended, destNotObtainable");
  });

  it("is rejected: busy", async (t) => {
    const { link, others } = await start(t);
    await link.ask("makeCall", { to: "2003" });
    await link.view("2003 alerting");
    await others.do("uafind", "sip:2003@example.test");
    await others.do("hangup");
    await link.view("2003 failed, busy");
    await link.view("2003 ended, busy");
  });

  it("alternates between two calls, and goes back to the first", async (t) => {
    const { link, call, second } = await inConsultation(t);
    await link.view("2002 held, consultation");
    link.take();
    await link.ask("alternateCall", { held: call, active: second });
    assert.deepEqual(link.take(), [
      "2003 held, alternate",
      "2002 connected, alternate",
    ]);
    assert.equal(
      await link.ask("alternateCall", { held: call, active: second }),
      "noActiveCall",
    );
    await link.ask("alternateCall", { held: second, active: call });
    link.take();
    await link.ask("reconnectCall", { held: call, active: second });
    assert.deepEqual(link.take(), [
      "2003 ended, normalClearing, by local",
      "2002 connected",
    ]);
  });

  it("holds one call to answer another", async (t) => {
    const { link, others, call } = await inCall(t);
    await others.do("uafind", "sip:2003@example.test");
    await others.do("dial", "2001");
    const incoming = await link.view("2003 ringing");
    link.take();
    await link.ask("answerCall", { call: incoming.call.id });
    await link.view("2003 connected");
    assert.deepEqual(link.take().sort(), ["2002 held", "2003 connected"]);
    await link.ask("retrieveCall", { call });
    assert.deepEqual(link.take(), ["2003 held", "2002 connected"]);
  });

  it("transfers a call blindly", async (t) => {
    const { link, others, call } = await inCall(t);
    const mark = others.mark;
    await link.ask("singleStepTransferCall", { call, to: "2003" });
    const { accountaor } = await others.event("CALL_INCOMING", mark);
    assert.equal(accountaor, "sip:2003@example.test");
    await others.do("uafind", "sip:2003@example.test");
    await others.do("accept");
    await link.view("2002 ended, singleStepTransfer, by local, to 2003");
  });

  it("loses a call by a blind transfer that fails, and says so", async (t) => {
    const { link, call } = await inCall(t);
    await link.ask("singleStepTransferCall", { call, to: "2009" });
    await link.view("2002 ended, normalClearing");
    assert.deepEqual((await link.ask("monitor")).calls, []);
  });

  it("is unplugged: the link ends", async (t) => {
    const { desk, link } = await inCall(t);
    await desk.stop();
    await link.until("the end of the link", () => link.reason);
    assert.match(link.reason, /closed the connection|ECONNRESET/);
    assert.equal(link.open, 0);
  });
});
