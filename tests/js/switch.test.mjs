import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startSwitch } from "graceline/testing";

const PHONES = { 2001: ["SEP01"], 2002: ["SEP02", "SEP03"], 2003: ["SEP04"] };

/** @type {(test: import("node:test").TestContext, phones?: Record<string, string[]>) => Promise<any>} */
async function open(t, phones = PHONES) {
  const sw = await startSwitch({ phones });
  t.after(() => sw.stop());
  return sw;
}

/** States at a phone, as `remote state`. */
const at = (sw, device) =>
  sw.phone(device).calls.map(({ remote, state }) => `${remote} ${state}`);

/** A gateway's end of the link, by hand. */
class Link {
  #count = 0;
  #waiting = new Map();
  /** Views that came in. @type {any[]} */
  views = [];

  static async to(t, sw) {
    const { port } = new URL(sw.url);
    const link = new Link();
    link.socket = connect(Number(port), "127.0.0.1");
    link.closed = once(link.socket, "close");
    t.after(() => link.socket.destroy());
    createInterface({ input: link.socket })
      .on("line", (line) => link.#receive(JSON.parse(line)))
      .on("error", () => {});
    const greeted = new Promise((resolve) => (link.greeted = resolve));
    link.write({ hello: 1 });
    link.hello = await greeted;
    return link;
  }

  write(message) {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** An answer's result, or the name of its error. */
  ask(service, members = {}, [line, device] = ["2001", "SEP01"]) {
    const id = ++this.#count;
    this.write({ id, service, line, device, ...members });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** What came since the last time, a line each. */
  take() {
    return this.views
      .splice(0)
      .map(({ call, device }) =>
        call
          ? [
              `${call.device} ${call.remote.number} ${call.state}`,
              ...(call.cause ? [call.cause] : []),
              ...(call.by ? [`by ${call.by}`] : []),
              ...(call.to ? [`to ${call.to}`] : []),
              ...(call.elsewhere ? [`at ${call.elsewhere}`] : []),
              ...(call.from ? [`from ${call.from.length}`] : []),
              ...(call.parties ? [`with ${call.parties}`] : []),
            ].join(", ")
          : `${device.device} ${JSON.stringify({ ...device, line: undefined, device: undefined })}`,
      );
  }

  #receive(message) {
    if ("hello" in message) return this.greeted(message);
    if (!("id" in message)) return this.views.push(message);
    this.#waiting.get(message.id)(message.error ?? message.result);
  }
}

/** A link that monitors all phones. */
async function monitored(t, sw) {
  const link = await Link.to(t, sw);
  for (const [line, devices] of Object.entries(PHONES))
    for (const device of devices) await link.ask("monitor", {}, [line, device]);
  return link;
}

test("hands: call, answer, hold, resume, hang up", async (t) => {
  const sw = await open(t);
  const [one, three] = [sw.phone("SEP01"), sw.phone("SEP04")];
  one.lift();
  assert.deepEqual(at(sw, "SEP01"), ["undefined initiated"]);
  const id = one.dial("2003");
  assert.deepEqual(at(sw, "SEP01"), ["2003 alerting"]);
  assert.deepEqual(at(sw, "SEP04"), ["2001 ringing"]);
  three.answer();
  one.press("12#");
  assert.equal(three.calls[0].digits, "12#");
  one.hold();
  assert.deepEqual(at(sw, "SEP01"), ["2003 held"]);
  assert.deepEqual(at(sw, "SEP04"), ["2001 connected"]);
  assert.throws(() => one.press("1", id), { error: "invalidConnectionState" });
  one.resume();
  three.hangup();
  assert.deepEqual(
    ["SEP01", "SEP04"].map((device) => at(sw, device)),
    [[], []],
  );
  assert.throws(() => one.hold(id), { error: "invalidConnectionID" });
});

test("views tell each step at both phones", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  assert.ok(link.hello.features.includes("SingleStepTransferCall"));
  const { call } = await link.ask("makeCall", { to: "2003" });
  assert.deepEqual(link.take(), [
    "SEP01 undefined initiated",
    "SEP01 2003 dialling",
    "SEP04 2001 ringing",
    "SEP01 2003 alerting",
  ]);
  sw.phone("SEP04").answer();
  assert.deepEqual(await link.ask("holdCall", { call }), {});
  assert.deepEqual(link.take(), [
    "SEP04 2001 connected",
    "SEP01 2003 connected",
    "SEP01 2003 held",
  ]);
  await link.ask("retrieveCall", { call });
  await link.ask("generateDigits", { call, digits: "9" });
  await link.ask("clearConnection", { call });
  assert.deepEqual(link.take(), [
    "SEP01 2003 connected",
    "SEP01 2003 ended, normalClearing, by local",
    "SEP04 2001 ended, normalClearing",
  ]);
});

test("a line rings on all its devices, and one answers", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  sw.phone("SEP01").dial("2002");
  assert.deepEqual(at(sw, "SEP02"), ["2001 ringing"]);
  assert.deepEqual(at(sw, "SEP03"), ["2001 ringing"]);
  await link.ask("heartbeat");
  link.take();
  const [{ id: call }] = sw.phone("SEP02").calls;
  await link.ask("answerCall", { call }, ["2002", "SEP02"]);
  assert.deepEqual(link.take(), [
    "SEP02 2001 connected",
    "SEP03 2001 ended, callPickup, at SEP02",
    "SEP01 2002 connected",
  ]);
  assert.equal(
    await link.ask("answerCall", { call }, ["2002", "SEP02"]),
    "noCallToAnswer",
  );
});

test("refused by all devices of a line a call is busy, and a caller may give up", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  sw.phone("SEP01").dial("2002");
  sw.phone("SEP02").hangup();
  assert.deepEqual(at(sw, "SEP01"), ["2002 alerting"]);
  sw.phone("SEP03").hangup();
  await link.ask("heartbeat");
  assert.deepEqual(link.take().slice(-2), [
    "SEP01 2002 failed, busy",
    "SEP01 2002 ended, busy",
  ]);
  sw.phone("SEP01").dial("2002");
  sw.phone("SEP01").hangup();
  assert.deepEqual(at(sw, "SEP03"), []);
});

/** 2001 has 2002 on hold and talks to 2003. */
async function consulting(t) {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const first = sw.phone("SEP01").dial("2002");
  sw.phone("SEP02").answer();
  const { call } = await link.ask("consultationCall", {
    call: first,
    to: "2003",
  });
  sw.phone("SEP04").answer();
  await link.ask("heartbeat");
  assert.deepEqual(at(sw, "SEP01"), ["2002 held", "2003 connected"]);
  link.take();
  return { sw, link, pair: { held: first, active: call } };
}

test("consultation: alternate, reconnect", async (t) => {
  const { sw, link, pair } = await consulting(t);
  const { held, active } = pair;
  await link.ask("alternateCall", pair);
  assert.deepEqual(link.take(), [
    "SEP01 2003 held, alternate",
    "SEP01 2002 connected, alternate",
  ]);
  assert.equal(await link.ask("alternateCall", pair), "noHeldCall");
  await link.ask("reconnectCall", { held: active, active: held });
  assert.deepEqual(at(sw, "SEP01"), ["2003 connected"]);
  assert.deepEqual(at(sw, "SEP02"), []);
});

test("consultation: transfer", async (t) => {
  const { sw, link, pair } = await consulting(t);
  await link.ask("transferCall", pair);
  assert.deepEqual(link.take(), [
    "SEP01 2003 ended, transfer, by local, to 2003, from 1",
    "SEP04 2002 connected, transfer",
    "SEP02 2003 connected, transfer, from 1",
  ]);
  assert.deepEqual(at(sw, "SEP02"), ["2003 connected"]);
  sw.phone("SEP04").hangup();
  assert.deepEqual(at(sw, "SEP02"), []);
});

test("consultation: transfer to who still rings", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const held = sw.phone("SEP01").dial("2002");
  sw.phone("SEP02").answer();
  const { call: active } = await link.ask("consultationCall", {
    ...{ call: held, to: "2003" },
  });
  await link.ask("transferCall", { held, active });
  assert.deepEqual(at(sw, "SEP02"), ["2003 alerting"]);
  assert.deepEqual(at(sw, "SEP04"), ["2002 ringing"]);
  sw.phone("SEP04").answer();
  assert.deepEqual(at(sw, "SEP02"), ["2003 connected"]);
});

test("consultation: conference, which ends as a call of two", async (t) => {
  const { sw, link, pair } = await consulting(t);
  assert.deepEqual(await link.ask("conferenceCall", pair), {
    call: pair.active,
  });
  assert.deepEqual(link.take(), [
    "SEP01 2003 connected, conference, from 1, with 2003,2002",
    "SEP04 2001 connected, conference, with 2001,2002",
    "SEP02 2001 connected, conference, from 1, with 2001,2003",
  ]);
  sw.phone("SEP01").hangup();
  assert.deepEqual(at(sw, "SEP02"), ["2003 connected"]);
  assert.equal(sw.phone("SEP02").calls[0].parties, undefined);
});

test("single-step transfer and deflection go where somebody rings", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const call = sw.phone("SEP04").dial("2001");
  await link.ask("heartbeat");
  link.take();
  assert.equal(
    await link.ask("deflectCall", { call, to: "2999" }),
    "invalidDestination",
  );
  await link.ask("deflectCall", { call, to: "2002" });
  assert.deepEqual(link.take(), [
    "SEP01 2003 ended, redirected, by local, to 2002",
    "SEP04 2002 alerting",
    "SEP02 2003 ringing",
    "SEP03 2003 ringing",
  ]);
  sw.phone("SEP02").answer();
  await link.ask("singleStepTransferCall", { call, to: "2001" }, [
    "2002",
    "SEP02",
  ]);
  assert.deepEqual(at(sw, "SEP02"), []);
  assert.deepEqual(at(sw, "SEP04"), ["2001 alerting"]);
  sw.phone("SEP01").answer();
  assert.deepEqual(at(sw, "SEP04"), ["2001 connected"]);
});

test("forwarding, do not disturb and messages are told and obeyed", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const rule = { type: "immediate", active: true, to: "2003" };
  await link.ask("setForwarding", rule, ["2002", "SEP02"]);
  await link.ask("setDoNotDisturb", { on: true });
  sw.phone("SEP01").setMessageWaiting(true);
  await link.ask("heartbeat");
  const views = link.views.splice(0).map(({ device }) => device);
  assert.deepEqual(
    views.map(({ device }) => device),
    ["SEP02", "SEP03", "SEP01", "SEP01"],
  );
  assert.deepEqual(views[1].forwarding, [rule]);
  assert.ok(views[3].doNotDisturb && views[3].messageWaiting);

  sw.phone("SEP01").dial("2002");
  assert.deepEqual(at(sw, "SEP04"), ["2001 ringing"]);
  sw.phone("SEP01").hangup();
  sw.phone("SEP04").dial("2001");
  assert.deepEqual(at(sw, "SEP04"), []);
  await link.ask("heartbeat");
  assert.equal(link.take().at(-1), "SEP04 2001 ended, doNotDisturb");
  const loop = { type: "immediate", active: true, to: "2002" };
  sw.phone("SEP04").setForwarding(loop);
  sw.phone("SEP01").dial("2002");
  await link.ask("heartbeat");
  assert.equal(link.take().at(-1), "SEP01 2002 ended, blocked");
});

test("who does not answer in time is forwarded", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const [rule, to] = [{ type: "noAnswer", active: true }, "2003"];
  sw.phone("SEP02").setForwarding({ ...rule, to, seconds: 0.01 });
  sw.phone("SEP01").dial("2002");
  await new Promise((rings) => sw.phone("SEP04").once("change", rings));
  await link.ask("heartbeat");
  const views = link.take();
  assert.ok(
    views.includes("SEP02 2001 ended, callForwardNoAnswer, to 2003"),
    `${views}`,
  );
  assert.deepEqual(at(sw, "SEP04"), ["2001 ringing"]);
});

test("an unplugged phone is out of its calls, and back without them", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  sw.phone("SEP01").dial("2003");
  sw.phone("SEP04").unplug();
  await link.ask("heartbeat");
  const views = link.take();
  assert.ok(views.includes("SEP01 2003 ended, destOutOfOrder"), `${views}`);
  assert.match(views.at(-1), /^SEP04 .*"inService":false/);
  assert.equal(
    await link.ask("makeCall", { to: "2001" }, ["2003", "SEP04"]),
    "deviceOutOfService",
  );
  sw.phone("SEP04").plug();
  sw.phone("SEP01").dial("2003");
  assert.deepEqual(at(sw, "SEP04"), ["2001 ringing"]);
});

test("what cannot be done is refused by name", async (t) => {
  const sw = await open(t);
  const link = await monitored(t, sw);
  const call = sw.phone("SEP01").dial("2002");
  const refused = {
    makeCall: [{ to: "2003" }, "connectedCallExists"],
    answerCall: [{ call }, "noCallToAnswer"],
    holdCall: [{ call }, "invalidConnectionState"],
    retrieveCall: [{ call: "none" }, "invalidConnectionID"],
    transferCall: [{ held: call, active: call }, "noHeldCall"],
    deflectCall: [{ call, to: 5 }, "valueOutOfRange"],
    setDoNotDisturb: [{ on: "yes" }, "valueOutOfRange"],
    setForwarding: [
      { type: "busy", active: true, to: "2999" },
      "invalidForwardingDestination",
    ],
    constructor: [{}, "serviceNotSupported"],
  };
  for (const [service, [members, error]] of Object.entries(refused))
    assert.equal(await link.ask(service, members), error, service);
  sw.phone("SEP01").hangup();
  assert.equal(
    await link.ask("makeCall", { to: "2999" }),
    "invalidCalledDeviceID",
  );
  assert.equal(
    await link.ask("monitor", {}, ["2001", "SEP02"]),
    "invalidDeviceID",
  );
});

test("several gateways see the same, and only what they monitor", async (t) => {
  const sw = await open(t);
  const [one, other] = [await Link.to(t, sw), await Link.to(t, sw)];
  await one.ask("monitor");
  await other.ask("monitor", {}, ["2003", "SEP04"]);
  assert.equal(sw.gateways, 2);
  const id = sw.phone("SEP01").dial("2003");
  await Promise.all([one, other].map((link) => link.ask("heartbeat")));
  assert.equal(one.take().at(-1), "SEP01 2003 alerting");
  assert.deepEqual(other.take(), ["SEP04 2001 ringing"]);
  await one.ask("unmonitor");
  sw.phone("SEP04").answer();
  await one.ask("heartbeat");
  assert.deepEqual(one.take(), []);
  const { device, calls } = await one.ask("monitor");
  assert.ok(device.inService);
  assert.deepEqual(
    calls.map((call) => [call.id, call.state]),
    [[id, "connected"]],
  );
});

test("its port can be taken again, and calls outlive the link", async (t) => {
  const sw = await startSwitch({ phones: PHONES });
  const link = await Link.to(t, sw);
  sw.phone("SEP01").dial("2003");
  sw.disconnect();
  await link.closed;
  assert.deepEqual(at(sw, "SEP04"), ["2001 ringing"]);
  await sw.stop();
  await sw.stop();
  const port = Number(new URL(sw.url).port);
  const again = await startSwitch({ port, phones: PHONES });
  t.after(() => again.stop());
  assert.equal(again.url, sw.url);
  await Link.to(t, again);
});

test("nonsense on the link ends that connection alone", async (t) => {
  const sw = await open(t);
  const steady = await Link.to(t, sw);
  for (const nonsense of [
    "GET / HTTP/1.1\r\n\r\n",
    "[]\n",
    "x".repeat(70000),
  ]) {
    const link = await Link.to(t, sw);
    link.socket.on("error", () => {});
    link.socket.write(nonsense);
    await link.closed;
  }
  assert.deepEqual(await steady.ask("heartbeat"), {});
});

test("options that make no switch are refused", async () => {
  for (const phones of [undefined, {}, { 2001: [] }])
    await assert.rejects(startSwitch({ phones }), {
      code: "eInvalidArgument",
    });
});
