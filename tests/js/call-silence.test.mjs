// A far end that has gone without a word.

import assert from "node:assert/strict";
import { test } from "node:test";
// Loaded on demand, which takes real time, and the time of its test is not real.
import "../../js/media/silence.js";
import {
  outgoing,
  useFakeCalls,
  OFFER,
  connected,
  ended,
  media,
  talking,
} from "./support/calls.js";
import { FakeTime } from "./support/fake-time.js";

useFakeCalls();

test("a far end that has gone without a word: after mediaTimeout the call fails", async (t) => {
  const time = new FakeTime(1_767_225_600_000);
  t.after(() => time.remove());
  const { core, call, say } = await talking({ mediaTimeout: 20 });
  const handler = media.made[0];
  let packets = 0;
  handler.getStats = async () =>
    new Map([
      ["in", { type: "inbound-rtp", kind: "audio", packetsReceived: packets }],
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
  await say(["callState", { call: call.id, state: "held", heldBy: "remote" }]);
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
