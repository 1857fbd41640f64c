// What else a phone can do, from each of the tabs that share it: against the test registrar,
// a gateway with a switch, and the account service.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Account } from "graceline/account";
import { startGateway } from "graceline/gateway";
import { startAccounts, startSwitch } from "graceline/testing";
import { WebSocket } from "ws";
import { next, password, setUp } from "./support/line.js";
import { useSharedWorkers } from "./support/shared-worker.js";

/** A registrar, and tabs of one browser. */
async function start(t, options) {
  const line = await setUp(t, { policy: "normal", ...options });
  const workers = useSharedWorkers(WebSocket);
  t.after(() => workers.remove());
  const tab = (more) =>
    line.phone({
      ...{ device: "CSFTABS", WebSocket: undefined },
      shared: { worker: "http://localhost/worker.js" },
      ...more,
    });
  return { ...line, tab };
}

/** Until an event of that name brings what is looked for. */
const brings = (emitter, name, look) =>
  new Promise((resolve) => {
    const listener = (payload) => {
      if (!look(payload)) return;
      emitter.off(name, listener);
      resolve(payload);
    };
    emitter.on(name, listener);
  });

test("the mailbox is asked for once, and told in each tab that listens", async (t) => {
  const { registrar, tab, trace } = await start(t);
  const [one, two] = [tab(), tab()];
  const lit = [next(one, "voicemail"), next(two, "voicemail")];
  await one.registerPhone();
  const none = { new: 0, old: 0 };
  assert.deepEqual(await Promise.all(lit), [none, none]);
  const changed = [next(one, "voicemail"), next(two, "voicemail")];
  registrar.account("mailbox_set", "2001", { new: 2, old: 7 });
  const some = { new: 2, old: 7 };
  assert.deepEqual(await Promise.all(changed), [some, some]);
  assert.deepEqual(two.voicemail, some);
  const asked = trace.filter(
    ({ direction, message }) =>
      direction === "received" &&
      /^SUBSCRIBE [^]*\r\nEvent: message-summary\r\n/.test(message),
  );
  assert.equal(asked.length, 1);
});

test("presence is followed, and set, from any tab", async (t) => {
  const { phone, tab } = await start(t);
  const [one, two] = [tab(), tab()];
  const other = phone({ user: "2002", device: "CSFBOB", storage: null });
  // Before there is a worker, and before anybody is logged in.
  const bob = two.presence("2002");
  assert.equal(bob.state, "unknown");
  await Promise.all([one.registerPhone(), other.registerPhone()]);
  const away = brings(bob, "change", ({ state }) => state === "away");
  await other.setPresence({ state: "away", note: "lunch" });
  await away;
  assert.deepEqual([bob.state, bob.note], ["away", "lunch"]);
  bob.close();
  const own = other.presence("2001");
  const busy = brings(own, "change", ({ state }) => state === "busy");
  await two.setPresence({ state: "busy" });
  await busy;
});

test("a desk phone is driven from each tab", async (t) => {
  const users = { 2001: { password }, 2002: { password }, cti: { password } };
  const { registrar, tab } = await start(t, { users });
  const sw = await startSwitch({
    phones: { 2001: ["SEP01"], 2002: ["SEP02"] },
  });
  t.after(() => sw.stop());
  const gateway = await startGateway({
    login: {
      ...{ connections: registrar.url, user: "cti", password },
      domain: "example.test",
    },
    connections: [sw.url],
    lines: { 2001: [{ device: "SEP01" }] },
  });
  t.after(() => gateway.stop());
  while (gateway.connections[0].state !== "up")
    await next(gateway, "connections");
  const remoteControl = { gateway: "sip:cti@example.test" };
  const [one, two] = [tab({ remoteControl }), tab({ remoteControl })];
  const { mode, device } = await one.switchMode("DeskPhone");
  assert.deepEqual([mode, device], ["DeskPhone", "SEP01"]);
  if (!two.ready) await brings(two, "status", ({ ready }) => ready);
  assert.deepEqual([two.mode, two.desk.device], ["DeskPhone", "SEP01"]);
  assert.ok(two.desk.features.has("MakeCall"));
  const [appearance] = await two.lineAppearances();
  assert.deepEqual([appearance.device, appearance.selected], ["SEP01", true]);

  const silent = brings(one, "desk", () => one.desk.doNotDisturb === true);
  await two.desk.setDoNotDisturb(true);
  await silent;
  const begun = next(two, "call");
  const call = one.call("2002");
  const { call: seen } = await begun;
  assert.deepEqual(
    [seen.id, seen.media, seen.here],
    [call.id, "deskPhone", false],
  );
  assert.deepEqual([call.media, call.here], ["deskPhone", false]);
  const connected = brings(call, "state", ({ state }) => state === "connected");
  await brings(call, "state", ({ state }) => state === "ringing");
  sw.phone("SEP02").answer();
  await connected;
  const ended = next(call, "ended");
  await seen.hangup();
  assert.equal((await ended).cause, "local");
  await two.switchMode("SoftPhone");
  assert.deepEqual([one.mode, one.desk], ["SoftPhone", null]);
});

for (const [how, make] of [
  ["an address", ({ url }) => ({ url })],
  ["an Account of the app's", (options) => new Account(options)],
])
  test(`the device is let in by an account: ${how}`, async (t) => {
    const { registrar, tab } = await start(t, { policy: "graceful" });
    const accounts = await startAccounts({ registrar });
    t.after(() => accounts.stop());
    const { url } = accounts;
    const domain = "example.test";
    const account = make({ url, user: "2001", domain, password });
    const [one, two] = [tab({ account }), tab({ account })];
    await one.registerPhone();
    if (!two.ready) await brings(two, "status", ({ ready }) => ready);
    const devices = await one.account.devices();
    assert.equal(devices.length, 1);
    assert.equal(devices[0].instanceId, two.instanceId);
    one.account.close();
  });
