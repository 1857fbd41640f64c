// Rules and history over the account service's API, with phones that call at the test
// registrar.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "graceline";
import { Account } from "graceline/account";
import { fakeMedia } from "graceline/testing";
import { WebSocket } from "ws";
import { DOMAIN, instance, password, serve } from "./support/account-client.js";
import { next } from "./support/line.js";

const NONE = {
  ...{ always: null, busy: null, offline: null, noAnswer: null },
  doNotDisturb: false,
};

/** A service at whose registrar everybody may call; phones that end with the test. */
async function scene(t, ofRegistrar) {
  const made = await serve(t, {}, { devices: "off", ...ofRegistrar });
  const phone = async (user, more) => {
    const phone = new Phone({
      ...{ connections: made.registrar.url, user, domain: DOMAIN, password },
      ...{ media: fakeMedia(), WebSocket, storage: null, ...more },
    });
    t.after(() => phone.close());
    await phone.registerPhone();
    return phone;
  };
  const account = (user, more) => {
    const { url } = made.accounts;
    const account = new Account({
      url,
      user,
      domain: DOMAIN,
      password,
      ...more,
    });
    t.after(() => account.close());
    return account;
  };
  return { ...made, phone, account };
}

test("rules: what is not named stays, and null removes", async (t) => {
  const { account } = await scene(t);
  const own = account("2001");
  const other = account("2002");
  assert.deepEqual(await own.rules(), NONE);
  const changed = await own.setRules({
    always: "+4930123456",
    noAnswer: { to: "voicemail", seconds: 20 },
  });
  assert.deepEqual(changed, {
    ...NONE,
    always: "+4930123456",
    noAnswer: { to: "voicemail", seconds: 20 },
  });
  assert.deepEqual(await own.setRules({ always: null, doNotDisturb: true }), {
    ...NONE,
    noAnswer: { to: "voicemail", seconds: 20 },
    doNotDisturb: true,
  });
  assert.deepEqual(await other.rules(), NONE);
});

test("rules that are none change nothing", async (t) => {
  const { client } = await scene(t);
  const own = await client.signedIn();
  for (const rules of [
    { always: "" },
    { always: "sip:a@b\r\nVia: x" },
    { always: "javascript:alert(1)" },
    { noAnswer: { to: "voicemail" } },
    { noAnswer: { to: "voicemail", seconds: 0 } },
    { noAnswer: { to: "voicemail", seconds: 1e9 } },
    { doNotDisturb: "yes" },
    { never: "2002" },
    [],
    null,
  ]) {
    const { status, code } = await own.ask("PATCH", "/v1/rules", rules);
    assert.deepEqual(
      [status, code],
      [400, "eInvalidArgument"],
      JSON.stringify(rules),
    );
  }
  assert.deepEqual(await own.get("GET", "/v1/rules"), NONE);
});

test("a change of rules is heard by who listens, and written down", async (t) => {
  const { client, audit } = await scene(t);
  const own = await client.signedIn();
  const events = await own.events(t);
  await own.get("PATCH", "/v1/rules", { busy: "2002" });
  assert.deepEqual(await events.next(), {
    name: "rules",
    data: { ...NONE, busy: "2002" },
  });
  const entry = audit.at(-1);
  assert.deepEqual([entry.act, entry.who], ["changeRules", "2001"]);
});

test("an administrator sees and changes the rules of a user, and of nobody else", async (t) => {
  const { client, accounts } = await scene(t);
  const admin = client.as(accounts.adminToken);
  const path = "/v1/admin/users/2002/rules";
  await admin.get("PATCH", path, { offline: "2001" });
  assert.equal((await admin.get("GET", path)).offline, "2001");
  const user = await client.signedIn("2001");
  assert.equal((await user.ask("GET", path)).status, 401);
  const none = "/v1/admin/users/2009/rules";
  assert.equal((await admin.ask("GET", none)).status, 404);
});

test("calls go by the rules at once, and their records come as they end", async (t) => {
  const { phone, account } = await scene(t, {
    users: { 2001: { password }, 2002: { password }, 2003: { password } },
  });
  const [caller, callee, heir] = [
    await phone("2001"),
    await phone("2002"),
    await phone("2003"),
  ];
  const [own, other] = [account("2002"), account("2003")];
  const [forwarded, answered] = [next(own, "history"), next(other, "history")];
  await own.setRules({ always: "2003" });
  await other.rules();
  callee.on("incoming", () => assert.fail("nothing rings"));
  heir.on("incoming", ({ call }) => call.answer());
  const call = caller.call("2002");
  await next(call, "connected");
  // Whose rules sent it on has no more part in it.
  const passed = await forwarded;
  assert.deepEqual(
    [passed.result, passed.forwardedTo, passed.direction],
    ["forwarded", "2003", "incoming"],
  );
  assert.deepEqual(await other.history(), []);
  await call.hangup();
  const { id, result, start, answered: at, end } = await answered;
  assert.deepEqual([id, result], [passed.id, "answered"]);
  assert.ok(start <= at && at <= end, `${start} ${at} ${end}`);
  assert.deepEqual(await other.history(), [await answered]);
  assert.deepEqual(await own.history(), [passed]);
  await own.setRules({ always: null, doNotDisturb: true });
  const refused = caller.call("2002");
  await next(refused, "ended");
  const [missed] = await own.history({ limit: 1 });
  assert.equal(missed.result, "missed");
  const [busy] = await account("2001").history({ limit: 1 });
  assert.deepEqual([busy.id, busy.result], [missed.id, "busy"]);
});

test("history: pages, and nobody else's", async (t) => {
  const { phone, account, client } = await scene(t);
  const caller = await phone("2001");
  const own = account("2001");
  await account("2002").setRules({ doNotDisturb: true });
  for (let n = 0; n < 5; n++) await next(caller.call("2002"), "ended");
  const all = await own.history();
  assert.equal(all.length, 5);
  const page = await own.history({ before: all[1].id, limit: 2 });
  assert.deepEqual(page, [all[2], all[3]]);
  const last = await own.history({ before: all[4].id });
  assert.deepEqual(last, []);
  await assert.rejects(own.history({ limit: 0 }), { code: "eInvalidArgument" });
  await assert.rejects(own.history({ limit: 101 }), {
    code: "eInvalidArgument",
  });
  const signedIn = await client.signedIn();
  for (const query of ["limit=x", "limit=-1", "page=2"]) {
    const { status } = await signedIn.ask("GET", `/v1/history?${query}`);
    assert.equal(status, 400, query);
  }
  const { status } = await signedIn.ask("GET", "/v1/history?before=nothing");
  assert.equal(status, 404);
});

test("what another device took was answered elsewhere, for a device", async (t) => {
  const { accounts, client, phone, registrar } = await scene(t, {
    devices: "on",
  });
  const page = await client.signedIn("2002");
  const devices = [];
  for (const number of [1, 2]) {
    const named = { instanceId: instance(number), class: "mobile" };
    devices.push((await page.authorise(named)).body.id);
  }
  const caller = await client.signedIn("2001");
  await caller.authorise({ instanceId: instance(3) });
  const [taker, other] = await Promise.all(
    [1, 2].map((number) =>
      phone("2002", { instanceId: instance(number), device: `D${number}` }),
    ),
  );
  const rings = [taker, other].map((one) => next(one, "incoming"));
  let ringing = 0;
  const both = new Promise((resolve) =>
    registrar.on("trace", ({ direction, message }) => {
      if (direction !== "received" || !message.startsWith("SIP/2.0 180"))
        return;
      ringing += 1;
      if (ringing === 2) resolve(undefined);
    }),
  );
  const call = (await phone("2001", { instanceId: instance(3) })).call("2002");
  const [here, there] = await Promise.all(rings);
  await both;
  const over = next(there.call, "ended");
  await here.call.answer();
  const ended = await over;
  assert.equal(ended.cause, "answeredElsewhere");
  const events = await page.events(t);
  await call.hangup();
  const { name, data } = await events.next();
  assert.equal(name, "history");
  assert.deepEqual(
    [data.result, data.answeredBy, data.rang.toSorted()],
    ["answered", devices[0], devices.toSorted()],
  );
  const admin = client.as(accounts.adminToken);
  assert.equal((await admin.ask("GET", "/v1/history")).status, 401);
});
