// The driver sip: with the test registrar and phones in Node: who hears whom.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startGateway } from "graceline/gateway";
import { open } from "../../server/gateway/drivers/sip.js";
import { CtiClient, connection, inside } from "./support/cti-client.js";
import {
  PASSWORD,
  start,
  talk,
  consult,
  hearing,
  silent,
  over,
} from "./support/third-party.js";

describe("calls that the driver makes", () => {
  test("what it greets with, and how things are", async (t) => {
    const { link } = await start(t);
    const { hello, features } = await link.greeted;
    assert.equal(hello, 1);
    assert.ok(
      features.includes("MakeCall") && !features.includes("AnswerCall"),
    );
    assert.deepEqual(await link.ask("heartbeat", {}, []), {});
    assert.deepEqual(await link.ask("monitor"), {
      device: { line: "2001", device: "SEP01", inService: true },
      calls: [],
    });
    assert.equal(
      await link.ask("monitor", {}, ["2002", "SEP02"]),
      "invalidDeviceID",
    );
    assert.equal(
      await link.ask("monitor", {}, ["toString", "SEP02"]),
      "invalidDeviceID",
    );
    assert.equal(
      await link.ask("answerCall", { call: "1" }),
      "serviceNotSupported",
    );
  });

  for (const from of ["line", "account"])
    test(`for whom a far end is called is said to it, and to the desk phone not: From of the ${from}`, async (t) => {
      // One that passes on what clients say of themselves.
      const server = { policy: "normal", dialect: "kamailio" };
      const all = await start(t, { registrar: server, from });
      const said = ({ headers }) =>
        headers
          .filter(([name]) => name === "P-Preferred-Identity")
          .map(([, value]) => value);
      const { call, own, far } = await talk(all);
      assert.deepEqual(said(own), []);
      assert.equal(own.remote.uri, "sip:controller@example.test");
      assert.deepEqual(said(far), ["<sip:2001@example.test>"]);
      const caller = from === "line" ? "2001" : "controller";
      assert.equal(far.remote.uri, `sip:${caller}@example.test`);
      const third = all.phones["2003"].ring();
      await all.link.ask("singleStepTransferCall", { call, to: "2003" });
      assert.deepEqual(said(await third), ["<sip:2001@example.test>"]);
    });

  test("the desk phone first, then the far end, and both talk", async (t) => {
    const all = await start(t, { headers: { "Answer-Mode": "Auto" } });
    const { link, desk, phones } = all;
    const [atDesk, atFar] = [desk.ring(), phones["2002"].ring()];
    const { call } = await link.ask("makeCall", { to: "2002" });
    const own = await atDesk;
    assert.ok(
      !own.headers.some(([name]) => name === "Content-Type"),
      "no offer",
    );
    assert.ok(own.headers.some(([name]) => name === "Answer-Mode"));
    assert.deepEqual(link.states(call), ["initiated"]);
    await own.answer();
    const far = await atFar;
    await link.until(call, "alerting");
    await silent(desk, phones["2002"]);
    await far.answer();
    await link.until(call, "connected");
    await hearing(desk, phones["2002"]);
    assert.deepEqual(link.states(call), [
      "initiated",
      "dialling",
      "alerting",
      "connected",
    ]);
    const { calls } = await link.ask("monitor");
    assert.deepEqual(calls, [
      {
        line: "2001",
        device: "SEP01",
        id: call,
        state: "connected",
        direction: "outgoing",
        remote: { number: "2002" },
      },
    ]);
    assert.equal(
      await link.ask("makeCall", { to: "2003" }),
      "connectedCallExists",
    );

    await link.ask("clearConnection", { call });
    const { by, cause } = await link.until(call, "ended");
    assert.deepEqual([by, cause], ["local", "normalClearing"]);
    await Promise.all([over(own), over(far)]);
    assert.equal(
      await link.ask("clearConnection", { call }),
      "invalidConnectionID",
    );
  });

  test("hold, and back", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const { call } = await talk(all);
    assert.deepEqual(await link.ask("holdCall", { call }), {});
    await silent(desk, phones["2002"]);
    assert.equal(
      await link.ask("holdCall", { call }),
      "invalidConnectionState",
    );
    assert.deepEqual(await link.ask("retrieveCall", { call }), {});
    await hearing(desk, phones["2002"]);
    assert.deepEqual(link.states(call).slice(-2), ["held", "connected"]);
  });

  test("a consultation, to and fro, and the transfer", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const { call: first, own } = await talk(all);
    const { second } = await consult(all, first);
    await hearing(desk, phones["2003"]);
    await silent(phones["2002"]);
    assert.equal(desk.calls.length, 1, "one call at the phone");
    await link.ask("alternateCall", { held: first, active: second });
    await hearing(desk, phones["2002"]);
    await silent(phones["2003"]);
    await link.ask("alternateCall", { held: second, active: first });
    await hearing(desk, phones["2003"]);
    assert.equal(
      await link.ask("transferCall", { held: second, active: first }),
      "noHeldCall",
    );
    assert.deepEqual(
      await link.ask("transferCall", { held: first, active: second }),
      {},
    );
    const { from, to, cause, by } = await link.until(second, "ended");
    assert.deepEqual(
      [from, to, cause, by],
      [[first], "2003", "transfer", "local"],
    );
    await hearing(phones["2002"], phones["2003"]);
    await over(own);
    assert.deepEqual((await link.ask("monitor")).calls, []);
    // One of them hangs up.
    const [left] = phones["2003"].calls;
    await phones["2002"].calls[0].hangup();
    await over(left);
  });

  test("the consultation is given up for whoever waits", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const { call: first } = await talk(all);
    const atThird = phones["2003"].ring();
    const { call: second } = await link.ask("consultationCall", {
      call: first,
      to: "2003",
    });
    const third = await atThird;
    assert.deepEqual(
      await link.ask("reconnectCall", { held: first, active: second }),
      {},
    );
    await over(third);
    await hearing(desk, phones["2002"]);
  });

  test("the far end is sent elsewhere", async (t) => {
    const all = await start(t);
    const { link, phones } = all;
    const { call, own } = await talk(all);
    const atThird = phones["2003"].ring();
    await link.ask("singleStepTransferCall", { call, to: "2003" });
    const { to, cause } = await link.until(call, "ended");
    assert.deepEqual([to, cause], ["2003", "singleStepTransfer"]);
    await over(own);
    const third = await atThird;
    await third.answer();
    await hearing(phones["2002"], phones["2003"]);
  });
});

describe("what the phones do", () => {
  test("the far end is busy", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const [atDesk, atFar] = [desk.ring(), phones["2002"].ring()];
    const { call } = await link.ask("makeCall", { to: "2002" });
    await (await atDesk).answer();
    await (await atFar).reject(486);
    const { cause, by } = await link.until(call, "ended");
    assert.deepEqual([cause, by], ["busy", undefined]);
    await over(await atDesk);
  });

  test("the desk phone is not lifted: nobody is called", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const atDesk = desk.ring();
    const { call } = await link.ask("makeCall", { to: "2002" });
    await (await atDesk).reject(480);
    const { cause, by } = await link.until(call, "ended");
    assert.deepEqual([cause, by], ["destOutOfOrder", "local"]);
    assert.deepEqual(phones["2002"].calls, []);
    // The next attempt calls it anew.
    await talk(all);
  });

  test("the desk phone hangs up: the call ends, one on hold stays and can be retrieved", async (t) => {
    const all = await start(t);
    const { link, desk, phones } = all;
    const { call: first } = await talk(all);
    const { second, third } = await consult(all, first);
    await desk.calls[0].hangup();
    const { by } = await link.until(second, "ended");
    assert.equal(by, "local");
    await over(third);
    assert.equal((await link.ask("monitor")).calls[0].state, "held");
    const again = desk.ring();
    const retrieved = link.ask("retrieveCall", { call: first });
    await (await again).answer();
    assert.deepEqual(await retrieved, {});
    await hearing(desk, phones["2002"]);
  });

  test("the far end hangs up: the desk phone is put on the hook", async (t) => {
    const all = await start(t);
    const { call, far, own } = await talk(all);
    await far.hangup();
    const { cause, by } = await all.link.until(call, "ended");
    assert.deepEqual([cause, by], ["normalClearing", undefined]);
    await over(own);
  });

  test("a phone holds by a key of its own: the other one is asked", async (t) => {
    const all = await start(t);
    const { desk, phones } = all;
    const { own } = await talk(all);
    await own.hold();
    await silent(desk);
    assert.deepEqual(phones["2002"].calls[0].state, "held");
    await own.resume();
    await hearing(desk, phones["2002"]);
  });
});

describe("what the desk phone does by itself", () => {
  test("a call that it makes, and one that it takes", async (t) => {
    const { link, desk, phones } = await start(t);
    const rings = phones["2002"].ring();
    const made = desk.phone.call("2002");
    const { id, remote, can } = await link.until(undefined, "dialling");
    assert.deepEqual([remote, can], [{ number: "2002" }, []]);
    await (await rings).answer();
    await link.until(id, "connected");
    assert.equal(
      await link.ask("makeCall", { to: "2003" }),
      "connectedCallExists",
    );
    await made.hangup();
    await link.until(id, "ended");

    const taken = desk.ring();
    phones["2003"].phone.call("2001");
    const own = await taken;
    const second = await link.until(undefined, "ringing");
    assert.deepEqual(
      [second.direction, second.remote],
      ["incoming", { number: "2003" }],
    );
    await own.answer();
    await link.until(second.id, "connected");
    assert.deepEqual((await link.ask("monitor")).calls.length, 1);
  });

  test("a call that the driver makes is not shown as one of these", async (t) => {
    const all = await start(t);
    const { call } = await talk(all);
    await all.link.ask("holdCall", { call });
    // What comes after it is told after it.
    const taken = all.desk.ring();
    all.phones["2003"].phone.call("2001");
    await taken;
    await all.link.until(undefined, "ringing");
    const ids = new Set(all.link.views.map(({ id }) => id));
    assert.equal(ids.size, 2);
  });

  test("it logs out, and in again", async (t) => {
    const { link, desk } = await start(t);
    await desk.phone.unregisterPhone();
    await link.inService(false);
    await desk.phone.registerPhone();
    await link.inService(true);
  });
});

describe("bad input", () => {
  test("numbers that are none", async (t) => {
    const { link } = await start(t);
    assert.equal(await link.ask("makeCall", { to: 7 }), "valueOutOfRange");
    for (const to of [
      "",
      "2002\r\nX: 1",
      "2002;x=1",
      "<sip:2002@x>",
      "2".repeat(400),
    ])
      assert.equal(await link.ask("makeCall", { to }), "invalidCalledDeviceID");
    assert.equal(
      await link.ask("holdCall", { call: {} }),
      "invalidConnectionID",
    );
  });

  test("an address that leads nowhere, and a wrong password: the reason tells no secret", async (t) => {
    const { registrar } = await start(t);
    const reason = (address) =>
      new Promise((closed) =>
        open(new URL(address), { lines: {}, receive() {}, closed }),
      );
    for (const address of [
      "sip:cti:topsecret@example.test",
      `sip:example.test?server=${registrar.url}`,
      `sip:cti:topsecret@example.test?server=${registrar.url}&from=me`,
      "sip:cti:topsecret@example.test?server=http://127.0.0.1",
      "sip:cti:top%ZZsecret@example.test?server=ws://127.0.0.1:1/",
      `sip:cti:topsecret@example.test?server=${registrar.url}`,
    ]) {
      const said = await reason(address);
      assert.match(said, /\w/, address);
      assert.doesNotMatch(said, /secret/, address);
    }
  });
});

test("a page drives the phone through the gateway, which shows no password", async (t) => {
  const { registrar, desk, phones } = await start(t);
  const log = [];
  const url = `sip:controller:${encodeURIComponent(PASSWORD)}@example.test?server=${registrar.url}`;
  const gateway = await startGateway({
    login: {
      connections: registrar.url,
      user: "cti",
      domain: "example.test",
      password: PASSWORD,
    },
    connections: [url],
    lines: { 2001: [{ device: "SEP01" }] },
    may: { page: ["2001"] },
    log: (entry) => log.push(entry),
  });
  t.after(() => gateway.stop());
  while (gateway.connections[0].state !== "up")
    await new Promise((resolve) => gateway.once("connections", resolve));
  assert.equal(gateway.connections[0].url, "sip:example.test");

  const client = await CtiClient.connect(t, registrar, "page");
  await client.control("tel:2001");
  const [atDesk, atFar] = [desk.ring(), phones["2002"].ring()];
  const made = await client.ask(
    "MakeCall",
    "<callingDevice>tel:2001</callingDevice><calledDirectoryNumber>tel:2002</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>",
  );
  await (await atDesk).answer();
  await client.until("DeliveredEvent");
  await (await atFar).answer();
  await client.until("EstablishedEvent");
  await hearing(desk, phones["2002"]);
  await client.ask(
    "ClearConnection",
    connection("connectionToBeCleared", inside(made, "callID")),
  );
  await over(await atFar);
  assert.doesNotMatch(JSON.stringify(log), /cret/);
});
