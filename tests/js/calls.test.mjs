// Calls against a fake core: states, promises, media requests, endings.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { PhoneError } from "graceline";
import { fakeMedia } from "graceline/testing";
// Loaded on demand, which takes real time, and the time of its test is not real.
import "../../js/media/silence.js";
import { Phone } from "../../js/phone/phone.js";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  turn,
  useFakeCore,
} from "./support/fake-core.js";
import { FakeTime } from "./support/fake-time.js";

/** @type {ReturnType<typeof fakeMedia>} */
let media;

beforeEach(() => {
  useFakeCore();
  media = fakeMedia();
});

/** A registered phone, its core, and a server that makes the core say things. */
async function ready(more) {
  const phone = new Phone({ ...options, media, ...more });
  const registering = phone.registerPhone();
  await turn();
  const core = FakeCore.made.at(-1);
  const [socket] = FakeSocket.made.slice(-1);
  const say = async (...events) => {
    socket.say(...events.map(([name, more]) => event(name, more)));
    await turn();
  };
  socket.open();
  socket.say(...granted(core.given("register")[0][0]));
  await registering;
  return { phone, core, say };
}

/** Everything a call tells, in order. */
function listen(call) {
  const heard = [];
  const names = [
    ...["state", "connected", "ended", "track", "transfer", "info"],
    ...["callInfo", "error"],
  ];
  for (const name of names)
    call.on(name, (payload) =>
      heard.push(name === "state" ? payload.state : name),
    );
  return heard;
}

const outgoing = (call, more) => ({ call, request: 1, ...more });
const connected = (call) => ["callState", { call, state: "connected" }];
const ended = (call, cause, more) => ["callEnded", { call, cause, ...more }];
const incoming = (call, more) => [
  "incoming",
  {
    call,
    from: { uri: "sip:2002@example.com", displayName: "Bob" },
    to: "sip:2001@example.com",
    hasOffer: true,
    headers: [["X-Ticket", "7"]],
    ...more,
  },
];

/** A connected outgoing call. */
async function talking(more) {
  const all = await ready(more);
  const call = all.phone.call("2002");
  await turn();
  await all.say(
    ["media", outgoing(call.id, { want: "offer", initial: true })],
    connected(call.id),
  );
  return { ...all, call };
}

const OFFER = "v=0\r\nm=audio 9 X 0\r\na=sendrecv\r\na=ice-ufrag:x\r\n";

describe("an outgoing call", () => {
  test("is handed over at once, and the core hears of it after that", async () => {
    const { phone, core, say } = await ready();
    const call = phone.call("2002", { extraHeaders: { "X-A": "1" } });
    assert.equal(call.state, "calling");
    assert.equal(call.direction, "outgoing");
    assert.equal(call.remote.uri, "2002");
    assert.equal(call.startTime, null);
    assert.deepEqual(core.given("call"), []);
    await turn();
    assert.deepEqual(core.given("call"), [
      [
        call.id,
        "2002",
        {
          extraHeaders: [["X-A", "1"]],
          followRedirects: undefined,
          replaces: undefined,
        },
      ],
    ]);
    assert.equal(call.id % 2, 1);
    assert.deepEqual(phone.calls, [call]);

    const heard = listen(call);
    /** @type {string[]} */
    const remotes = [];
    call.on("remote", ({ remote }) => {
      assert.equal(call.remote, remote, "it has changed already");
      remotes.push(remote.displayName);
    });
    await say(["media", outgoing(call.id, { want: "offer", initial: true })]);
    const [[id, request, sdp]] = core.given("mediaReady");
    assert.deepEqual([id, request], [call.id, 1]);
    assert.match(sdp, /^v=0\r\n[^]*m=audio [^]*a=sendrecv/);

    await say(
      [
        "remote",
        {
          call: call.id,
          remote: { uri: "sip:2002@example.com", displayName: "Bob" },
        },
      ],
      ["callState", { call: call.id, state: "ringing" }],
      [
        "media",
        outgoing(call.id, { want: "apply", sdp: OFFER, sdpType: "answer" }),
      ],
      connected(call.id),
    );
    assert.deepEqual(heard, ["ringing", "connected", "connected", "track"]);
    assert.deepEqual(remotes, ["Bob"]);
    assert.equal(call.remote.displayName, "Bob");
    // The far end was transferred.
    const remote = { uri: "sip:2003@example.com", displayName: "Ada" };
    await say(["remote", { call: call.id, remote }]);
    assert.deepEqual(remotes, ["Bob", "Ada"]);
    assert.deepEqual(call.remote, remote);
    assert.ok(call.startTime instanceof Date);
    assert.ok(call.remoteStream.getTracks().length);
    assert.deepEqual(core.given("mediaDone"), [[call.id, 1]]);
    assert.deepEqual(media.made[0].asked, ["open", "createOffer", "answer"]);

    await call.hangup();
    await say(["media", { call: call.id, request: 2, want: "end" }]);
    await say(ended(call.id, "local"), ended(call.id, "remote"));
    assert.deepEqual(heard.slice(4), ["ended", "ended"]);
    assert.equal(call.state, "ended");
    assert.ok(media.made[0].closed);
    assert.deepEqual(phone.calls, []);
    await call.hangup();
    assert.equal(core.given("hangup").length, 1, "once is enough");
  });

  test("without a registration: error, then ended", async () => {
    const phone = new Phone({ ...options, media });
    const call = phone.call("2002");
    const heard = listen(call);
    const error = new Promise((resolve) => call.once("error", resolve));
    const end = new Promise((resolve) => call.once("ended", resolve));
    assert.ok(PhoneError.is(await error, "eCallFailed"));
    assert.match((await error).message, /registerPhone/);
    const { cause, status } = await end;
    assert.deepEqual([cause, status], ["failed", undefined]);
    assert.deepEqual(heard, ["ended", "error", "ended"]);
    await call.hangup();
    assert.deepEqual(media.made, []);
  });

  test("that fails says why, with the status", async () => {
    const { phone, say } = await ready();
    const call = phone.call("2002");
    const error = new Promise((resolve) => call.once("error", resolve));
    await turn();
    await say(
      ended(call.id, "failed", { status: 503, reason: "Service Unavailable" }),
    );
    const { code, status, reason, message } = await error;
    assert.deepEqual(
      { code, status, reason },
      { code: "eCallFailed", status: 503, reason: "Service Unavailable" },
    );
    assert.match(message, /503 Service Unavailable/);
  });

  test("that fails in a sentence of ours says it once, whole, with what to do", async () => {
    const { phone, say } = await ready();
    const far = "sip:2003@elsewhere.example";
    for (const [more, message, remedy] of [
      [{ at: "flowLost" }, "The connection to the server was lost.", ""],
      [{ at: "unanswered", status: 408 }, "The far end did not answer.", ""],
      [
        { at: "redirected", status: 302, reason: far },
        `The call was redirected to ${far}. Call that if you want to.`,
        "Call that if you want to.",
      ],
    ]) {
      const call = phone.call("2002");
      const errors = [];
      call.on("error", (error) => errors.push(error));
      const end = new Promise((resolve) => call.once("ended", resolve));
      await turn();
      await say(ended(call.id, "failed", more));
      const [error] = errors;
      assert.deepEqual(
        [errors.length, error.code, error.status, error.message, error.remedy],
        [1, "eCallFailed", more.status, message, remedy],
      );
      assert.equal((await end).reason, message);
    }
  });

  test("that is redirected elsewhere says where to, and the app decides", async () => {
    const { phone, core, say } = await ready();
    const call = phone.call("2002", { followRedirects: "none" });
    const redirects = [];
    call.on("redirect", (redirect) => redirects.push(redirect));
    const error = new Promise((resolve) => call.once("error", resolve));
    await turn();
    assert.equal(core.given("call")[0][2].followRedirects, "none");
    const [near, far] = ["sip:2003@example.com", "tel:+19005550100"];
    await say(
      ["redirect", { call: call.id, uri: near, followed: true }],
      ["redirect", { call: call.id, uri: far, followed: false }],
      ended(call.id, "failed", {
        at: "redirected",
        status: 302,
        reason: far,
      }),
    );
    assert.deepEqual(redirects, [
      { uri: near, followed: true },
      { uri: far, followed: false },
    ]);
    const { code, status, details } = await error;
    assert.deepEqual([code, status], ["eCallFailed", 302]);
    assert.deepEqual(details, { target: far });
    assert.throws(() => phone.call("2002", { followRedirects: true }), {
      code: "eInvalidArgument",
    });

    // Of another end the redirection is not the reason.
    const other = phone.call("2002");
    const busy = new Promise((resolve) => other.once("error", resolve));
    await turn();
    await say(
      ["redirect", { call: other.id, uri: far, followed: false }],
      ended(other.id, "failed", { status: 503, reason: "No" }),
    );
    assert.equal((await busy).details, undefined);
  });

  test("whose media fail once it was answered says so once", async () => {
    const { core, call, say } = await talking();
    const heard = listen(call);
    media.options.fail = (step) => step === "answer" && new Error("odd SDP");
    await say([
      "media",
      outgoing(call.id, { want: "apply", sdp: OFFER, sdpType: "answer" }),
    ]);
    assert.deepEqual(core.given("mediaFailed"), [[call.id, 1]]);
    await say(ended(call.id, "failed", { at: "media" }));
    assert.deepEqual(heard, ["error", "ended", "ended"]);

    // One that was survived does not keep the next from being told.
    const other = await talking();
    const heardThere = listen(other.call);
    media.made.at(-1).context.emit.error(new Error("unplugged"));
    await other.say(ended(other.call.id, "failed", { at: "farEndLost" }));
    assert.deepEqual(heardThere, ["error", "ended", "error", "ended"]);
  });

  test("that is refused is no error", async () => {
    const { phone, say } = await ready();
    const call = phone.call("2002");
    const heard = listen(call);
    const end = new Promise((resolve) => call.once("ended", resolve));
    await turn();
    await say(ended(call.id, "rejected", { status: 486, reason: "Busy Here" }));
    assert.deepEqual(await end, {
      cause: "rejected",
      status: 486,
      reason: "Busy Here",
    });
    assert.deepEqual(heard, ["ended", "ended"]);
  });

  test("hung up before the core heard of it, and by a signal", async () => {
    const { phone, core } = await ready();
    const first = phone.call("2002");
    const hangup = first.hangup();
    await hangup;
    const order = () =>
      core.commands
        .filter(([name]) => /call|hangup/.test(name))
        .map(([name, ...args]) => [name, name === "call" ? args[0] : args[1]]);
    assert.deepEqual(order(), [
      ["call", first.id],
      ["hangup", first.id],
    ]);

    const controller = new AbortController();
    const second = phone.call("2003", { signal: controller.signal });
    await turn();
    controller.abort();
    await turn();
    const third = phone.call("2004", { signal: controller.signal });
    await turn();
    assert.deepEqual(order().slice(2), [
      ["call", second.id],
      ["hangup", second.id],
      ["call", third.id],
      ["hangup", third.id],
    ]);
  });

  test("mistakes are told at once", async () => {
    const { phone } = await ready();
    const bad = [
      [""],
      ["a\r\nb"],
      [{}],
      ["2002", { audio: 1 }],
      ["2002", { stream: {} }],
      ["2002", { signal: {} }],
      ["2002", { extraHeaders: { Via: "x" } }],
      ["2002", null],
    ];
    for (const args of bad)
      assert.throws(
        () => phone.call(...args),
        (error) => PhoneError.is(error, "eInvalidArgument"),
      );
    assert.deepEqual(phone.calls, []);
    await phone.close();
    assert.throws(
      () => phone.call("2002"),
      (error) => PhoneError.is(error, "eInvalidState"),
    );
  });

  test("a refused microphone ends it, with what to do", async () => {
    media.options.fail = (step) =>
      step === "open" && new PhoneError("eMediaFailed", "Allow it.");
    const { phone, core, say } = await ready();
    const call = phone.call("2002");
    const heard = listen(call);
    const error = new Promise((resolve) => call.once("error", resolve));
    await turn();
    await say(["media", outgoing(call.id, { want: "offer", initial: true })]);
    assert.deepEqual(core.given("mediaFailed"), [[call.id, 1]]);
    assert.ok(PhoneError.is(await error, "eMediaFailed"));
    const end = new Promise((resolve) => call.once("ended", resolve));
    await say(ended(call.id, "failed", { at: "media" }));
    assert.deepEqual(heard, ["error", "ended", "ended"], "one error, not two");
    assert.equal((await end).reason, "Allow it.");
  });
});

describe("an incoming call", () => {
  /** A phone that is being called. */
  async function called(more, facts) {
    const all = await ready(more);
    const ringing = new Promise((resolve) =>
      all.phone.once("incoming", resolve),
    );
    await all.say(incoming(2, facts));
    return { ...all, call: (await ringing).call };
  }

  test("shows who calls, and is answered once the microphone is open", async () => {
    const { core, call, say } = await called();
    assert.equal(call.state, "incoming");
    assert.equal(call.direction, "incoming");
    assert.deepEqual(call.remote, {
      uri: "sip:2002@example.com",
      displayName: "Bob",
    });
    assert.equal(call.to, "sip:2001@example.com");
    assert.deepEqual(call.headers, [["X-Ticket", "7"]]);
    assert.deepEqual(media.made, [], "no microphone before the answer");

    const answers = [call.answer({ video: true }), call.answer()];
    await Promise.all(answers);
    assert.equal(core.given("answer").length, 1);
    assert.deepEqual(media.made[0].asked, ["open"]);
    assert.equal(call.localStream.getVideoTracks().length, 1);
    await say(
      ["media", { call: 2, request: 5, want: "answer", sdp: OFFER }],
      connected(2),
    );
    assert.match(core.given("mediaReady")[0][2], /m=audio/);
    assert.equal(call.state, "connected");
    await assert.rejects(call.answer(), { code: "eInvalidState" });
    await assert.rejects(call.reject(), { code: "eInvalidState" });
  });

  test("a refused microphone: it rings on, and can be answered again", async () => {
    let allowed = false;
    media.options.fail = (step) =>
      step === "open" && !allowed && new Error("Permission denied");
    const { core, call } = await called();
    await assert.rejects(call.answer(), {
      code: "eMediaFailed",
      message: /Permission denied/,
    });
    assert.equal(call.state, "incoming");
    assert.ok(media.made[0].closed);
    assert.deepEqual(core.given("answer"), []);
    allowed = true;
    await call.answer();
    assert.equal(core.given("answer").length, 1);
  });

  test("here or everywhere", async () => {
    const { core, call } = await called();
    await call.reject();
    await call.reject(603);
    assert.deepEqual(
      core.given("reject").map(([, id, status]) => [id, status]),
      [
        [2, 486],
        [2, 603],
      ],
    );
    for (const code of [200, 399, 700, 486.5, "486"])
      await assert.rejects(call.reject(code), { code: "eInvalidArgument" });
  });

  test("the caller gives up while the user is asked for the microphone", async () => {
    let allow;
    const slow = Object.assign(
      (context) => {
        const handler = media(context);
        const open = handler.open.bind(handler);
        handler.open = () => new Promise((done) => (allow = done)).then(open);
        return handler;
      },
      { made: [] },
    );
    const { core, call, say } = await called({ media: slow });
    const answer = assert.rejects(call.answer(), { code: "eCallFailed" });
    await turn();
    await say(ended(2, "cancelled"));
    await answer;
    allow();
    await turn();
    assert.deepEqual(core.given("answer"), []);
    assert.ok(media.made[0].closed);
  });

  test("answered elsewhere", async () => {
    const { call, say } = await called();
    const end = new Promise((resolve) => call.once("ended", resolve));
    await say(ended(2, "answeredElsewhere", { status: 200, reason: "" }));
    assert.equal((await end).cause, "answeredElsewhere");
    assert.equal(call.state, "ended");
  });

  test("that replaces one in progress is answered with its media", async () => {
    const { phone, core, call: first, say } = await talking();
    first.wanted.video = true;
    const ringing = new Promise((resolve) => phone.once("incoming", resolve));
    await say(incoming(2, { replaces: first.id }));
    const { call } = await ringing;
    assert.equal(call.replaces, first);
    await turn();
    assert.deepEqual(core.given("answer").length, 1);
    assert.equal(media.made[1].context.video, true);
  });
});

describe("during a call", () => {
  test("hold and resume, once each", async () => {
    const { core, call, say } = await talking();
    const heard = [];
    call.on("state", ({ state, heldBy }) => heard.push([state, heldBy]));
    await call.resume();
    await call.hold();
    await say(["callState", { call: call.id, state: "held", heldBy: "local" }]);
    await call.hold();
    assert.equal(call.heldBy, "local");
    await say(["callState", { call: call.id, state: "held", heldBy: "both" }]);
    await call.resume();
    await say([
      "callState",
      { call: call.id, state: "held", heldBy: "remote" },
    ]);
    await call.resume();
    await say(connected(call.id));
    assert.deepEqual(heard, [
      ["held", "local"],
      ["held", "both"],
      ["held", "remote"],
      ["connected", null],
    ]);
    assert.deepEqual(
      [core.given("hold").length, core.given("resumeCall").length],
      [1, 1],
    );
  });

  test("what the core refuses rejects, with the status", async () => {
    const { core, call } = await talking();
    core.replies.hold = (op) => [
      event("done", {
        op,
        error: { at: "refused", status: 488, reason: "Not Acceptable Here." },
      }),
    ];
    await assert.rejects(call.hold(), {
      name: "PhoneError",
      code: "eCallFailed",
      message: "The far end answered 488 Not Acceptable Here.",
      status: 488,
      reason: "Not Acceptable Here.",
    });
    assert.equal(call.state, "connected");
  });

  test("mute is local, before the call and in it", async () => {
    const { phone, core } = await ready();
    const call = phone.call("2002");
    await call.mute("audio");
    await turn();
    FakeSocket.made
      .at(-1)
      .say(
        event("media", outgoing(call.id, { want: "offer", initial: true })),
        event("callState", { call: call.id, state: "connected" }),
      );
    await turn();
    const [track] = call.localStream.getAudioTracks();
    assert.equal(track.enabled, false);
    await call.unmute();
    assert.equal(track.enabled, true);
    await call.mute();
    assert.deepEqual(call.muted, { audio: true, video: true });
    await assert.rejects(call.mute("sound"), { code: "eInvalidArgument" });
    assert.deepEqual(core.given("renegotiate"), []);
  });

  test("digits: in the sound, or by INFO", async () => {
    const { core, call } = await talking();
    await call.sendDtmf("12#");
    assert.equal(media.made[0].digits, "12#");
    assert.deepEqual(core.given("info"), []);
    media.options.dtmf = false;
    await call.sendDtmf("*a");
    assert.deepEqual(
      core.given("info").map(([, id, type, body]) => [id, type, body]),
      [
        [call.id, "application/dtmf-relay", "Signal=*\r\nDuration=100\r\n"],
        [call.id, "application/dtmf-relay", "Signal=A\r\nDuration=100\r\n"],
      ],
    );
    for (const digits of ["", "12x", 5])
      await assert.rejects(call.sendDtmf(digits), { code: "eInvalidArgument" });
  });

  test("digits by INFO keep duration and gap; calls queue, as within the sound", async (t) => {
    const time = new FakeTime(1_767_225_600_000);
    t.after(() => time.remove());
    const { core, call } = await talking();
    media.options.dtmf = false;
    const sent = [];
    core.replies.info = (op, id, type, body) => {
      sent.push([performance.now(), /Signal=(.)/.exec(body)[1]]);
      return [event("done", { op })];
    };
    const done = [];
    const dial = (digits, options) =>
      call.sendDtmf(digits, options).then(() => done.push(performance.now()));
    const dialled = Promise.all([
      dial("12", { duration: 200, gap: 300 }),
      dial("3,4", {}),
      // Beyond the bounds of tones within the sound.
      dial("56", { duration: 1, gap: -5 }),
    ]);
    await time.until(dialled);
    assert.deepEqual(sent, [
      [0, "1"],
      [500, "2"],
      [1000, "3"],
      [3170, "4"],
      [3340, "5"],
      [3410, "6"],
    ]);
    assert.deepEqual(done, [1000, 3340, 3480]);
    assert.match(core.given("info")[4][3], /Duration=40\r/);
  });

  test("digits that fail, or that the call's end catches, hold up no others for ever", async () => {
    const { core, call, say } = await talking();
    media.options.dtmf = false;
    core.replies.info = (op) => [
      event("done", {
        op,
        error: { at: "refused", status: 415 },
      }),
    ];
    await assert.rejects(call.sendDtmf("1"), { status: 415 });
    media.options.dtmf = true;
    await call.sendDtmf("2");
    assert.equal(media.made[0].digits, "2");
    media.made[0].sendDtmf = () => new Promise(() => {});
    const waiting = ["3", "4"].map((digit) =>
      assert.rejects(call.sendDtmf(digit), { code: "eCallFailed" }),
    );
    await turn();
    await say(ended(call.id, "remote"));
    await Promise.all(waiting);
  });

  test("transfer, blind and attended", async () => {
    const { phone, core, call, say } = await talking();
    const heard = [];
    call.on("transfer", (progress) => heard.push(progress));
    await call.transfer("2003");
    assert.deepEqual(core.given("transfer")[0].slice(1), [call.id, "2003"]);
    await say([
      "transferred",
      { call: call.id, status: 180, reason: "Ringing" },
    ]);
    assert.deepEqual(heard, [{ status: 180, reason: "Ringing" }]);

    const other = phone.call("2003");
    await assert.rejects(call.transfer(other), { code: "eInvalidState" });
    await turn();
    await say(connected(other.id));
    await call.transfer(other);
    assert.deepEqual(core.given("transferTo")[0].slice(1), [call.id, other.id]);
    await assert.rejects(call.transfer("a\nb"), { code: "eInvalidArgument" });
  });

  test("being transferred: a new call, with the same media", async () => {
    const { phone, core, call, say } = await talking();
    const transferred = new Promise((resolve) =>
      phone.once("transferred", resolve),
    );
    await say([
      "refer",
      { call: call.id, refer: 9, target: "sip:c@example.com" },
    ]);
    const { from, call: next } = await transferred;
    assert.equal(from, call);
    assert.deepEqual(core.given("call")[1], [
      next.id,
      "sip:c@example.com",
      { refer: 9 },
    ]);
    await say(["refer", { call: 77, refer: 10, target: "sip:c@example.com" }]);
    assert.deepEqual(core.given("refuseRefer"), [[10]]);
  });

  test("media requests are served in order; a failure is reported, not thrown", async () => {
    const { core, call, say } = await talking();
    const errors = [];
    call.on("error", (error) => errors.push(error));
    media.options.fail = (step) =>
      step === "createAnswer" && new Error("codec trouble");
    await say(
      ["media", { call: call.id, request: 7, want: "answer", sdp: OFFER }],
      ["media", { call: call.id, request: 8, want: "offer", hold: true }],
      ["media", { call: call.id, request: 9, want: "rollback" }],
    );
    assert.deepEqual(core.given("mediaFailed"), [[call.id, 7]]);
    const [, [, request, sdp]] = core.given("mediaReady");
    assert.equal(request, 8);
    assert.match(sdp, /a=sendonly/);
    assert.deepEqual(core.given("mediaDone"), [[call.id, 9]]);
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["eMediaFailed"],
    );
    assert.equal(call.state, "connected");
  });

  test("candidates go both ways", async () => {
    const { core, call, say } = await talking();
    await say(["candidates", { call: call.id, sdpfrag: "a=mid:0\r\n" }]);
    assert.deepEqual(media.made[0].remoteCandidates, ["a=mid:0\r\n"]);
    media.made[0].context.emit.candidates("a=mid:1\r\n", true);
    assert.deepEqual(core.given("candidates"), [[call.id, "a=mid:1\r\n"]]);
  });

  test("video on and off; undone when the far end refuses", async () => {
    const { core, call } = await talking();
    await call.setVideo(true);
    assert.equal(call.localStream.getVideoTracks().length, 1);
    assert.deepEqual(core.given("renegotiate")[0].slice(1), [call.id, {}]);
    core.replies.renegotiate = (op) => [
      event("done", {
        op,
        error: { at: "refused", status: 488 },
      }),
    ];
    await assert.rejects(call.setVideo(false), { status: 488 });
    assert.equal(media.made[0].asked.at(-1), "rollback");
    await assert.rejects(call.restartIce(), { status: 488 });
  });

  test("pictures that the far end takes none of: told, and the camera is closed", async () => {
    const video = "m=video 9 X 96\r\na=sendrecv\r\n";
    const cases = [
      [OFFER + video, true],
      [OFFER + video.replace("sendrecv", "recvonly"), true],
      [`${OFFER}m=video 9 X 96\r\n`, true],
      [OFFER + video.replace("9", "0"), false],
      [OFFER + video.replace("sendrecv", "inactive"), false],
      [OFFER + video.replace("sendrecv", "sendonly"), false],
      [OFFER + video.replace("9", "0") + video, true],
      [OFFER, false],
      // On hold nobody may send, and that is no refusal.
      [OFFER + video.replace("sendrecv", "inactive"), true, "remote"],
      [OFFER + video.replace("9", "0"), false, "remote"],
    ];
    for (const [sdp, taken, heldBy] of cases) {
      const { core, call } = await talking();
      const handler = media.made.at(-1);
      core.replies.renegotiate = () => [
        event("media", { call: call.id, request: 5, want: "offer" }),
        event("media", {
          ...{ call: call.id, request: 6, want: "apply" },
          ...{ sdp, sdpType: "answer" },
        }),
        event("callState", {
          call: call.id,
          state: heldBy ? "held" : "connected",
          heldBy,
        }),
      ];
      const on = call.setVideo(true);
      await turn();
      const [camera] = call.localStream.getVideoTracks();
      assert.equal(camera.readyState, "live");
      FakeSocket.made
        .at(-1)
        .say(event("done", { op: core.given("renegotiate")[0][0] }));
      if (taken) await on;
      else
        await assert.rejects(on, {
          code: "eCallFailed",
          message: /takes no pictures/,
        });
      assert.equal(camera.readyState, taken ? "live" : "ended", sdp);
      assert.equal(call.localStream.getVideoTracks().length, taken ? 1 : 0);
      assert.equal(handler.closed, false);
      // Off is off, whatever the answer says.
      core.replies.renegotiate = (op) => [event("done", { op })];
      await call.setVideo(false);
    }
  });

  test("devices, statistics, INFO, and what a handler has not", async () => {
    const { core, call, say } = await talking();
    await call.setDevice("audio", "headset");
    assert.equal(call.localStream.getAudioTracks()[0].deviceId, "headset");
    assert.ok((await call.getStats()) instanceof Map);
    const heard = [];
    call.on("info", (info) => heard.push(info));
    call.on("callInfo", (info) => heard.push(info));
    const callInfo = { security: "Encrypted", isVoip: true };
    await say(
      ["info", { call: call.id, contentType: "text/plain", body: "hi" }],
      ["callInfo", { call: call.id, callInfo }],
    );
    assert.deepEqual(heard, [
      { contentType: "text/plain", body: "hi" },
      { callInfo },
    ]);
    assert.deepEqual(call.callInfo, callInfo);
    await call.sendInfo("text/plain", "ho");
    assert.deepEqual(core.given("info")[0].slice(1), [
      call.id,
      "text/plain",
      "ho",
    ]);
    media.made[0].setDevice = undefined;
    await assert.rejects(call.setDevice("audio", "x"), {
      code: "eMediaFailed",
    });
  });

  test("media that are lost are the core's to find again", async () => {
    const { core, call } = await talking();
    media.made[0].context.emit.disturbed();
    assert.equal(core.given("look").length, 1);
    assert.deepEqual(core.given("mediaLost"), []);
    media.made[0].context.emit.lost();
    media.made[0].context.emit.renegotiate({ iceRestart: true });
    assert.deepEqual(core.given("mediaLost"), [[call.id]]);
    assert.deepEqual(core.given("renegotiate")[0].slice(1), [
      call.id,
      { iceRestart: true },
    ]);
  });

  test("a far end that has gone without a word: after mediaTimeout the call fails", async (t) => {
    const time = new FakeTime(1_767_225_600_000);
    t.after(() => time.remove());
    const { core, call, say } = await talking({ mediaTimeout: 20 });
    const handler = media.made[0];
    let packets = 0;
    handler.getStats = async () =>
      new Map([
        [
          "in",
          { type: "inbound-rtp", kind: "audio", packetsReceived: packets },
        ],
        ["out", { type: "outbound-rtp", kind: "audio", packetsSent: packets }],
      ]);
    const failures = () => core.given("fail");
    const passes = async (seconds, each = () => {}) => {
      for (let i = 0; i < seconds; i++) {
        each();
        await time.run(1000);
      }
    };
    await say([
      "media",
      {
        ...outgoing(call.id, { want: "apply", sdp: OFFER, sdpType: "answer" }),
      },
    ]);
    await passes(60);
    assert.deepEqual(failures(), [], "nothing has come yet");
    await passes(60, () => (packets += 50));
    await passes(15);
    await say([
      "callState",
      { call: call.id, state: "held", heldBy: "remote" },
    ]);
    await passes(60);
    assert.deepEqual(failures(), [], "held");
    await say(connected(call.id));
    const [track] = call.remoteStream.getTracks();
    track.muted = true;
    await passes(60);
    assert.deepEqual(failures(), [], "it only listens");
    track.muted = false;
    // A new connection counts from nothing.
    packets = 3;
    await passes(19);
    assert.deepEqual(failures(), []);
    await passes(2);
    assert.deepEqual(failures(), [[call.id, "20"]]);
    const end = new Promise((resolve) => call.once("ended", resolve));
    await say(ended(call.id, "failed", { at: "nothingHeard", reason: "20" }));
    assert.equal(
      (await end).reason,
      "Nothing has come from the far end for 20 seconds.",
    );
    await passes(60);
    assert.equal(failures().length, 1);

    const other = await talking();
    await passes(60);
    assert.deepEqual(other.core.given("fail"), [], "not by default");
  });

  test("a call of the page load before is taken up again", async () => {
    const { phone, core, say } = await ready();
    const resumable = new Promise((resolve) =>
      phone.once("resumable", resolve),
    );
    const remote = { uri: "sip:2002@example.com", displayName: "Bob" };
    await say(["abandoned", { remote, replaces: "a;to-tag=b;from-tag=c" }]);
    const offer = await resumable;
    assert.deepEqual(offer.remote, remote);
    const call = offer.resume({ video: false });
    await turn();
    const [[id, target, { replaces }]] = core.given("call");
    assert.deepEqual(
      [id, target, replaces],
      [call.id, remote.uri, "a;to-tag=b;from-tag=c"],
    );
  });

  test("several calls at once", async () => {
    const { phone, call, say } = await talking();
    const second = phone.call("2003");
    await turn();
    await say(connected(second.id), incoming(4));
    assert.deepEqual(
      phone.calls.map(({ state }) => state),
      ["connected", "connected", "incoming"],
    );
    await say(ended(call.id, "remote"));
    assert.deepEqual(
      phone.calls.map(({ id }) => id),
      [second.id, 4],
    );
  });
});

describe("endings", () => {
  test("ousted: every call has ended before the phone says so", async () => {
    const { phone, call, say } = await talking();
    const second = phone.call("2003");
    const heard = [];
    for (const each of [call, second])
      each.on("ended", ({ cause }) => heard.push(`${each.id} ${cause}`));
    phone.on("eConnectionTerminated", () => heard.push("terminated"));
    await turn();
    await say(
      ended(call.id, "eConnectionTerminated"),
      ended(second.id, "eConnectionTerminated"),
      ["status", { status: "eConnectionTerminated", registration: null }],
      ["terminated", { reason: "forced", by: {} }],
    );
    assert.deepEqual(heard, [
      `${call.id} eConnectionTerminated`,
      `${second.id} eConnectionTerminated`,
      "terminated",
    ]);
    assert.ok(media.made[0].closed);
  });

  test("a trap ends calls and rejects what is pending", async () => {
    const { core, call } = await talking();
    const heard = listen(call);
    core.replies.hold = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    await assert.rejects(call.hold(), { code: "eInternal" });
    assert.deepEqual(heard, ["ended", "error", "ended"]);
    assert.ok(media.made[0].closed);
  });

  test("closing the phone leaves no call and no promise behind", async () => {
    const { phone, core, call } = await talking();
    core.replies.hold = () => [];
    const hold = assert.rejects(call.hold(), { code: "eInvalidState" });
    await phone.close();
    await hold;
    assert.equal(call.state, "ended");
    await assert.rejects(call.hold(), { code: "eInvalidState" });
    await assert.rejects(call.getStats(), { code: "eInvalidState" });
    await assert.rejects(call.mute(), { code: "eInvalidState" });
  });

  test("what waits for the media does not wait for ever", async () => {
    const { call, say } = await talking();
    media.made[0].sendDtmf = () => new Promise(() => {});
    const digits = assert.rejects(call.sendDtmf("1"), { code: "eCallFailed" });
    await turn();
    await say(ended(call.id, "remote"));
    await digits;
  });

  test("media that opens after the end is closed at once", async () => {
    const { phone, say } = await ready();
    const call = phone.call("2002");
    await turn();
    FakeSocket.made
      .at(-1)
      .say(
        event("media", outgoing(call.id, { want: "offer", initial: true })),
        event("callEnded", { call: call.id, cause: "cancelled" }),
      );
    await turn();
    assert.ok(media.made.every(({ closed }) => closed));
    await say();
  });
});

describe("messages", () => {
  test("out and in", async () => {
    const { phone, core, say } = await ready();
    await phone.message("2002", "hello");
    assert.deepEqual(core.given("message")[0].slice(1), [
      "2002",
      "text/plain",
      "hello",
    ]);
    const message = new Promise((resolve) => phone.once("message", resolve));
    const said = {
      from: { uri: "sip:2002@example.com", displayName: "" },
      contentType: "text/plain",
      body: "hi",
      headers: [],
    };
    await say(["messageReceived", said]);
    assert.deepEqual(await message, said);
    await assert.rejects(phone.message("", "x"), { code: "eInvalidArgument" });
  });
});

describe("what the core does not take", () => {
  test("rejects the operation, and no other of that number", async () => {
    const { phone, core, call } = await talking();
    core.replies.hold = () => [];
    const held = call.hold();
    const [[op]] = core.given("hold");
    core.takes = () => false;
    const errors = [];
    phone.on("error", ({ code }) => errors.push(code));
    const hangup = call.hangup();
    await assert.rejects(hangup, { code: "eInternal", message: /"hangup"/ });
    assert.deepEqual(errors, []);
    // Nobody waits for it: not the operation of the same number either.
    core.outputs.push(event("refused", { command: "mediaDone", number: op }));
    core.takes = () => true;
    core.replies.look = () => [];
    media.made[0].context.emit.disturbed();
    assert.deepEqual(errors, ["eInternal"]);
    core.replies.look = () => [event("done", { op })];
    media.made[0].context.emit.disturbed();
    await held;
  });

  test("ends the call that it was to be", async () => {
    const { phone, core } = await ready();
    core.takes = () => false;
    const call = phone.call("2002");
    const { cause, reason } = await new Promise((r) => call.once("ended", r));
    assert.equal(cause, "failed");
    assert.match(reason, /"call"/);
  });
});
