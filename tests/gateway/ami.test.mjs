/**
 * The driver `ami://` and an Asterisk that is played from its documentation: there is no real one in
 * these tests.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "../../server/gateway/drivers/ami.js";
import { Asterisk } from "./support/asterisk.mjs";
import { Link } from "./support/link.mjs";

/** @type {import("../../server/gateway/driver.js").Lines} */
const LINES = {
  2001: [
    {
      ...{ device: "DESK", channel: "PJSIP/2001", context: "phones" },
      mailbox: "2001@default",
    },
    { device: "SOFT" },
  ],
  2002: [{ device: "TWO", channel: "PJSIP/2002" }],
};

async function start(t, prepare = undefined, lines = LINES) {
  const pbx = await Asterisk.start(t, ["2001", "2002", "2003", "2004"]);
  prepare?.(pbx);
  const link = await Link.over(t, open, pbx.url(), lines);
  assert.equal(link.hello?.name, "Asterisk", link.reason);
  const monitored = await link.ask("monitor");
  pbx.actions.length = 0;
  return { pbx, link, monitored };
}

/** A call to 2003 that has been answered. */
async function inCall(t, lines = LINES) {
  const parts = await start(t, undefined, lines);
  const { pbx, link } = parts;
  const { call } = await link.ask("makeCall", { to: "2003" });
  await link.view("2003 alerting");
  pbx.answer("2003");
  await link.view("2003 connected");
  pbx.actions.length = 0;
  return { ...parts, call };
}

/** Another one, to 2004, while it waits. */
async function inConsultation(t, lines = LINES) {
  const parts = await inCall(t, lines);
  const { pbx, link, call } = parts;
  const second = await link.ask("consultationCall", { call, to: "2004" });
  await link.view("2004 alerting");
  pbx.answer("2004");
  await link.view("2004 connected");
  pbx.actions.length = 0;
  return { ...parts, second: second.call };
}

/** Actions and what they were for, without what is everywhere. */
const asked = (pbx) =>
  pbx.actions.map((action) =>
    Object.entries(action)
      .flatMap(([name, value]) => (name === "ActionID" ? [] : [value]))
      .join(" "),
  );

test("logs in, and says what it can do", async (t) => {
  const { link, monitored } = await start(t);
  assert.deepEqual(link.hello.features, [
    ...["MakeCall", "AnswerCall", "ClearConnection", "HoldCall"],
    ...["RetrieveCall", "ConsultationCall", "AlternateCall", "ReconnectCall"],
    ...["TransferCall", "SingleStepTransferCall", "DeflectCall"],
    "GenerateDigits",
  ]);
  const device = { line: "2001", device: "DESK", inService: true };
  assert.deepEqual(monitored, {
    device: { ...device, messageWaiting: false },
    calls: [],
  });
  // Without a channel it is nothing of Asterisk's.
  assert.equal(
    await link.ask("monitor", {}, ["2001", "SOFT"]),
    "invalidDeviceID",
  );
});

test("the login: no secret is sent, and none is in what is told of its failure", async (t) => {
  const pbx = await Asterisk.start(t, ["2001"], {
    ...{ username: "g w", secret: "p@ss/w%rd" },
  });
  const good = `g%20w:${encodeURIComponent("p@ss/w%rd")}`;
  const link = await Link.over(t, open, pbx.url(good), LINES);
  assert.equal(link.hello?.hello, 1);
  assert.ok(!JSON.stringify(pbx.actions).includes("p@ss"));
  assert.ok(!JSON.stringify(link.hello).includes("p@ss"));

  const refused = await Link.over(t, open, pbx.url("g%20w:w%r0ng"), LINES);
  assert.match(refused.reason, /refused the login/);
  assert.ok(!refused.reason.includes("r0ng"));
});

test("a name or secret that would be another action is not sent", async (t) => {
  const pbx = await Asterisk.start(t, ["2001"]);
  const bad = `gw${encodeURIComponent("\r\nAction: Ping\r\n\r\n")}:x`;
  const link = await Link.over(t, open, pbx.url(bad), LINES);
  assert.match(link.reason, /refused the login/);
  assert.deepEqual(
    pbx.actions.map(({ Action }) => Action),
    ["Challenge"],
  );
});

test("makes a call: the phone is called, takes it by itself, and dials", async (t) => {
  const { pbx, link } = await start(t);
  const { call } = await link.ask("makeCall", { to: "2003" });
  await link.view("2003 alerting");
  assert.deepEqual(asked(pbx), [
    `Originate PJSIP/2001 phones 2003 1 <2001> true ${call} 30000`,
    `PJSIPNotify ${pbx.channels("2001")[0].name} Event=talk`,
  ]);
  pbx.answer("2003");
  await link.view("2003 connected");
  assert.deepEqual(link.take(), [
    "2003 dialling",
    "2003 alerting",
    "2003 connected",
  ]);
  pbx.hangup("2003");
  await link.view("2003 ended, normalClearing");
});

test("a call with an application has an answer, too", async (t) => {
  const { link } = await start(t);
  await link.ask("makeCall", { to: "*97" });
  await link.view("*97 connected");
});

test("a call that fails says why", async (t) => {
  const { pbx, link } = await start(t);
  /** @type {[string, string, () => void][]} */
  const cases = [
    ["2999", "destNotObtainable", () => {}],
    ["2004", "destOutOfOrder", () => pbx.setDevice("2004", "UNAVAILABLE")],
  ];
  for (const [to, cause, prepare] of cases) {
    prepare();
    await link.ask("makeCall", { to });
    await link.view(`${to} failed, ${cause}`);
    await link.view(`${to} ended, ${cause}`);
  }
  await link.ask("makeCall", { to: "2003" });
  await link.view("2003 alerting");
  pbx.hangup("2003");
  await link.view("2003 failed, busy");
  await link.view("2003 ended, busy");
});

test("the phone itself cannot be reached, or Asterisk refuses", async (t) => {
  const { pbx, link } = await start(t);
  pbx.devices["PJSIP/2001"] = "BUSY";
  await link.ask("makeCall", { to: "2003" });
  await link.view("2003 failed, destOutOfOrder");
  link.take();
  pbx.refused.add("Originate");
  assert.equal(
    await link.ask("makeCall", { to: "2003" }),
    "invalidCalledDeviceID",
  );
  assert.deepEqual(link.take(), [
    "2003 dialling",
    "2003 ended, normalClearing",
  ]);
  assert.deepEqual((await link.ask("monitor")).calls, []);
});

test("is called: answers by a NOTIFY, clears", async (t) => {
  const { pbx, link } = await start(t);
  pbx.dial("2003", "2001");
  const { call } = await link.view("2003 ringing");
  assert.equal(call.direction, "incoming");
  const { id } = call;
  assert.deepEqual(await link.ask("answerCall", { call: id }), {});
  await link.view("2003 connected");
  assert.equal(await link.ask("answerCall", { call: id }), "noCallToAnswer");
  assert.deepEqual(await link.ask("clearConnection", { call: id }), {});
  await link.view("2003 ended, normalClearing, by local");
  assert.deepEqual(pbx.channels("2003"), []);
});

test("rejects: who calls hears that it is busy", async (t) => {
  const { pbx, link } = await start(t);
  pbx.dial("2003", "2001");
  const { call } = await link.view("2003 ringing");
  await link.ask("clearConnection", { call: call.id });
  await link.view("2003 ended, normalClearing, by local");
  assert.equal(pbx.actions.at(-1).Cause, "17");
});

test("what is done by hand is seen", async (t) => {
  const { pbx, link } = await start(t);
  pbx.dial("2001", "2003");
  await link.view("2003 alerting");
  pbx.answer("2003");
  await link.view("2003 connected");
  pbx.hold("2001");
  await link.view("2003 held");
  pbx.hold("2001", false);
  pbx.hangup("2001");
  await link.view("2003 ended, normalClearing, by local");
  assert.deepEqual(link.take(), [
    "2003 dialling",
    "2003 alerting",
    "2003 connected",
    "2003 held",
    "2003 connected",
    "2003 ended, normalClearing, by local",
  ]);
  // A far end that holds is no change at this phone.
  pbx.dial("2003", "2001");
  await link.view("2003 ringing");
  pbx.hangup("2003");
  await link.view("2003 ended, normalClearing");
});

test("answered at another phone of the number", async (t) => {
  const { pbx, link } = await start(t);
  pbx.dial("2003", "2001");
  await link.view("2003 ringing");
  const [channel] = pbx.channels("2001");
  pbx.event("Hangup", {
    ...{ Channel: channel.name, Uniqueid: channel.uniqueid, Cause: "26" },
  });
  await link.view("2003 ended, callPickup");
});

test("holds, retrieves, and checks the states", async (t) => {
  const { pbx, link, call } = await inCall(t);
  assert.deepEqual(await link.ask("holdCall", { call }), {});
  await link.view("2003 held");
  assert.equal(await link.ask("holdCall", { call }), "invalidConnectionState");
  const connected = link.views.length;
  assert.deepEqual(await link.ask("retrieveCall", { call }), {});
  await link.view("2003 connected", connected);
  for (const service of ["retrieveCall", "deflectCall"])
    assert.equal(
      await link.ask(service, { call, to: "2004" }),
      "invalidConnectionState",
    );
  assert.equal(
    await link.ask("holdCall", { call: "x" }),
    "invalidConnectionID",
  );
  assert.equal(
    await link.ask("makeCall", { to: "2004" }),
    "connectedCallExists",
  );
  assert.equal(pbx.actions.length, 2);
});

test("a phone that does not know NOTIFY hold: refused, no other state", async (t) => {
  const { pbx, link, call } = await inCall(t);
  link.take();
  pbx.refused.add("PJSIPNotify");
  assert.equal(await link.ask("holdCall", { call }), "invalidConnectionState");
  assert.deepEqual(link.take(), []);
});

/** Of a phone that knows no NOTIFY. */
const WITH_MUSIC = {
  2001: [
    { device: "DESK", channel: "PJSIP/2001", context: "phones", music: "*68" },
  ],
};

test("music on hold: Asterisk takes both ends apart, and joins them again", async (t) => {
  const { pbx, link, call } = await inCall(t, WITH_MUSIC);
  const [own, far] = ["2001", "2003"].map((each) => pbx.channels(each)[0]);
  assert.deepEqual(await link.ask("holdCall", { call }), {});
  await link.view("2003 held");
  assert.deepEqual(
    [own, far].map(({ application }) => application),
    ["MusicOnHold", "MusicOnHold"],
  );
  // What the phone's own keys do meanwhile changes nothing.
  const mark = link.views.length;
  pbx.hold("2001");
  pbx.hold("2001", false);
  assert.equal(
    await link.ask("singleStepTransferCall", { call, to: "2004" }),
    "invalidConnectionState",
  );
  assert.deepEqual(link.views.slice(mark), []);
  assert.deepEqual(await link.ask("retrieveCall", { call }), {});
  await link.view("2003 connected", mark);
  assert.ok(own.bridge && own.bridge === far.bridge);
  assert.ok(!pbx.actions.some(({ Action }) => Action === "PJSIPNotify"));
});

test("music on hold that Asterisk refuses leaves the call as it is", async (t) => {
  const { pbx, link, call } = await inCall(t, WITH_MUSIC);
  link.take();
  pbx.refused.add("Redirect");
  assert.equal(await link.ask("holdCall", { call }), "invalidConnectionState");
  assert.deepEqual(link.take(), []);
  pbx.refused.clear();
  await link.ask("holdCall", { call });
  await link.view("2003 held");
  pbx.refused.add("Bridge");
  assert.equal(
    await link.ask("retrieveCall", { call }),
    "invalidConnectionState",
  );
  assert.deepEqual(link.take(), ["2003 held"]);
});

for (const [
  who,
  end,
  told,
] of /** @type {[string, (parts: any) => unknown, string][]} */ ([
  ["the phone hangs up", ({ pbx }) => pbx.hangup("2001"), ", by local"],
  ["the far end hangs up", ({ pbx }) => pbx.hangup("2003"), ""],
  [
    "the page hangs up",
    ({ link, call }) => link.ask("clearConnection", { call }),
    ", by local",
  ],
]))
  test(`music on hold: ${who}, and nobody is left with the music`, async (t) => {
    const parts = await inCall(t, WITH_MUSIC);
    const { pbx, link, call } = parts;
    await link.ask("holdCall", { call });
    await link.view("2003 held");
    pbx.actions.length = 0;
    await end(parts);
    await link.view(`2003 ended, normalClearing${told}`);
    await pbx.asked("Hangup");
    // What was asked for last has been done.
    await link.ask("heartbeat");
    assert.deepEqual([pbx.channels("2001"), pbx.channels("2003")], [[], []]);
  });

test("music on hold: consultation, and the transfer of both far ends", async (t) => {
  const { pbx, link, call, second } = await inConsultation(t, WITH_MUSIC);
  await link.view("2003 held, consultation");
  link.take();
  const [far, other] = ["2003", "2004"].map((each) => pbx.channels(each)[0]);
  const pair = { held: call, active: second };
  assert.deepEqual(await link.ask("transferCall", pair), {});
  assert.deepEqual(link.take(), [
    "2004 ended, transfer, by local, to 2004, from 1",
  ]);
  assert.ok(far.bridge && far.bridge === other.bridge);
  assert.deepEqual(pbx.channels("2001"), []);
});

test("digits go to the far end, one after the other", async (t) => {
  const { pbx, link, call } = await inCall(t);
  assert.deepEqual(
    await link.ask("generateDigits", { call, digits: "1#a" }),
    {},
  );
  const [{ name }] = pbx.channels("2003");
  assert.deepEqual(pbx.heard, { [name]: "1#A" });
});

test("consults, alternates, reconnects", async (t) => {
  const { link, call, second } = await inConsultation(t);
  await link.view("2003 held, consultation");
  link.take();
  await link.ask("alternateCall", { held: call, active: second });
  await link.view("2003 connected, alternate");
  assert.deepEqual(link.take(), [
    "2004 held, alternate",
    "2003 connected, alternate",
  ]);
  await link.ask("reconnectCall", { held: second, active: call });
  await link.view("2004 connected");
  assert.deepEqual(link.take(), [
    "2003 ended, normalClearing, by local",
    "2004 connected",
  ]);
});

test("attended transfer: both far ends are bridged, and the phone is out", async (t) => {
  const { pbx, link, call, second } = await inConsultation(t);
  await link.view("2003 held, consultation");
  link.take();
  assert.equal(
    await link.ask("transferCall", { held: second, active: call }),
    "noHeldCall",
  );
  const pair = { held: call, active: second };
  const [far, other] = ["2003", "2004"].map((each) => pbx.channels(each)[0]);
  assert.deepEqual(await link.ask("transferCall", pair), {});
  assert.deepEqual(asked(pbx), [`Bridge ${far.name} ${other.name}`]);
  const view = link.views.at(-1).call;
  assert.deepEqual(link.take(), [
    "2004 ended, transfer, by local, to 2004, from 1",
  ]);
  assert.deepEqual(view.from, [call]);
  assert.equal(far.bridge, other.bridge);
  assert.deepEqual(pbx.channels("2001"), []);
  assert.deepEqual((await link.ask("monitor")).calls, []);
});

test("attended transfer that Asterisk refuses leaves both calls", async (t) => {
  const { pbx, link, call, second } = await inConsultation(t);
  link.take();
  pbx.refused.add("Bridge");
  const pair = { held: call, active: second };
  assert.equal(await link.ask("transferCall", pair), "invalidConnectionState");
  assert.deepEqual(link.take(), []);
  pbx.hangup("2004");
  await link.view("2004 ended, normalClearing");
});

test("attended transfer to a phone that still rings is refused", async (t) => {
  const { link, call } = await inCall(t);
  const { call: active } = await link.ask("consultationCall", {
    ...{ call, to: "2004" },
  });
  await link.view("2004 alerting");
  assert.equal(
    await link.ask("transferCall", { held: call, active }),
    "noActiveCall",
  );
});

test("attended transfer by hand at the phone", async (t) => {
  const { pbx, link } = await inConsultation(t);
  pbx.transfer("2001");
  await link.view("2004 ended, transfer, by local, to 2004, from 1");
  assert.deepEqual((await link.ask("monitor")).calls, []);
});

test("a phone that is transferred has another far end", async (t) => {
  const { pbx, link, call } = await inCall(t);
  link.take();
  const far = pbx.channels("2003")[0].name;
  // The far end, by hand: blindly.
  await link.ask("monitor", {}, ["2002", "TWO"]);
  const mine = pbx.channels("2001")[0];
  pbx.event("BridgeLeave", {
    ...{ BridgeUniqueid: "b", Channel: far, Uniqueid: "u" },
  });
  pbx.event("NewConnectedLine", {
    ...{ Channel: mine.name, Uniqueid: call, ChannelState: 6 },
    ...{ ConnectedLineNum: "2004", ConnectedLineName: "Dora" },
  });
  await link.view("2004 connected, transfer");
  assert.deepEqual(link.views.at(-1).call.remote, {
    ...{ number: "2004", name: "Dora" },
  });
});

test("blind transfer", async (t) => {
  const { pbx, link, call } = await inCall(t);
  link.take();
  assert.deepEqual(
    await link.ask("singleStepTransferCall", { call, to: "2004" }),
    {},
  );
  await link.view("2003 ended, singleStepTransfer, by local, to 2004");
  assert.deepEqual(asked(pbx)[0].split(" ").slice(2), ["phones", "2004"]);
  assert.equal(pbx.channels("2004").length, 1);
  assert.equal(link.views.length, 1);
});

test("deflects a call that rings", async (t) => {
  const { pbx, link } = await start(t);
  pbx.dial("2003", "2001");
  const { call } = await link.view("2003 ringing");
  link.take();
  assert.deepEqual(
    await link.ask("deflectCall", { call: call.id, to: "2004" }),
    {},
  );
  assert.deepEqual(link.take(), ["2003 ended, redirected, by local, to 2004"]);
  assert.equal(pbx.channels("2004").length, 1);
});

test("messages that wait, and whether the phone is there", async (t) => {
  const { pbx, link, monitored } = await start(t, (pbx) => {
    pbx.mailboxes.add("2001@default");
    pbx.devices["PJSIP/2001"] = "UNAVAILABLE";
  });
  assert.equal(monitored.device.inService, false);
  assert.equal(monitored.device.messageWaiting, true);
  assert.equal(await link.ask("makeCall", { to: "1" }), "deviceOutOfService");
  pbx.event("MessageWaiting", { Mailbox: "2002@default", Waiting: "0" });
  pbx.event("MessageWaiting", { Mailbox: "2001@default", Waiting: "0" });
  pbx.setDevice("2001", "NOT_INUSE");
  await link.view('device {"inService":true,"messageWaiting":false}');
  assert.equal(link.views.length, 2);
});

test("calls that were there before are there", async (t) => {
  const { link, monitored, pbx } = await start(t, (pbx) => {
    pbx.dial("2001", "2003");
    pbx.answer("2003");
    pbx.hold("2001");
    pbx.devices["PJSIP/2001"] = "ONHOLD";
    pbx.dial("2004", "2002");
  });
  const { state, direction, remote, id } = monitored.calls[0];
  assert.deepEqual(
    [state, direction, remote.number],
    ["held", "outgoing", "2003"],
  );
  const other = await link.ask("monitor", {}, ["2002", "TWO"]);
  assert.deepEqual(
    other.calls.map(({ state }) => state),
    ["ringing"],
  );
  // The far end is known, too.
  await link.ask("retrieveCall", { call: id });
  await link.view("2003 connected");
  await link.ask("generateDigits", { call: id, digits: "5" });
  assert.deepEqual(Object.values(pbx.heard), ["5"]);
});

test("nothing that comes of the network begins another header or action", async (t) => {
  const { pbx, link, call } = await inCall(t);
  const bad = [
    ...["", "2003\r\nAction: Command", "2003\n", "2003\r", "2003\0", "20 03"],
    ...["2003,1", "2003@x", "2003&PJSIP/1", "${EXTEN}", "2".repeat(66)],
  ];
  for (const to of bad) {
    assert.equal(await link.ask("makeCall", { to }), "invalidCalledDeviceID");
    assert.equal(
      await link.ask("consultationCall", { call, to }),
      "invalidCalledDeviceID",
    );
    assert.equal(
      await link.ask("singleStepTransferCall", { call, to }),
      "invalidDestination",
    );
    assert.equal(
      await link.ask("deflectCall", { call, to }),
      "invalidDestination",
    );
    assert.equal(
      await link.ask("generateDigits", { call, digits: to }),
      "valueOutOfRange",
    );
  }
  for (const id of ["x\r\nAction: Ping", undefined, {}, ["a"]])
    assert.equal(
      await link.ask("holdCall", { call: id }),
      "invalidConnectionID",
    );
  assert.deepEqual(pbx.actions, []);
});

test("nor does what stands in the configuration", async (t) => {
  const pbx = await Asterisk.start(t, ["2001"]);
  const lines = {
    2001: [{ device: "DESK", channel: "PJSIP/2001\r\nAction: Ping" }],
    2002: [{ device: "DESK", channel: "PJSIP/2", context: "a\nb: c" }],
  };
  const link = await Link.over(t, open, pbx.url(), lines);
  for (const line of Object.keys(lines))
    assert.equal(
      await link.ask("makeCall", { to: "1" }, [line, "DESK"]),
      "valueOutOfRange",
    );
  assert.ok(!pbx.actions.some(({ Action }) => /Originate|Ping/.test(Action)));
});

test("the heartbeat is a Ping", async (t) => {
  const { pbx, link } = await start(t);
  assert.deepEqual(await link.ask("heartbeat"), {});
  assert.deepEqual(asked(pbx), ["Ping"]);
});

for (const [what, text] of [
  ["greets as something else", "SSH-2.0-x\r\n"],
  ["greets without an end", "x".repeat(70_000)],
])
  test(`the link ends where what answers ${what}`, async (t) => {
    const pbx = await Asterisk.start(t, ["2001"]);
    pbx.greeting = text;
    const link = await Link.over(t, open, pbx.url(), LINES);
    assert.match(link.reason, /no Asterisk Manager Interface/);
  });

test("the link ends at an event without an end", async (t) => {
  const { pbx, link } = await start(t);
  pbx.write("x".repeat(70_000));
  await link.until("the end", () => link.reason);
  assert.match(link.reason, /no Asterisk Manager Interface/);
});

test("odd events are nothing", async (t) => {
  const { pbx, link } = await start(t);
  for (const name of ["constructor", "__proto__", "", "Newchannel", "Hangup"])
    pbx.event(name, { __proto__: null, Uniqueid: "u" });
  pbx.write("\r\n\r\nno header\r\n: x\r\n__proto__: y\r\n\r\n");
  pbx.event("Newchannel", { Channel: "PJSIP/2001-1" });
  assert.deepEqual(await link.ask("heartbeat"), {});
  assert.deepEqual(link.take(), []);
});

test("a flood of calls is shown up to a limit", async (t) => {
  const { pbx, link } = await start(t);
  for (let count = 0; count < 100; count += 1)
    pbx.event("Newstate", {
      ...{ Channel: `PJSIP/2001-${count}`, Uniqueid: `u${count}` },
      ...{ ChannelState: 5, ConnectedLineNum: "2003" },
    });
  await link.ask("heartbeat");
  assert.equal(link.views.length, 32);
});

test("Asterisk ends the connection: the link ends, nothing more is told", async (t) => {
  const { pbx, link } = await inCall(t);
  link.take();
  pbx.drop();
  await link.until("the end", () => link.reason);
  assert.match(link.reason, /closed the connection/);
  assert.deepEqual(link.take(), []);
});
