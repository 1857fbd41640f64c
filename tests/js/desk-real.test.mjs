// DeskPhone mode against a real gateway with a switch behind it: an app without a stored
// password, and a page written for CWIC 3.0.4.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { startGateway } from "graceline/gateway";
import { startRegistrar, startSwitch } from "graceline/testing";
import { WebSocket } from "ws";
import { CwicPage } from "../support/cwic-page.mjs";
import { next } from "./support/line.js";

const domain = "example.test";
const password = "secret";

/** A switch with two desk phones, and the gateway to it. */
async function start(t) {
  const users = { 2001: { password }, cti: { password } };
  const registrar = await startRegistrar({ users, domain });
  t.after(() => registrar.stop());
  const sw = await startSwitch({
    phones: { 2001: ["SEP01"], 2002: ["SEP02"] },
    names: { 2002: "Ben <2>" },
  });
  t.after(() => sw.stop());
  const gateway = await startGateway({
    login: { connections: registrar.url, user: "cti", domain, password },
    connections: [sw.url],
    lines: { 2001: [{ device: "SEP01" }] },
  });
  t.after(() => gateway.stop());
  while (gateway.connections[0].state !== "up")
    await next(gateway, "connections");
  return { registrar, sw, gateway };
}

test("credentials by callback are asked for once, by all who wait, and kept", async (t) => {
  const { registrar, sw, gateway } = await start(t);
  const questions = [];
  let answer;
  const asked = new Promise((resolve) => {
    answer = resolve;
  });
  const phone = new Phone({
    ...{ connections: registrar.url, user: "2001", domain, WebSocket },
    storage: null,
    remoteControl: { gateway: `sip:cti@${domain}` },
    credentials: (challenge) => {
      questions.push(challenge);
      return asked;
    },
  });
  t.after(() => phone.close());
  const login = phone.registerPhone({ mode: "DeskPhone" });
  const listed = phone.lineAppearances();
  // Both INVITEs were challenged before anybody answers.
  const challenged = new Set();
  await new Promise((resolve) =>
    phone.on("sip", ({ direction, message }) => {
      const [, id] = /^Call-ID: (\S+)/m.exec(message) ?? [];
      if (direction === "received" && / 407 /.test(message)) challenged.add(id);
      if (challenged.size === 2) resolve(undefined);
    }),
  );
  answer({ password });
  const registration = await login;
  assert.equal(registration.device, "SEP01");
  // The gateway has its clients refresh their sessions.
  assert.ok(registration.expires >= 90, `${registration.expires}`);
  assert.deepEqual(
    (await listed).map(({ device }) => device),
    ["SEP01"],
  );
  assert.deepEqual(questions, [{ scheme: "digest", realm: domain }]);
  // Recovery asks nobody.
  const states = [];
  phone.on("status", ({ status }) => states.push(status));
  await sw.stop();
  while (gateway.connections[0].state === "up")
    await next(gateway, "connections");
  const again = await startSwitch({
    ...{ port: Number(new URL(sw.url).port), phones: { 2001: ["SEP01"] } },
  });
  t.after(() => again.stop());
  while (phone.status !== "eReady" || states.length < 2)
    await next(phone, "status");
  assert.equal(questions.length, 1);
});

test("the far end has a name where the switch knows it", async (t) => {
  const { registrar, sw } = await start(t);
  const page = async () => {
    const phone = new Phone({
      ...{ connections: registrar.url, user: "2001", domain, WebSocket },
      ...{ password, storage: null },
      remoteControl: { gateway: `sip:cti@${domain}` },
    });
    t.after(() => phone.close());
    await phone.registerPhone({ mode: "DeskPhone" });
    return phone;
  };
  const phone = await page();
  sw.phone("SEP02").dial("2001");
  const { call } = await next(phone, "incoming");
  assert.deepEqual(call.remote, { uri: "tel:2002", displayName: "Ben <2>" });
  // Also to who comes later.
  const other = await page();
  assert.equal(other.calls[0].remote.displayName, "Ben <2>");
});

test("a CWIC page switches to its desk phone, dials, holds, hangs up, and switches back", async (t) => {
  const { registrar, sw } = await start(t);
  const page = new CwicPage(
    { phone: { WebSocket, storage: null }, domain },
    Phone,
  );
  t.after(() => page.session.shutdown());
  await page.until("system.cwic eIdle");
  page.register({ cucm: registrar.url });
  await page.until("system.cwic eReady");
  assert.equal(registrar.bindings("2001").length, 1);
  const switchTo = (mode) => {
    const success = () => page.tell(`in ${mode}`);
    page.session.switchPhoneMode("#switch", { mode, success });
    return page.until(`in ${mode}`);
  };
  await switchTo("DeskPhone");
  assert.equal(page.session.registration.mode, "DeskPhone");
  while (registrar.bindings("2001").length) await next(registrar, "bindings");

  page.cwic("startConversation", "2002");
  await page.until("conversationUpdate.cwic Ringout");
  sw.phone("SEP02").answer();
  await page.until("conversationUpdate.cwic Connected");
  const [{ id }] = page.session.phones.current.calls;
  page.cwic("updateConversation", "hold", id);
  await page.until("conversationUpdate.cwic Hold");
  page.cwic("updateConversation", "resume", id);
  await page.until("conversationUpdate.cwic Connected");
  page.cwic("endConversation", id);
  await page.until("conversationEnd.cwic OnHook");
  assert.deepEqual(sw.phone("SEP02").calls, []);
  sw.phone("SEP02").dial("2001");
  await page.until("conversationIncoming.cwic Ringin");
  sw.phone("SEP02").hangup();
  await page.until("conversationEnd.cwic OnHook");

  await switchTo("SoftPhone");
  assert.equal(page.session.registration.mode, "SoftPhone");
  assert.equal(registrar.bindings("2001").length, 1);
});
