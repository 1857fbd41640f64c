// What an app does during a call, and how calls end.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  useFakeCalls,
  connected,
  ended,
  incoming,
  listen,
  media,
  ready,
  talking,
} from "./support/calls.js";
import { event, turn } from "./support/fake-core.js";

useFakeCalls();

describe("during a call", () => {
  test("hold and resume, once each; it stays the call that was answered", async () => {
    const { core, call, say } = await talking();
    const heard = [];
    call.on("state", ({ state, heldBy }) => heard.push([state, heldBy]));
    call.on("connected", () => heard.push("connected"));
    const { startTime } = call;
    await call.resume();
    await call.hold();
    await say(["callState", { call: call.id, state: "held", heldBy: "local" }]);
    await call.hold();
    assert.equal(call.heldBy, "local");
    await say(["callState", { call: call.id, state: "held", heldBy: "both" }]);
    await call.hold();
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
    assert.equal(call.startTime, startTime);
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
      { refer: 9, publicId: undefined },
    ]);
    await say(["refer", { call: 77, refer: 10, target: "sip:c@example.com" }]);
    assert.deepEqual(core.given("refuseRefer"), [[10]]);
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
});

describe("messages", () => {
  test("out and in", async () => {
    const { phone, core, say } = await ready();
    await phone.message("2002", "hello");
    assert.deepEqual(core.given("message")[0].slice(1), [
      "2002",
      "text/plain",
      "hello",
      "",
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

  test("from a public id: the phone's, or this message's", async () => {
    const { phone, core } = await ready({ publicId: "ada" });
    await phone.message("2002", "hello");
    await phone.message("2002", "hello", { publicId: "+493012345" });
    assert.deepEqual(
      core.given("message").map((args) => args.at(-1)),
      ["ada", "+493012345"],
    );
    await assert.rejects(phone.message("2002", "x", { publicId: "sip:a@b" }), {
      code: "eInvalidArgument",
      details: { option: "publicId" },
    });
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
