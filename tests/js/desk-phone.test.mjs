// A page that drives a desk phone: the real phone, the test registrar, the gateway and a
// switch with desk phones. Every verb, what hands at the phone do, and what is lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Phone } from "graceline";
import { startGateway } from "graceline/gateway";
import { startRegistrar, startSwitch } from "graceline/testing";
import { WebSocket } from "ws";

const DOMAIN = "example.test";
const PHONES = { 2001: ["SEP01"], 2002: ["SEP02", "SEP03"], 2003: ["SEP04"] };
const password = "secret";
const USERS = Object.fromEntries(
  ["cti", ...Object.keys(PHONES)].map((user) => [user, { password }]),
);
const LINES = Object.fromEntries(
  Object.entries(PHONES).map(([line, devices]) => [
    line,
    devices.map((device) => ({ device, description: `desk ${device}` })),
  ]),
);
const DESK = { mode: "DeskPhone" };

/** Resolves when it is so; asked again after each of these events. */
function until(is, emitter, ...events) {
  return new Promise((resolve) => {
    const look = () => {
      if (!is()) return;
      for (const name of events) emitter.off(name, look);
      resolve(undefined);
    };
    for (const name of events) emitter.on(name, look);
    look();
  });
}

const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/** When the call is in that state. */
const becomes = (call, state) =>
  until(() => call.state === state, call, "state");

/** When the phone's status is that. */
const reaches = (phone, status) =>
  until(() => phone.status === status, phone, "status");

async function start(t, more) {
  const registrar = await startRegistrar({ users: USERS, domain: DOMAIN });
  t.after(() => registrar.stop());
  const sw = await startSwitch({ phones: PHONES });
  t.after(() => sw.stop());
  const openGateway = async () => {
    const gateway = await startGateway({
      login: {
        connections: registrar.url,
        user: "cti",
        domain: DOMAIN,
        password,
      },
      connections: [sw.url],
      lines: LINES,
      log: () => {},
      ...more,
    });
    t.after(() => gateway.stop());
    const up = () => gateway.connections.every(({ state }) => state === "up");
    await until(up, gateway, "connections");
    return gateway;
  };
  const gateway = await openGateway();
  const make = (options) => {
    const phone = new Phone({
      connections: registrar.url,
      user: "2001",
      domain: DOMAIN,
      password,
      device: "CSF2001",
      remoteControl: { gateway: `sip:cti@${DOMAIN}` },
      WebSocket,
      storage: null,
      ...options,
    });
    t.after(() => phone.close());
    return phone;
  };
  return { registrar, sw, gateway, openGateway, make };
}

/** A phone that drives SEP01, and a call of it with SEP04 that was answered. */
async function talking(t) {
  const all = await start(t);
  const phone = all.make();
  await phone.registerPhone(DESK);
  const call = phone.call("2003");
  await becomes(call, "ringing");
  all.sw.phone("SEP04").answer();
  await becomes(call, "connected");
  return { ...all, phone, call };
}

const states = (sw, device) => sw.phone(device).calls.map(({ state }) => state);

describe("a page drives a desk phone", () => {
  test("logs in without a registration, makes a call and ends it", async (t) => {
    const { registrar, sw, gateway, make } = await start(t);
    const phone = make();
    const registration = await phone.registerPhone(DESK);
    assert.deepEqual(
      [registration.mode, registration.line, registration.device],
      ["DeskPhone", "2001", "SEP01"],
    );
    assert.equal(registration.connection, registrar.url);
    assert.deepEqual(registrar.bindings("2001"), []);
    assert.equal(gateway.connections[0].sessions, 1);
    assert.equal(phone.desk.state, "eInService");
    const call = phone.call("2003");
    await becomes(call, "ringing");
    assert.deepEqual(states(sw, "SEP04"), ["ringing"]);
    sw.phone("SEP04").answer();
    await becomes(call, "connected");
    await call.hold();
    await becomes(call, "held");
    assert.deepEqual(states(sw, "SEP01"), ["held"]);
    await call.resume();
    await becomes(call, "connected");
    await call.sendDtmf("12#");
    const ended = next(call, "ended");
    await call.hangup();
    assert.equal((await ended).cause, "local");
    assert.deepEqual(states(sw, "SEP04"), []);
    await phone.unregisterPhone();
    assert.equal(phone.status, "eIdle");
    // The gateway answers the BYE after that.
    const isOver = () => gateway.connections[0].sessions === 0;
    await until(isOver, registrar, "trace");
  });

  test("answers, rejects and deflects what rings", async (t) => {
    const { sw, make } = await start(t);
    const phone = make();
    await phone.registerPhone(DESK);
    const far = sw.phone("SEP04");

    let incoming = next(phone, "incoming");
    far.dial("2001");
    let { call } = await incoming;
    assert.deepEqual(
      [call.state, call.remote.uri, call.direction],
      ["incoming", "tel:2003", "incoming"],
    );
    await call.answer();
    await becomes(call, "connected");
    let ended = next(call, "ended");
    far.hangup();
    assert.equal((await ended).cause, "remote");

    incoming = next(phone, "incoming");
    far.dial("2001");
    ({ call } = await incoming);
    ended = next(call, "ended");
    await call.reject();
    assert.equal((await ended).cause, "local");
    assert.deepEqual(far.calls, []);

    incoming = next(phone, "incoming");
    far.dial("2001");
    ({ call } = await incoming);
    ended = next(call, "ended");
    await call.deflect("2002");
    await ended;
    assert.deepEqual(states(sw, "SEP02"), ["ringing"]);
  });

  test("shows what hands do at the phone", async (t) => {
    const { sw, make } = await start(t);
    const phone = make();
    await phone.registerPhone(DESK);
    const desk = sw.phone("SEP01");
    const appeared = next(phone, "call");
    desk.lift();
    desk.dial("2003");
    const { call } = await appeared;
    assert.equal(call.direction, "outgoing");
    await becomes(call, "ringing");
    sw.phone("SEP04").answer();
    await becomes(call, "connected");
    desk.hold();
    await becomes(call, "held");
    desk.resume();
    await becomes(call, "connected");
    const ended = next(call, "ended");
    desk.hangup();
    assert.equal((await ended).cause, "local");
  });

  test("finds the calls that are there", async (t) => {
    const { sw, make } = await start(t);
    const phone = make();
    const desk = sw.phone("SEP01");
    desk.dial("2003");
    sw.phone("SEP04").answer();
    desk.hold();
    const appeared = next(phone, "call");
    await phone.registerPhone(DESK);
    const { call } = await appeared;
    assert.deepEqual(phone.calls, [call]);
    assert.deepEqual([call.state, call.remote.uri], ["held", "tel:2003"]);
  });

  test("transfers: blind, and to another call", async (t) => {
    const { sw, phone, call } = await talking(t);
    let ended = next(call, "ended");
    await call.transfer("2002");
    await ended;
    assert.deepEqual(states(sw, "SEP01"), []);
    assert.deepEqual(states(sw, "SEP02"), ["ringing"]);
    sw.phone("SEP02").answer();
    sw.phone("SEP04").hangup();

    const first = phone.call("2003");
    await becomes(first, "ringing");
    sw.phone("SEP04").answer();
    await becomes(first, "connected");
    const second = phone.call("2002");
    await becomes(first, "held");
    await becomes(second, "ringing");
    sw.phone("SEP02").answer();
    await becomes(second, "connected");
    ended = Promise.all([next(first, "ended"), next(second, "ended")]);
    await first.transfer(second);
    assert.deepEqual(
      (await ended).map(({ cause }) => cause),
      ["local", "local"],
    );
    assert.deepEqual(states(sw, "SEP01"), []);
    assert.deepEqual(states(sw, "SEP04"), ["connected"]);
  });

  test("alternates between two calls, and joins them", async (t) => {
    const { sw, phone, call: first } = await talking(t);
    const second = phone.call("2002");
    await becomes(second, "ringing");
    sw.phone("SEP02").answer();
    await becomes(second, "connected");
    await first.resume();
    await Promise.all([becomes(first, "connected"), becomes(second, "held")]);
    const ended = next(second, "ended");
    await first.conference(second);
    assert.equal((await ended).reason, "joined the conference");
    assert.deepEqual(phone.calls, [first]);
    assert.equal(first.state, "connected");
    await until(() => first.parties.length === 2, first, "remote");
    assert.deepEqual(states(sw, "SEP01"), ["connected"]);
  });

  test("sets do-not-disturb and forwarding, and sees both set by hand", async (t) => {
    const { sw, make } = await start(t);
    const phone = make();
    await phone.registerPhone(DESK);
    const { desk } = phone;
    await until(() => desk.doNotDisturb === false, phone, "desk");
    await desk.setDoNotDisturb(true);
    await until(() => desk.doNotDisturb === true, phone, "desk");
    const caller = sw.phone("SEP04");
    caller.dial("2001");
    assert.deepEqual([phone.calls, caller.calls], [[], []]);
    await desk.setDoNotDisturb(false);
    await desk.setForwarding({ type: "immediate", active: true, to: "2002" });
    await until(
      () => desk.forwarding?.some(({ active }) => active),
      phone,
      "desk",
    );
    caller.dial("2001");
    assert.deepEqual(states(sw, "SEP02"), ["ringing"]);
  });
});

describe("a line on several phones", () => {
  test("asks which, lists them, and goes to the one that is chosen", async (t) => {
    const { make } = await start(t);
    const phone = make({ user: "2002", device: "CSF2002" });
    await assert.rejects(phone.registerPhone(DESK), (error) => {
      assert.equal(error.code, "eDeviceNotChosen");
      assert.deepEqual(
        error.details.appearances.map(({ device }) => device),
        ["SEP02", "SEP03"],
      );
      return true;
    });
    assert.equal(phone.status, "eIdle");
    const appearances = await phone.lineAppearances();
    assert.deepEqual(
      appearances.map(({ line, device, description, inService, selected }) => ({
        line,
        device,
        description,
        inService,
        selected,
      })),
      ["SEP02", "SEP03"].map((device) => ({
        line: "2002",
        device,
        description: `desk ${device}`,
        inService: true,
        selected: false,
      })),
    );
    const { device } = await phone.registerPhone({ ...DESK, device: "SEP03" });
    assert.equal(device, "SEP03");
    await phone.switchMode("DeskPhone", { device: "SEP02" });
    assert.equal(phone.desk.device, "SEP02");
  });

  test("answered at the other one is answered elsewhere", async (t) => {
    const { sw, make } = await start(t);
    const phone = make({ user: "2002", device: "CSF2002" });
    await phone.registerPhone({ ...DESK, device: "SEP02" });
    const incoming = next(phone, "incoming");
    sw.phone("SEP04").dial("2002");
    const { call } = await incoming;
    const ended = next(call, "ended");
    sw.phone("SEP03").answer();
    assert.equal((await ended).cause, "answeredElsewhere");
  });

  test("another user's line is refused, and one that there is not", async (t) => {
    const { make } = await start(t);
    for (const line of ["2003", "2999"]) {
      const phone = make();
      await assert.rejects(phone.registerPhone({ ...DESK, line }), {
        code: "eServerRejected",
      });
    }
  });
});

describe("both modes", () => {
  test("the softphone's binding goes when the desk phone is reached, and comes back", async (t) => {
    const { registrar, make } = await start(t);
    const phone = make();
    await phone.registerPhone();
    assert.equal(registrar.bindings("2001").length, 1);
    await phone.switchMode("DeskPhone");
    assert.equal(phone.mode, "DeskPhone");
    while (registrar.bindings("2001").length) await next(registrar, "bindings");
    await phone.switchMode("SoftPhone");
    assert.deepEqual([phone.mode, phone.status], ["SoftPhone", "eReady"]);
    assert.equal(registrar.bindings("2001").length, 1);
  });

  test("a switch that is refused leaves the softphone as it was", async (t) => {
    const { registrar, make } = await start(t);
    const phone = make();
    await phone.registerPhone();
    const before = phone.registration;
    await assert.rejects(phone.switchMode("DeskPhone", { line: "2003" }), {
      code: "eServerRejected",
    });
    assert.deepEqual([phone.mode, phone.registration], ["SoftPhone", before]);
    assert.equal(registrar.bindings("2001").length, 1);
  });
});

describe("what is lost comes back", () => {
  test("the switch: calls are refused meanwhile, and go on after it", async (t) => {
    const { sw, phone, call } = await talking(t);
    const [, port] = /:(\d+)/.exec(sw.url.replace("switch://", ""));
    await sw.stop();
    await reaches(phone, "eRecoveryPending");
    assert.equal(phone.desk.state, "eOutOfService");
    const failed = phone.call("2002");
    const error = next(failed, "error");
    assert.equal((await error).code, "eOutOfService");
    await assert.rejects(call.hold(), { code: "eOutOfService" });
    const again = await startSwitch({ phones: PHONES, port: Number(port) });
    t.after(() => again.stop());
    await reaches(phone, "eReady");
    assert.equal(phone.desk.state, "eInService");
    // A switch that starts anew has no calls.
    assert.equal(call.state, "ended");
    await becomes(phone.call("2003"), "ringing");
  });

  test("the gateway: a new one serves the phone, and its calls go on", async (t) => {
    const { gateway, openGateway, phone, call } = await talking(t);
    await gateway.stop();
    await reaches(phone, "eRecoveryPending");
    assert.equal(call.state, "connected");
    await openGateway();
    await reaches(phone, "eReady");
    assert.deepEqual(phone.calls, [call]);
    await call.hold();
    await becomes(call, "held");
  });

  test("the phone itself: unplugged, and plugged in again", async (t) => {
    const { sw, make } = await start(t);
    const phone = make();
    await phone.registerPhone(DESK);
    const desk = sw.phone("SEP01");
    desk.unplug();
    await until(() => phone.desk.state === "eOutOfService", phone, "desk");
    assert.equal(phone.status, "eReady");
    desk.plug();
    await until(() => phone.desk.state === "eInService", phone, "desk");
  });
});
