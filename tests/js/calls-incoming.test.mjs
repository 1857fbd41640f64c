// Incoming calls against a fake core.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  useFakeCalls,
  OFFER,
  connected,
  ended,
  incoming,
  media,
  ready,
  talking,
} from "./support/calls.js";
import { turn } from "./support/fake-core.js";

useFakeCalls();

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
