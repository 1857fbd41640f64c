/**
 * The drivers in a gateway: CSTA from a client that is written by hand, to a real baresip, and to an
 * Asterisk that is played.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startGateway } from "graceline/gateway";
import { startRegistrar } from "graceline/testing";
import { CtiClient, connection, inside } from "../js/support/cti-client.js";
import { Asterisk } from "./support/asterisk.mjs";
import { startPhones } from "./support/phones.mjs";

const DOMAIN = "example.test";
const password = "secret";

/** A gateway with one connection, which is up, and a client that controls 2001. */
async function control(t, address, device) {
  const registrar = await startRegistrar({
    users: { cti: { password }, 2001: { password } },
    domain: DOMAIN,
  });
  t.after(() => registrar.stop());
  const log = [];
  const gateway = await startGateway({
    login: {
      connections: registrar.url,
      user: "cti",
      domain: DOMAIN,
      password,
    },
    connections: [address],
    lines: { 2001: [device] },
    heartbeat: 1,
    log: (entry) => log.push(entry),
  });
  t.after(() => gateway.stop());
  await stateIs(gateway, "up");
  const client = await CtiClient.connect(t, registrar, "2001");
  await client.control();
  return { gateway, client, log };
}

async function stateIs(gateway, state) {
  while (gateway.connections[0].state !== state)
    await new Promise((resolve) => gateway.once("connections", resolve));
}

const makeCall = (client, to) =>
  client.ask(
    "MakeCall",
    `<callingDevice>tel:2001</callingDevice><calledDirectoryNumber>tel:${to}</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>`,
  );

const roots = (events) => events.map((body) => /<(\w+Event)/.exec(body)?.[1]);

const pair = (name, other, held, active) =>
  connection(name, held) + connection(other, active);

test("baresip: make, hold, retrieve, digits, consult, reconnect, clear", async (t) => {
  const { desk, others } = await startPhones(t);
  const { client } = await control(
    t,
    `baresip://127.0.0.1:${desk.controlPort}`,
    { device: "DESK" },
  );
  const features = await client.ask("GetCSTAFeatures");
  assert.match(features, /<singleStepTransferCall/i);
  assert.doesNotMatch(features, /conferenceCall/i);

  const call = inside(await makeCall(client, "2002"), "callID");
  await client.until("DeliveredEvent");
  await others.do("uafind", "sip:2002@example.test");
  await others.do("accept");
  await client.until("EstablishedEvent");
  await client.ask("HoldCall", connection("callToBeHeld", call));
  await client.until("HeldEvent");
  await client.ask("RetrieveCall", connection("callToBeRetrieved", call));
  await client.until("RetrievedEvent");
  const mark = others.mark;
  await client.ask(
    "GenerateDigits",
    `${connection("connectionToSendDigits", call)}<charactersToSend>7</charactersToSend>`,
  );
  assert.equal((await others.event("CALL_DTMF_START", mark)).param, "7");

  const consulted = await client.ask(
    "ConsultationCall",
    `${connection("existingCall", call)}<consultedDevice>tel:2003</consultedDevice>`,
  );
  const second = inside(consulted, "callID");
  assert.notEqual(second, call);
  await client.until("DeliveredEvent");
  await others.do("uafind", "sip:2003@example.test");
  await others.do("accept");
  await client.until("EstablishedEvent");
  await client.ask(
    "ReconnectCall",
    pair("heldCall", "activeCall", call, second),
  );
  const reconnected = await client.until("RetrievedEvent");
  assert.deepEqual(roots(reconnected), [
    "ConnectionClearedEvent",
    "RetrievedEvent",
  ]);
  await client.ask(
    "ClearConnection",
    connection("connectionToBeCleared", call),
  );
  await client.until("ConnectionClearedEvent");
});

test("baresip: calls by hand, answered from afar; unplugged, the client is told", async (t) => {
  const { desk, others } = await startPhones(t);
  const { client, gateway } = await control(
    t,
    `baresip://127.0.0.1:${desk.controlPort}`,
    { device: "DESK" },
  );
  await others.do("uafind", "sip:2003@example.test");
  await others.do("dial", "2001");
  const rings = (await client.until("DeliveredEvent")).at(-1);
  assert.match(rings, /<callingDevice><deviceIdentifier>tel:2003</);
  const call = inside(rings, "callID");
  await client.ask("AnswerCall", connection("callToBeAnswered", call));
  await client.until("EstablishedEvent");
  desk.key("hold");
  await client.until("HeldEvent");
  await desk.stop();
  const told = (await client.until("SystemStatus")).at(-1);
  assert.equal(inside(told, "systemStatus"), "disabled");
  assert.equal(gateway.connections[0].state, "down");
});

test("Asterisk: make, hold, consult, attended transfer; no secret is told", async (t) => {
  const pbx = await Asterisk.start(t, ["2001", "2002", "2003"]);
  const { client, gateway, log } = await control(t, pbx.url(), {
    ...{ device: "SEP01", channel: "PJSIP/2001", context: "phones" },
  });
  const call = inside(await makeCall(client, "2002"), "callID");
  await client.until("DeliveredEvent");
  pbx.answer("2002");
  await client.until("EstablishedEvent");
  const consulted = await client.ask(
    "ConsultationCall",
    `${connection("existingCall", call)}<consultedDevice>tel:2003</consultedDevice>`,
  );
  await client.until("DeliveredEvent");
  pbx.answer("2003");
  await client.until("EstablishedEvent");
  await client.ask(
    "TransferCall",
    pair("heldCall", "activeCall", call, inside(consulted, "callID")),
  );
  const transferred = (await client.until("TransferedEvent")).at(-1);
  assert.equal(inside(transferred, "localConnectionInfo"), "null");
  assert.equal(pbx.channels("2002")[0].bridge, pbx.channels("2003")[0].bridge);
  assert.deepEqual(pbx.channels("2001"), []);

  const url = new URL(pbx.url());
  assert.equal(gateway.connections[0].url, `ami://${url.host}`);
  assert.doesNotMatch(JSON.stringify(log), /s3cret|gw:/);
});

test("Asterisk: pinged; gone and back, and the client signs in again", async (t) => {
  const pbx = await Asterisk.start(t, ["2001", "2002"]);
  const { client, gateway } = await control(t, pbx.url(), {
    ...{ device: "SEP01", channel: "PJSIP/2001", context: "phones" },
  });
  await pbx.asked("Ping");
  pbx.drop();
  const told = (await client.until("SystemStatus")).at(-1);
  assert.equal(inside(told, "systemStatus"), "disabled");
  await client.ended;
  await stateIs(gateway, "up");
  await client.control();
  pbx.dial("2001", "2002");
  await client.until("DeliveredEvent");
});
