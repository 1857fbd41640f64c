// Who tries what at the account service: refused, slowed down, nothing changed, nothing
// told.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import {
  AccountClient,
  DOMAIN,
  exchange,
  instance,
  password,
  serve,
} from "./support/account-client.js";

/** A device of 2001, and clients of 2001 and 2002. */
async function scene(t, options) {
  const made = await serve(t, options);
  const own = await made.client.signedIn("2001");
  const { body: device } = await own.authorise();
  const stranger = await made.client.signedIn("2002");
  return { ...made, own, stranger, device };
}

describe("tokens", () => {
  test("that nobody gave, or that were changed, are worth nothing", async (t) => {
    const { own, client, accounts } = await scene(t);
    const [body, seal] = own.token.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url"));
    const forged = (more) =>
      Buffer.from(JSON.stringify({ ...claims, ...more })).toString("base64url");
    for (const token of [
      undefined,
      "x",
      body,
      `${body}.`,
      `${body}.${seal}x`,
      `${forged({ who: "2002" })}.${seal}`,
      `${forged({ until: claims.until * 2 })}.${seal}`,
      `${Buffer.from("{").toString("base64url")}.${seal}`,
      `${body}.${seal}.${seal}`,
      accounts.adminToken,
    ]) {
      const { status } = await client.as(token).ask("GET", "/v1/devices");
      assert.equal(status, 401, token);
    }
    // Nor does a nonce pass for a token, though the service sealed it.
    const { nonce } = await client.get("POST", "/v1/session/challenge", {
      ...{ user: "2001", domain: DOMAIN, deviceId: "x" },
    });
    const { status } = await client.as(nonce).ask("GET", "/v1/devices");
    assert.equal(status, 401);
  });

  test("in a URL or a cookie are not looked at", async (t) => {
    const { own, client } = await scene(t);
    const path = `/v1/devices?token=${own.token}&access_token=${own.token}`;
    const headers = { cookie: `token=${own.token}` };
    const { status } = await exchange(client.url, { path, headers });
    assert.equal(status, 401);
  });

  test("of a user are none of an administrator", async (t) => {
    const { own, client } = await scene(t);
    for (const token of [own.token, "", undefined])
      for (const [method, path] of [
        ["GET", "/v1/admin/users/2001"],
        ["GET", "/v1/admin/users/2001/devices"],
      ])
        assert.equal((await client.as(token).ask(method, path)).status, 401);
  });

  test("of an administrator are guessed at slowly", async (t) => {
    const { client, accounts } = await serve(t);
    const path = "/v1/admin/users/2001";
    for (let tries = 0; tries < 50; tries++)
      assert.equal((await client.as("x").ask("GET", path)).status, 401);
    const slowed = await client.as(accounts.adminToken).ask("GET", path);
    assert.equal(slowed.status, 429);
  });
});

describe("devices of others", () => {
  test("are not there: 404 for what is guessed and what is somebody else's", async (t) => {
    const { own, stranger, device } = await scene(t);
    const subscription = {
      endpoint: "http://127.0.0.1:9/x",
      keys: { p256dh: `B${"x".repeat(86)}`, auth: "x".repeat(22) },
    };
    for (const id of [device.id, "guess", "x".repeat(65), "%00", "a%20b"])
      for (const [method, path, body] of [
        ["PATCH", "", { name: "Mine" }],
        ["DELETE", ""],
        ["POST", "/revoke"],
        ["POST", "/restore"],
        ["PUT", "/push", subscription],
        ["DELETE", "/push"],
      ]) {
        const asked = `/v1/devices/${id}${path}`;
        const { status, code } = await stranger.ask(method, asked, body);
        assert.deepEqual([status, code], [404, "eNotFound"], asked);
      }
    const rings = { ringsOn: [device.id] };
    assert.equal(
      (await stranger.ask("PUT", "/v1/rings-on", rings)).status,
      404,
    );
    const replacing = { instanceId: instance(2), replaces: device.id };
    assert.equal((await stranger.authorise(replacing)).status, 404);
    assert.deepEqual(await own.get("GET", "/v1/devices"), [device]);
  });
});

describe("bodies", () => {
  test("that the document does not describe are refused, and change nothing", async (t) => {
    const { own, device } = await scene(t);
    const right = { instanceId: instance(2), class: "web", name: "Tab" };
    for (const change of [
      { instanceId: "urn:uuid:00000000-0000-0000-0000-000000000000" },
      { instanceId: "2001" },
      { instanceId: undefined },
      { instanceId: { toString: "x" } },
      { class: "fridge" },
      { class: "__proto__" },
      { name: "" },
      { name: "x".repeat(65) },
      { name: "a\r\nContact: <sip:evil>" },
      { name: "a\0b" },
      { name: "\u202Egnp.exe" },
      { name: ["Tab"] },
      { key: "x" },
      { key: `C${"x".repeat(86)}` },
      { replaces: "../2002" },
      { state: "authorised" },
      { limits: { mobile: 99 } },
      { id: "mine" },
    ]) {
      const { status, code } = await own.authorise({ ...right, ...change });
      assert.deepEqual(
        [status, code],
        [400, "eInvalidArgument"],
        JSON.stringify(change),
      );
    }
    for (const ringsOn of [
      "none",
      ["auto", "auto"],
      Array(65).fill("x"),
      {},
      null,
    ]) {
      const { status } = await own.ask("PUT", "/v1/rings-on", { ringsOn });
      assert.equal(status, 400);
    }
    assert.deepEqual(await own.get("GET", "/v1/devices"), [device]);
  });

  test("that are no JSON, or too long, or of another type", async (t) => {
    const { own, client, log } = await scene(t);
    const post = async (body, type = "application/json") => {
      const { status } = await fetch(new URL("/v1/devices", client.url), {
        method: "POST",
        headers: { authorization: `Bearer ${own.token}`, "content-type": type },
        body,
      });
      return status;
    };
    assert.equal(await post("{"), 400);
    assert.equal(await post(""), 400);
    assert.equal(await post("null"), 400);
    assert.equal(await post("[[[[[".repeat(1000)), 400);
    assert.equal(await post('{"__proto__":{"name":"x"}}'), 400);
    assert.equal(await post("{}", "text/plain"), 415);
    assert.equal(await post("{}", "application/x-www-form-urlencoded"), 415);
    assert.equal(await post(`"${"x".repeat(16 * 1024)}"`), 413);
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(4096)),
    });
    const answer = await fetch(new URL("/v1/devices", client.url), {
      method: "POST",
      headers: {
        authorization: `Bearer ${own.token}`,
        "content-type": "application/json",
      },
      body: endless,
      duplex: "half",
    }).then(
      ({ status }) => status,
      () => 413,
    );
    assert.equal(answer, 413);
    assert.deepEqual(log, []);
  });

  test("of strangers are not read", async (t) => {
    const { client } = await serve(t);
    const { status } = await client.ask("POST", "/v1/devices", {
      anything: "x".repeat(20_000),
    });
    assert.equal(status, 401);
  });
});

describe("guessing", () => {
  test("after five wrong passwords from an address a user's next is slowed, right or wrong", async (t) => {
    const { client } = await serve(t);
    for (let tries = 0; tries < 5; tries++)
      assert.equal(
        (await client.signIn("2001", { password: "x" })).status,
        401,
      );
    for (const password of ["x", undefined]) {
      const more = password && { password };
      const slowed = await client.signIn("2001", more);
      assert.equal(slowed.status, 429);
      assert.equal(slowed.code, "eTooManyRequests");
      const seconds = Number(slowed.headers.get("retry-after"));
      assert.ok(seconds > 0 && seconds <= 60, `${seconds}`);
    }
    assert.equal((await client.signIn("2002")).status, 200);
  });

  test("all at once gets no more tries", async (t) => {
    const { client } = await serve(t);
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        client.signIn("2001", { password: "x" }),
      ),
    );
    const wrong = answers.filter(({ status }) => status === 401);
    assert.equal(wrong.length, 5);
  });

  test("through a proxy each client is one by itself, and none chooses its address", async (t) => {
    const { client } = await serve(t, { behindProxy: true });
    const from = (address, word) =>
      client.ask(
        "POST",
        "/v1/session",
        { user: "2001", domain: DOMAIN, password: word },
        { "x-forwarded-for": address },
      );
    for (let tries = 0; tries < 5; tries++)
      assert.equal(
        (await from(`192.0.2.${tries}, 198.51.100.7`, "x")).status,
        401,
      );
    assert.equal((await from("192.0.2.99, 198.51.100.7", "x")).status, 429);
    assert.equal((await from("198.51.100.8", password)).status, 200);
  });

  test("without a proxy what a client says of its address counts nothing", async (t) => {
    const { client } = await serve(t);
    const proof = { user: "2001", domain: DOMAIN, password: "x" };
    for (let tries = 0; tries < 5; tries++)
      await client.ask("POST", "/v1/session", proof, {
        "x-forwarded-for": `192.0.2.${tries}`,
      });
    const { status } = await client.ask("POST", "/v1/session", proof, {
      "x-forwarded-for": "192.0.2.99",
    });
    assert.equal(status, 429);
  });
});

describe("pages of other sites", () => {
  for (const [origin, wanted] of [
    ["https://evil.example", 403],
    ["null", 403],
    ["http://localhost.evil.example", 403],
    ["http://127.0.0.1.evil.example:80", 403],
    ["http://localhost:5173", 200],
    ["http://[::1]:8080", 200],
  ])
    test(`${origin} by default: ${wanted}`, async (t) => {
      const { own, client } = await scene(t);
      const { status, headers } = await own.ask(
        "GET",
        "/v1/devices",
        undefined,
        {
          origin,
        },
      );
      assert.equal(status, wanted);
      const allowed = headers.get("access-control-allow-origin");
      assert.equal(allowed, wanted === 200 ? origin : null);
      assert.equal(headers.get("access-control-allow-credentials"), null);
      const preflight = await fetch(new URL("/v1/devices", client.url), {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
      });
      assert.equal(preflight.status, wanted === 200 ? 204 : 403);
    });

  test("with origins given, those alone, and the service's own", async (t) => {
    const { own, client } = await scene(t, {
      origins: ["https://app.example"],
    });
    const ask = async (origin) =>
      (await own.ask("GET", "/v1/devices", undefined, { origin })).status;
    assert.equal(await ask("https://app.example"), 200);
    assert.equal(await ask("http://app.example"), 403);
    assert.equal(await ask("http://localhost:5173"), 403);
    assert.equal(await ask(new URL(client.url).origin), 200);
  });

  test("find nothing to frame, to sniff or to keep", async (t) => {
    const { own } = await scene(t);
    const { headers } = await own.ask("GET", "/v1/devices");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy"), /default-src 'none'/);
    assert.match(
      headers.get("content-security-policy"),
      /frame-ancestors 'none'/,
    );
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("set-cookie"), null);
  });
});

describe("floods", () => {
  test("a user has so many sessions; the oldest makes room", async (t) => {
    const { client } = await serve(t);
    const first = await client.signedIn();
    const second = await client.signedIn();
    for (let count = 0; count < 127; count++) await client.signedIn();
    assert.equal((await first.ask("GET", "/v1/devices")).status, 401);
    assert.equal((await second.ask("GET", "/v1/devices")).status, 200);
  });

  test("who asks for the head of a stream is no listener for ever", async (t) => {
    const { own, client } = await scene(t);
    const headers = { authorization: `Bearer ${own.token}` };
    for (let count = 0; count < 33; count++)
      await exchange(client.url, {
        ...{ method: "HEAD", path: "/v1/events", headers },
      });
    await own.events(t);
  });

  test("heads that are too long, and paths that are none", async (t) => {
    const { client } = await serve(t);
    const { status } = await exchange(client.url, {
      headers: { authorization: `Bearer ${"x".repeat(20_000)}` },
    });
    assert.equal(status, 431);
    for (const path of [
      "/%",
      "/v1/devices/%ff",
      "/v1/devices/%",
      "//v1/devices",
    ]) {
      const { status } = await exchange(client.url, { path });
      assert.ok(status >= 400 && status < 500, `${path} ${status}`);
    }
  });

  test("who says half a request does not keep the service from others", async (t) => {
    const { client } = await serve(t);
    const { port } = new URL(client.url);
    const sockets = Array.from({ length: 50 }, () => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => {});
      t.after(() => socket.destroy());
      socket.write(
        "POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n",
      );
      return socket;
    });
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    assert.equal((await client.signIn()).status, 200);
  });
});

describe("secrets", () => {
  test("stand in no log, no audit log, and no answer but the one they are for", async (t) => {
    const { client, own, audit, log, accounts } = await scene(t);
    await client.signIn("2001", { password: "wrong-4712" });
    await client.as("wrong-token").ask("GET", "/v1/devices");
    const code = [];
    const told = JSON.stringify([audit, log, code]);
    for (const secret of [
      password,
      "wrong-4712",
      "wrong-token",
      own.token,
      accounts.adminToken,
    ])
      assert.ok(!told.includes(secret), secret);
  });

  test("nobody learns who there is by asking for a challenge", async (t) => {
    const { client } = await serve(t);
    for (const user of ["2001", "2009"]) {
      const asked = { user, domain: DOMAIN, deviceId: "x" };
      const made = await client.get("POST", "/v1/session/challenge", asked);
      assert.deepEqual(Object.keys(made).sort(), ["expiresIn", "nonce"]);
    }
  });

  test("another service's token is none of this one's", async (t) => {
    const [one, other] = [await scene(t), await scene(t)];
    const strange = new AccountClient(other.client.url, one.own.token);
    assert.equal((await strange.ask("GET", "/v1/devices")).status, 401);
  });
});
