// The conversation methods of the jQuery plug-in: what is dialled and what is not, and what a
// page is told. What becomes of elements is in ../browser/jquery.test.mjs.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readyPage } from "../support/cwic-page.mjs";
import { failure, FakePhone } from "../support/fake-phone.mjs";

/** Lets everything that is ready to run do so. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A page that is logged in, and its phone. @param {object} [settings] */
async function loggedIn(settings) {
  FakePhone.reset();
  const page = await readyPage(settings);
  await turn();
  page.story.length = 0;
  const [phone] = FakePhone.made;
  return { page, phone };
}

/** The same with a call that talks. @param {object} [settings] */
async function talking(settings) {
  const { page, phone } = await loggedIn(settings);
  page.cwic("startConversation", "2002");
  const [call] = phone.talks;
  await turn();
  call.become("connected");
  page.story.length = 0;
  return { page, phone, call };
}

/** @param {FakePhone} phone */
const dialled = (phone) => phone.talks.map(({ remote }) => remote.uri);

describe("nothing is dialled that was not meant as a number", () => {
  for (const wrong of [99, "99", "2003", { id: 99 }, true, [1], { a: 1 }])
    test(`3.0.4: transferCall of ${JSON.stringify(wrong)}, which is no call`, async () => {
      const { page, phone, call } = await talking();
      page.cwic("updateConversation", { transferCall: wrong }, call.id);
      await turn();
      assert.deepEqual(call.asked, []);
      assert.deepEqual(dialled(phone), ["2002"]);
      assert.deepEqual(page.story, ["error.cwic 3"]);
      const [detail] = page.events.at(-1).details;
      assert.match(detail, /^eInvalidCallId: there is no call/);
    });

  test("3.0.4: transferCall of the call itself", async () => {
    const { page, phone, call } = await talking();
    page.cwic("updateConversation", { transferCall: call.id }, call.id);
    await turn();
    assert.deepEqual([call.asked, dialled(phone)], [[], ["2002"]]);
    assert.deepEqual(page.story, ["error.cwic 3"]);
  });

  for (const how of ["number", "text", "conversation"])
    test(`3.0.4: transferCall of another call, as ${how}`, async () => {
      const { page, phone, call } = await talking();
      page.cwic("startConversation", "2003");
      const { id } = phone.talks[1];
      const transferCall = { number: id, text: `${id}`, conversation: { id } };
      const update = {
        transferCall: transferCall[/** @type {"text"} */ (how)],
      };
      page.cwic("updateConversation", update, call.id);
      assert.deepEqual(call.asked.at(-1), ["transfer", phone.talks[1]]);
    });

  for (const [given, to] of [
    ["2003", "2003"],
    [2003, "2003"],
    ["(555) 123-4", "5551234"],
    ["bob@example.com", "bob@example.com"],
  ])
    test(`transferTo, a name of our own: ${given}`, async () => {
      const { page, phone, call } = await talking();
      page.cwic("updateConversation", { transferTo: given }, call.id);
      await turn();
      assert.deepEqual(call.asked, [["transfer", to]]);
      assert.deepEqual(dialled(phone), ["2002"]);
    });

  for (const [transferCall, to] of [
    ["2003", "2003"],
    [2003, "2003"],
  ])
    test(`11.0: transferCall of a number, ${typeof transferCall}`, async () => {
      const { page, phone } = await talking({ compatibility: 11 });
      const [{ id }] = phone.talks;
      page.cwic("updateConversation", { transferCall }, id);
      assert.deepEqual(dialled(phone), ["2002", to]);
    });

  test("11.0: a number that happens to be a call's id is a number", async () => {
    const { page, phone, call } = await talking({ compatibility: 11 });
    page.cwic("updateConversation", { transferCall: call.id }, call.id);
    assert.deepEqual(dialled(phone), ["2002", `${call.id}`]);
  });

  for (const wrong of [{ id: 99 }, { number: "2003" }, true, ["2003"]])
    test(`11.0: transferCall of ${JSON.stringify(wrong)}`, async () => {
      const { page, phone, call } = await talking({ compatibility: 11 });
      page.cwic("updateConversation", { transferCall: wrong }, call.id);
      await turn();
      assert.deepEqual([call.asked, dialled(phone)], [[], ["2002"]]);
      assert.deepEqual(page.story, ["error.cwic InvalidArguments"]);
    });

  for (const wrong of [
    ...[true, NaN, -1, 1.5, [2002], {}, { participant: {} }, "  "],
    ...[{ participant: { recipient: {} } }, { participant: [2002] }],
    { participant: { name: "2002" } },
  ])
    test(`startConversation of ${JSON.stringify(wrong)}`, async () => {
      const { page, phone } = await loggedIn();
      page.cwic("startConversation", wrong);
      assert.deepEqual(dialled(phone), []);
      assert.deepEqual(page.story, ["error.cwic 3"]);
    });

  test("startConversation of the number of a call that rings", async () => {
    const { page, phone } = await loggedIn();
    const { id } = phone.ring("sip:2002@example.com");
    page.story.length = 0;
    page.cwic("startConversation", id);
    assert.equal(phone.talks.length, 1);
    assert.deepEqual(page.story, ["error.cwic 3"]);
    assert.match(
      page.events.at(-1).details[0],
      /is a call\. Answer it by \{ id \}/,
    );
  });

  for (const which of [true, [1], 1.5, "one", { id: true }])
    test(`no call is ${JSON.stringify(which)}`, async () => {
      const { page, call } = await talking();
      call.id = 1;
      page.cwic("updateConversation", "hold", which);
      page.cwic("sendDTMF", "5", which);
      assert.deepEqual(call.asked, []);
      assert.deepEqual(page.story, ["error.cwic 3", "error.cwic 3"]);
    });
});

describe("numbers where CWIC pages have numbers", () => {
  for (const argument of [
    2002,
    { participant: 2002 },
    { participant: { recipient: 2002 } },
  ])
    test(`startConversation(${JSON.stringify(argument)})`, async () => {
      const { page, phone } = await loggedIn();
      page.cwic("startConversation", argument);
      assert.deepEqual(dialled(phone), ["2002"]);
      assert.deepEqual(page.story, []);
    });

  for (const [digits, sent] of [
    [5, "5"],
    [0, "0"],
    [12, "12"],
    ["*5#", "*5#"],
  ])
    test(`sendDTMF(${digits})`, async () => {
      const { page, call } = await talking();
      page.cwic("sendDTMF", digits, call.id);
      assert.deepEqual(call.asked, [["sendDtmf", sent]]);
    });

  test("registerPhone: user, device and line", async () => {
    FakePhone.reset();
    const page = await readyPage({}, { user: 2002, device: 77, line: 2002 });
    const [{ options }] = FakePhone.made;
    assert.deepEqual([options.user, options.device], ["2002", "77"]);
    assert.equal(page.registered.user, "2002");
    assert.equal(page.registered.line.directoryNumber, "2002");
  });

  test("registerPhone: the predicted device of a user that is a number", async () => {
    FakePhone.reset();
    await readyPage({ devicePrefix: 9 }, { user: 2002 });
    assert.equal(FakePhone.made[0].options.device, "92002");
  });

  test("a device by its number", async () => {
    const { page, call } = await talking();
    const track = { kind: "audio" };
    Object.assign(call, {
      localStream: { getTracks: () => [track], getVideoTracks: () => [] },
    });
    page.cwic("setRecordingDevice", 3);
    assert.deepEqual(call.asked, [["setDevice", "audio", "3"]]);
  });
});

describe("what a page is told of a call", () => {
  test("each state once, from dialling to hold and resume", async () => {
    const { page, phone } = await loggedIn();
    page.cwic("startConversation", "2002");
    const [call] = phone.talks;
    await turn();
    call.become("ringing");
    call.become("connected");
    call.emit("track", {});
    call.emit("callInfo", {});
    call.become("connected");
    page.cwic("updateConversation", "hold", call.id);
    await turn();
    page.cwic("updateConversation", "resume", call.id);
    await turn();
    assert.deepEqual(page.story, [
      "conversationStart.cwic OffHook",
      "conversationUpdate.cwic Ringout",
      "conversationUpdate.cwic Connected",
      "conversationUpdate.cwic Hold",
      "conversationUpdate.cwic Connected",
    ]);
  });

  test("of one that is answered, too", async () => {
    const { page, phone } = await loggedIn();
    const call = phone.ring("sip:2002@example.com");
    page.cwic("startConversation", { id: call.id });
    await turn();
    page.cwic("updateConversation", "hold", call.id);
    await turn();
    assert.deepEqual(page.story, [
      "conversationIncoming.cwic Ringin",
      "conversationStart.cwic Connected",
      "conversationUpdate.cwic Hold",
    ]);
  });

  test("what changes beside the state: muted, pictures, who it is", async () => {
    const { page, call } = await talking();
    page.cwic("updateConversation", "mute", call.id);
    await turn();
    page.cwic("updateConversation", "mute", call.id);
    await turn();
    const pictures = { getVideoTracks: () => [{}], getTracks: () => [] };
    Object.assign(call, { remoteStream: pictures });
    call.emit("track", {});
    call.remote = { uri: "sip:2003@example.com", displayName: "Ada" };
    call.emit("remote", { remote: call.remote });
    const { participant } = page.session.telephony.find(call.id)?.data ?? {};
    assert.deepEqual([participant.number, participant.name], ["2003", "Ada"]);
    assert.deepEqual(
      page.story,
      Array(3).fill("conversationUpdate.cwic Connected"),
    );
  });

  test("a second call holds the first; one that has ended is no call any more", async () => {
    const { page, phone, call } = await talking();
    page.cwic("startConversation", "2003");
    await turn();
    assert.deepEqual(call.asked, [["hold"]]);
    const { id } = phone.ring("sip:2004@example.com");
    await call.resume();
    page.cwic("startConversation", { id });
    await turn();
    assert.deepEqual(call.asked.at(-1), ["hold"]);
    call.end("remote");
    page.story.length = 0;
    page.cwic("updateConversation", "resume", call.id);
    assert.deepEqual(page.story, ["error.cwic 3"]);
  });

  test("what a page keeps in the conversation is not in the way", async () => {
    const { page, call } = await talking();
    const conversation = page.session.telephony.find(call.id)?.data ?? {};
    conversation.mine = conversation;
    page.cwic("updateConversation", "hold", call.id);
    await turn();
    assert.deepEqual(page.story, ["conversationUpdate.cwic Hold"]);
    assert.equal(conversation.mine, conversation);
  });

  test("what rings goes to voicemail, where the server tells that there is one", async () => {
    const { page, phone } = await loggedIn();
    const [first, second] = [1, 2].map(() =>
      phone.ring("sip:2004@example.com"),
    );
    page.story.length = 0;
    page.cwic("endConversation", true, first.id);
    await turn();
    assert.deepEqual([page.story, first.asked], [["error.cwic 0"], []]);
    phone.emit("voicemail", { new: 0, old: 0 });
    const { capabilities } = page.session.telephony.find(first.id)?.data ?? {};
    assert.equal(capabilities.canImmediateDivert, true);
    page.story.length = 0;
    page.cwic("endConversation", true, first.id);
    await turn();
    assert.deepEqual(first.asked, [["deflect", "voicemail"]]);
    assert.deepEqual(page.story, ["conversationEnd.cwic OnHook"]);
    second.become("connected");
    page.cwic("endConversation", true, second.id);
    await turn();
    assert.deepEqual(second.asked, []);
  });

  for (const [cause, status, told] of [
    ["rejected", 486, "Busy"],
    ["rejected", 600, "Busy"],
    ["rejected", 603, "Reorder"],
    ["failed", undefined, "Reorder"],
  ])
    test(`a call that was ${cause} with ${status}: ${told}`, async () => {
      const { page, phone } = await loggedIn();
      page.cwic("startConversation", "2002");
      await turn();
      phone.talks[0].end(/** @type {string} */ (cause), status);
      assert.deepEqual(page.story, [
        "conversationStart.cwic OffHook",
        `conversationUpdate.cwic ${told}`,
        "conversationEnd.cwic OnHook",
      ]);
    });

  /** What may be asked of a call in each state. @type {[string, string | null, string][]} */
  const states = [
    ["connected", null, "DirectTransfer EndCall Hold SendDigit"],
    ["held", "remote", "DirectTransfer EndCall Hold SendDigit"],
    ["held", "local", "DirectTransfer EndCall Resume"],
    ["held", "both", "DirectTransfer EndCall Resume"],
    ["ringing", null, "EndCall"],
  ];
  for (const [state, heldBy, can] of states)
    test(`capabilities when ${state}, by ${heldBy}`, async () => {
      const { page, call } = await talking();
      call.become(state, heldBy);
      const { capabilities } = page.session.telephony.find(call.id)?.data ?? {};
      const names = Object.keys(capabilities)
        .filter((name) => !/Mute|mute|Video/.test(name))
        .map((name) => name.slice("can".length));
      assert.equal(names.sort().join(" "), can);
    });

  test("of one that rings", async () => {
    const { page, phone } = await loggedIn();
    const { id } = phone.ring("sip:2002@example.com");
    const { capabilities } = page.session.telephony.find(id)?.data ?? {};
    assert.deepEqual(Object.keys(capabilities), [
      "canAnswerCall",
      "canEndCall",
    ]);
  });

  test("names and numbers cannot open a tag or an entity", async () => {
    const { page, phone } = await loggedIn();
    const call = phone.ring("sip:20&lt;02@example.com", "A&amp;<b>B</b>");
    const { data } = page.session.telephony.find(call.id) ?? {};
    const { name, number, recipient } = data?.participant ?? {};
    assert.deepEqual([name, number], ["Aamp;bB/b", "20lt"]);
    assert.equal(recipient, "20lt");
    call.end("failed", 500, "<i>&amp;</i>");
    assert.equal(data?.endReason, "iamp;/i");
  });

  test("a hold that is refused is an error, and no news", async () => {
    const { page, call } = await talking();
    call.refusal = failure("eCallFailed", "The far end refused.");
    page.cwic("updateConversation", "hold", call.id);
    await turn();
    assert.deepEqual(page.story, ["error.cwic 30"]);
  });
});

describe("without init, and after shutdown", () => {
  /** Every method that needs a plug-in. @type {[string, ...any[]][]} */
  const calls = [
    ["startConversation", "2002"],
    ["startConversation", { id: 1 }],
    ["updateConversation", "hold", 1],
    ["updateConversation", { transferCall: 2 }, 1],
    ["endConversation", 1],
    ["sendDTMF", "5", 1],
    ["createVideoWindow", { id: "video" }],
    ["addPreviewWindow", { previewWindow: "video" }],
    ["removePreviewWindow", { previewWindow: "video" }],
    ["getMultimediaDevices"],
    ["setRecordingDevice", "mic"],
    ["setPlayoutDevice", "speaker"],
    ["setCaptureDevice", "camera"],
    ["showUserAuthorization", { denied: () => {} }],
    ["disableCertValidation"],
    ["registerPhone", {}],
    ["switchPhoneMode", {}],
    ["unregisterPhone", {}],
  ];

  for (const [method, ...args] of calls)
    test(`${method}(${args.map((arg) => JSON.stringify(arg))})`, async () => {
      const { page, phone } = await talking();
      page.cwic("shutdown");
      await turn();
      page.story.length = 0;
      const asked = phone.talks[0].asked.length;
      assert.equal(page.cwic(method, ...args), page.selection);
      assert.deepEqual(
        page.story.filter((line) => line !== "data cleared"),
        ["error.cwic 1"],
      );
      assert.match(page.events.at(-1).details[0], /not been initialized/);
      assert.equal(page.events.at(-1).target, page.selection);
      assert.equal(phone.talks[0].asked.length, asked);
    });

  test("an error callback that was given hears of it", async () => {
    const { page } = await talking();
    page.cwic("shutdown");
    /** @type {any[]} */
    const errors = [];
    const error = (/** @type {any} */ { code }) => errors.push(code);
    page.cwic("startConversation", { participant: "2002", error });
    page.cwic("registerPhone", { error });
    page.cwic("switchPhoneMode", { error });
    assert.deepEqual(errors, [1, 1, 1]);
  });

  test("what can be asked all the same", async () => {
    const { page } = await loggedIn();
    page.cwic("shutdown");
    await turn();
    page.story.length = 0;
    page.cwic("about");
    page.cwic("getInstanceId");
    page.cwic("getUserAuthStatus");
    page.cwic("shutdown");
    assert.equal(page.cwic("rebootIfBroken"), false);
    await new Promise((complete) => page.cwic("unregisterPhone", { complete }));
    assert.deepEqual(
      page.story.filter((line) => /^error/.test(line)),
      ["error.cwic 1"],
      "unregisterPhone alone complains, and completes",
    );
    page.cwic("init", {});
    page.register();
    await page.until("success");
  });
});
