// DeskPhone mode of the jQuery plug-in: a page written for CWIC 3.0.4, on the real phone with
// a gateway behind a fake core.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Phone } from "graceline";
import { CwicPage } from "../support/cwic-page.mjs";
import { FakeCore, FakeSocket, granted, turn } from "./support/fake-core.js";
import { own, useFakeGateway } from "./support/fake-gateway.js";

const CUCM = "ws://127.0.0.1:8080/";
const appearance = (device, more = "") =>
  `<sip:cti@127.0.0.1>;line="2001";device="${device}"${more}`;

beforeEach(() => useFakeGateway());

/** A page that is told that it may begin. @param {object} [more] settings of `init` */
async function make(more) {
  const page = new CwicPage(
    { phone: { WebSocket: FakeSocket }, ...more },
    Phone,
  );
  await page.until("system.cwic eIdle");
  return page;
}

const world = () => {
  const core = FakeCore.made.at(-1);
  return { core, gateway: core.gateway };
};

/** The registrar grants what the phone asks for. */
const grant = (core) => {
  core.replies.register = (attempt) => granted(attempt);
};

/** A page that drives its desk phone. */
async function controlling(args) {
  const page = await make();
  page.register({ mode: "DeskPhone", ...args });
  await page.until("system.cwic eReady");
  const { gateway } = world();
  gateway.heard();
  gateway.answers.MakeCall = `<callingDevice>${own("k1")}</callingDevice>`;
  return { page, gateway };
}

/** A page with a soft phone. */
async function registered() {
  useFakeGateway((_, core) => grant(core));
  const page = await make();
  page.register();
  await page.until("system.cwic eReady");
  return { page, ...world() };
}

describe("registerPhone in DeskPhone mode", () => {
  test("controls the desk phone, and says so", async () => {
    const page = await make();
    page.register({ mode: "DeskPhone", device: "SEP01" });
    assert.deepEqual(await page.until("system.cwic eReady"), [
      "system.cwic eRegistering",
      "success",
      "system.cwic eReady",
    ]);
    const { mode, device, line } = page.registered;
    assert.equal(mode, "DeskPhone");
    assert.deepEqual(
      [device.name, device.isDeskPhone, device.isSoftPhone, device.inService],
      ["SEP01", true, false, true],
    );
    assert.deepEqual(
      [device.lineDNs, line.directoryNumber],
      [["2001"], "2001"],
    );
    const { phone } = page.events.at(-1);
    assert.deepEqual(
      [phone.mode, phone.ready, phone.registration.mode],
      ["DeskPhone", true, "DeskPhone"],
    );
    const [[, target, , body]] = world().core.given("openSession");
    assert.equal(target, "sip:cti@127.0.0.1");
    assert.match(body, />tel:2001;phone-context=dialstring;device=SEP01</);
    // Once more is once.
    page.register({ mode: "DeskPhone", device: "SEP01" });
    assert.deepEqual(page.story, ["success", "system.cwic eReady"]);
    assert.equal(FakeCore.made.length, 1);
  });

  test("the gateway: of the login, of init, in cucm", async () => {
    const rows = [
      [{}, { gateway: "sip:a@x" }, "sip:a@x"],
      [{ gateway: "sip:b@x" }, {}, "sip:b@x"],
      [{}, { cucm: { tftp: [CUCM], cti: ["sip:c@x"] } }, "sip:c@x"],
      [{}, { domain: "example.com" }, "sip:cti@example.com"],
      [{}, { phone: { remoteControl: { gateway: "sip:d@x" } } }, "sip:d@x"],
    ];
    for (const [settings, args, gateway] of rows) {
      useFakeGateway();
      const page = await make(settings);
      page.register({ mode: "DeskPhone", ...args });
      await page.until("system.cwic eReady");
      assert.equal(world().core.given("openSession")[0][1], gateway);
    }
  });

  test("a device that is no desk phone's is not asked for", async () => {
    const { gateway } = await controlling({ device: "CSFALICE" });
    assert.doesNotMatch(gateway.body("RequestSystemStatus") ?? "", /CSFALICE/);
    const [[, , , body]] = world().core.given("openSession");
    assert.doesNotMatch(body, /device=/);
  });

  test("of several phones it is the first that is there", async () => {
    const contacts = [
      appearance("SEP01", ";inservice=false"),
      appearance("SEP02", ';description="Desk <2>"'),
    ];
    useFakeGateway((gateway) => {
      gateway.refusals.push({ status: 300, contacts });
      gateway.device = "SEP02";
    });
    const page = await make();
    page.register({ mode: "DeskPhone" });
    await page.until("system.cwic eReady");
    const { device, devices } = page.registered;
    assert.equal(device.name, "SEP02");
    assert.deepEqual(Object.keys(devices), ["SEP01", "SEP02"]);
    assert.equal(devices.SEP01.inService, false);
  });

  test("or the one that the page chooses", async () => {
    const contacts = [appearance("SEP01"), appearance("SEP02")];
    useFakeGateway((gateway) => {
      gateway.refusals.push({ status: 300, contacts });
      gateway.device = "SEP02";
    });
    const page = await make();
    let listed;
    page.register({
      mode: "DeskPhone",
      devicesAvailable: (devices, mode, choose) => {
        listed = devices.map(({ name, isDeskPhone }) => [name, isDeskPhone]);
        choose(mode, devices[2], "2001");
      },
    });
    await page.until("system.cwic eReady");
    assert.deepEqual(listed, [
      ["ecp2001", false],
      ["SEP01", true],
      ["SEP02", true],
    ]);
    assert.match(world().gateway.body("RequestSystemStatus"), /device=SEP02</);
  });

  test("what cannot be is the error callback's", async () => {
    const rows = [
      [{ status: 403 }, 20, "eServerRejected"],
      [{ status: 480 }, 20, "eOutOfService"],
      [
        {
          status: 403,
          reason: "Registration is active for another client",
        },
        20,
        "eDeviceAlreadyRegistered",
      ],
    ];
    for (const [refusal, code, native] of rows) {
      useFakeGateway((gateway) => gateway.refusals.push(refusal));
      const page = await make();
      page.register({ mode: "DeskPhone" });
      await page.until("system.cwic eIdle");
      assert.deepEqual(
        [page.error.code, page.error.details[0], page.error.nativeError],
        [code, native, native],
      );
    }
  });
});

describe("switchPhoneMode", () => {
  test("to the desk phone and back", async () => {
    const { page, core } = await registered();
    const { success } = page.login();
    page.session.switchPhoneMode("#switch", {
      mode: "DeskPhone",
      progress: ({ message }) => page.tell(message),
      success,
    });
    assert.deepEqual(await page.until("system.cwic eReady"), [
      "switching to DeskPhone",
      "success",
      "system.cwic ePhoneModeChanged",
      "system.cwic eReady",
    ]);
    assert.equal(page.registered.device.name, "SEP01");
    const changed = page.events.at(-2).phone;
    assert.deepEqual(
      [changed.status, changed.mode, changed.ready],
      ["ePhoneModeChanged", "DeskPhone", true],
    );
    assert.equal(core.given("unbind").length, 1);
    page.session.switchPhoneMode("#switch", { mode: "SoftPhone", success });
    assert.deepEqual(await page.until("system.cwic eReady"), [
      "success",
      "system.cwic ePhoneModeChanged",
      "system.cwic eReady",
    ]);
    const { phone } = page.events.at(-1);
    assert.deepEqual(
      [phone.mode, phone.registration.device.isSoftPhone],
      ["SoftPhone", true],
    );
    assert.equal(FakeCore.made.length, 1, "one phone");
    // There already: nothing is switched.
    page.session.switchPhoneMode("#switch", { success });
    assert.deepEqual(page.story, ["success", "system.cwic eReady"]);
  });

  test("that fails leaves the page where it was", async () => {
    const { page, gateway } = await registered();
    gateway.refusals.push({ status: 403 });
    const { error } = page.login();
    page.session.switchPhoneMode("#switch", { mode: "DeskPhone", error });
    await page.until("error 20");
    assert.equal(page.error.nativeError, "eServerRejected");
    const { registration } = page.session;
    assert.deepEqual(
      [registration.isReady, registration.mode],
      [true, "SoftPhone"],
    );
  });

  test("by force", async () => {
    const { page, core } = await registered();
    page.session.switchPhoneMode("#switch", {
      ...{ mode: "DeskPhone", device: "SEP07", forceRegistration: true },
    });
    await page.until("system.cwic ePhoneModeChanged");
    const [[, , , body, , { extraHeaders }]] = core.given("openSession");
    assert.deepEqual(extraHeaders, [["X-Graceline", "force"]]);
    assert.match(body, /device=SEP07</);
  });
});

describe("a desk phone", () => {
  test("that is out of service is told of, and its return", async () => {
    const { page, gateway } = await controlling();
    const monitor = "<monitorCrossRefID>m1</monitorCrossRefID>";
    await gateway.tell("OutOfServiceEvent", monitor);
    const { phone } = page.events.at(-1);
    assert.deepEqual(
      [phone.status, phone.ready, phone.registration.device.inService],
      ["eConnectedButNoDeviceReady", false, false],
    );
    assert.equal(phone.registration.device.isDeskPhone, true);
    await gateway.tell("BackInServiceEvent", monitor);
    assert.equal(page.events.at(-1).phone.status, "eReady");
    await gateway.tell("SystemStatus", "<systemStatus>disabled</systemStatus>");
    assert.equal(page.events.at(-1).phone.status, "eRecoveryPending");
    await gateway.tell("SystemStatus", "<systemStatus>normal</systemStatus>");
    assert.equal(page.events.at(-1).phone.status, "eReady");
  });

  test("has conversations, with what can be asked of them", async () => {
    const { page, gateway } = await controlling();
    page.story.length = 0;
    await gateway.happens("rings", "k1");
    assert.deepEqual(page.story.splice(0), [
      "conversationIncoming.cwic Ringin",
    ]);
    const [{ id }] = page.session.phones.current.calls;
    const conversation = () => page.session.telephony.find(id).data;
    assert.deepEqual(conversation().capabilities, {
      canAnswerCall: true,
      canEndCall: true,
    });
    assert.equal(conversation().participant.number, "2002");
    page.cwic("startConversation", { id });
    await turn();
    assert.deepEqual(gateway.heard(), ["AnswerCall"]);
    await gateway.happens("established", "k1");
    assert.deepEqual(page.story.splice(0), [
      "conversationStart.cwic Connected",
    ]);
    assert.deepEqual(conversation().capabilities, {
      canEndCall: true,
      canHold: true,
      canSendDigit: true,
      canDirectTransfer: true,
    });
    page.cwic("updateConversation", "hold", id);
    page.cwic("sendDTMF", "12", id);
    await turn();
    assert.deepEqual(gateway.heard(), ["HoldCall", "GenerateDigits"]);
    await gateway.happens("held", "k1");
    assert.deepEqual(conversation().capabilities, {
      canEndCall: true,
      canResume: true,
    });
    page.cwic("endConversation", id);
    await turn();
    assert.deepEqual(gateway.heard(), ["ClearConnection"]);
    await gateway.happens("cleared", "k1");
    assert.deepEqual(page.story.slice(-1), ["conversationEnd.cwic OnHook"]);
  });

  test("dials, and what is dialled by hand is a conversation, too", async () => {
    const { page, gateway } = await controlling();
    page.story.length = 0;
    page.cwic("startConversation", "2002");
    await turn();
    assert.deepEqual(gateway.heard(), ["MakeCall"]);
    assert.deepEqual(page.story, ["conversationStart.cwic OffHook"]);
    await gateway.happens("originated", "k9");
    assert.equal(page.session.phones.current.calls.length, 2);
    assert.equal(page.story.at(-1), "conversationStart.cwic OffHook");
  });

  test("joins two calls; a soft phone does not", async () => {
    const { page, gateway } = await controlling();
    await gateway.happens("rings", "k1");
    await gateway.happens("established", "k1");
    await gateway.happens("held", "k1");
    await gateway.happens("rings", "k2");
    await gateway.happens("established", "k2");
    gateway.heard();
    const [first, second] = page.session.phones.current.calls;
    const { data } = page.session.telephony.find(first.id);
    assert.equal(data.capabilities.canJoinAcrossLine, true);
    page.cwic("updateConversation", { joinCall: second.id }, first.id);
    await turn();
    assert.deepEqual(gateway.heard(), ["ConferenceCall"]);
    page.story.length = 0;
    page.cwic("updateConversation", { joinCall: 99 }, first.id);
    page.cwic("updateConversation", "mute", first.id);
    await turn();
    assert.deepEqual(page.story, ["error.cwic 3", "error.cwic 6"]);
  });

  test("is left to itself by a logout", async () => {
    const { page, gateway } = await controlling();
    page.session.unregisterPhone({
      forceLogout: true,
      complete: () => page.tell("complete"),
    });
    await page.until("system.cwic eIdle");
    assert.deepEqual(gateway.heard(), ["MonitorStop"]);
  });
});
