import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startGateway } from "graceline/gateway";
import { startRegistrar, startSwitch } from "graceline/testing";
import { CtiClient, connection, inside } from "./support/cti-client.js";

const DOMAIN = "example.test";
const PHONES = { 2001: ["SEP01"], 2002: ["SEP02", "SEP03"], 2003: ["SEP04"] };
const password = "secret";
const USERS = {
  cti: { password },
  ...{ 2001: { password }, 2002: { password }, 2003: { password } },
};
const LINES = Object.fromEntries(
  Object.entries(PHONES).map(([line, devices]) => [
    line,
    devices.map((device) => ({ device })),
  ]),
);

async function servers(t) {
  const registrar = await startRegistrar({ users: USERS, domain: DOMAIN });
  t.after(() => registrar.stop());
  const sw = await startSwitch({ phones: PHONES });
  t.after(() => sw.stop());
  return { registrar, sw };
}

/** Resolves when the connections of a gateway are in these states. */
async function states(gateway, ...wanted) {
  const is = () =>
    `${gateway.connections.map(({ state }) => state)}` === `${wanted}`;
  while (!is())
    await new Promise((resolve) => gateway.once("connections", resolve));
}

/** Options of a gateway to these servers. */
const settings = ({ registrar, sw }) => ({
  login: { connections: registrar.url, user: "cti", domain: DOMAIN, password },
  connections: [sw.url],
  lines: LINES,
});

async function open(t, options = {}) {
  const made = await servers(t);
  const log = [];
  const gateway = await startGateway({
    ...settings(made),
    log: (entry) => log.push(entry),
    ...options,
  });
  t.after(() => gateway.stop());
  await states(gateway, ...gateway.connections.map(() => "up"));
  return { ...made, gateway, log };
}

const roots = (events) => events.map((body) => /<(\w+Event)/.exec(body)?.[1]);

test("a desk phone is monitored and driven: make, hold, retrieve, clear", async (t) => {
  const { registrar, sw, gateway } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  const opened = await client.control();
  assert.equal(inside(opened.body, "systemStatus"), "normal");
  assert.match(opened.body, /<cti:device[^>]*>SEP01</);
  assert.equal(gateway.connections[0].sessions, 1);

  const made = await client.ask(
    "MakeCall",
    "<callingDevice>tel:2001</callingDevice><calledDirectoryNumber>tel:2003</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>",
  );
  const call = inside(made, "callID");
  assert.deepEqual(roots(await client.until("DeliveredEvent")), [
    "ServiceInitiatedEvent",
    "OriginatedEvent",
    "DeliveredEvent",
  ]);
  assert.equal(sw.phone("SEP04").calls[0].state, "ringing");
  sw.phone("SEP04").answer();
  const [established] = await client.until("EstablishedEvent");
  assert.match(established, /<answeringDevice><deviceIdentifier>tel:2003</);

  for (const [service, event, state] of [
    ["HoldCall", "HeldEvent", "held"],
    ["RetrieveCall", "RetrievedEvent", "connected"],
  ]) {
    const name = service === "HoldCall" ? "callToBeHeld" : "callToBeRetrieved";
    await client.ask(service, connection(name, call));
    assert.equal(sw.phone("SEP01").calls[0].state, state);
    await client.until(event);
  }
  await client.ask(
    "ClearConnection",
    connection("connectionToBeCleared", call),
  );
  assert.deepEqual(sw.phone("SEP04").calls, []);
  const [cleared] = await client.until("ConnectionClearedEvent");
  assert.equal(inside(cleared, "localConnectionInfo"), "null");
  assert.equal((await client.bye()).status, 200);
  assert.equal(gateway.connections[0].sessions, 0);
});

test("what hands do at the phone is told, and a snapshot knows what was there", async (t) => {
  const { registrar, sw } = await open(t);
  sw.phone("SEP01").dial("2003");
  sw.phone("SEP04").answer();
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  const snapshot = await client.ask(
    "SnapshotDevice",
    "<snapshotObject>tel:2001</snapshotObject>",
  );
  assert.equal(inside(snapshot, "callID"), sw.phone("SEP01").calls[0].id);
  assert.equal(inside(snapshot, "localConnectionState"), "connected");
  sw.phone("SEP01").hold();
  await client.until("HeldEvent");
  sw.phone("SEP04").hangup();
  await client.until("ConnectionClearedEvent");
  sw.phone("SEP04").dial("2001");
  const [rings] = await client.until("DeliveredEvent");
  assert.equal(inside(rings, "localConnectionInfo"), "alerting");
  const call = inside(rings, "callID");
  await client.ask("AnswerCall", connection("callToBeAnswered", call));
  await client.until("EstablishedEvent");
  assert.equal(sw.phone("SEP04").calls[0].state, "connected");
});

test("a flood of sessions: so many for each user, and the others are served", async (t) => {
  const { registrar, gateway, sw } = await open(t);
  const flooding = await CtiClient.connect(t, registrar, "2001");
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => flooding.open()),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal(gateway.connections[0].sessions, 32);
  assert.equal(refused.length, 168);
  for (const answer of refused)
    assert.deepEqual(
      [answer.status, answer.header("Retry-After")],
      [503, "60"],
    );
  const other = await CtiClient.connect(t, registrar, "2003");
  await other.control();
  sw.phone("SEP04").lift();
  await other.until("ServiceInitiatedEvent");
});

/** 2001 talks to 2003 and is controlled. */
async function talking(t) {
  const { registrar, sw, ...rest } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  const call = sw.phone("SEP01").dial("2003");
  sw.phone("SEP04").answer();
  await client.until("EstablishedEvent");
  return { registrar, sw, client, call, ...rest };
}

/** The same with 2003 on hold, and 2002 in the other call. */
async function consulting(t) {
  const made = await talking(t);
  const { client, sw, call } = made;
  const consulted = await client.ask(
    "ConsultationCall",
    `${connection("existingCall", call)}<consultedDevice>tel:2002</consultedDevice>`,
  );
  const active = inside(consulted, "callID");
  assert.deepEqual(roots(await client.until("DeliveredEvent")), [
    "HeldEvent",
    "ServiceInitiatedEvent",
    "OriginatedEvent",
    "DeliveredEvent",
  ]);
  sw.phone("SEP02").answer();
  await client.until("EstablishedEvent");
  const pair = connection("heldCall", call) + connection("activeCall", active);
  return { ...made, active, pair };
}

const at = (sw, device) =>
  sw.phone(device).calls.map(({ remote, state }) => `${remote} ${state}`);

test("consultation, alternation, and back to the first call", async (t) => {
  const { client, sw, call, active, pair } = await consulting(t);
  await client.ask("AlternateCall", pair);
  assert.deepEqual(at(sw, "SEP01"), ["2003 connected", "2002 held"]);
  assert.deepEqual(roots(await client.until("RetrievedEvent")), [
    "HeldEvent",
    "RetrievedEvent",
  ]);
  await client.ask(
    "ReconnectCall",
    connection("activeCall", call) + connection("heldCall", active),
  );
  assert.deepEqual(at(sw, "SEP01"), ["2002 connected"]);
  assert.deepEqual(roots(await client.until("RetrievedEvent")), [
    "ConnectionClearedEvent",
    "RetrievedEvent",
  ]);
});

test("a transfer joins the far ends, and each monitor hears of it once", async (t) => {
  const { registrar, client, sw, pair } = await consulting(t);
  const other = await CtiClient.connect(t, registrar, "2003");
  await other.control();
  await client.ask("TransferCall", pair);
  assert.deepEqual(at(sw, "SEP02"), ["2003 connected"]);
  const left = await client.until("TransferedEvent");
  assert.deepEqual(roots(left), ["TransferedEvent"]);
  assert.equal(inside(left[0], "localConnectionInfo"), "null");
  const [stays] = await other.until("TransferedEvent");
  assert.equal(inside(stays, "localConnectionInfo"), "connected");
  assert.match(stays, /<transferredToDevice><deviceIdentifier>tel:2002</);
});

test("a conference is one call", async (t) => {
  const { client, sw, active, pair } = await consulting(t);
  const answer = await client.ask("ConferenceCall", pair);
  assert.equal(inside(answer, "callID"), active);
  const [event] = await client.until("ConferencedEvent");
  assert.equal(event.match(/<connectionListItem>/g).length, 3);
  assert.equal(sw.phone("SEP01").calls.length, 1);
  sw.phone("SEP02").hangup();
  const [cleared] = await client.until("ConnectionClearedEvent");
  assert.match(cleared, /<releasingDevice><deviceIdentifier>tel:2002</);
  assert.equal(inside(cleared, "localConnectionInfo"), "connected");
  assert.deepEqual(at(sw, "SEP01"), ["2003 connected"]);
});

test("digits, a single-step transfer, and a deflection", async (t) => {
  const { client, sw, call } = await talking(t);
  await client.ask(
    "GenerateDigits",
    `${connection("connectionToSendDigits", call)}<charactersToSend>12#</charactersToSend>`,
  );
  assert.equal(sw.phone("SEP04").calls[0].digits, "12#");
  await client.ask(
    "SingleStepTransferCall",
    `${connection("activeCall", call)}<transferredTo>tel:2002</transferredTo>`,
  );
  await client.until("TransferedEvent");
  assert.deepEqual(at(sw, "SEP04"), ["2002 alerting"]);
  sw.phone("SEP04").hangup();
  const id = sw.phone("SEP04").dial("2001");
  await client.until("DeliveredEvent");
  await client.ask(
    "DeflectCall",
    `${connection("callToBeDiverted", id)}<newDestination>tel:2002</newDestination>`,
  );
  const [diverted] = await client.until("DivertedEvent");
  assert.match(diverted, /<newDestination><deviceIdentifier>tel:2002</);
  assert.deepEqual(at(sw, "SEP02"), ["2003 ringing"]);
});

test("what the phone is set to: asked, set, and told when hands set it", async (t) => {
  const { registrar, sw } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  const device = "<device>tel:2001</device>";
  await client.ask(
    "SetDoNotDisturb",
    `${device}<doNotDisturbOn>true</doNotDisturbOn>`,
  );
  await client.until("DoNotDisturbEvent");
  assert.ok(sw.phone("SEP01").doNotDisturb);
  await client.ask(
    "SetForwarding",
    `${device}<forwardingType>forwardBusy</forwardingType><activateForward>true</activateForward><forwardDN>tel:2003</forwardDN>`,
  );
  await client.until("ForwardingEvent");
  const rules = await client.ask("GetForwarding", device);
  assert.equal(inside(rules, "forwardDN"), "tel:2003");
  sw.phone("SEP01").setDoNotDisturb(false);
  const [off] = await client.until("DoNotDisturbEvent");
  assert.equal(inside(off, "doNotDisturbOn"), "false");
  sw.phone("SEP01").setMessageWaiting(true);
  await client.until("MessageWaitingEvent");
  const waits = await client.ask("GetMessageWaitingIndicator", device);
  assert.equal(inside(waits, "messageWaitingOn"), "true");
  sw.phone("SEP01").unplug();
  await client.until("OutOfServiceEvent");
  sw.phone("SEP01").plug();
  await client.until("BackInServiceEvent");
});

test("answered at the other device of a line", async (t) => {
  const { registrar, sw } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2002");
  await client.control("tel:2002;device=SEP02");
  sw.phone("SEP01").dial("2002");
  await client.until("DeliveredEvent");
  sw.phone("SEP03").answer();
  const [event] = await client.until("EstablishedEvent");
  assert.match(
    event,
    /<answeringDevice><deviceIdentifier>tel:2002;device=SEP03</,
  );
  assert.equal(inside(event, "localConnectionInfo"), "null");
});

test("who asks for what is not theirs is refused, and a line with several devices lists them", async (t) => {
  const { registrar } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  assert.equal((await client.open("tel:2003")).status, 403);
  assert.equal((await client.open("tel:2001;device=SEP09")).status, 404);
  const other = await CtiClient.connect(t, registrar, "2002");
  const several = await other.open("tel:2002");
  assert.equal(several.status, 300);
  assert.deepEqual(
    several.all("Contact"),
    ["SEP02", "SEP03"].map(
      (device) =>
        `<sip:cti@example.test>;line="2002";device="${device}";description="";partition="";inservice=true`,
    ),
  );
  const chosen = await other.open("tel:2002;device=SEP03");
  assert.equal(chosen.status, 200);
});

test("a node that is stopped and started again: requests returned, then a new session", async (t) => {
  const { registrar, sw, gateway } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  const { port } = new URL(sw.url);
  await sw.stop();
  const [told] = await client.until("SystemStatus");
  assert.equal(inside(told, "systemStatus"), "disabled");
  const returned = await client.ask(
    "MakeCall",
    "<callingDevice>tel:2001</callingDevice><calledDirectoryNumber>tel:2003</calledDirectoryNumber>",
  );
  assert.equal(
    inside(returned, "systemResourceAvailability"),
    "networkOutOfService",
  );
  const late = await CtiClient.connect(t, registrar, "2003");
  const refused = await late.open();
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.header("Retry-After")) > 0);
  assert.deepEqual(gateway.connections, [
    { url: sw.url, state: gateway.connections[0].state, sessions: 1 },
  ]);

  const again = await startSwitch({ port: Number(port), phones: PHONES });
  t.after(() => again.stop());
  await client.ended;
  assert.equal((await client.info("")).status, 481);
  await client.control();
  again.phone("SEP01").dial("2003");
  await client.until("DeliveredEvent");
});

test("new sessions go to the connections by turns", async (t) => {
  const { registrar, sw } = await servers(t);
  const second = await startSwitch({ phones: PHONES });
  t.after(() => second.stop());
  const gateway = await startGateway({
    ...settings({ registrar, sw }),
    connections: [sw.url, second.url],
  });
  t.after(() => gateway.stop());
  await states(gateway, "up", "up");
  for (const user of ["2001", "2003"]) {
    const client = await CtiClient.connect(t, registrar, user);
    await client.control();
  }
  assert.deepEqual(
    gateway.connections.map(({ sessions }) => sessions),
    [1, 1],
  );
});

test("the log tells sessions and connections, and no secret", async (t) => {
  const { registrar, sw, gateway, log } = await open(t, {
    maxSessions: 1,
  });
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  const other = await CtiClient.connect(t, registrar, "2003");
  assert.equal((await other.open()).status, 503);
  await client.bye();
  await gateway.stop();
  const text = log.map(({ level, message }) => `${level}: ${message}`);
  for (const line of [
    "info: The gateway is registered at the SIP server.",
    `info: ${sw.url} is up.`,
    `info: Session 1: 2001 controls SEP01 of line 2001 by ${sw.url}.`,
    "info: A session of 2003 was answered with 503.",
    "info: Session 1 is over: ended by the client.",
  ])
    assert.ok(text.includes(line), `${line}\n${text.join("\n")}`);
  assert.doesNotMatch(JSON.stringify(log), /secret/);
});

test("options that make no gateway are refused by name, and wrong credentials at once", async (t) => {
  const good = settings(await servers(t));
  const bad = {
    login: { login: undefined },
    connections: { connections: ["ami-like://secret@host"] },
    lines: { lines: { 2001: [] } },
    may: { may: { 2001: ["2999"] } },
    heartbeat: { heartbeat: 0 },
    whenNodeIsDown: { whenNodeIsDown: "wander" },
  };
  for (const [option, change] of Object.entries(bad))
    await assert.rejects(startGateway({ ...good, ...change }), (error) => {
      assert.equal(error.code, "eInvalidArgument");
      assert.equal(error.details.option, option);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  await assert.rejects(
    startGateway({ ...good, login: { ...good.login, password: "wrong" } }),
    { code: "eCredentialsRejected" },
  );
});

test("npx graceline gateway: its log, its metrics, its end", async (t) => {
  const made = await servers(t);
  const { registrar, sw } = made;
  const cli = fileURLToPath(
    new URL("../../js/cli/graceline.js", import.meta.url),
  );
  const args = ["gateway", "--config", "-", "--json", "--metrics", "0"];
  const child = spawn(process.execPath, [cli, ...args]);
  // From here on: it may end while something else is awaited.
  const closed = once(child, "close");
  t.after(() => child.kill("SIGKILL"));
  child.stdin.end(JSON.stringify(settings(made)));
  const told = [];
  let metrics;
  for await (const line of createInterface(child.stdout)) {
    told.push(JSON.parse(line));
    metrics ??= /http:\S+metrics/.exec(told.at(-1).message)?.[0];
    if (metrics && told.some(({ url }) => url === sw.url)) break;
  }
  assert.ok(told.every(({ at, level }) => at && level));
  const text = await (await fetch(metrics)).text();
  assert.ok(
    text.includes(
      `graceline_gateway_connection_up{connection="1",url="${sw.url}"} 1\n`,
    ),
    text,
  );
  assert.match(text, /^graceline_gateway_opened_total 0$/m);
  assert.equal(registrar.bindings("cti").length, 1);
  child.kill("SIGTERM");
  const [code] = await closed;
  assert.equal(code, 0);
  assert.deepEqual(registrar.bindings("cti"), []);
});
