// Calls between phones with fake media, over the real core and the test registrar.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PhoneError } from "graceline";
import { fakeMedia } from "graceline/testing";
import { password, setUp } from "./support/line.js";

const users = Object.fromEntries(
  ["2001", "2002", "2003"].map((user) => [user, { password }]),
);

/** The next event of that name, of a phone or a call. */
const next = (emitter, name) =>
  new Promise((resolve) => emitter.once(name, resolve));

/** Until a call is in a state. */
const becomes = (call, state, heldBy = null) =>
  new Promise((resolve) => {
    const look = () => {
      if (call.state !== state || call.heldBy !== heldBy) return;
      call.off("state", look);
      resolve(undefined);
    };
    call.on("state", look);
    look();
  });

/** Registered phones, each with fake media, by user. */
async function phones(t, ...names) {
  const line = await setUp(t, { users });
  const made = names.map((user) => {
    const media = fakeMedia();
    const name = String(user);
    const phone = line.phone({
      user: name.slice(0, 4),
      device: `CSF${name}`,
      displayName: `User ${name}`,
      media,
    });
    return Object.assign(phone, { media });
  });
  await Promise.all(made.map((phone) => phone.registerPhone()));
  return { line, phones: made };
}

/** Two ends of a call that was answered. */
async function talk(a, b, target, options) {
  const incoming = next(b, "incoming");
  const out = a.call(target);
  const heard = next(out, "track");
  const { call: into } = await incoming;
  await Promise.all([becomes(out, "connected"), into.answer(options)]);
  await Promise.all([becomes(into, "connected"), heard]);
  return [out, into];
}

/** What flows at the two ends of a call: sent and received. */
const flows = (...medias) =>
  medias.map((media) => {
    const handler = media.made.at(-1);
    return [handler.sends(), handler.receives()];
  });

const BOTH = [true, true];

describe("two phones", { timeout: 60_000 }, () => {
  test("call, ring, answer, talk, hang up", async (t) => {
    const {
      line,
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const incoming = next(bob, "incoming");
    const out = alice.call("2002", { extraHeaders: { "X-Ticket": "4711" } });
    const { call: into } = await incoming;
    assert.equal(into.state, "incoming");
    assert.match(into.remote.uri, /^sip:2001@example\.test/);
    assert.equal(into.remote.displayName, "User 2001");
    assert.ok(
      into.headers.some(([n, v]) => /^x-ticket$/i.test(n) && v === "4711"),
    );
    await becomes(out, "ringing");
    const ends = [next(out, "ended"), next(into, "ended")];
    const heard = next(out, "track");
    await into.answer();
    await Promise.all([becomes(out, "connected"), becomes(into, "connected")]);
    await heard;
    assert.deepEqual(flows(alice.media, bob.media), [BOTH, BOTH]);
    assert.ok(out.startTime <= new Date());
    assert.equal(out.remoteStream.getAudioTracks().length, 1);
    await into.hangup();
    const causes = (await Promise.all(ends)).map(({ cause }) => cause);
    assert.deepEqual(causes, ["remote", "local"]);
    assert.deepEqual([alice.calls, bob.calls], [[], []]);
    const methods = line.requests().map((text) => text.split(" ")[0]);
    assert.ok(methods.includes("ACK") && methods.includes("BYE"));
    for (const { media } of [alice, bob]) assert.ok(media.made[0].closed);
  });

  for (const [server, trust, name] of [
    [{ policy: "graceful" }, "auto", "User 2001"],
    [{ policy: "normal" }, true, "User 2001"],
    [{ policy: "normal", dialect: "kamailio" }, "auto", "User 2001"],
    // Its clients may lie there, and the app says that they do not.
    [{ policy: "normal", dialect: "kamailio" }, true, "The CEO"],
  ])
    test(`who asserts a name himself is shown as ${name}: ${JSON.stringify([server, trust])}`, async (t) => {
      const line = await setUp(t, { users, ...server });
      const [liar, bob] = ["2001", "2002"].map((user) =>
        line.phone({
          ...{ user, device: `CSF${user}`, displayName: `User ${user}` },
          ...{ media: fakeMedia(), trustAssertedIdentity: trust },
        }),
      );
      await Promise.all([liar.registerPhone(), bob.registerPhone()]);
      const asserted = '"The CEO" <sip:2003@example.test>';
      const extraHeaders = { "P-Asserted-Identity": asserted };
      const incoming = next(bob, "incoming");
      liar.call("2002", { extraHeaders });
      const { call } = await incoming;
      assert.equal(call.remote.displayName, name);
      const user = name === "The CEO" ? "2003" : "2001";
      assert.equal(call.remote.uri, `sip:${user}@example.test`);
    });

  test("hold from either side, from both, and resume", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    await out.hold();
    await Promise.all([
      becomes(out, "held", "local"),
      becomes(into, "held", "remote"),
    ]);
    assert.deepEqual(flows(alice.media, bob.media), [
      [true, false],
      [false, true],
    ]);
    await into.hold();
    await Promise.all([
      becomes(out, "held", "both"),
      becomes(into, "held", "both"),
    ]);
    await out.resume();
    await Promise.all([
      becomes(out, "held", "remote"),
      becomes(into, "held", "local"),
    ]);
    await into.resume();
    await Promise.all([becomes(out, "connected"), becomes(into, "connected")]);
    assert.deepEqual(flows(alice.media, bob.media), [BOTH, BOTH]);
    await out.hangup();
  });

  test("both hold at once: both come through", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    await Promise.all([out.hold(), into.hold()]);
    assert.deepEqual([out.state, into.state], ["held", "held"]);
    assert.deepEqual(flows(alice.media, bob.media), [
      [false, false],
      [false, false],
    ]);
  });

  test("declined, busy, nobody there", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    for (const code of [486, 603]) {
      const incoming = next(bob, "incoming");
      const out = alice.call("2002");
      const ended = next(out, "ended");
      const { call } = await incoming;
      const there = next(call, "ended");
      await call.reject(code);
      const { cause, status } = await ended;
      assert.deepEqual([cause, status], ["rejected", code]);
      assert.equal((await there).cause, "local");
    }
    const nobody = await next(alice.call("2003"), "ended");
    assert.match(`${nobody.status}`, /^4(04|80)$/);
  });

  test("the caller gives up", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const incoming = next(bob, "incoming");
    const controller = new AbortController();
    const out = alice.call("2002", { signal: controller.signal });
    const { call } = await incoming;
    const ends = [next(out, "ended"), next(call, "ended")];
    await becomes(out, "ringing");
    controller.abort();
    const [own, far] = await Promise.all(ends);
    assert.deepEqual([own.cause, far.cause], ["local", "cancelled"]);
  });

  test("a microphone that is refused: the caller hears ringing on", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    let allowed = false;
    bob.media.options.fail = (step) =>
      step === "open" &&
      !allowed &&
      new PhoneError("eMediaFailed", "Allow the microphone.");
    const incoming = next(bob, "incoming");
    const out = alice.call("2002");
    const { call } = await incoming;
    await assert.rejects(call.answer(), { code: "eMediaFailed" });
    await becomes(out, "ringing");
    allowed = true;
    await call.answer();
    await becomes(out, "connected");
  });

  test("a hold that the far end's media refuses leaves the call as it was", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    bob.media.options.fail = (step) => step === "createAnswer" && new Error();
    await assert.rejects(out.hold(), { code: "eCallFailed", status: 488 });
    assert.deepEqual([out.state, into.state], ["connected", "connected"]);
    assert.deepEqual(flows(alice.media, bob.media), [BOTH, BOTH]);
    bob.media.options.fail = undefined;
    await out.hold();
    await becomes(into, "held", "remote");
  });

  test("video on, and an ICE restart", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    const track = next(into, "track");
    await out.setVideo(true);
    assert.equal((await track).track.kind, "video");
    const ufrag = () =>
      /ice-ufrag:(\S+)/.exec(bob.media.made[0].remoteDescription)[1];
    const before = ufrag();
    await out.restartIce();
    assert.notEqual(ufrag(), before);
    assert.equal(out.state, "connected");
  });

  test("pictures for who wants none: the camera is closed, and the call goes on", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002", { video: false });
    await assert.rejects(out.setVideo(true), { code: "eCallFailed" });
    assert.deepEqual(out.localStream.getVideoTracks(), []);
    await out.hold();
    await becomes(into, "held", "remote");
    await out.resume();
    await becomes(into, "connected");
    assert.deepEqual(flows(alice.media, bob.media), [BOTH, BOTH]);
  });

  test("a failure within the call, at any step of either end, costs the change alone", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    const ended = [];
    for (const call of [out, into])
      call.on("ended", ({ reason }) => ended.push(reason));
    for (const [failing, step, code] of [
      [alice, "createOffer", "eMediaFailed"],
      [bob, "createAnswer", "eCallFailed"],
      [alice, "answer", "eMediaFailed"],
    ]) {
      failing.media.options.fail = (at) => {
        if (at !== step) return undefined;
        failing.media.options.fail = undefined;
        return new Error("odd SDP");
      };
      await assert.rejects(out.hold(), { code }, step);
      await out.hold();
      await becomes(into, "held", "remote");
      await out.resume();
      await Promise.all([
        becomes(out, "connected"),
        becomes(into, "connected"),
      ]);
      assert.deepEqual(flows(alice.media, bob.media), [BOTH, BOTH], step);
      await into.hold();
      await becomes(out, "held", "remote");
      await into.resume();
      await becomes(out, "connected");
    }
    assert.deepEqual(ended, []);
  });

  // What crosses to the core has NUL between its parts.
  test("a NUL in a text parts nothing: it arrives as a line break", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, 2001, 2002);
    for (const text of ["a\0b", "\0", `\0contentType\0text/html`]) {
      const message = next(bob, "message");
      await alice.message("2002", text);
      const { body, contentType } = await message;
      assert.equal(body, text.replaceAll("\0", "\n"));
      assert.equal(contentType, "text/plain");
    }
  });

  test("digits by INFO, and messages", async (t) => {
    const {
      line,
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    alice.media.options.dtmf = false;
    const info = next(into, "info");
    await out.sendDtmf("5");
    assert.deepEqual(await info, {
      contentType: "application/dtmf-relay",
      body: "Signal=5\r\nDuration=100\r\n",
    });
    const message = next(bob, "message");
    await alice.message("2002", "Grüße");
    const { from, body, contentType } = await message;
    assert.match(from.uri, /^sip:2001@/);
    assert.deepEqual([contentType, body], ["text/plain", "Grüße"]);
    await assert.rejects(alice.message("2003", "nobody"), {
      code: "eCallFailed",
    });
    const seen = JSON.stringify(line.trace);
    assert.doesNotMatch(seen, /Signal=5|Grüße/, "bodies are not traced");
  });
});

describe("several devices", { timeout: 60_000 }, () => {
  test("they ring together; one answers, the other hears answeredElsewhere", async (t) => {
    const {
      phones: [alice, desk, laptop],
    } = await phones(t, "2001", "2002a", "2002b");
    const rings = [next(desk, "incoming"), next(laptop, "incoming")];
    const out = alice.call("2002");
    const [{ call: first }, { call: second }] = await Promise.all(rings);
    const ended = next(second, "ended");
    await first.answer();
    assert.equal((await ended).cause, "answeredElsewhere");
    await becomes(out, "connected");
    assert.deepEqual(laptop.calls, []);
    await out.hangup();
  });

  test("declined here, the other rings on; everywhere, it stops", async (t) => {
    const {
      phones: [alice, desk, laptop],
    } = await phones(t, "2001", "2002a", "2002b");
    for (const code of [486, 603]) {
      const rings = [next(desk, "incoming"), next(laptop, "incoming")];
      const out = alice.call("2002");
      const [{ call: first }, { call: second }] = await Promise.all(rings);
      const over = next(out, "ended");
      const other = next(second, "ended");
      await first.reject(code);
      if (code === 486) {
        assert.equal(second.state, "incoming");
        await second.answer();
        await becomes(out, "connected");
        await out.hangup();
        assert.equal((await other).cause, "remote");
      } else {
        assert.equal((await other).cause, "rejected");
      }
      const { cause, status } = await over;
      assert.deepEqual(
        [cause, status],
        code === 486 ? ["local", undefined] : ["rejected", 603],
      );
    }
  });

  test("taken over during a call: it ends first, and the far end is told", async (t) => {
    const {
      line,
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    const heard = [];
    out.on("ended", ({ cause }) => heard.push(cause));
    alice.on("status", ({ status }) => heard.push(status));
    alice.on("eConnectionTerminated", () => heard.push("event"));
    const told = next(alice, "eConnectionTerminated");
    const far = next(into, "ended");
    const rival = line.phone({ user: "2001", device: "CSF2001" });
    await rival.registerPhone({ forceRegistration: true });
    await told;
    assert.deepEqual(heard, [
      "eConnectionTerminated",
      "eConnectionTerminated",
      "event",
    ]);
    assert.equal((await far).cause, "remote");
    assert.equal(out.state, "ended");
  });

  test("closing the phone hangs up", async (t) => {
    const {
      phones: [alice, bob],
    } = await phones(t, "2001", "2002");
    const [out, into] = await talk(alice, bob, "2002");
    const ends = [next(out, "ended"), next(into, "ended")];
    await alice.close();
    const causes = (await Promise.all(ends)).map(({ cause }) => cause);
    assert.deepEqual(causes, ["local", "remote"]);
  });
});

describe("transfer", { timeout: 60_000 }, () => {
  test("blind: the far end calls the target, and we are out", async (t) => {
    const {
      phones: [alice, bob, carol],
    } = await phones(t, "2001", "2002", "2003");
    const [out, into] = await talk(alice, bob, "2002");
    const progress = [];
    out.on("transfer", ({ status }) => progress.push(status));
    const moved = next(bob, "transferred");
    const ringing = next(carol, "incoming");
    const over = [next(out, "ended"), next(into, "ended")];
    const transfer = out.transfer("2003");
    const { from, call } = await moved;
    assert.equal(from, into);
    const { call: arrived } = await ringing;
    assert.match(arrived.remote.uri, /^sip:2002@/);
    await arrived.answer();
    await transfer;
    await Promise.all(over);
    await becomes(call, "connected");
    assert.equal(progress.at(-1), 200);
    assert.deepEqual(
      [alice, bob, carol].map(({ calls }) => calls.length),
      [0, 1, 1],
    );
    assert.deepEqual(flows(bob.media, carol.media), [BOTH, BOTH]);
  });

  test("blind: the target refuses, and the call goes on", async (t) => {
    const {
      phones: [alice, bob, carol],
    } = await phones(t, "2001", "2002", "2003");
    const [out, into] = await talk(alice, bob, "2002");
    const ringing = next(carol, "incoming");
    const transfer = assert.rejects(out.transfer("2003"), {
      code: "eCallFailed",
      status: 486,
    });
    const { call } = await ringing;
    await call.reject();
    await transfer;
    assert.notEqual(out.state, "ended");
    assert.notEqual(into.state, "ended");
    if (out.state === "held") await out.resume();
    await Promise.all([becomes(out, "connected"), becomes(into, "connected")]);
  });

  test("attended: the two far ends talk to each other", async (t) => {
    const {
      phones: [alice, bob, carol],
    } = await phones(t, "2001", "2002", "2003");
    const [toBob, atBob] = await talk(alice, bob, "2002");
    await toBob.hold();
    const [toCarol, atCarol] = await talk(alice, carol, "2003");
    const replacing = next(carol, "incoming");
    const over = [toBob, atBob, toCarol, atCarol].map((call) =>
      next(call, "ended"),
    );
    await toBob.transfer(toCarol);
    const { call: arrived } = await replacing;
    assert.equal(arrived.replaces, atCarol);
    await Promise.all(over);
    await becomes(arrived, "connected");
    assert.deepEqual(
      [alice, bob, carol].map(({ calls }) => calls.length),
      [0, 1, 1],
    );
    assert.deepEqual(flows(bob.media, carol.media), [BOTH, BOTH]);
    const last = next(arrived, "ended");
    await bob.calls[0].hangup();
    assert.equal((await last).cause, "remote");
  });
});
