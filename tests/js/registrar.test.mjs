// The test kit: what a project's own tests rely on.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { describe, test } from "node:test";
import { startRegistrar } from "graceline/testing";
import { WebSocket } from "ws";
import { next, setUp } from "./support/line.js";

/** What comes of a handshake: "open", or the status of the refusal. */
function handshake(t, url, protocols = "sip", options = {}) {
  const socket = new WebSocket(url, protocols, options);
  t.after(() => socket.terminate());
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.on("open", () => resolve("open"));
    socket.on("unexpected-response", (_, { statusCode }) =>
      resolve(statusCode),
    );
  });
}

describe("who may connect", () => {
  for (const [origin, wanted] of [
    [undefined, "open"],
    ["http://localhost:5173", "open"],
    ["http://127.0.0.1:8080", "open"],
    ["http://[::1]:8080", "open"],
    ["https://evil.example", 403],
    ["http://localhost.evil.example", 403],
    ["http://127.0.0.1.evil.example", 403],
    ["null", 403],
    ["https://app.example", "open"],
  ])
    test(`Origin ${origin}: ${wanted}`, async (t) => {
      const { registrar } = await setUp(t, {
        origins: ["https://app.example"],
      });
      const options = origin ? { origin } : {};
      assert.equal(await handshake(t, registrar.url, "sip", options), wanted);
    });

  test("only who speaks sip", async (t) => {
    const { registrar } = await setUp(t);
    assert.equal(await handshake(t, registrar.url, ["xmpp"]), 400);
    assert.equal(await handshake(t, registrar.url, []), 400);
    assert.equal(await handshake(t, registrar.url, ["xmpp", "sip"]), "open");
  });

  test("plain HTTP is told what this is", async (t) => {
    const { registrar } = await setUp(t);
    const asking = request(registrar.url.replace("ws:", "http:")).end();
    const [response] = await once(asking, "response");
    assert.equal(response.statusCode, 426);
    response.resume();
  });
});

describe("options", () => {
  test("a host that others can reach needs passwords of its own", async () => {
    for (const users of [undefined, { 2001: { password: "secret" } }])
      await assert.rejects(startRegistrar({ host: "0.0.0.0", users }), {
        code: "eInvalidArgument",
      });
  });

  for (const [option, value] of [
    ["policy", "polite"],
    ["dialect", "yate"],
    ["users", { 2001: {} }],
    ["users", "2001"],
    ["tellOusted", ["shout"]],
    ["algorithms", ["ROT13"]],
    ["algorithms", []],
    ["maxContacts", -1],
    ["nonceLifetime", "1 hour"],
  ])
    test(`a wrong ${option} is named`, async () => {
      await assert.rejects(startRegistrar({ [option]: value }), (error) => {
        assert.equal(error.code, "eInvalidArgument");
        assert.equal(error.details.option, option);
        return error instanceof Error;
      });
    });

  test("a port in use is an error, not a hang", async (t) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    t.after(() => taken.close());
    await assert.rejects(startRegistrar({ port: taken.address().port }), {
      code: "EADDRINUSE",
    });
  });

  test("without users there are two, with domain or without", async (t) => {
    const { phone } = await setUp(t, { users: undefined, domain: undefined });
    await phone({ password: "secret" }).registerPhone();
    await phone({
      password: "secret",
      user: "2002",
      domain: "elsewhere.example",
    }).registerPhone();
  });

  for (const dialect of ["freeswitch", "freeswitch-multi"])
    test(`imitates ${dialect}`, async (t) => {
      const { registrar, phone } = await setUp(t, {
        policy: "normal",
        dialect,
      });
      await phone().registerPhone();
      assert.equal(registrar.bindings("2001").length, 1);
    });

  test("changed while it runs", async (t) => {
    const { registrar, phone } = await setUp(t);
    await phone().registerPhone();
    registrar.configure({ policy: "normal" });
    assert.deepEqual(registrar.bindings("2001"), []);
    assert.throws(() => registrar.configure({ policy: "polite" }), {
      code: "eInvalidArgument",
    });
  });

  test("a limit of contacts", async (t) => {
    const { phone } = await setUp(t, { maxContacts: 1 });
    await phone({ device: "A" }).registerPhone();
    await assert.rejects(phone({ device: "B" }).registerPhone(), {
      code: "eDeviceLimitReached",
    });
  });
});

test("bindings events carry the bindings, trace events the messages", async (t) => {
  const { registrar, phone, trace } = await setUp(t);
  const told = next(registrar, "bindings");
  await phone().registerPhone();
  const { user, bindings } = await told;
  assert.equal(user, "2001");
  assert.equal(bindings[0].device, "CSFALICE");
  assert.ok(Math.abs(bindings[0].since - Date.now()) < 60_000);
  assert.deepEqual(
    trace
      .slice(0, 2)
      .map(({ direction, connection }) => [direction, connection]),
    [
      ["received", 1],
      ["sent", 1],
    ],
  );
  assert.ok(Math.abs(trace[0].at - Date.now()) < 60_000);
  assert.deepEqual(registrar.bindings("nobody"), []);
});

test("a socket that closes frees its binding at once", async (t) => {
  const { registrar } = await setUp(t);
  const sockets = [];
  class Kept extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  }
  const { Phone } = await import("graceline");
  const phone = new Phone({
    connections: registrar.url,
    user: "2001",
    domain: "example.test",
    password: "tell-nobody-4711",
    WebSocket: Kept,
  });
  await phone.registerPhone();
  const freed = next(registrar, "bindings");
  sockets[0].terminate();
  assert.deepEqual((await freed).bindings, []);
  await phone.close();
});

test("relays a MESSAGE between two registered clients", async (t) => {
  const { registrar } = await setUp(t, { users: OPEN_USERS });
  const [alice, bob] = await Promise.all([
    client(t, registrar.url, "2001"),
    client(t, registrar.url, "2002"),
  ]);
  const body = "Lunch at noon?";
  alice.send(
    [
      "MESSAGE sip:2002@example.test SIP/2.0",
      "Via: SIP/2.0/WS a.invalid;branch=z9hG4bKm1",
      "Max-Forwards: 70",
      "From: <sip:2001@example.test>;tag=m1",
      "To: <sip:2002@example.test>",
      "Call-ID: m1",
      "CSeq: 1 MESSAGE",
      "Content-Type: text/plain",
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n"),
  );
  const message = await bob.receive(/^MESSAGE /);
  assert.ok(message.endsWith(body));
  bob.send(answerTo(message, "200 OK"));
  assert.match(await alice.receive(/^SIP\/2.0 200/), /CSeq: 1 MESSAGE/);
});

test("stop closes every connection, and may be repeated", async (t) => {
  const { registrar } = await setUp(t);
  const socket = new WebSocket(registrar.url, "sip");
  await once(socket, "open");
  const closed = once(socket, "close");
  await registrar.stop();
  assert.equal((await closed)[0], 1001);
  await registrar.stop();
  assert.deepEqual(registrar.bindings("2001"), []);
});

const OPEN_USERS = { 2001: { password: "a" }, 2002: { password: "b" } };

/** A registered client that speaks SIP by hand. */
async function client(t, url, user) {
  const socket = new WebSocket(url, "sip");
  t.after(() => socket.terminate());
  const inbox = [];
  let wake = () => {};
  socket.on("message", (data) => {
    inbox.push(`${data}`);
    wake();
  });
  await once(socket, "open");
  const receive = async (pattern) => {
    for (;;) {
      const at = inbox.findIndex((message) => pattern.test(message));
      if (at >= 0) return inbox.splice(at, 1)[0];
      await new Promise((resolve) => (wake = resolve));
    }
  };
  const register = (cseq, authorization) =>
    socket.send(
      [
        "REGISTER sip:example.test SIP/2.0",
        `Via: SIP/2.0/WS ${user}.invalid;branch=z9hG4bK${user}${cseq}`,
        "Max-Forwards: 70",
        `From: <sip:${user}@example.test>;tag=${user}`,
        `To: <sip:${user}@example.test>`,
        `Call-ID: register-${user}`,
        `CSeq: ${cseq} REGISTER`,
        `Contact: <sip:${user}@${user}.invalid;transport=ws>;expires=60`,
        ...(authorization ? [`Authorization: ${authorization}`] : []),
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    );
  register(1);
  const challenge = await receive(/^SIP\/2.0 401/);
  const { password } = OPEN_USERS[user];
  register(2, await digest(challenge, user, password));
  await receive(/^SIP\/2.0 200/);
  return { send: (message) => socket.send(message), receive };
}

/** RFC 7616 with SHA-256 and without qop-options, written apart from the product. */
async function digest(challenge, user, password) {
  const { createHash } = await import("node:crypto");
  const line = challenge
    .split("\r\n")
    .find((line) => /^WWW-Authenticate: .*SHA-256/.test(line));
  const value = (name) => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1];
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  const [realm, nonce] = [value("realm"), value("nonce")];
  const ha1 = hash(`${user}:${realm}:${password}`);
  const ha2 = hash("REGISTER:sip:example.test");
  const cnonce = "0a4f113b";
  const response = hash(`${ha1}:${nonce}:00000001:${cnonce}:auth:${ha2}`);
  const opaque = value("opaque");
  return (
    `Digest username="${user}", realm="${realm}", nonce="${nonce}", ` +
    `uri="sip:example.test", algorithm=SHA-256, qop=auth, nc=00000001, ` +
    `cnonce="${cnonce}", response="${response}"` +
    (opaque ? `, opaque="${opaque}"` : "")
  );
}

function answerTo(request, status) {
  const kept = request
    .split("\r\n\r\n")[0]
    .split("\r\n")
    .filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${status}`, ...kept, "Content-Length: 0", "", ""].join(
    "\r\n",
  );
}
