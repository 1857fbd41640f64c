// Servers that are away, silent, or talk nonsense.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { Phone } from "graceline";
import { WebSocket, WebSocketServer } from "ws";
import { next } from "./support/line.js";

/** A WebSocket server that says what a test wants. */
async function serve(t, behave) {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: (offered) => (offered.has("sip") ? "sip" : false),
  });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    behave(socket);
  });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}/`;
}

function phoneAt(t, connections, more) {
  const phone = new Phone({
    connections,
    user: "2001",
    domain: "example.test",
    password: "tellnobody",
    WebSocket,
    timeout: 1000,
    ...more,
  });
  t.after(() => phone.close());
  return phone;
}

/** Rejects with the code, and within the bound. */
async function fails(promise, code, bound = 3000) {
  const start = performance.now();
  await assert.rejects(promise, { code });
  const took = performance.now() - start;
  assert.ok(took < bound, `${Math.round(took)} ms`);
}

/** Answers a request in the simplest way. */
function answer(request, status, ...headers) {
  const [, ...lines] = `${request}`.split("\r\n\r\n")[0].split("\r\n");
  const kept = lines.filter((line) =>
    /^(Via|From|To|Call-ID|CSeq):/.test(line),
  );
  return [`SIP/2.0 ${status}`, ...kept, ...headers, "Content-Length: 0"]
    .concat("", "")
    .join("\r\n");
}

describe("nobody there", () => {
  test("a closed port: eCouldNotConnect", async (t) => {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address();
    probe.close();
    await once(probe, "close");
    const phone = phoneAt(t, `ws://127.0.0.1:${port}/`);
    await fails(phone.registerPhone(), "eCouldNotConnect");
    assert.equal(phone.status, "eIdle");
  });

  test("a host that never answers the handshake", async (t) => {
    const sockets = new Set();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const phone = phoneAt(t, `ws://127.0.0.1:${server.address().port}/`);
    await fails(phone.registerPhone(), "eCouldNotConnect");
  });

  test("a web server without WebSocket", async (t) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const phone = phoneAt(t, `ws://127.0.0.1:${server.address().port}/`);
    await fails(phone.registerPhone(), "eCouldNotConnect");
  });

  test("a silent server: eTimeout", async (t) => {
    const url = await serve(t, () => {});
    await fails(phoneAt(t, url).registerPhone(), "eTimeout");
  });

  test("a server that closes at once", async (t) => {
    const url = await serve(t, (socket) => socket.close());
    const phone = phoneAt(t, url);
    await assert.rejects(phone.registerPhone(), (error) =>
      ["eCouldNotConnect", "eTimeout"].includes(error.code),
    );
  });

  test("a connection lost while REGISTER is pending: tried again at once", async (t) => {
    let connections = 0;
    const url = await serve(t, (socket) => {
      const first = ++connections === 1;
      socket.on("message", (message) =>
        first
          ? socket.terminate()
          : socket.send(answer(message, "404 Not Found")),
      );
    });
    const phone = phoneAt(t, url, { timeout: 10_000 });
    await fails(phone.registerPhone(), "eServerRejected", 5000);
    assert.ok(connections >= 2);
  });
});

describe("nonsense on a good connection is ignored", () => {
  const nonsense = {
    "no SIP": "HTTP/1.1 200 OK\r\n\r\n",
    "an empty frame": "",
    "a binary frame": Buffer.from([0, 255, 254, 128, 13, 10]),
    "half a message": "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS a",
    "a start line alone": "SIP/2.0 200 OK",
    "1 MiB of text": "x".repeat(2 ** 20),
    "1 MiB of zeros": Buffer.alloc(2 ** 20),
    "a header of 1 MiB": `SIP/2.0 200 OK\r\nSubject: ${"x".repeat(2 ** 20)}\r\n\r\n`,
    "a wrong Content-Length":
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContent-Length: 99999\r\n\r\nbody",
    "a negative Content-Length": "SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n",
    "an answer to nothing":
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKstray\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: stray\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n",
    "an unknown method":
      "JUMP sip:2001@example.test SIP/2.0\r\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bKb\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 2\r\nCSeq: 1 JUMP\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    "a NOTIFY that nobody asked for":
      "NOTIFY sip:2001@example.test SIP/2.0\r\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bKc\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 3\r\nCSeq: 1 NOTIFY\r\nEvent: service-control\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
    keepalives: "\r\n\r\n",
  };
  for (const [what, frame] of Object.entries(nonsense))
    test(what, async (t) => {
      const url = await serve(t, (socket) => {
        socket.send(frame);
        socket.on("message", (message) => {
          if (!`${message}`.startsWith("REGISTER")) return;
          socket.send(frame);
          socket.send(answer(message, "404 Not Found"));
        });
      });
      const phone = phoneAt(t, url);
      phone.on("error", (error) => assert.fail(error));
      await fails(phone.registerPhone(), "eServerRejected");
    });

  test("a 200 that lists no contact registers nobody", async (t) => {
    const url = await serve(t, (socket) =>
      socket.on("message", (message) => {
        if (`${message}`.startsWith("REGISTER"))
          socket.send(answer(message, "200 OK"));
      }),
    );
    const phone = phoneAt(t, url);
    await assert.rejects(phone.registerPhone());
    assert.equal(phone.ready, false);
  });

  test("a server that does not speak sip", async (t) => {
    const server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      handleProtocols: () => false,
    });
    await once(server, "listening");
    t.after(() => server.close());
    const url = `ws://127.0.0.1:${server.address().port}/`;
    await fails(phoneAt(t, url).registerPhone(), "eCouldNotConnect");
  });
});

test("bearer: the token goes to the server, and into no log", async (t) => {
  const token = "mF_9.B5f-4.1JqM";
  const seen = [];
  const url = await serve(t, (socket) =>
    socket.on("message", (message) => {
      const text = `${message}`;
      if (!text.startsWith("REGISTER")) return;
      seen.push(/^Authorization: (.*)$/m.exec(text)?.[1].trim());
      const contact = /^Contact: .*$/m.exec(text)?.[0].trim();
      if (!text.includes(`Bearer ${token}`))
        socket.send(
          answer(
            text,
            "401 Unauthorized",
            'WWW-Authenticate: Bearer realm="example.test", authz_server="https://auth.example.test", scope="sip"',
          ),
        );
      else socket.send(answer(text, "200 OK", ...(contact ? [contact] : [])));
    }),
  );
  const challenges = [];
  const entries = [];
  const phone = phoneAt(t, url, {
    password: undefined,
    credentials: async (challenge) => {
      challenges.push(challenge);
      return { token };
    },
    trace: true,
    log: (entry) => entries.push(entry),
  });
  await phone.registerPhone();
  assert.deepEqual(challenges, [
    {
      scheme: "bearer",
      realm: "example.test",
      authzServer: "https://auth.example.test",
      scope: "sip",
    },
  ]);
  assert.equal(seen[0], undefined);
  assert.equal(seen[1], `Bearer ${token}`);
  assert.ok(entries.length > 0);
  assert.ok(!JSON.stringify(entries).includes(token));
});

test("an in-memory WebSocket that delivers inside send", async (t) => {
  // Answers every REGISTER from within send(), without any network.
  class Immediate {
    constructor() {
      queueMicrotask(() => this.onopen?.({}));
      this.protocol = "sip";
    }
    send(message) {
      if (!`${message}`.startsWith("REGISTER")) return;
      const contact = /^Contact: .*$/m.exec(message)?.[0].trim();
      const data = answer(message, "200 OK", ...(contact ? [contact] : []));
      this.onmessage({ data });
    }
    close() {}
  }
  const phone = phoneAt(t, "ws://localhost/", { WebSocket: Immediate });
  const told = next(phone, "status");
  const { expires } = await phone.registerPhone();
  assert.ok(expires > 0);
  assert.equal((await told).status, "eRegistering");
  await phone.unregisterPhone();
});
