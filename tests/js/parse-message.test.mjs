// parseMessage: what a test sees of a SIP message.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseMessage, startRegistrar } from "graceline/testing";

const message = (head, body = "") =>
  `${head.trim().split("\n").join("\r\n")}\r\n\r\n${body}`;

const notify = message(
  `
NOTIFY sip:q7k2@host.invalid:5066;transport=ws SIP/2.0
v: SIP/2.0/WSS 198.51.100.20:443;received=192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP b
f: "Bob \\"B\\" Example" <sip:2002@example.com>;tag=a1
To: <sip:2001@example.com>;tag=b2
Call-ID: abc@host
CSeq: 3 NOTIFY
Contact: <sip:a@b>;expires=60, nonsense
m: Carol <sips:c@[2001:db8::1]:5061>
Event: reg
Content-Type: text/plain
Content-Length: 2`,
  "hi",
);

describe("a request", () => {
  const { ...seen } = parseMessage(notify);

  test("is read into typed values", () => {
    assert.deepEqual(seen, {
      method: "NOTIFY",
      requestUri: {
        text: "sip:q7k2@host.invalid:5066;transport=ws",
        user: "q7k2",
        host: "host.invalid",
        port: 5066,
      },
      status: undefined,
      reason: undefined,
      from: {
        displayName: 'Bob "B" Example',
        uri: {
          text: "sip:2002@example.com",
          user: "2002",
          host: "example.com",
          port: undefined,
        },
        tag: "a1",
        expires: undefined,
      },
      to: {
        displayName: undefined,
        uri: {
          text: "sip:2001@example.com",
          user: "2001",
          host: "example.com",
          port: undefined,
        },
        tag: "b2",
        expires: undefined,
      },
      callId: "abc@host",
      cseq: { number: 3, method: "NOTIFY" },
      via: {
        transport: "WSS",
        host: "198.51.100.20",
        port: 443,
        branch: "z9hG4bK1",
        received: "192.0.2.1",
      },
      expires: undefined,
      contentType: "text/plain",
      contentLength: 2,
      contacts: [
        {
          displayName: undefined,
          uri: { text: "sip:a@b", user: "a", host: "b", port: undefined },
          tag: undefined,
          expires: 60,
        },
        {
          displayName: "Carol",
          uri: {
            text: "sips:c@[2001:db8::1]:5061",
            user: "c",
            host: "[2001:db8::1]",
            port: 5061,
          },
          tag: undefined,
          expires: undefined,
        },
      ],
      body: "hi",
    });
  });

  test("its header lines are found in every spelling", () => {
    const read = parseMessage(notify);
    assert.equal(read.header("event"), "reg");
    assert.equal(read.header("VIA"), read.header("v"));
    assert.deepEqual(
      read.headers("Contact").map(([name]) => name),
      ["Contact", "m"],
    );
    assert.equal(read.headers().length, 10);
    assert.equal(read.header("X-Other"), undefined);
    assert.equal(
      parseMessage(`a b SIP/2.0\r\nX-Other: 1\r\n\r\n`).header("x-other"),
      "1",
    );
  });
});

describe("a response", () => {
  test("has status and reason, and no Request-URI", () => {
    const { status, reason, method, requestUri } = parseMessage(
      message("SIP/2.0 480 Temporarily Unavailable"),
    );
    assert.deepEqual(
      { status, reason, method, requestUri },
      {
        status: 480,
        reason: "Temporarily Unavailable",
        method: undefined,
        requestUri: undefined,
      },
    );
    assert.equal(parseMessage("SIP/2.0 200\r\n\r\n").reason, "");
  });

  test("what is missing or malformed is undefined, and hides nothing else", () => {
    const read = parseMessage(
      message(
        "SIP/2.0 200 OK\nFrom: <sip:\nTo: sip:a@b;tag=1\nContact: *\nExpires: soon\nCSeq: x",
      ),
    );
    assert.equal(read.from, undefined);
    assert.equal(read.to?.tag, "1");
    assert.deepEqual(read.contacts, []);
    assert.equal(read.header("Contact"), "*");
    assert.equal(read.expires, undefined);
    assert.equal(read.cseq, undefined);
    assert.equal(read.callId, undefined);
    assert.equal(read.via, undefined);
  });
});

describe("positions stay right", () => {
  test("behind line breaks, folds and characters that are not ASCII", () => {
    const read = parseMessage(
      "\r\n\r\n" +
        message(
          'MESSAGE sip:a@b SIP/2.0\nFrom: "Zoë 🎈" <sip:z@b>\n ;tag=9\nSubject: é\n\tè\nCall-ID: 1',
          "grüße\r\n 🎈",
        ),
    );
    assert.equal(read.from?.displayName, "Zoë 🎈");
    assert.equal(read.from?.tag, "9");
    assert.equal(read.header("Subject"), "é   è");
    assert.equal(read.callId, "1");
    assert.equal(read.body, "grüße\r\n 🎈");
  });

  test("when the memory grows under them", async () => {
    const large = message(
      "MESSAGE sip:a@b SIP/2.0\nCall-ID: 2",
      "x".repeat(900_000),
    );
    assert.equal(parseMessage(large).body.length, 900_000);
    const registrar = await startRegistrar();
    await registrar.stop();
    assert.equal(parseMessage(notify).callId, "abc@host");
    assert.equal(parseMessage(large).callId, "2");
  });
});

describe("what is no message is refused with its reason", () => {
  for (const [text, reason] of [
    ["", /empty/],
    ["GET / HTTP/1.1\r\n\r\n", /first line/],
    ["OPTIONS sip:a SIP/2.0\r\nTo: a\n\r\n", /CR LF/],
    ["\r\n\r\n", /keepalive/],
    [`OPTIONS sip:a SIP/2.0\r\n\r\n${"x".repeat(2 ** 20)}`, /1 MiB/],
    [42, /string/],
  ])
    test(`${reason}`, () =>
      assert.throws(() => parseMessage(text), {
        name: "PhoneError",
        code: "eInvalidArgument",
        message: reason,
      }));
});
