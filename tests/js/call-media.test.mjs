// What the core and the app ask of a call's media.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  useFakeCalls,
  OFFER,
  media,
  outgoing,
  ready,
  talking,
} from "./support/calls.js";
import { FakeSocket, event, turn } from "./support/fake-core.js";

useFakeCalls();

describe("the media of a call", () => {
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

  test("a media request waits for the one before, which may take its time", async () => {
    const { core, call, say } = await talking();
    core.commands.length = 0;
    let answer;
    media.made[0].createAnswer = () =>
      new Promise((resolve) => (answer = resolve));
    await say(
      ["media", { call: call.id, request: 7, want: "answer", sdp: OFFER }],
      ["media", { call: call.id, request: 8, want: "offer" }],
    );
    assert.deepEqual(core.given("mediaReady"), []);
    answer("v=0\r\n");
    await turn();
    const requests = core.given("mediaReady").map(([, request]) => request);
    assert.deepEqual(requests, [7, 8]);
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
