// DeskPhone mode, at a gateway behind a fake core: how it is reached, kept and left.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Phone } from "graceline";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  refused,
  status,
  turn,
} from "./support/fake-core.js";
import { useFakeGateway } from "./support/fake-gateway.js";

beforeEach(() => useFakeGateway());

/** Makes the gateway answer INVITEs so, before it accepts one. */
const refuse = (...refusals) =>
  useFakeGateway((gateway) => gateway.refusals.push(...refusals));

const remoteControl = { gateway: "sip:cti@example.com" };
const DESK = { mode: "DeskPhone" };

/** Waits for an event of that name. */
const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/** A storage that outlives phones. */
function memory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    kept,
  };
}

/** A phone whose core is there, and what it tells in order. */
async function make(more) {
  const phone = new Phone({ ...options, remoteControl, ...more });
  const story = [];
  phone.on("status", ({ status, ready, registration }) => {
    assert.equal(ready, status === "eReady");
    assert.equal(!!registration, ready);
    story.push(status);
  });
  return { phone, story };
}

/** What there is of the last phone's core. */
const world = () => {
  const core = FakeCore.made.at(-1);
  return { core, gateway: core.gateway };
};

/** In SoftPhone mode, registered. */
async function registered(more) {
  const all = await make(more);
  const login = all.phone.registerPhone();
  await turn();
  FakeSocket.current.say(...granted(1));
  await login;
  all.story.length = 0;
  return { ...all, ...world() };
}

/** In DeskPhone mode. */
async function controlling(more) {
  const all = await make(more);
  await all.phone.registerPhone(DESK);
  all.story.length = 0;
  const { core, gateway } = world();
  gateway.heard();
  return { ...all, core, gateway };
}

const appearance = (device, more = "") =>
  `<sip:cti@example.com>;line="2001";device="${device}"${more}`;

describe("a login in DeskPhone mode", () => {
  test("is a session with the gateway, and no registration", async () => {
    const { phone, story } = await make();
    assert.deepEqual([phone.mode, phone.desk], ["SoftPhone", null]);
    const desks = [];
    phone.on("desk", (desk) => desks.push(desk));
    const registration = await phone.registerPhone(DESK);
    const { core, gateway } = world();
    assert.deepEqual(story, ["eRegistering", "eReady"]);
    assert.equal(phone.mode, "DeskPhone");
    assert.equal(registration, phone.registration);
    const { user, line, device, mode, forceRegistration, expires } =
      registration;
    assert.deepEqual(
      { user, line, device, mode, forceRegistration, expires },
      {
        expires: 150,
        user: "2001",
        line: "2001",
        device: "SEP01",
        mode: "DeskPhone",
        forceRegistration: false,
      },
    );
    assert.deepEqual(core.given("register"), []);
    assert.deepEqual(core.given("unbind"), []);
    const [[session, target, type, body, disposition, more]] =
      core.given("openSession");
    assert.equal(session % 2, 1);
    assert.equal(target, "sip:cti@example.com");
    assert.equal(type, "application/csta+xml");
    assert.equal(disposition, "signal;handling=required");
    assert.deepEqual(more.extraHeaders, []);
    assert.match(body, />tel:2001;phone-context=dialstring</);
    for (const [, within, type, , disposition] of core.given("sessionInfo")) {
      assert.equal(within, session);
      assert.equal(type, "application/csta+xml");
      assert.equal(disposition, "signal;handling=required");
    }
    assert.deepEqual(gateway.heard(), [
      "RequestSystemStatus",
      "GetCSTAFeatures",
      "MonitorStart",
      "SnapshotDevice",
      "GetForwarding",
      "GetDoNotDisturb",
      "GetMessageWaitingIndicator",
    ]);
    const { desk } = phone;
    assert.deepEqual(
      [desk.line, desk.device, desk.state],
      ["2001", "SEP01", "eInService"],
    );
    assert.ok(desk.features.has("MakeCall"));
    assert.deepEqual(
      [desk.doNotDisturb, desk.messageWaiting, desk.forwarding],
      [false, false, []],
    );
    const inService = { state: "eInService", line: "2001", device: "SEP01" };
    assert.deepEqual(desks[0], { ...inService, reason: undefined });
    assert.equal(await phone.registerPhone(), registration);
    assert.equal(await phone.registerPhone(DESK), registration);
    await phone.close();
  });

  test("names line and device as they are given", async () => {
    const rows = [
      [{}, { line: "+39061" }, "tel:+39061"],
      [{}, { line: "tel:5101;phone-context=x" }, "tel:5101;phone-context=x"],
      [{}, { line: "sip:bob@example.net" }, "sip:bob@example.net"],
      [{}, { line: "bob" }, "sip:bob@example.com"],
      [
        { line: "5101", device: "SEP01" },
        {},
        "tel:5101;phone-context=dialstring;device=SEP01",
      ],
      [
        { line: "5101", device: "SEP01" },
        { device: "SEP;2" },
        "tel:5101;phone-context=dialstring;device=SEP%3B2",
      ],
      [
        { line: "5101", device: "SEP01" },
        { line: "5102" },
        "tel:5102;phone-context=dialstring",
      ],
    ];
    for (const [usual, given, uri] of rows) {
      useFakeGateway();
      const { phone } = await make({
        remoteControl: { ...remoteControl, ...usual },
      });
      await phone.registerPhone({ ...DESK, ...given });
      const body = world().gateway.body("RequestSystemStatus");
      assert.ok(body.includes(`>${uri}<`), `${uri}: ${body}`);
      await phone.close();
    }
  });

  test("by force says so to the gateway", async () => {
    const { phone } = await make();
    const force = { ...DESK, forceRegistration: true };
    const { forceRegistration } = await phone.registerPhone(force);
    assert.equal(forceRegistration, true);
    const [[, , , , , more]] = world().core.given("openSession");
    assert.deepEqual(more.extraHeaders, [["X-Graceline", "force"]]);
    await phone.close();
  });

  test("without a gateway is refused", async () => {
    const { phone, story } = await make({ remoteControl: undefined });
    const error = { code: "eInvalidArgument", message: /remoteControl/ };
    await assert.rejects(phone.registerPhone(DESK), error);
    await assert.rejects(phone.lineAppearances(), error);
    assert.deepEqual(story, ["eRegistering", "eIdle"]);
    for (const bad of ["sip:cti@x", {}, { gateway: "cti" }, null])
      assert.throws(() => new Phone({ ...options, remoteControl: bad }), {
        code: "eInvalidArgument",
        details: { option: "remoteControl" },
      });
  });

  test("is told why it came to nothing, and leaves nothing behind", async () => {
    const rows = [
      [{ status: 403, reason: "Forbidden" }, "eServerRejected", 403],
      [{ status: 404, reason: "Not Found" }, "eServerRejected", 404],
      [{ status: 480 }, "eOutOfService", 480],
      [{ status: 503, retryAfter: 31 }, "eOutOfService", 503],
      [{ status: 401, at: "credentialsRefused" }, "eCredentialsRejected", 401],
    ];
    for (const [refusal, code, number] of rows) {
      refuse(refusal);
      const { phone, story } = await make();
      const login = phone.registerPhone(DESK);
      await assert.rejects(login, (error) => {
        assert.equal(error.code, code, error.message);
        assert.equal(error.status, number);
        return true;
      });
      assert.deepEqual(story, ["eRegistering", "eIdle"]);
      assert.deepEqual([phone.mode, phone.desk], ["SoftPhone", null]);
      assert.equal(world().core.given("unregister").length, 1);
      await phone.close();
    }
  });

  test("where there is no flow fails as any login does", async () => {
    useFakeGateway((_, core) => {
      core.replies.control = (attempt) => refused(attempt, "noConnection");
    });
    const { phone, story } = await make();
    const login = phone.registerPhone(DESK);
    await assert.rejects(login, { code: "eCouldNotConnect" });
    assert.deepEqual(story, ["eRegistering", "eIdle"]);
    await phone.close();
  });

  test("in use by another client is refused as a registration is", async () => {
    const reason = "Registration is active for another client";
    refuse({ status: 403, reason });
    const { phone } = await make();
    const held = next(phone, "eDeviceAlreadyRegistered");
    const login = phone.registerPhone(DESK);
    await assert.rejects(login, {
      code: "eDeviceAlreadyRegistered",
      message: /forceRegistration/,
    });
    assert.equal((await held).status, 403);
    await phone.close();
  });

  test("of a line on several phones lists them", async () => {
    const contacts = [
      appearance("SEP01", ';description="Desk, \\"left\\"";inservice=false'),
      appearance("SEP02", ';partition="p";inservice=true'),
      "<sip:nobody@example.com>",
    ];
    refuse({ status: 300, contacts });
    const { phone } = await make();
    await assert.rejects(phone.registerPhone(DESK), (error) => {
      assert.equal(error.code, "eDeviceNotChosen");
      assert.deepEqual(error.details.appearances, [
        {
          line: "2001",
          device: "SEP01",
          description: 'Desk, "left"',
          inService: false,
          selected: false,
        },
        {
          line: "2001",
          device: "SEP02",
          partition: "p",
          inService: true,
          selected: false,
        },
      ]);
      return true;
    });
    const { device } = await phone.registerPhone({ ...DESK, device: "SEP02" });
    assert.equal(device, "SEP01", "as the gateway says");
    await phone.close();
  });

  test("goes to the phone that was chosen last, as long as there is one", async () => {
    const storage = memory();
    const first = await make({ storage });
    await first.phone.registerPhone({ ...DESK, device: "SEP01" });
    await first.phone.close();

    refuse({ status: 404 }, { status: 300 });
    const second = await make({ storage });
    const login = second.phone.registerPhone(DESK);
    await assert.rejects(login, { code: "eServerRejected", status: 300 });
    const bodies = world().gateway.documents.map(([, body]) => body);
    assert.match(bodies[0], /;device=SEP01</);
    assert.doesNotMatch(bodies[1], /device=/);
    assert.ok(![...storage.kept.values()].some((kept) => /SEP01/.test(kept)));
    await second.phone.close();
  });

  test("is given up by its signal, by a logout, by another mode, by the end", async () => {
    /** @type {[string, (phone: any, controller: AbortController) => any][]} */
    const ways = [
      ["signal", (_, controller) => controller.abort()],
      ["unregisterPhone", (phone) => phone.unregisterPhone()],
      ["close", (phone) => phone.close()],
      [
        "another device",
        (phone) => phone.switchMode("DeskPhone", { device: "9" }),
      ],
    ];
    for (const [way, act] of ways) {
      refuse("later");
      const { phone } = await make();
      const controller = new AbortController();
      const { signal } = controller;
      const login = phone.registerPhone({ ...DESK, signal });
      await turn();
      const { core, gateway } = world();
      assert.equal(core.given("openSession").length, 1, way);
      const after = act(phone, controller);
      await assert.rejects(login, { code: "eAborted" }, way);
      await after;
      assert.deepEqual(core.given("closeSession"), [[gateway.sessions[0]]]);
      await phone.close();
    }
  });
});

describe("switching", () => {
  test("to the desk phone gives the registration up when that is reached", async () => {
    const { phone, core, gateway, story } = await registered();
    gateway.refusals.push("later");
    const switched = phone.switchMode("DeskPhone");
    await turn();
    assert.deepEqual(core.given("unbind"), []);
    assert.deepEqual([phone.mode, phone.status], ["SoftPhone", "eReady"]);
    await gateway.end(503, { retryAfter: 0 });
    const { mode } = await switched;
    assert.deepEqual([mode, phone.mode], ["DeskPhone", "DeskPhone"]);
    assert.equal(core.given("unbind").length, 1);
    assert.deepEqual(story, ["eReady"]);
    await phone.close();
  });

  test("that comes to nothing leaves the registration as it is", async () => {
    const { phone, core, gateway, story } = await registered();
    const before = phone.registration;
    gateway.refusals.push({ status: 403 });
    await assert.rejects(phone.switchMode("DeskPhone"), {
      code: "eServerRejected",
    });
    assert.equal(phone.registration, before);
    assert.equal(phone.mode, "SoftPhone");
    assert.deepEqual(story, []);
    assert.deepEqual(core.given("unregister"), []);
    await phone.close();
  });

  test("during a call of the page is refused", async () => {
    const { phone } = await registered();
    phone.call("2002");
    await assert.rejects(phone.switchMode("DeskPhone"), {
      code: "eInvalidState",
    });
    await phone.close();
  });

  test("back registers, and leaves the desk phone to itself", async () => {
    const { phone, core, gateway, story } = await controlling();
    await gateway.happens("rings", "k1");
    const [call] = phone.calls;
    const ended = next(call, "ended");
    const switched = phone.switchMode("SoftPhone");
    await turn();
    assert.deepEqual(core.given("register"), [[2, false]]);
    assert.deepEqual([phone.mode, story], ["DeskPhone", []]);
    await gateway.say(...granted(2));
    assert.equal((await switched).mode, "SoftPhone");
    assert.deepEqual([phone.mode, phone.desk], ["SoftPhone", null]);
    const { cause, reason } = await ended;
    assert.deepEqual([cause, reason], ["local", "left to the desk phone"]);
    assert.deepEqual(gateway.heard(), ["MonitorStop"]);
    assert.deepEqual(core.given("closeSession"), [[gateway.sessions[0]]]);
    assert.deepEqual([story, phone.calls], [["eReady"], []]);
    await phone.close();
  });

  test("back that comes to nothing keeps the desk phone", async () => {
    const { phone, gateway, story } = await controlling();
    const switched = phone.switchMode("SoftPhone");
    await turn();
    const rejected = assert.rejects(switched, { code: "eServerRejected" });
    const failed = { attempt: 2, at: "loginRefused", status: 500 };
    await gateway.say(status("eRegistering"), status("eReady"));
    await gateway.say(event("failed", failed));
    await rejected;
    assert.deepEqual([phone.mode, phone.status], ["DeskPhone", "eReady"]);
    assert.equal(phone.desk.state, "eInService");
    assert.deepEqual(story, []);
    await phone.close();
  });

  test("to another desk phone leaves the old one when the new one is reached", async () => {
    const { phone, core, gateway } = await controlling();
    gateway.device = "SEP02";
    gateway.refusals.push("later");
    const switched = phone.switchMode("DeskPhone", { device: "SEP02" });
    await turn();
    assert.equal(phone.desk.device, "SEP01");
    assert.deepEqual(core.given("closeSession"), []);
    await gateway.end(500);
    assert.equal((await switched).device, "SEP02");
    assert.equal(phone.desk.device, "SEP02");
    assert.deepEqual(core.given("closeSession"), [[gateway.sessions[0]]]);
    assert.equal(core.given("control").length, 1);
    await phone.close();
  });
});

describe("what is lost", () => {
  test("is sought again, and nobody is asked for anything", async () => {
    const { phone, core, gateway, story } = await controlling();
    const states = [];
    phone.on("desk", ({ state }) => states.push(state));
    gateway.refusals.push({ status: 404 });
    const back = next(phone, "status").then(() => next(phone, "status"));
    await gateway.end();
    assert.deepEqual(story, ["eRecoveryPending"]);
    assert.equal(phone.registration, null);
    assert.equal(phone.desk.state, "eRecoveryPending");
    await back;
    assert.deepEqual(story, ["eRecoveryPending", "eReady"]);
    const sessions = core.given("openSession").map(([session]) => session);
    assert.equal(new Set(sessions).size, 3);
    assert.match(gateway.body("RequestSystemStatus"), /;device=SEP01</);
    assert.equal(core.given("control").length, 1);
    assert.deepEqual(states.filter(isNew), ["eRecoveryPending", "eInService"]);
    await phone.close();
  });

  test("a flow: with a new one there is a new session at once", async () => {
    const { phone, core, gateway, story } = await controlling();
    await gateway.say(status("eRecoveryPending"));
    await gateway.end();
    assert.deepEqual(story, ["eRecoveryPending"]);
    assert.equal(core.given("openSession").length, 1);
    await gateway.say(status("eReady"));
    assert.equal(core.given("openSession").length, 2);
    assert.deepEqual(story, ["eRecoveryPending", "eReady"]);
    await phone.close();
  });

  test("whoever logs in meanwhile waits for it", async () => {
    const { phone, gateway } = await controlling();
    await gateway.say(status("eRecoveryPending"));
    await gateway.end();
    const login = phone.registerPhone();
    await turn();
    await gateway.say(status("eReady"));
    assert.equal((await login).mode, "DeskPhone");
    assert.equal(gateway.sessions.length, 2);
    await phone.close();
  });

  test("and refused for good is told, once", async () => {
    const { phone, core, gateway, story } = await controlling();
    const errors = [];
    phone.on("error", (error) => errors.push(error.code));
    gateway.refusals.push({ status: 403 });
    const idle = next(phone, "status").then(() => next(phone, "status"));
    await gateway.end();
    await idle;
    assert.deepEqual(story, ["eRecoveryPending", "eIdle"]);
    assert.deepEqual(errors, ["eServerRejected"]);
    assert.equal(phone.desk, null);
    assert.equal(core.given("unregister").length, 1);
    await phone.close();
  });

  test("to another client is a takeover", async () => {
    const { phone, gateway, story } = await controlling();
    const told = next(phone, "eConnectionTerminated");
    const reason = "Registration is active for another client";
    await gateway.end(0, { reason });
    const { reason: why, message } = await told;
    assert.equal(why, "takenOver");
    assert.match(message, /^You logged in elsewhere/);
    assert.equal(story.at(-1), "eConnectionTerminated");
    await turn();
    assert.equal(phone.status, "eConnectionTerminated");
    assert.equal(gateway.sessions.length, 1);
    await phone.registerPhone(DESK);
    assert.equal(phone.status, "eReady");
    await phone.close();
  });

  test("to another client leaves the way back to the softphone", async () => {
    const { phone, gateway, story } = await controlling();
    const reason = "Registration is active for another client";
    await gateway.end(0, { reason });
    const login = phone.switchMode("SoftPhone");
    await turn();
    await gateway.say(...granted(2), status("eRecoveryPending"));
    assert.equal((await login).mode, "SoftPhone");
    assert.deepEqual(story.slice(-2), ["eReady", "eRecoveryPending"]);
    await phone.close();
  });

  test("beside a flow that nobody needs: the softphone is out", async () => {
    const { phone, core, gateway, story } = await registered();
    gateway.refusals.push({ status: 403 });
    await assert.rejects(phone.switchMode("DeskPhone"));
    // The core keeps the flow that was asked for; the binding is gone.
    await gateway.say(status("eReady"));
    assert.equal(core.given("unregister").length, 1);
    assert.deepEqual([phone.status, story], ["eIdle", ["eIdle"]]);
    await phone.close();
  });
});

describe("the desk phone", () => {
  test("tells how it is, and does as it is told", async () => {
    const { phone, gateway, story } = await controlling();
    const { desk } = phone;
    await desk.setDoNotDisturb(true);
    assert.equal(desk.doNotDisturb, true);
    assert.match(gateway.body("SetDoNotDisturb"), /<doNotDisturbOn>true</);
    const rule = { type: "noAnswer", active: true, to: "2003", seconds: 20 };
    await desk.setForwarding(rule);
    assert.deepEqual(desk.forwarding, [rule]);
    assert.match(
      gateway.body("SetForwarding"),
      /forwardNoAns<.*true<.*<forwardDN>tel:2003<.*<ringDuration>20</,
    );
    const out =
      "<monitorCrossRefID>m1</monitorCrossRefID><cause>maintenance</cause>";
    await gateway.tell("OutOfServiceEvent", out);
    assert.equal(desk.state, "eOutOfService");
    await assert.rejects(desk.setDoNotDisturb(false), {
      code: "eOutOfService",
    });
    assert.deepEqual([phone.status, story], ["eReady", []]);
    for (const bad of [
      ...[{}, null, { type: "never", active: true }],
      ...[{ type: "busy" }, { type: "busy", active: true, to: "\r\n" }],
      { type: "busy", active: true, seconds: -1 },
    ])
      await assert.rejects(desk.setForwarding(bad), {
        code: "eInvalidArgument",
      });
    await assert.rejects(desk.setDoNotDisturb("yes"), {
      code: "eInvalidArgument",
    });
    await phone.close();
  });

  test("whose switch is away is waited for in the same session", async () => {
    const { phone, gateway, story } = await controlling();
    const disabled = "<systemStatus>disabled</systemStatus>";
    await gateway.tell("SystemStatus", disabled);
    assert.deepEqual(story, ["eRecoveryPending"]);
    assert.equal(phone.desk.state, "eOutOfService");
    await gateway.tell("SystemStatus", "<systemStatus>normal</systemStatus>");
    assert.deepEqual(story, ["eRecoveryPending", "eReady"]);
    assert.equal(gateway.sessions.length, 1);
    await phone.close();
  });

  test("is left to itself by a logout, and by the end", async () => {
    for (const leave of ["unregisterPhone", "close"]) {
      useFakeGateway();
      const { phone, core, gateway, story } = await controlling();
      await gateway.happens("rings", "k1");
      const ended = next(phone.calls[0], "ended");
      await phone[leave]();
      assert.equal((await ended).reason, "left to the desk phone");
      assert.deepEqual(gateway.heard(), ["MonitorStop"]);
      const names = core.commands.map(([name]) => name);
      const command = { unregisterPhone: "unregister" }[leave] ?? leave;
      assert.ok(names.indexOf("closeSession") < names.indexOf(command), leave);
      assert.deepEqual([story.at(-1), phone.desk], ["eIdle", null]);
      await phone.close();
    }
  });
});

describe("appearances", () => {
  const contacts = [appearance("SEP01"), appearance("SEP02")];

  test("are asked for without a registration", async () => {
    refuse({ status: 300, contacts });
    const { phone, story } = await make();
    const asked = phone.lineAppearances();
    const devices = (await asked).map(({ device }) => device);
    assert.deepEqual(devices, ["SEP01", "SEP02"]);
    const { core, gateway } = world();
    assert.match(gateway.body("RequestSystemStatus"), /;device=\*</);
    await turn();
    assert.equal(core.given("unregister").length, 1);
    assert.deepEqual([phone.status, story], ["eIdle", []]);
    await phone.close();
  });

  test("are asked for beside the one that is controlled", async () => {
    const { phone, core, gateway, story } = await controlling();
    gateway.refusals.push({ status: 300, contacts });
    const selected = (await phone.lineAppearances()).map(
      ({ selected }) => selected,
    );
    assert.deepEqual(selected, [true, false]);
    assert.deepEqual(core.given("unregister"), []);
    assert.deepEqual([phone.desk.state, story], ["eInService", []]);
    await phone.close();
  });

  test("are not told by every gateway", async () => {
    const { phone, core, gateway } = await controlling();
    await assert.rejects(phone.lineAppearances(), { code: "eNotSupported" });
    assert.deepEqual(core.given("closeSession"), [[gateway.sessions.at(-1)]]);
    gateway.refusals.push({ status: 403 });
    await assert.rejects(phone.lineAppearances(), {
      code: "eServerRejected",
      status: 403,
    });
    await phone.close();
  });

  test("need not be waited for", async () => {
    const { phone, gateway } = await controlling();
    gateway.refusals.push("later");
    const controller = new AbortController();
    const { signal } = controller;
    const asked = phone.lineAppearances({ signal });
    await turn();
    controller.abort();
    await assert.rejects(asked, { code: "eAborted" });
    await assert.rejects(phone.lineAppearances({ signal }), {
      code: "eAborted",
    });
    await phone.close();
  });
});

/** Not the same as the one before. */
const isNew = (value, at, all) => value !== all[at - 1];
