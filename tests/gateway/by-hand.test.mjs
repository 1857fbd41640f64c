/**
 * The driver `sip:` and what a desk phone does by itself: a real baresip behind a real
 * Kamailio whose own modules tell of calls and registrations (RFC 4235, RFC 3680).
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Phone } from "graceline";
import { startGateway } from "graceline/gateway";
import { WebSocket } from "ws";
import { open } from "../../server/gateway/drivers/sip.js";
import { Kamailio } from "../interop/support/kamailio.mjs";
import { DeskPhone } from "../real-calls/support/baresip.mjs";
import { Link } from "./support/link.mjs";

const LINES = { 2001: [{ device: "DESK" }], 2002: [{ device: "FAR" }] };

/** What the next event of this name says. */
const once = (from, name) => new Promise((resolve) => from.once(name, resolve));

/** A desk phone that is watched, and one to call that answers by hand. */
async function start(t) {
  const server = await Kamailio.start({ presence: true });
  t.after(() => server.stop());
  const { url, domain, passwords, udpPort } = server;
  const at = { udpPort, server };
  const desk = await DeskPhone.start(at, "2001", { answer: "manual" });
  t.after(() => desk.stop());
  const far = await DeskPhone.start(at, "2002", { answer: "manual" });
  t.after(() => far.stop());
  const address = `sip:controller:${passwords.controller}@${domain}?server=${url}`;
  const link = await Link.over(t, open, address, LINES);
  assert.equal(link.reason, undefined);
  return { server, desk, far, link, address };
}

describe("what a desk phone does by itself", { timeout: 60_000 }, () => {
  it("a call that is dialled by hand is shown, and its end", async (t) => {
    const { desk, far, link, address } = await start(t);
    await link.ask("monitor");
    desk.key("dial 2002");
    const { call } = await link.view("2002 alerting");
    assert.equal(call.direction, "outgoing");
    await far.event("CALL_INCOMING");
    await far.do("accept");
    await link.view("2002 connected");
    // Nothing can be done with it.
    for (const service of ["holdCall", "clearConnection"])
      assert.equal(
        await link.ask(service, { call: call.id }),
        "serviceNotSupported",
      );
    assert.equal(
      await link.ask("makeCall", { to: "2003" }),
      "connectedCallExists",
    );
    // Who comes later finds it.
    const later = await Link.over(t, open, address, LINES);
    await later.ask("monitor");
    await later.view("2002 connected");
    await far.do("hangup");
    await link.view("2002 ended, normalClearing");
    await later.view("2002 ended, normalClearing");
    assert.deepEqual(link.take(), [
      "2002 dialling",
      "2002 alerting",
      "2002 connected",
      "2002 ended, normalClearing",
    ]);
  });

  it("a page shows it, and that nothing can be done with it", async (t) => {
    const { server, desk, far, address } = await start(t);
    const { url, domain, passwords } = server;
    const gateway = await startGateway({
      login: { connections: url, user: "cti", domain, password: passwords.cti },
      connections: [address],
      lines: LINES,
      // A plain Kamailio says nothing of who asks.
      trustFrom: true,
    });
    t.after(() => gateway.stop());
    while (gateway.connections[0].state !== "up")
      await once(gateway, "connections");
    const phone = new Phone({
      ...{ connections: url, user: "2001", domain, WebSocket },
      ...{ password: passwords[2001], storage: null },
      remoteControl: { gateway: `sip:cti@${domain}` },
    });
    t.after(() => phone.close());
    await phone.registerPhone({ mode: "DeskPhone" });
    const began = once(phone, "call");
    desk.key("dial 2002");
    const { call } = await began;
    while (call.remote.uri !== "tel:2002") await once(call, "remote");
    const connected = once(call, "connected");
    await far.event("CALL_INCOMING");
    await far.do("accept");
    await connected;
    assert.deepEqual([...call.services], []);
    await assert.rejects(call.hold(), { code: "eNotSupported" });
    await assert.rejects(call.hangup(), { code: "eNotSupported" });
    const ended = once(call, "ended");
    await far.do("hangup");
    assert.equal((await ended).cause, "remote");
    desk.key("quit");
    while (phone.desk.state !== "eOutOfService") await once(phone, "desk");
  });

  it("a call that comes in is shown", async (t) => {
    const { desk, far, link } = await start(t);
    await link.ask("monitor");
    await far.do("dial", "2001");
    const { call } = await link.view("2002 ringing");
    assert.equal(call.direction, "incoming");
    desk.key("accept");
    await link.view("2002 connected");
    await far.do("hangup");
    await link.view("2002 ended, normalClearing");
  });

  it("a call that the driver makes is shown once", async (t) => {
    const { desk, far, link, address } = await start(t);
    await link.ask("monitor");
    // So does another gateway, which did not make it.
    const other = await Link.over(t, open, address, LINES);
    await other.ask("monitor");
    // Whom it is made to has a page, too.
    const called = await Link.over(t, open, address, LINES);
    await called.ask("monitor", {}, ["2002", "FAR"]);
    const { call } = await link.ask("makeCall", { to: "2002" });
    await desk.event("CALL_INCOMING");
    await desk.do("accept");
    // The far end sees whose call it is.
    const { peeruri } = await far.event("CALL_INCOMING");
    assert.equal(peeruri, "sip:2001@example.test");
    await called.view("2001 ringing");
    await far.do("accept");
    await link.view("2002 connected");
    await other.view("2002 connected");
    const numbers = other.views.map((view) => view.call.remote.number);
    assert.deepEqual([...new Set(numbers)], ["2002"]);
    // Of a call of the phone's own the server tells behind what it told of this one.
    await link.ask("holdCall", { call });
    await far.do("dial", "2001");
    await link.view("2002 ringing");
    const shown = new Set(link.views.map((view) => view.call?.id));
    assert.equal(shown.size, 2);
    await link.ask("clearConnection", { call });
  });

  it("a phone that is unplugged is out of service, and in it when it is back", async (t) => {
    const { server, desk, link } = await start(t);
    await link.ask("monitor");
    desk.key("quit");
    await link.view('device {"inService":false}');
    const again = await DeskPhone.start(
      { udpPort: server.udpPort, server },
      "2001",
    );
    t.after(() => again.stop());
    await link.view('device {"inService":true}');
  });
});
