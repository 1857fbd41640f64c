// Calls of a desk phone, at a gateway behind a fake core: the same interface as calls
// of the page, and what of it a desk phone cannot do.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Phone } from "graceline";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  turn,
} from "./support/fake-core.js";
import { own, useFakeGateway, xml } from "./support/fake-gateway.js";

beforeEach(() => useFakeGateway());

const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/** A phone in DeskPhone mode, and what it and its calls tell. */
async function controlling(prepare) {
  useFakeGateway(prepare);
  const phone = new Phone({
    ...options,
    remoteControl: { gateway: "sip:cti@example.com", device: "SEP01" },
  });
  const appeared = [];
  for (const name of ["incoming", "call"])
    phone.on(name, ({ call }) => appeared.push([name, call]));
  await phone.registerPhone({ mode: "DeskPhone" });
  const { core } = { core: FakeCore.made.at(-1) };
  core.gateway.heard();
  core.gateway.answers.MakeCall = `<callingDevice>${own("k1")}</callingDevice>`;
  return { phone, core, gateway: core.gateway, appeared };
}

/** What a call tells, a line each. */
function listen(call) {
  const heard = [];
  call.on("state", ({ state, heldBy }) =>
    heard.push(heldBy ? `${state} ${heldBy}` : state),
  );
  call.on("remote", ({ remote }) => heard.push(`remote ${remote.uri}`));
  call.on("connected", () => heard.push("answered"));
  call.on("error", ({ code }) => heard.push(`error ${code}`));
  call.on("ended", ({ cause, reason }) => heard.push(`${cause}: ${reason}`));
  return heard;
}

/** With a call that was made and answered. */
async function talking(number = "k1") {
  const all = await controlling();
  const call = all.phone.call("2002");
  await turn();
  await all.gateway.happens("delivered", number);
  await all.gateway.happens("established", number);
  all.gateway.heard();
  return { ...all, call, heard: listen(call) };
}

/** With that call on hold, and a second one that was answered. */
async function twoCalls() {
  const all = await talking();
  await all.gateway.happens("held", "k1");
  await all.gateway.happens("rings", "k2");
  await all.gateway.happens("established", "k2");
  const [first, second] = all.phone.calls;
  assert.deepEqual([first.state, second.state], ["held", "connected"]);
  all.gateway.heard();
  return { ...all, first, second, heard: listen(second) };
}

describe("a call that the app makes", () => {
  test("is dialled by the desk phone", async () => {
    const { phone, gateway, appeared } = await controlling();
    const call = phone.call("2002");
    const heard = listen(call);
    assert.deepEqual(
      [call.state, call.direction, call.media, call.remote.uri],
      ["calling", "outgoing", "deskPhone", "2002"],
    );
    assert.deepEqual(phone.calls, [call]);
    assert.deepEqual(gateway.heard(), []);
    await turn();
    assert.match(
      gateway.body("MakeCall"),
      /<callingDevice>tel:2001;[^<]*device=SEP01<.*<calledDirectoryNumber>tel:2002</,
    );
    await gateway.happens("originated", "k1");
    await gateway.happens("delivered", "k1");
    await gateway.happens("established", "k1");
    assert.ok(call.startTime instanceof Date);
    assert.equal(call.snapshot(), call.snapshot());
    assert.equal(call.snapshot().services, call.services);
    assert.deepEqual(phone.snapshot().calls, [call]);
    await gateway.happens("cleared", "k1");
    assert.equal(call.snapshot().state, "ended");
    assert.deepEqual(phone.snapshot().calls, []);
    assert.deepEqual(heard, [
      "remote tel:2002",
      "ringing",
      ...["connected", "answered"],
      ...["ended", "local: normalClearing"],
    ]);
    assert.deepEqual([phone.calls, appeared], [[], []]);
    for (const name of ["localStream", "remoteStream", "callInfo", "replaces"])
      assert.equal(call[name], null, name);
    assert.deepEqual([call.headers, call.heldBy], [[], null]);
    assert.deepEqual(call.muted, { audio: false, video: false });
    assert.equal(String(call), "[object Call]");
    await phone.close();
  });

  test("puts another one on hold first", async () => {
    const { phone, gateway } = await talking();
    gateway.answers.MakeCall = `<callingDevice>${own("k2")}</callingDevice>`;
    phone.call("2003");
    await turn();
    assert.deepEqual(gateway.heard(), ["HoldCall", "MakeCall"]);
    await phone.close();
  });

  test("ends at once while the phone is out of service, and works when it is back", async () => {
    const { phone, gateway } = await controlling();
    const monitor = "<monitorCrossRefID>m1</monitorCrossRefID>";
    await gateway.tell("OutOfServiceEvent", monitor);
    const call = phone.call("2002");
    const heard = listen(call);
    const [{ cause, reason }] = await Promise.all([next(call, "ended")]);
    assert.equal(cause, "failed");
    assert.match(reason, /out of service/);
    assert.deepEqual(heard.slice(0, 2), ["ended", "error eOutOfService"]);
    await gateway.tell("BackInServiceEvent", monitor);
    phone.call("2002");
    await turn();
    assert.ok(gateway.heard().includes("MakeCall"));
    await phone.close();
  });

  test("fails with the switch's word", async () => {
    const { phone, gateway } = await controlling();
    const refuse = (category, value) =>
      (gateway.answers.MakeCall = xml(
        "CSTAErrorCode",
        `<${category}>${value}</${category}>`,
      ));
    const rows = [
      ["operation", "invalidCalledDeviceID", "error eCallFailed"],
      ["operation", "serviceNotSupported", "error eNotSupported"],
    ];
    for (const [category, value, error] of rows) {
      refuse(category, value);
      const call = phone.call("2002");
      const heard = listen(call);
      await next(call, "ended");
      assert.equal(heard.at(-2), error);
      assert.match(heard.at(-1), /^failed: /);
    }
    // The phone does not offer it any more: that is known beforehand.
    const call = phone.call("2002");
    const heard = listen(call);
    await next(call, "ended");
    assert.equal(heard.at(-2), "error eNotSupported");
    assert.ok(!phone.desk.features.has("MakeCall"));
    assert.throws(() => phone.call(""), { code: "eInvalidArgument" });
    await phone.close();
  });

  test("can be given up before it has a name, and by its signal", async () => {
    const { phone, gateway } = await controlling();
    const call = phone.call("2002");
    const heard = listen(call);
    await call.hangup();
    assert.deepEqual(gateway.heard(), ["MakeCall", "ClearConnection"]);
    await gateway.happens("cleared", "k1");
    assert.equal(heard.at(-1), "local: hung up");
    await call.hangup();

    const controller = new AbortController();
    const { signal } = controller;
    gateway.answers.MakeCall = `<callingDevice>${own("k3")}</callingDevice>`;
    phone.call("2002", { signal });
    await turn();
    controller.abort();
    await turn();
    assert.deepEqual(gateway.heard(), ["MakeCall", "ClearConnection"]);
    await phone.close();
  });
});

describe("a call that the app did not make", () => {
  test("rings, or was dialled by hand", async () => {
    const { phone, gateway, appeared } = await controlling();
    await gateway.happens("rings", "k7");
    const [[name, ringing]] = appeared;
    assert.deepEqual(
      [name, ringing.state, ringing.direction, ringing.remote.uri],
      ["incoming", "incoming", "incoming", "tel:2002"],
    );
    assert.equal(ringing.to, "tel:2001;phone-context=dialstring");
    await gateway.happens("originated", "k8");
    const [other, dialled] = appeared[1];
    assert.deepEqual(
      [other, dialled.state, dialled.direction, dialled.remote.uri],
      ["call", "calling", "outgoing", "tel:2002"],
    );
    assert.deepEqual(phone.calls, [ringing, dialled]);
    assert.equal(new Set(phone.calls.map(({ id }) => id)).size, 2);
    await phone.close();
  });

  test("was there before: the app hears of it when the phone is ready", async () => {
    const info = (call, state) =>
      "<snapshotDeviceResponseInfo>" +
      `<connectionIdentifier>${own(call)}</connectionIdentifier>` +
      "<localCallState><compoundCallState><localConnectionState>" +
      `${state}</localConnectionState></compoundCallState></localCallState>` +
      "</snapshotDeviceResponseInfo>";
    const story = [];
    useFakeGateway((gateway) => {
      gateway.answers.SnapshotDevice = `<crossRefIDorSnapshotData><snapshotData>${info("k1", "hold")}${info("k2", "alerting")}</snapshotData></crossRefIDorSnapshotData>`;
    });
    const phone = new Phone({
      ...options,
      remoteControl: { gateway: "sip:cti@example.com" },
    });
    phone.on("status", ({ status }) =>
      story.push(`${status} ${phone.calls.length}`),
    );
    phone.on("call", ({ call }) => story.push(`call ${call.state}`));
    phone.on("incoming", ({ call }) => story.push(`incoming ${call.state}`));
    await phone.registerPhone({ mode: "DeskPhone" });
    assert.deepEqual(story, [
      "eRegistering 0",
      "eReady 2",
      "call held",
      "incoming incoming",
    ]);
    await phone.close();
  });

  test("outlives a lost session under its own id", async () => {
    const { phone, gateway, appeared } = await controlling();
    await gateway.happens("rings", "k1");
    const [call] = phone.calls;
    gateway.answers.SnapshotDevice =
      "<crossRefIDorSnapshotData><snapshotData><snapshotDeviceResponseInfo>" +
      `<connectionIdentifier>${own("k1")}</connectionIdentifier>` +
      "<localCallState><compoundCallState><localConnectionState>connected" +
      "</localConnectionState></compoundCallState></localCallState>" +
      "</snapshotDeviceResponseInfo></snapshotData></crossRefIDorSnapshotData>";
    const connected = next(call, "connected");
    await gateway.end();
    assert.deepEqual(phone.calls, [call]);
    await connected;
    assert.deepEqual([phone.calls, appeared.length], [[call], 1]);
    const heard = listen(call);
    gateway.answers.SnapshotDevice = undefined;
    const over = next(call, "ended");
    await gateway.end();
    await over;
    assert.deepEqual(heard, [
      ...["ended", "error eCallFailed"],
      "failed: lost while the connection was away",
    ]);
    await phone.close();
  });
});

describe("a verb", () => {
  /** @type {[string, (call: any) => Promise<void>, string, RegExp][]} */
  const ofRinging = [
    ["answer", (call) => call.answer(), "AnswerCall", /<callID>k1</],
    ["reject", (call) => call.reject(603), "ClearConnection", /<callID>k1</],
    ["hangup", (call) => call.hangup(), "ClearConnection", /<callID>k1</],
    ["deflect", (call) => call.deflect("2003"), "DeflectCall", /tel:2003</],
  ];
  test("of a call that rings", async () => {
    for (const [verb, act, service, wanted] of ofRinging) {
      const { phone, gateway } = await controlling();
      await gateway.happens("rings", "k1");
      await act(phone.calls[0]);
      assert.deepEqual(gateway.documents.length, 1, verb);
      assert.match(gateway.body(service), wanted);
      await phone.close();
    }
  });

  test("after reject the end is our own doing", async () => {
    const { phone, gateway } = await controlling();
    await gateway.happens("rings", "k1");
    const heard = listen(phone.calls[0]);
    await phone.calls[0].reject();
    await gateway.happens("cleared", "k1");
    assert.match(heard.at(-1), /^local: /);
    await phone.close();
  });

  /** @type {[string, (call: any) => Promise<void>, string, RegExp][]} */
  const ofConnected = [
    ["hold", (call) => call.hold(), "HoldCall", /<callToBeHeld><callID>k1</],
    ["hangup", (call) => call.hangup(), "ClearConnection", /<callID>k1</],
    [
      "sendDtmf",
      (call) => call.sendDtmf("12a#"),
      "GenerateDigits",
      /<digitMode>dTMF<.*<charactersToSend>12A#</,
    ],
    [
      "transfer",
      (call) => call.transfer("2003"),
      "SingleStepTransferCall",
      /<activeCall><callID>k1<.*<transferredTo>tel:2003</,
    ],
  ];
  test("of a call that is connected", async () => {
    for (const [verb, act, service, wanted] of ofConnected) {
      const { phone, gateway, call } = await talking();
      await act(call);
      assert.equal(gateway.documents.length, 1, verb);
      assert.match(gateway.body(service), wanted);
      await phone.close();
    }
  });

  test("resume goes on with a call on hold", async () => {
    const { phone, gateway, call, heard } = await talking();
    await call.resume();
    assert.deepEqual(gateway.heard(), [], "it is not on hold");
    await gateway.happens("held", "k1");
    assert.equal(call.heldBy, "local");
    await call.hold();
    assert.deepEqual(gateway.heard(), [], "it is on hold");
    await call.resume();
    assert.deepEqual(gateway.heard(), ["RetrieveCall"]);
    await gateway.happens("retrieved", "k1");
    assert.deepEqual(heard, ["held local", "connected"]);
    await phone.close();
  });

  test("resume puts the other one on hold", async () => {
    const { phone, gateway, first } = await twoCalls();
    await first.resume();
    assert.match(
      gateway.body("AlternateCall"),
      /<heldCall><callID>k1<.*<activeCall><callID>k2</,
    );
    await phone.close();
  });

  test("transfer joins two calls, whichever is on hold", async () => {
    for (const way of [0, 1]) {
      const { phone, gateway, first, second } = await twoCalls();
      await [first, second][way].transfer([second, first][way]);
      assert.match(
        gateway.body("TransferCall"),
        /<heldCall><callID>k1<.*<activeCall><callID>k2</,
      );
      await phone.close();
    }
  });

  test("conference makes one call of two", async () => {
    const { phone, gateway, first, second, heard } = await twoCalls();
    const item = (number) =>
      "<connectionListItem><newConnection><callID>k9</callID>" +
      `<deviceID>tel:${number}</deviceID></newConnection><endpoint>` +
      `<deviceID>tel:${number}</deviceID></endpoint></connectionListItem>`;
    gateway.answers.ConferenceCall = `<conferenceCall>${own("k9")}</conferenceCall><connections>${item(2001)}${item(2002)}${item(2003)}</connections>`;
    await first.conference(second);
    assert.match(
      gateway.body("ConferenceCall"),
      /<heldCall><callID>k1<.*<activeCall><callID>k2</,
    );
    assert.deepEqual(heard, ["ended", "local: joined the conference"]);
    assert.deepEqual(phone.calls, [first]);
    assert.equal(first.state, "connected");
    assert.deepEqual(
      first.parties.map(({ uri }) => uri),
      ["tel:2002", "tel:2003"],
    );
    await phone.close();
  });

  test("digits wait for those before, and for commas", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { phone, gateway, call } = await talking();
    const first = call.sendDtmf("1,2");
    const second = call.sendDtmf("3");
    await turn();
    const digits = () =>
      gateway.documents.map(([, body]) => /Send>([^<]*)</.exec(body)[1]);
    assert.deepEqual(digits(), ["1"]);
    t.mock.timers.tick(2000);
    await Promise.all([first, second]);
    assert.deepEqual(digits(), ["1", "2", "3"]);
    for (const bad of ["", "1x", 1])
      await assert.rejects(call.sendDtmf(bad), { code: "eInvalidArgument" });
    t.mock.timers.reset();
    await phone.close();
  });

  test("that the state does not allow is refused", async () => {
    const { phone, gateway } = await controlling();
    await gateway.happens("rings", "k1");
    const [call] = phone.calls;
    for (const verb of ["hold", "resume", "transfer", "conference"])
      await assert.rejects(call[verb]("2003"), { code: "eInvalidState" }, verb);
    await assert.rejects(call.sendDtmf("1"), { code: "eInvalidState" });
    await assert.rejects(call.reject(200), { code: "eInvalidArgument" });
    await gateway.happens("established", "k1");
    for (const act of [
      () => call.answer(),
      () => call.reject(),
      () => call.deflect("2003"),
    ])
      await assert.rejects(act(), { code: "eInvalidState" });
    for (const other of [call, {}, undefined, phone])
      await assert.rejects(call.conference(other), (error) =>
        ["eInvalidArgument", "eInvalidState"].includes(error.code),
      );
    await gateway.happens("cleared", "k1");
    for (const verb of ["hold", "answer", "transfer"])
      await assert.rejects(call[verb]("2003"), { code: "eInvalidState" }, verb);
    await phone.close();
  });

  test("that has to do with media is refused", async () => {
    const { phone, call } = await talking();
    for (const verb of [
      ...["mute", "unmute", "setVideo", "setDevice", "replaceTrack"],
      ...["restartIce", "sendInfo", "getStats"],
    ])
      await assert.rejects(call[verb]("audio"), {
        code: "eNotSupported",
        message: new RegExp(`: ${verb}`),
      });
    await phone.close();
  });

  test("that the gateway does not offer is refused, and not asked for", async () => {
    const { phone, gateway } = await controlling((gateway) => {
      gateway.answers.GetCSTAFeatures =
        "<supportedServices>MakeCall MonitorStart</supportedServices>";
    });
    await gateway.happens("rings", "k1");
    const [call] = phone.calls;
    assert.deepEqual([...phone.desk.features], ["MakeCall", "MonitorStart"]);
    for (const verb of ["answer", "reject", "deflect", "hangup"])
      await assert.rejects(
        call[verb](verb === "deflect" ? "2003" : undefined),
        {
          code: "eNotSupported",
        },
      );
    assert.deepEqual(gateway.heard(), []);
    await phone.close();
  });

  test("that the switch refuses says why", async () => {
    const rows = [
      ["stateIncompatibility", "invalidConnectionState", "eInvalidState"],
      ["operation", "privilegeViolationCalledDevice", "eServerRejected"],
      ["systemResourceAvailability", "networkOutOfService", "eOutOfService"],
      ["operation", "parameterNotSupported", "eNotSupported"],
    ];
    for (const [category, value, code] of rows) {
      const { phone, gateway, call } = await talking();
      gateway.answers.HoldCall = xml(
        "CSTAErrorCode",
        `<${category}>${value}</${category}>`,
      );
      await assert.rejects(call.hold(), (error) => {
        assert.equal(error.code, code);
        assert.equal(error.reason, value);
        assert.match(error.message, new RegExp(value));
        return true;
      });
      assert.equal(call.state, "connected");
      await phone.close();
    }
  });

  test("that waits when the session is lost is told so", async () => {
    const { phone, core, gateway, call } = await talking();
    core.replies.sessionInfo = () => [];
    const held = call.hold();
    const rejected = assert.rejects(held, { code: "eOutOfService" });
    await turn();
    await gateway.end();
    await rejected;
    await assert.rejects(call.hold(), { code: "eOutOfService" });
    await phone.close();
  });
});

describe("a call of the page itself", () => {
  const incoming = {
    call: 2,
    from: { uri: "sip:2002@example.com", displayName: "Bob" },
    to: "sip:2001@example.com",
    headers: [],
  };

  test("is deflected by a redirection, and joins no conference while it rings", async () => {
    const phone = new Phone({ ...options, media: () => assert.fail() });
    const login = phone.registerPhone();
    await turn();
    FakeSocket.current.say(...granted(1), event("incoming", incoming));
    await login;
    const [call] = phone.calls;
    assert.equal(call.media, "here");
    await call.deflect("2003");
    const [core] = FakeCore.made;
    assert.deepEqual(
      core.given("deflect").map(([, ...args]) => args),
      [[2, "2003"]],
    );
    await assert.rejects(call.conference(call), { code: "eInvalidState" });
    await assert.rejects(call.deflect(""), { code: "eInvalidArgument" });
    await phone.close();
  });
});
