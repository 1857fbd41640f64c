// The account service on the users of a test registrar: what its API does. Each answer
// is checked against docs/account-api.yaml by the client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startAccounts, startRegistrar } from "graceline/testing";
import { readOperations } from "../../server/accounts/document.js";
import { Events } from "../../server/accounts/events.js";
import { Sessions } from "../../server/accounts/sessions.js";
import { MemoryStore } from "../../server/accounts/store/memory.js";
import {
  DOMAIN,
  document,
  exchange,
  instance,
  password,
  serve,
} from "./support/account-client.js";

describe("the document", () => {
  test("every operation of it is served, and nothing else is", async (t) => {
    const { client } = await serve(t);
    const operations = readOperations();
    assert.ok(operations.length > 20);
    for (const { method, path, caller, hasBody } of operations) {
      if (!caller) continue;
      const asked = path.replace(/:\w+/g, "x");
      const body = hasBody ? {} : undefined;
      const { status } = await client.ask(method.toUpperCase(), asked, body);
      assert.equal(status, 401, `${method} ${path}`);
    }
    for (const [method, path] of [
      ["GET", "/v1/nothing"],
      ["GET", "/v1/session"],
      ["PUT", "/v1/devices"],
      ["GET", "/v2/devices"],
      ["GET", "/../package.json"],
    ]) {
      const { status, text } = await exchange(client.url, { method, path });
      assert.equal(status, 404, path);
      assert.equal(JSON.parse(text).error.code, "eNotFound");
    }
  });

  test("names each operation once", () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).flatMap((one) => one.operationId ?? []),
    );
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe("signing in", () => {
  test("by the password of the SIP account; domains have no case", async (t) => {
    const { client } = await serve(t);
    const { status, body } = await client.signIn("2001", {
      domain: DOMAIN.toUpperCase(),
    });
    assert.equal(status, 200);
    assert.ok(body.expiresIn > 0 && body.expiresIn <= 900);
    assert.deepEqual(await client.as(body.token).get("GET", "/v1/devices"), []);
  });

  test("who is unknown, and what is wrong, is refused alike", async (t) => {
    const { client } = await serve(t);
    const answers = [];
    for (const [user, more] of [
      ["2001", { password: "wrong" }],
      ["2009", {}],
      ["toString", {}],
      ["__proto__", {}],
      ["2002", { domain: "elsewhere.test" }],
    ])
      answers.push(await client.signIn(user, more));
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.deepEqual(body, answers[0].body);
    }
    assert.equal(answers[0].code, "eCredentialsRejected");
    assert.equal(answers[0].headers.get("www-authenticate"), "Bearer");
  });

  test("signing out ends its tokens at once", async (t) => {
    const { client } = await serve(t);
    const { body } = await client.signIn();
    const own = client.as(body.token);
    assert.equal((await own.ask("DELETE", "/v1/session")).status, 204);
    assert.equal((await own.ask("GET", "/v1/devices")).status, 401);
    const { refreshToken } = body;
    const again = await client.ask("POST", "/v1/session/refresh", {
      refreshToken,
    });
    assert.equal(again.status, 401);
  });

  test("a refresh token counts once; shown again it ends the session", async (t) => {
    const { client } = await serve(t);
    const { body: first } = await client.signIn();
    const refresh = ({ refreshToken }) =>
      client.ask("POST", "/v1/session/refresh", { refreshToken });
    const second = await refresh(first);
    assert.equal(second.status, 200);
    const third = await refresh(second.body);
    const own = client.as(third.body.token);
    assert.equal((await own.ask("GET", "/v1/devices")).status, 200);
    assert.equal((await refresh(first)).status, 401);
    assert.equal((await own.ask("GET", "/v1/devices")).status, 401);
    assert.equal((await refresh(third.body)).status, 401);
  });

  test("of two refreshes at once with one token one was copied", async () => {
    const sessions = new Sessions(new MemoryStore());
    const account = { who: "2001", realm: DOMAIN };
    const { token, refreshToken } = await sessions.open(account);
    const both = await Promise.all(
      [1, 2].map(() => sessions.ofRefresh(refreshToken)),
    );
    const [one, other] = await Promise.all(both.map(({ next }) => next()));
    assert.ok(one && !other);
    for (const each of [token, one.token])
      assert.equal(await sessions.of(each), undefined);
  });

  test("refreshed twice at once over HTTP it is over, too", async (t) => {
    const { client } = await serve(t);
    const { body } = await client.signIn();
    const { refreshToken } = body;
    const answers = await Promise.all(
      [1, 2].map(() =>
        client.ask("POST", "/v1/session/refresh", { refreshToken }),
      ),
    );
    assert.ok(answers.some(({ status }) => status === 401));
    for (const { body } of answers.filter(({ status }) => status === 200)) {
      const { status } = await client.as(body.token).ask("GET", "/v1/devices");
      assert.equal(status, 401);
    }
  });

  test("by a token of the operator's own", async (t) => {
    const authenticate = async ({ token }) =>
      token === "right"
        ? { user: "2002", domain: DOMAIN }
        : token === "gone"
          ? { user: "2009", domain: DOMAIN }
          : null;
    const { client } = await serve(t, { authenticate });
    const sign = (token) => client.ask("POST", "/v1/session", { token });
    assert.equal((await sign("wrong")).status, 401);
    assert.equal((await sign("gone")).status, 401);
    const { body } = await sign("right");
    const own = client.as(body.token);
    await own.authorise();
    const second = await client.signedIn("2002");
    assert.equal((await second.get("GET", "/v1/devices")).length, 1);
  });

  test("where the operator has none, no token signs in", async (t) => {
    const { client } = await serve(t);
    const { status } = await client.ask("POST", "/v1/session", { token: "x" });
    assert.equal(status, 401);
  });
});

describe("devices", () => {
  test("authorised, listed, renamed, revoked, restored, forgotten", async (t) => {
    const { client, audit } = await serve(t);
    const own = await client.signedIn();
    const made = await own.authorise({
      instanceId: instance(7).toUpperCase().replace("URN:UUID", "urn:uuid"),
    });
    assert.equal(made.status, 201);
    const { id } = made.body;
    assert.deepEqual(made.body, {
      ...{ id, instanceId: instance(7), name: "Phone", class: "mobile" },
      ...{ state: "authorised", registered: false, push: false },
      lastSeen: made.body.lastSeen,
    });
    const again = await own.authorise({ instanceId: instance(7) });
    assert.equal(again.status, 200);
    assert.equal(again.body.id, id);
    const path = `/v1/devices/${id}`;
    const renamed = await own.get("PATCH", path, { name: "Küche ☎" });
    assert.equal(renamed.name, "Küche ☎");
    assert.equal((await own.get("POST", `${path}/revoke`)).state, "revoked");
    const back = await own.authorise({ instanceId: instance(7) });
    assert.equal(back.status, 403);
    assert.equal(back.code, "eDeviceNotAuthorised");
    assert.equal(
      (await own.get("POST", `${path}/restore`)).state,
      "authorised",
    );
    assert.equal((await own.ask("DELETE", path)).status, 204);
    assert.deepEqual(await own.get("GET", "/v1/devices"), []);
    assert.equal((await own.ask("DELETE", path)).status, 404);
    assert.deepEqual(
      audit.map(({ act, who, by, refused }) => [act, who, by, refused]),
      [
        ["authoriseDevice", undefined],
        ["authoriseDevice", undefined],
        ["renameDevice", undefined],
        ["revokeDevice", undefined],
        ["authoriseDevice", "eDeviceNotAuthorised"],
        ["restoreDevice", undefined],
        ["forgetDevice", undefined],
        ["forgetDevice", "eNotFound"],
      ].map(([act, refused]) => [act, "2001", "user", refused]),
    );
  });

  test("the limit tells the devices, and one of them can be replaced", async (t) => {
    const { client } = await serve(t, { limits: { mobile: 2 } });
    const own = await client.signedIn();
    const ids = [];
    for (const number of [1, 2])
      ids.push((await own.authorise({ instanceId: instance(number) })).body.id);
    const full = await own.authorise({ instanceId: instance(3) });
    assert.equal(full.status, 409);
    assert.equal(full.code, "eDeviceLimitReached");
    assert.equal(full.details.limit, 2);
    assert.deepEqual(
      full.details.devices.map(({ id }) => id),
      ids,
    );
    const replacing = { instanceId: instance(3), replaces: ids[0] };
    assert.equal((await own.authorise(replacing)).status, 201);
    assert.deepEqual(
      (await own.get("GET", "/v1/devices")).map(({ instanceId }) => instanceId),
      [instance(2), instance(3)],
    );
  });

  test("fifty at once with a limit of four leave four", async (t) => {
    const { client } = await serve(t);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        const own = await client.signedIn();
        return own.authorise({ instanceId: instance(number + 1) });
      }),
    );
    const counts = (code) =>
      answers.filter(({ status }) => status === code).length;
    assert.deepEqual([counts(201), counts(409)], [4, 46]);
  });

  test("where it rings", async (t) => {
    const { client } = await serve(t);
    const own = await client.signedIn();
    const { body } = await own.authorise();
    assert.deepEqual(await own.get("GET", "/v1/rings-on"), { ringsOn: "auto" });
    const set = (ringsOn) => own.ask("PUT", "/v1/rings-on", { ringsOn });
    assert.deepEqual((await set([body.id])).body, { ringsOn: [body.id] });
    assert.equal((await set(["stranger"])).status, 404);
    assert.deepEqual((await set("auto")).body, { ringsOn: "auto" });
  });
});

describe("server-sent events", () => {
  test("tell the user's own changes, whoever made them, and nobody else's", async (t) => {
    const { client } = await serve(t);
    const [own, stranger] = [
      await client.signedIn("2001"),
      await client.signedIn("2002"),
    ];
    const [events, others] = [await own.events(t), await stranger.events(t)];
    const { body } = await (await client.signedIn("2001")).authorise();
    assert.deepEqual(await events.next(), { name: "devices", data: [body] });
    await own.get("PUT", "/v1/rings-on", { ringsOn: [body.id] });
    assert.deepEqual(await events.next(), { name: "ringsOn", data: [body.id] });
    const { body: theirs } = await stranger.authorise();
    assert.deepEqual(await others.next(), { name: "devices", data: [theirs] });
  });

  test("end with the session", async (t) => {
    const { client } = await serve(t);
    const own = await client.signedIn();
    const events = await own.events(t);
    await own.ask("DELETE", "/v1/session");
    assert.equal(await events.next(), undefined);
  });

  test("are no more than a user needs; who leaves makes room", async (t) => {
    const { client } = await serve(t);
    const [own, other] = [await client.signedIn(), await client.signedIn()];
    await other.events(t);
    for (let count = 1; count < 32; count++) await own.events(t);
    assert.equal((await own.ask("GET", "/v1/events")).status, 429);
    const stranger = await client.signedIn("2002");
    await stranger.events(t);
    await other.ask("DELETE", "/v1/session");
    await own.events(t);
  });

  test("of a client that is gone, or reads nothing, are let go", () => {
    const events = new Events(
      async () => [],
      async () => true,
    );
    const session = { who: "2001", id: "s", realm: DOMAIN };
    const controllers = Array.from({ length: 32 }, () => new AbortController());
    const streams = controllers.map(({ signal }) =>
      events.listen(session, signal),
    );
    const one = () => events.listen(session, new AbortController().signal);
    assert.throws(one, { code: "eTooManyRequests" });
    controllers[0].abort();
    streams.push(one());
    assert.throws(one, { code: "eTooManyRequests" });
    streams[1].cancel();
    one();
    events.close();
  });
});

describe("administrators", () => {
  test("list, authorise, revoke and restore any user's devices", async (t) => {
    const { client, accounts, audit } = await serve(t);
    const admin = client.as(accounts.adminToken);
    const path = `/v1/admin/users/2001@${DOMAIN}/devices`;
    assert.deepEqual(await admin.get("GET", path), []);
    const desk = { instanceId: instance(5), class: "deskphone", name: "Desk" };
    const made = await admin.ask("POST", path, desk);
    assert.equal(made.status, 201);
    const { device, sipCredentials } = made.body;
    assert.equal(sipCredentials.realm, DOMAIN);
    assert.equal(sipCredentials.expiresIn, null);
    const own = await client.signedIn();
    assert.deepEqual(await own.get("GET", "/v1/devices"), [device]);
    const revoked = await admin.get("POST", `${path}/${device.id}/revoke`);
    assert.equal(revoked.state, "revoked");
    await admin.get("POST", `${path}/${device.id}/restore`);
    assert.deepEqual(
      audit.map(({ act, who, by }) => [act, who, by]),
      [
        "authoriseDeviceOfUser",
        "revokeDeviceOfUser",
        "restoreDeviceOfUser",
      ].map((act) => [act, "2001", "administrator"]),
    );
    assert.ok(!JSON.stringify(audit).includes(sipCredentials.password));
  });

  test("set what holds for one user", async (t) => {
    const { client, accounts } = await serve(t, { limits: { mobile: 3 } });
    const admin = client.as(accounts.adminToken);
    const path = "/v1/admin/users/2001";
    assert.deepEqual(await admin.get("GET", path), {
      ...{ user: "2001", limits: { mobile: 3, deskphone: 4 } },
      ...{ devices: "on", unique: "on", sharedSlot: "ask" },
    });
    await admin.get("PATCH", path, { limits: { mobile: 0 } });
    const own = await client.signedIn();
    assert.equal((await own.authorise()).details.limit, 0);
    const other = await client.signedIn("2002");
    assert.equal((await other.authorise()).status, 201);
    const back = await admin.get("PATCH", path, { limits: { mobile: null } });
    assert.equal(back.limits.mobile, 3);
    const off = await admin.get("PATCH", path, { unique: "off" });
    assert.equal(off.unique, "off");
  });

  test("know no users that there are not", async (t) => {
    const { client, accounts } = await serve(t);
    const admin = client.as(accounts.adminToken);
    for (const user of ["2009", "2001@elsewhere.test", "@", "2001@a@b"]) {
      const path = `/v1/admin/users/${user}`;
      assert.equal((await admin.ask("GET", path)).status, 404, user);
    }
  });
});

describe("options", () => {
  test("a wrong one is named, and no secret said", async (t) => {
    const registrar = await startRegistrar();
    t.after(() => registrar.stop());
    for (const [option, value] of [
      ["registrar", {}],
      ["port", "http"],
      ["origins", ["app.example"]],
      ["limits", { phone: 3 }],
      ["limits", { mobile: 65 }],
      ["sharedSlot", "maybe"],
      ["adminToken", "tooshort"],
      ["pushHosts", ["http//x"]],
      ["pushHook", "https://push.example.com/"],
      ["pushContact", "me"],
      ["tls", { cert: "x" }],
    ])
      await assert.rejects(
        startAccounts({ registrar, [option]: value }),
        ({ code, details, message }) => {
          assert.equal(code, "eInvalidArgument");
          assert.equal(details.option, option);
          assert.doesNotMatch(message, /tooshort/);
          return true;
        },
      );
  });

  test("a host that others can reach needs passwords of its own", async (t) => {
    const registrar = await startRegistrar();
    t.after(() => registrar.stop());
    await assert.rejects(startAccounts({ registrar, host: "0.0.0.0" }), {
      code: "eInvalidArgument",
    });
  });

  test("two services on one registrar tell each other's changes", async (t) => {
    const { registrar, client } = await serve(t);
    const other = await startAccounts({ registrar });
    t.after(() => other.stop());
    const own = await client.signedIn();
    const events = await own.events(t);
    const { body } = await fetch(new URL("v1/session", other.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: "2001", domain: DOMAIN, password }),
    }).then(async (response) => ({ body: await response.json() }));
    await fetch(new URL("v1/devices", other.url), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${body.token}`,
      },
      body: JSON.stringify({
        ...{ instanceId: instance(1), class: "web", name: "Tab" },
      }),
    });
    const { name, data } = await events.next();
    assert.deepEqual([name, data[0].name], ["devices", "Tab"]);
  });
});
