// Digits of a call: in the sound, or by INFO.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
// Loaded on demand, which takes real time, and the time of its test is not real.
import "../../js/call/digits.js";
import { useFakeCalls, ended, media, talking } from "./support/calls.js";
import { event, turn } from "./support/fake-core.js";
import { FakeTime } from "./support/fake-time.js";

useFakeCalls();

describe("digits", () => {
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

  test("what waits for the media does not wait for ever", async () => {
    const { call, say } = await talking();
    media.made[0].sendDtmf = () => new Promise(() => {});
    const digits = assert.rejects(call.sendDtmf("1"), { code: "eCallFailed" });
    await turn();
    await say(ended(call.id, "remote"));
    await digits;
  });
});
