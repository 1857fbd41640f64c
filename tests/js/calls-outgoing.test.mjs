// Outgoing calls against a fake core.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PhoneError } from "graceline";
import { Phone } from "../../js/phone/phone.js";
import {
  useFakeCalls,
  OFFER,
  connected,
  ended,
  listen,
  media,
  outgoing,
  ready,
  talking,
} from "./support/calls.js";
import { options, turn } from "./support/fake-core.js";

useFakeCalls();

describe("an outgoing call", () => {
  test("is the phone's public id's, or its own, also when it is transferred", async () => {
    const { phone, core, say } = await ready({ publicId: "ada" });
    phone.call("2002");
    const call = phone.call("2002", { publicId: "+493012345" });
    await turn();
    await say(["refer", { call: call.id, refer: 9, target: "sip:c@d" }]);
    await turn();
    assert.deepEqual(
      core.given("call").map(([, , { publicId }]) => publicId),
      ["ada", "+493012345", "+493012345"],
    );
    assert.throws(() => phone.call("2002", { publicId: "sip:a@b" }), {
      code: "eInvalidArgument",
    });
  });

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
          publicId: undefined,
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
