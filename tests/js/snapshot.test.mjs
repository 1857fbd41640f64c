// What a phone and a call are like at a moment, as frameworks ask for it: the same object
// until something is different, and never changed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Phone } from "../../js/phone/phone.js";
import {
  useFakeCalls,
  connected,
  ended,
  incoming,
  ready,
  talking,
} from "./support/calls.js";
import { options, turn } from "./support/fake-core.js";

useFakeCalls();

/** Each snapshot that an emitter tells of, with what it changed. */
function changes(emitter) {
  const seen = [];
  let before = emitter.snapshot();
  emitter.on("change", (now) => {
    assert.equal(now, emitter.snapshot());
    const differ = (name) =>
      String(now[name]) !== String(before[name]) ||
      typeof now[name] !== typeof before[name];
    seen.push(Object.keys(now).filter(differ).join(" "));
    before = now;
  });
  return seen;
}

test("a phone that does nothing has one, which nobody can change", () => {
  const phone = new Phone({ ...options, storage: null });
  const snapshot = phone.snapshot();
  assert.deepEqual(snapshot, {
    status: "eIdle",
    ready: false,
    registration: null,
    mode: "SoftPhone",
    tabs: { count: 1, leads: true },
    calls: [],
  });
  assert.equal(phone.snapshot(), snapshot);
  assert.throws(() => (snapshot.status = "eReady"), TypeError);
});

test("of a login, and of calls that come and go", async () => {
  const { phone, say } = await ready();
  const before = phone.snapshot();
  assert.equal(before.status, "eReady");
  assert.equal(before.registration, phone.registration);
  const seen = changes(phone);
  assert.deepEqual(seen, []);
  await say(incoming(2));
  assert.equal(phone.snapshot().calls[0], phone.calls[0]);
  assert.deepEqual(before.calls, [], "what was taken stays as it was");
  const call = phone.call("2003");
  await turn();
  assert.deepEqual(phone.snapshot().calls, [phone.calls[0], call]);
  await say(ended(2, "cancelled"));
  await say(ended(call.id, "failed", { status: 404 }));
  assert.deepEqual(seen, Array(4).fill("calls"));
  await phone.close();
  assert.deepEqual(phone.snapshot(), { ...before, ...idle });
});

const idle = { status: "eIdle", ready: false, registration: null };

test("of a call: what is different, and nothing where nothing is", async () => {
  const { call, say } = await talking();
  const seen = changes(call);
  const { startTime, muted, localStream } = call.snapshot();
  assert.equal(startTime, call.startTime);
  assert.equal(localStream, call.localStream);
  await call.mute("audio");
  await call.mute("audio");
  assert.deepEqual(muted, { audio: false, video: false });
  assert.deepEqual(call.snapshot().muted, { audio: true, video: false });
  await call.unmute();
  await say(["callState", { call: call.id, state: "held", heldBy: "local" }]);
  await say(["info", { call: call.id, contentType: "text/plain", body: "" }]);
  await say(connected(call.id));
  await say(ended(call.id, "remote"));
  const [first, second, ...more] = seen;
  assert.deepEqual([first, second], ["", ""], "muted, and not any more");
  assert.deepEqual(more, ["state heldBy", "state heldBy", "state localStream"]);
  assert.equal(call.snapshot().state, "ended");
});

test("devices that are open without an event of their own are told of", async () => {
  const { phone, say } = await ready();
  await say(incoming(2));
  const [call] = phone.calls;
  const streams = [];
  call.on("change", ({ localStream }) => streams.push(localStream));
  const answering = call.answer();
  await say(["media", { call: 2, request: 1, want: "answer", sdp: "v=0" }]);
  await answering;
  assert.ok(call.localStream);
  assert.deepEqual(streams, [call.localStream]);
});
