// graceline/account on the account service: what a user's app does with it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Account, PhoneError } from "graceline/account";
import { startAccounts, startRegistrar } from "graceline/testing";
import { useIndexedDb } from "./support/fake-indexed-db.js";

const DOMAIN = "example.test";
const password = "tell-nobody-4711";
const instance = (number) =>
  `urn:uuid:00000000-0000-4000-8000-${`${number}`.padStart(12, "0")}`;

/** A service with two users, and accounts of theirs. */
async function serve(t, options) {
  const registrar = await startRegistrar({
    users: { 2001: { password }, 2002: { password } },
    domain: DOMAIN,
  });
  const accounts = await startAccounts({ registrar, ...options });
  const made = [];
  t.after(async () => {
    made.forEach((account) => account.close());
    await accounts.stop();
    await registrar.stop();
  });
  const account = (more) => {
    const own = { url: accounts.url, user: "2001", domain: DOMAIN, password };
    made.push(new Account({ ...own, ...more }));
    return made.at(-1);
  };
  return { accounts, account };
}

/** What is asked of the service from now on: method and path. */
function watch(t) {
  const asked = [];
  const { fetch } = globalThis;
  t.mock.method(globalThis, "fetch", (url, options) => {
    asked.push(`${options.method} ${new URL(url).pathname}`);
    return fetch(url, options);
  });
  return asked;
}

/** The service has answered this. */
const answered = (t, wanted) =>
  new Promise((resolve) => {
    const { fetch } = globalThis;
    t.mock.method(globalThis, "fetch", async (url, options) => {
      const response = await fetch(url, options);
      if (new URL(url).pathname === wanted) resolve();
      return response;
    });
  });

const next = (account, name) =>
  new Promise((resolve) => account.once(name, resolve));

const phone = (number, more) => ({
  instanceId: instance(number),
  class: "mobile",
  name: `Phone ${number}`,
  ...more,
});

describe("options", () => {
  const good = { url: "https://a.example.com", user: "2001", domain: DOMAIN };
  test("those that will do", () => {
    for (const more of [
      {},
      { password },
      { token: "t" },
      { token: () => "t" },
      { url: "https://a.example.com/accounts/" },
      { url: "http://127.0.0.1:1" },
      { url: "http://a.example.com", allowInsecure: true },
    ])
      assert.equal(`${new Account({ ...good, ...more })}`, "[object Account]");
  });
  for (const [option, values] of Object.entries({
    url: [
      "",
      "a.example.com",
      "http://a.example.com",
      "ftp://a",
      "https://a:b@c",
    ],
    user: [undefined, "sip:2001"],
    domain: [undefined, "a b"],
    password: [true, "a\nb"],
    token: ["", 7, "a\r\nb"],
    instanceId: ["1", instance(0).replace("4000-8000", "0000-0000")],
  }))
    test(option, () => {
      for (const value of values)
        assert.throws(() => new Account({ ...good, [option]: value }), {
          code: "eInvalidArgument",
          details: { option },
        });
    });
});

describe("devices", () => {
  test("authorised, renamed, revoked, restored, forgotten", async (t) => {
    const { account } = await serve(t);
    const mine = account();
    assert.deepEqual(await mine.devices(), []);
    const device = await mine.authorise(phone(1));
    assert.equal(device.name, "Phone 1");
    assert.equal(device.state, "authorised");
    assert.equal((await mine.authorise(phone(1))).id, device.id);
    assert.equal((await mine.rename(device.id, "Mine")).name, "Mine");
    assert.equal((await mine.revoke(device.id)).state, "revoked");
    await assert.rejects(mine.authorise(phone(1)), {
      code: "eDeviceNotAuthorised",
      status: 403,
    });
    assert.equal((await mine.restore(device.id)).state, "authorised");
    await mine.forget(device.id);
    assert.deepEqual(await mine.devices(), []);
    await assert.rejects(mine.rename(device.id, "x"), { code: "eNotFound" });
    await assert.rejects(mine.rename("../session", "x"), PhoneError);
  });

  test("over the limit: who is there is told, and may be replaced", async (t) => {
    const { account } = await serve(t, { limits: { mobile: 2, deskphone: 1 } });
    const mine = account();
    const [first] = [
      await mine.authorise(phone(1)),
      await mine.authorise(phone(2)),
    ];
    let told;
    await assert.rejects(mine.authorise(phone(3)), (error) => {
      told = error;
      return PhoneError.is(error, "eDeviceLimitReached");
    });
    assert.equal(told.details.limit, 2);
    assert.deepEqual(
      told.details.devices.map(({ name }) => name),
      ["Phone 1", "Phone 2"],
    );
    assert.match(
      told.message,
      /as many devices of this kind as there may be: 2\./,
    );
    await mine.authorise(phone(3, { replaces: first.id }));
    assert.deepEqual(
      (await mine.devices()).map(({ name }) => name),
      ["Phone 2", "Phone 3"],
    );
  });

  test("of somebody else are not there", async (t) => {
    const { account } = await serve(t);
    const { id } = await account().authorise(phone(1));
    await assert.rejects(account({ user: "2002" }).revoke(id), {
      code: "eNotFound",
    });
  });
});

describe("where calls ring, and public ids", () => {
  test("auto, chosen devices, and what changes is told", async (t) => {
    const { account } = await serve(t);
    const mine = account();
    assert.equal(await mine.ringsOn(), "auto");
    const { id } = await mine.authorise(phone(1));
    assert.deepEqual(await mine.setRingsOn([id]), [id]);
    assert.deepEqual(await account().ringsOn(), [id]);
    await assert.rejects(mine.setRingsOn(["nobody"]), { code: "eNotFound" });
  });

  test("a number is confirmed by its code, a name at once", async (t) => {
    const sent = [];
    const sendCode = async (sending) => void sent.push(sending);
    const { account } = await serve(t, { sendCode });
    const mine = account();
    const number = "+493012345678";
    const added = await mine.addPublicId(number, { channel: "call" });
    assert.deepEqual(added, { id: number, kind: "tel", confirmed: false });
    const [{ id, code, channel }] = sent;
    assert.deepEqual([id, channel], [number, "call"]);
    const wrong = code === "000000" ? "000001" : "000000";
    await assert.rejects(mine.confirmPublicId(number, wrong), {
      code: "eCodeRejected",
    });
    assert.equal((await mine.confirmPublicId(number, code)).confirmed, true);
    assert.equal((await mine.addPublicId("ada")).confirmed, true);
    await assert.rejects(account({ user: "2002" }).addPublicId("ada"), {
      code: "ePublicIdTaken",
    });
    await mine.removePublicId("ada");
    assert.deepEqual(
      (await mine.publicIds()).map(({ id }) => id),
      [number],
    );
  });
});

describe("signing in", () => {
  test("once for many questions, and by refreshing from then on", async (t) => {
    const { account } = await serve(t);
    const asked = watch(t);
    const mine = account();
    await Promise.all([mine.devices(), mine.ringsOn(), mine.publicIds()]);
    const session = () => asked.filter((line) => line.includes("/session"));
    assert.deepEqual(session(), ["POST /v1/session"]);
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 595_000 });
    await Promise.all([mine.devices(), mine.ringsOn()]);
    assert.deepEqual(session().slice(1), ["POST /v1/session/refresh"]);
  });

  test("a wrong password", async (t) => {
    const { account } = await serve(t);
    await assert.rejects(account({ password: "wrong" }).devices(), {
      code: "eCredentialsRejected",
      status: 401,
    });
  });

  test("a session that was ended is opened again, once", async (t) => {
    const { account, accounts } = await serve(t);
    const mine = account();
    const { fetch } = globalThis;
    let authorization;
    t.mock.method(globalThis, "fetch", (url, options) => {
      authorization = options.headers.get("authorization");
      return fetch(url, options);
    });
    await mine.devices();
    const ended = await fetch(new URL("v1/session", accounts.url), {
      method: "DELETE",
      headers: { authorization },
    });
    assert.equal(ended.status, 204);
    assert.deepEqual(await mine.devices(), []);
  });

  test("nothing to sign in with", async (t) => {
    const { account } = await serve(t);
    await assert.rejects(account({ password: undefined }).devices(), {
      code: "eCredentialsRejected",
      message: /nothing to sign in with/,
    });
  });

  test("signing out outlives the page that is left", async (t) => {
    const { account } = await serve(t);
    const mine = account();
    await mine.devices();
    const { fetch } = globalThis;
    const told = [];
    t.mock.method(globalThis, "fetch", (url, options) => {
      told.push([options.method, options.keepalive]);
      return fetch(url, options);
    });
    mine.close();
    assert.deepEqual(told, [["DELETE", true]]);
  });

  test("a closed account asks nothing", async (t) => {
    const { account } = await serve(t);
    const mine = account();
    await mine.devices();
    const asked = watch(t);
    mine.close();
    mine.close();
    await assert.rejects(mine.devices(), { code: "eInvalidState" });
    assert.deepEqual(asked, ["DELETE /v1/session"]);
  });
});

describe("the key of a device", () => {
  test("signs in without a password, and gives credentials for SIP", async (t) => {
    useIndexedDb(t);
    const { account } = await serve(t);
    const first = account();
    const device = await first.authorise(phone(1));
    assert.equal(device.this, true);
    const later = account({ password: undefined });
    const [seen] = await later.devices();
    assert.deepEqual([seen.id, seen.this], [device.id, true]);
    const {
      username,
      password: secret,
      realm,
      expiresIn,
    } = await later.sipCredentials();
    assert.ok(username && secret && realm && expiresIn <= 3600);
    const other = await first.authorise(phone(2));
    assert.equal((await first.devices()).length, 2);
    assert.notEqual(other.id, device.id);
  });

  test("counts for nothing where the app gives a password that is wrong", async (t) => {
    useIndexedDb(t);
    const { account } = await serve(t);
    await account().authorise(phone(1));
    await assert.rejects(account({ password: "wrong" }).devices(), {
      code: "eCredentialsRejected",
    });
  });

  test("of a device that was revoked is worth nothing", async (t) => {
    useIndexedDb(t);
    const { account } = await serve(t);
    const { id } = await account().authorise(phone(1));
    delete globalThis.indexedDB;
    await account().revoke(id);
    useIndexedDb(t);
    const mine = account();
    await assert.rejects(mine.authorise(phone(1)), {
      code: "eDeviceNotAuthorised",
    });
  });

  test("there is none without IndexedDB", async (t) => {
    const { account } = await serve(t);
    const mine = account();
    const device = await mine.authorise(phone(1));
    assert.equal(device.this, undefined);
    await assert.rejects(mine.sipCredentials(), PhoneError);
  });
});

describe("events", () => {
  test("what another of the user's pages changes is told", async (t) => {
    const { account } = await serve(t);
    const [mine, other] = [account(), account()];
    const listening = answered(t, "/v1/events");
    const told = next(mine, "devices");
    const ringing = next(mine, "ringsOn");
    await listening;
    const { id } = await other.authorise(phone(1));
    assert.deepEqual(
      (await told).map((device) => device.id),
      [id],
    );
    await other.setRingsOn([id]);
    assert.deepEqual(await ringing, [id]);
  });

  test("end where nobody can sign in any more: told once", async (t) => {
    const { account } = await serve(t);
    const mine = account({ password: "wrong" });
    const error = next(mine, "error");
    mine.on("devices", () => assert.fail());
    assert.ok(PhoneError.is(await error, "eCredentialsRejected"));
  });
});

describe("a service that is not there", () => {
  test("is told as that", async (t) => {
    const { accounts, account } = await serve(t);
    const mine = account();
    await accounts.stop();
    await assert.rejects(mine.devices(), { code: "eCouldNotConnect" });
  });
});
