/**
 * The driver `baresip://` and a control port that says what no real baresip would, or only seldom.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { open } from "../../server/gateway/drivers/baresip.js";
import { CtrlTcp, netstring } from "./support/ctrl-tcp.mjs";
import { Link } from "./support/link.mjs";

const LINES = {
  2001: [{ device: "DESK" }],
  2002: [{ device: "DESK", account: "sip:bob@example.test" }, { device: "X" }],
};
const AOR = "sip:2001@example.test";
const REGISTERED = "\u001b[32mOK \u001b[;m  Expires 60s";
const FAILED = "\u001b[31mERR\u001b[;m  Expires 0s";

/** Lists of accounts and calls as baresip 1.0.0 prints them. */
const reginfo = (...states) =>
  `\n--- User Agents (2) ---\n> ${AOR}    ${states[0] ?? REGISTERED}\n` +
  `  sip:bob@example.test    ${states[1] ?? ""}\n\n`;
const listcalls = (...calls) =>
  `\n--- Active calls (${calls.length}) ---\n${calls.join("\n")}\n\n`;
const row = (number, state, peer = "sip:2002@example.test;transport=udp") =>
  `> [line ${number}]  0:00:01  ${state}             ${peer}`;
const callstat = (id, direction = "Outgoing") =>
  `\n===== Call debug (X) =====\n local_uri:  <${AOR}>\n af=AF_INET id=${id}\n direction: ${direction}\n`;

async function start(t) {
  const phone = await CtrlTcp.start(t);
  phone.prints = {
    reginfo: () => reginfo(),
    uafind: (aor) => `ua: ${aor}\n`,
    listcalls: () => listcalls(),
    line: (number) => `setting current call: line ${number}\n`,
    callstat: () => "",
    ...Object.fromEntries(
      ["dial", "hangup", "hold", "resume", "sndcode", "transfer", "accept"].map(
        (name) => [name, () => ""],
      ),
    ),
  };
  const link = await Link.over(t, open, phone.address, LINES);
  return { phone, link };
}

/** One call that is connected, of id `c1`. */
async function inCall(t) {
  const parts = await start(t);
  const { phone, link } = parts;
  phone.prints.listcalls = () => listcalls(row(1, "ESTABLISHED"));
  phone.prints.callstat = () => callstat("c1");
  const { calls } = await link.ask("monitor");
  assert.equal(calls[0].id, "c1");
  phone.commands.length = 0;
  return parts;
}

test("features are what baresip can do, no more", async (t) => {
  const { link } = await start(t);
  assert.deepEqual(link.hello, {
    hello: 1,
    name: "baresip",
    features: [
      ...["MakeCall", "AnswerCall", "ClearConnection", "HoldCall"],
      ...["RetrieveCall", "ConsultationCall", "AlternateCall"],
      ...["ReconnectCall", "SingleStepTransferCall", "GenerateDigits"],
    ],
  });
  assert.equal(await link.ask("transferCall"), "serviceNotSupported");
  assert.equal(await link.ask("constructor"), "serviceNotSupported");
});

test("an appearance is an account: by the line's number, or by the option", async (t) => {
  const { phone, link } = await start(t);
  const { device } = await link.ask("monitor", {}, ["2002", "DESK"]);
  assert.deepEqual(device, { line: "2002", device: "DESK", inService: true });
  assert.ok(phone.commands.includes("uafind sip:bob@example.test"));
  for (const at of /** @type {[string, string][]} */ ([
    ["2002", "X"],
    ["2003", "DESK"],
    ["2001", "X"],
    ["__proto__", "DESK"],
  ]))
    assert.equal(await link.ask("monitor", {}, at), "invalidDeviceID");
  const [one, two] = await Promise.all([
    link.ask("monitor"),
    link.ask("monitor"),
  ]);
  assert.deepEqual(one, two);
});

test("a phone that is not registered is out of service, but for one in a call", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  phone.prints.reginfo = () => reginfo(FAILED);
  const members = { accountaor: AOR, class: "register" };
  phone.event("REGISTER_FAIL", { ...members, param: "403 Forbidden" });
  await link.view('device {"inService":false}');
  assert.equal(await link.ask("makeCall", { to: "1" }), "deviceOutOfService");
  phone.event("CALL_INCOMING", {
    ...{ accountaor: AOR, direction: "incoming", id: "c9" },
    peeruri: "sip:2002@example.test",
  });
  await link.view('device {"inService":true}');
  phone.event("CALL_CLOSED", { accountaor: AOR, id: "c9" });
  await link.until("out of service again", () => link.views[4]);
  assert.deepEqual(link.take(), [
    'device {"inService":false}',
    'device {"inService":true}',
    "2002 ringing",
    "2002 ended, normalClearing",
    'device {"inService":false}',
  ]);
  phone.prints.reginfo = () => reginfo();
  phone.event("REGISTER_OK", { ...members, param: "200 OK" });
  await link.view('device {"inService":true}');
});

test("the heartbeat sees a registration that ended without a word", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  phone.prints.reginfo = () => reginfo(FAILED);
  assert.deepEqual(await link.ask("heartbeat"), {});
  assert.deepEqual(link.take(), ['device {"inService":false}']);
});

test("messages that wait", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  const tell = (param) =>
    phone.event("MWI_NOTIFY", { accountaor: AOR, class: "mwi", param });
  tell("Messages-Waiting: yes\r\nVoice-Message: 1/0 (0/0)\r\n");
  await link.view('device {"inService":true,"messageWaiting":true}');
  tell("nonsense");
  tell("messages-waiting: no");
  await link.view('device {"inService":true,"messageWaiting":false}');
  assert.equal(link.views.length, 2);
});

test("nothing that is not a number or a key gets into a command", async (t) => {
  const { phone, link } = await inCall(t);
  const bad = [
    ...["", "20 02", "2002\r\n/quit", "2002\n", "2002\0", "sip:2002@evil.test"],
    ...["2002;transport=tcp", "2002@evil.test", "-1", "\u0662", "2".repeat(66)],
  ];
  for (const to of bad) {
    const call = "c1";
    assert.equal(await link.ask("makeCall", { to }), "invalidCalledDeviceID");
    for (const [service, error] of [
      ["consultationCall", "invalidCalledDeviceID"],
      ["singleStepTransferCall", "invalidDestination"],
    ])
      assert.equal(await link.ask(service, { call, to }), error, to);
    assert.equal(
      await link.ask("generateDigits", { call, digits: to }),
      "valueOutOfRange",
    );
  }
  for (const to of [undefined, null, 2002, ["2002"], { length: 4 }])
    assert.equal(await link.ask("makeCall", { to }), "valueOutOfRange");
  assert.deepEqual(phone.commands, []);
});

test("a hash does not begin something else in a URI", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("makeCall", { to: "*21#1" });
  assert.ok(phone.commands.includes("dial *21%231"), phone.commands.join());
});

test("a call that is over before it is looked at: its views, and its id", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  phone.prints.dial = () => {
    phone.event("CALL_CLOSED", {
      ...{ accountaor: AOR, direction: "outgoing", id: "c1" },
      ...{ peeruri: "sip:2009@example.test", param: "486 Busy Here" },
    });
    return "";
  };
  assert.deepEqual(await link.ask("makeCall", { to: "2009" }), { call: "c1" });
  assert.deepEqual(link.take(), [
    "2009 dialling",
    "2009 failed, busy",
    "2009 ended, busy",
  ]);
  phone.prints.dial = () => "";
  assert.equal(await link.ask("makeCall", { to: "2009" }), "generic");
});

test("a call that ends while it is looked for is not mistaken for another", async (t) => {
  const { phone, link } = await inCall(t);
  phone.prints.listcalls = () =>
    listcalls(row(1, "ESTABLISHED"), row(2, "INCOMING", "sip:2003@x.test"));
  // Line 2 is gone when it is selected; what is current is the first call.
  phone.prints.line = (number) =>
    number === "2" ? "call not found\n" : `setting current call: ${number}\n`;
  phone.event("CALL_PROGRESS", { accountaor: AOR, id: "c1" });
  await link.ask("monitor");
  assert.deepEqual(link.take(), []);
  assert.deepEqual(await link.ask("holdCall", { call: "c1" }), {});
});

test("an order for a call whose place another one took is refused", async (t) => {
  const { phone, link } = await inCall(t);
  phone.prints.callstat = () => callstat("c2");
  assert.equal(
    await link.ask("clearConnection", { call: "c1" }),
    "invalidConnectionID",
  );
  assert.ok(!phone.commands.includes("hangup"), phone.commands.join());
});

test("the current call is the user's: it is put back after a look", async (t) => {
  const { phone, link } = await inCall(t);
  phone.prints.listcalls = () =>
    listcalls(
      row(1, "ESTABLISHED"),
      row(2, "INCOMING", "sip:2003@example.test").replace(">", " "),
    );
  phone.prints.callstat = () => callstat("c2", "Incoming");
  phone.event("CALL_INCOMING", {
    ...{ accountaor: AOR, direction: "incoming", id: "c2" },
    peeruri: "sip:2003@example.test",
  });
  await link.view("2003 ringing");
  await link.ask("monitor");
  const lines = phone.commands.filter((command) => /^line/.test(command));
  assert.deepEqual(lines, ["line 2", "line 1"]);
});

test("who calls: anonymous, of another domain, with odd characters", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  const call = (id, peeruri) =>
    phone.event("CALL_INCOMING", {
      ...{ accountaor: AOR, direction: "incoming", id, peeruri },
    });
  call("c1", "sip:anonymous@anonymous.invalid");
  call("c2", "sip:2002@elsewhere.test;transport=udp");
  call("c3", "sip:a%20b%22@example.test");
  call("c4", "sip:%zz@example.test");
  call("c5", `sip:${"x".repeat(300)}@example.test`);
  call("c6", "rubbish");
  await link.until("six calls", () => link.views[5]);
  assert.deepEqual(link.take(), [
    "restricted ringing",
    "2002@elsewhere.test ringing",
    'a b" ringing',
    "%zz ringing",
    `${"x".repeat(128)} ringing`,
    "unknown ringing",
  ]);
});

test("a flood of calls is shown up to a limit", async (t) => {
  const { phone, link } = await start(t);
  await link.ask("monitor");
  for (let count = 0; count < 100; count += 1)
    phone.event("CALL_INCOMING", {
      ...{ accountaor: AOR, direction: "incoming", id: `c${count}` },
      peeruri: "sip:2002@example.test",
    });
  await link.until("a flood", () => link.views[31]);
  await link.ask("heartbeat");
  assert.equal(link.views.length, 32);
});

test("events of accounts that are no line, and of no use, are nothing", async (t) => {
  const { phone, link } = await inCall(t);
  phone.event("CALL_INCOMING", { accountaor: "sip:x@example.test", id: "c7" });
  phone.event("CALL_RTCP", { accountaor: AOR, id: "c8" });
  phone.event("CALL_DTMF_START", { accountaor: AOR, id: "c1", param: "1" });
  phone.send({ response: true, ok: true, token: "none of ours" });
  phone.send({});
  assert.deepEqual(await link.ask("heartbeat"), {});
  assert.deepEqual(link.take(), []);
  assert.deepEqual(phone.commands, ["reginfo"]);
});

test("messages arrive in pieces, and several at once", async (t) => {
  const { phone, link } = await inCall(t);
  const event = (type) =>
    netstring(
      JSON.stringify({
        ...{ event: true, type, class: "call", accountaor: AOR },
        ...{ direction: "incoming", id: "ö1", peeruri: "sip:2@example.test" },
      }),
    );
  const bytes = Buffer.from(event("CALL_INCOMING") + event("CALL_CLOSED"));
  for (const byte of bytes) phone.write(Buffer.of(byte));
  await link.view("2 ended, normalClearing");
  assert.deepEqual(link.take(), ["2 ringing", "2 ended, normalClearing"]);
});

for (const [what, bytes] of [
  ["no netstring", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["a length without an end", "1111111111"],
  ["a length that is none", "-1:x,"],
  ["a message that is too long", "99999:"],
  ["no comma at its end", "2:{};2:{},"],
  ["no JSON", "3:{{{,"],
  ["JSON that is no object", "4:null,"],
])
  test(`the link ends at ${what}`, async (t) => {
    const { phone, link } = await inCall(t);
    phone.write(bytes);
    await link.until("the end", () => link.reason);
    assert.match(link.reason, /does not speak as baresip/);
    const later = link.ask("heartbeat");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await Promise.race([later, "no answer"]), "no answer");
  });

test("the connection ends in the middle of a request: nothing more is told", async (t) => {
  const { phone, link } = await inCall(t);
  phone.silent.add("hold");
  link.ask("holdCall", { call: "c1" });
  await phone.told("hold");
  phone.drop();
  await link.until("the end", () => link.reason);
  assert.match(link.reason, /closed the connection/);
  assert.deepEqual(link.take(), []);
});

test("a gateway that asks without waiting is refused from a hundred on", async (t) => {
  const { phone, link } = await inCall(t);
  phone.silent.add("hold");
  link.ask("holdCall", { call: "c1" });
  const answers = Array.from({ length: 100 }, () =>
    link.ask("holdCall", { call: "c1" }),
  );
  assert.equal(await Promise.race(answers), "resourceBusy");
});

test("nobody listens there: the link ends with the reason", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (
    server.address()
  );
  server.close();
  await once(server, "close");
  const link = await Link.over(t, open, `baresip://127.0.0.1:${port}`, LINES);
  assert.match(link.reason, /ECONNREFUSED/);
});

test("a link that was closed says nothing more", async (t) => {
  const { phone, link } = await inCall(t);
  link.close();
  phone.event("CALL_CLOSED", { accountaor: AOR, id: "c1" });
  await phone.left;
  assert.equal(link.reason, undefined);
  assert.deepEqual(link.take(), []);
});
