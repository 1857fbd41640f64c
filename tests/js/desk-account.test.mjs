// A gateway whose lines' users have rules at an account service: what is set at the desk phone
// is set there, and what is set there is seen at the desk phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { Account } from "graceline/account";
import { startGateway } from "graceline/gateway";
import { startAccounts, startRegistrar, startSwitch } from "graceline/testing";
import { WebSocket } from "ws";

const DOMAIN = "example.test";
const password = "secret";
const user = { password };

const until = (is, emitter, name) =>
  new Promise((resolve) => {
    const look = () => {
      if (!is()) return;
      emitter.off(name, look);
      resolve(undefined);
    };
    emitter.on(name, look);
    look();
  });

const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/** A page of 2001 that drives SEP01, and its account. SEP09 is of no user. */
async function start(t) {
  const registrar = await startRegistrar({
    users: { cti: user, 2001: user, 2002: user },
    domain: DOMAIN,
  });
  t.after(() => registrar.stop());
  const accounts = await startAccounts({ registrar });
  t.after(() => accounts.stop());
  registrar.configure({ devices: "off" });
  const sw = await startSwitch({
    phones: { 2001: ["SEP01"], 2009: ["SEP09"] },
  });
  t.after(() => sw.stop());
  const log = [];
  const gateway = await startGateway({
    login: {
      connections: registrar.url,
      user: "cti",
      domain: DOMAIN,
      password,
    },
    connections: [sw.url],
    lines: { 2001: [{ device: "SEP01" }], 2009: [{ device: "SEP09" }] },
    may: { 2001: ["2001"], 2002: ["2009"] },
    accounts: accounts.url,
    accountsToken: accounts.adminToken,
    log: (entry) => log.push(entry),
  });
  t.after(() => gateway.stop());
  await until(
    () => gateway.connections.every(({ state }) => state === "up"),
    gateway,
    "connections",
  );
  const phoneOf = async (name, remoteControl) => {
    const phone = new Phone({
      ...{ connections: registrar.url, user: name, domain: DOMAIN, password },
      remoteControl: { gateway: `sip:cti@${DOMAIN}`, ...remoteControl },
      ...{ WebSocket, storage: null },
    });
    t.after(() => phone.close());
    await phone.registerPhone({ mode: "DeskPhone" });
    return phone;
  };
  const account = new Account({
    ...{ url: accounts.url, user: "2001", domain: DOMAIN, password },
  });
  t.after(() => account.close());
  return { accounts, account, gateway, log, phoneOf, sw };
}

const rule = (desk, type) => desk.forwarding?.find((one) => one.type === type);

test("what the desk phone's user sets is a rule of the account", async (t) => {
  const { account, phoneOf, sw } = await start(t);
  const { desk } = await phoneOf("2001");
  await desk.setForwarding({ type: "immediate", active: true, to: "2002" });
  await desk.setForwarding({
    ...{ type: "noAnswer", active: true, to: "2003", seconds: 30 },
  });
  await desk.setDoNotDisturb(true);
  assert.deepEqual(await account.rules(), {
    always: "2002",
    busy: null,
    offline: null,
    noAnswer: { to: "2003", seconds: 30 },
    doNotDisturb: true,
  });
  // The switch has no second opinion.
  assert.deepEqual(
    sw.phone("SEP01").forwarding?.filter(({ active }) => active) ?? [],
    [],
  );
  await desk.setForwarding({ type: "immediate", active: false });
  await desk.setDoNotDisturb(false);
  const { always, doNotDisturb } = await account.rules();
  assert.deepEqual([always, doNotDisturb], [null, false]);
  // Put on again it leads where it did.
  await desk.setForwarding({ type: "immediate", active: true });
  assert.equal((await account.rules()).always, "2002");
});

test("what is set at the account is seen at the desk phone, and that messages wait", async (t) => {
  const { accounts, account, phoneOf } = await start(t);
  await account.setRules({ busy: "voicemail" });
  const phone = await phoneOf("2001");
  const { desk } = phone;
  await until(() => rule(desk, "busy")?.active, phone, "desk");
  assert.equal(desk.messageWaiting, false);
  await account.setRules({ doNotDisturb: true, busy: null });
  await until(() => desk.doNotDisturb, phone, "desk");
  await until(() => !rule(desk, "busy").active, phone, "desk");
  const put = await fetch(
    new URL(`v1/admin/users/2001@${DOMAIN}/mailbox`, accounts.url),
    {
      method: "PUT",
      headers: {
        authorization: `Bearer ${accounts.adminToken}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ new: 1, old: 0 }),
    },
  );
  assert.equal(put.status, 204);
  await until(() => desk.messageWaiting, phone, "desk");
});

test("a target that is none is refused, and nothing is changed", async (t) => {
  const { account, phoneOf } = await start(t);
  const { desk } = await phoneOf("2001");
  for (const bad of [
    { type: "busy", active: true },
    { type: "noAnswer", active: true, to: "2002", seconds: 4 },
  ])
    await assert.rejects(desk.setForwarding(bad), { code: "eInvalidArgument" });
  assert.equal((await account.rules()).busy, null);
});

test("a line of nobody's is the switch's own", async (t) => {
  const { phoneOf, sw } = await start(t);
  const phone = await phoneOf("2002", { line: "2009" });
  await phone.desk.setForwarding({ type: "busy", active: true, to: "2001" });
  await until(() => rule(phone.desk, "busy")?.active, phone, "desk");
  await phone.desk.setDoNotDisturb(true);
  assert.equal(sw.phone("SEP09").doNotDisturb, true);
});

test("while the account service is away it is said, and the switch's calls go on", async (t) => {
  const { accounts, phoneOf, sw, log } = await start(t);
  const phone = await phoneOf("2001");
  await accounts.stop();
  await assert.rejects(phone.desk.setDoNotDisturb(true), {
    code: "eServerRejected",
  });
  const ringing = next(phone, "incoming");
  sw.phone("SEP09").dial("2001");
  await ringing;
  assert.ok(!JSON.stringify(log).includes(accounts.adminToken));
});
