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

async function open(t, options = {}) {
  const { registrar, sw } = await servers(t);
  const log = [];
  const gateway = await startGateway({
    login: {
      connections: registrar.url,
      user: "cti",
      domain: DOMAIN,
      password,
    },
    connections: [sw.url],
    lines: LINES,
    log: (entry) => log.push(entry),
    ...options,
  });
  t.after(() => gateway.stop());
  await states(gateway, ...gateway.connections.map(() => "up"));
  return { registrar, sw, gateway, log };
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

test("who asks for what is not theirs is refused, and a line with several devices lists them", async (t) => {
  const { registrar } = await open(t);
  const client = await CtiClient.connect(t, registrar, "2001");
  assert.equal((await client.open("tel:2003")).status, 403);
  assert.equal((await client.open("tel:2001;device=SEP09")).status, 404);
  const other = await CtiClient.connect(t, registrar, "2002");
  const several = await other.open("tel:2002");
  assert.equal(several.status, 300);
  assert.deepEqual(
    several.headers("Contact").map(([, value]) => value),
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
    login: {
      connections: registrar.url,
      user: "cti",
      domain: DOMAIN,
      password,
    },
    connections: [sw.url, second.url],
    lines: LINES,
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
  const { registrar, sw } = await servers(t);
  const login = {
    connections: registrar.url,
    user: "cti",
    domain: DOMAIN,
    password,
  };
  const good = { login, connections: [sw.url], lines: LINES };
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
    startGateway({ ...good, login: { ...login, password: "wrong" } }),
    { code: "eCredentialsRejected" },
  );
});

test("npx graceline gateway: its log, its metrics, its end", async (t) => {
  const { registrar, sw } = await servers(t);
  const cli = fileURLToPath(
    new URL("../../js/cli/graceline.js", import.meta.url),
  );
  const args = ["gateway", "--config", "-", "--json", "--metrics", "0"];
  const child = spawn(process.execPath, [cli, ...args]);
  t.after(() => child.kill("SIGKILL"));
  const login = { connections: registrar.url, user: "cti", domain: DOMAIN };
  child.stdin.end(
    JSON.stringify({
      login: { ...login, password },
      connections: [sw.url],
      lines: LINES,
    }),
  );
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
  const [code] = await once(child, "close");
  assert.equal(code, 0);
  assert.deepEqual(registrar.bindings("cti"), []);
});
