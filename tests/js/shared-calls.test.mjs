// Calls of a phone that tabs share, in Node, with media that have none: who is asked for
// what. With sound: tests/browser/tabs.test.mjs

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { fakeMedia } from "graceline/testing";
import { Phone } from "../../js/index.js";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  useFakeCore,
} from "./support/fake-core.js";
import { FakeTime } from "./support/fake-time.js";
import { MemoryStorage, becomePage } from "./support/fake-page.js";
import { until, useSharedWorkers } from "./support/shared-worker.js";

const worker = "http://localhost/worker.js";
const plain = { ...options, WebSocket: undefined };
const OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

describe("calls of tabs that share a phone", () => {
  let page;
  let workers;
  let tabs;
  const core = () => FakeCore.made.at(-1);
  const say = (...outputs) => FakeSocket.made.at(-1).say(...outputs);

  /** A tab, its media and its calls. */
  const open = () => {
    const media = fakeMedia();
    const phone = new Phone({ ...plain, media, shared: { worker } });
    const calls = [];
    for (const name of ["incoming", "call"])
      phone.on(name, ({ call }) => calls.push(call));
    const tab = { phone, media, calls };
    tabs.push(tab);
    return tab;
  };

  /** Tabs of a phone that is registered. */
  const ready = async (count = 2) => {
    const opened = Array.from({ length: count }, open);
    const login = opened[0].phone.registerPhone();
    await until(() => core()?.given("register").length);
    say(...granted(1));
    await login;
    await until(() => opened.every(({ phone }) => phone.ready));
    return opened;
  };

  const rings = async (call) => {
    const from = { uri: "sip:2002@example.com", displayName: "Bob" };
    const to = "sip:2001@example.com";
    const before = tabs.map(({ calls }) => calls.length);
    say(event("incoming", { call, from, to, headers: [] }));
    await until(() => tabs.every(({ calls }, n) => calls.length > before[n]));
  };

  const wants = (call, request, want, more) =>
    say(event("media", { call, request, want, ...more }));
  const isState = (call, state) => say(event("callState", { call, state }));
  const answered = (name, request) =>
    until(() =>
      core()
        .given(name)
        .some((args) => args[1] === request),
    );

  /** The first of the tabs talks; what it says went out. */
  const talks = async (one) => {
    await rings(2);
    const [call] = one.calls;
    await call.answer();
    wants(2, 1, "answer", { sdp: OFFER, initial: true });
    await answered("mediaReady", 1);
    isState(2, "connected");
    await until(() =>
      tabs.every(({ calls }) => calls[0].state === "connected"),
    );
    return call;
  };

  beforeEach(() => {
    useFakeCore();
    tabs = [];
    page = becomePage();
    globalThis.localStorage = new MemoryStorage();
    workers = useSharedWorkers(FakeSocket);
  });
  afterEach(async () => {
    await Promise.all(tabs.map(({ phone }) => phone.close()));
    workers.remove();
    delete globalThis.localStorage;
    page.remove();
  });

  test("media are asked for in the tab that answers, in no other", async () => {
    const [one, two] = await ready();
    const call = await talks(one);
    assert.deepEqual([call.here, two.calls[0].here], [true, false]);
    assert.equal(one.media.made.length, 1);
    assert.equal(two.media.made.length, 0);
    assert.ok(call.localStream);
    assert.equal(two.calls[0].localStream, null);
    await assert.rejects(two.calls[0].getStats(), { code: "eInvalidState" });
    await assert.rejects(two.calls[0].answer(), { code: "eInvalidState" });
    await two.calls[0].mute("audio");
    await until(() => one.media.made[0].muted.audio);
    assert.deepEqual(call.muted, { audio: true, video: false });
  });

  test("what a tab sees of a call is the same until it is told something else", async () => {
    const tabs = await ready();
    const call = await talks(tabs[0]);
    for (const { phone, calls } of tabs) {
      const { status, calls: listed } = phone.snapshot();
      assert.deepEqual([status, listed], ["eReady", calls]);
      assert.equal(phone.snapshot(), phone.snapshot());
    }
    const snapshots = tabs.map(({ calls }) => calls[0].snapshot());
    assert.deepEqual(
      snapshots.map(({ here, localStream }) => [here, !!localStream]),
      [
        [true, true],
        [false, false],
      ],
    );
    await call.mute("audio");
    await until(() => tabs[1].calls[0].muted.audio);
    for (const [i, { calls }] of tabs.entries()) {
      const { muted, ...rest } = calls[0].snapshot();
      assert.deepEqual(muted, { audio: true, video: false });
      for (const [name, value] of Object.entries(rest))
        assert.equal(value, snapshots[i][name], name);
    }
    const gone = tabs.map(
      ({ phone }) => new Promise((told) => phone.once("change", told)),
    );
    await call.hangup();
    say(event("callEnded", { call: 2, cause: "local" }));
    for (const { calls } of await Promise.all(gone))
      assert.deepEqual(calls, []);
  });

  test("without a microphone it rings on, for another tab to answer", async () => {
    const [one, two] = await ready();
    one.media.options.fail = (step) => step === "open" && new Error("no mic");
    await rings(2);
    await assert.rejects(one.calls[0].answer(), { code: "eMediaFailed" });
    assert.deepEqual(core().given("answer"), []);
    assert.equal(one.calls[0].here, false);
    await two.calls[0].answer();
    assert.equal(core().given("answer").length, 1);
    assert.equal(two.calls[0].here, true);
  });

  test("a call has one number in all tabs, and the stream of its own", async () => {
    const [one, two] = await ready();
    const stream = { getTracks: () => [], getAudioTracks: () => [] };
    const call = one.phone.call("2002", { stream });
    const muted = call.mute();
    await until(() => core().given("call").length);
    await muted;
    await until(() => two.calls.length);
    assert.equal(two.calls[0].id, call.id);
    assert.deepEqual(call.muted, { audio: true, video: true });
    const [[number, target]] = core().given("call");
    assert.equal(target, "2002");
    wants(number, 1, "offer", { initial: true });
    await answered("mediaReady", 1);
    assert.equal(one.media.made[0].context.stream, stream);
    assert.deepEqual(one.media.made[0].muted, { audio: true, video: true });
    say(event("callEnded", { call: number, cause: "rejected", status: 486 }));
    await until(() => !two.phone.calls.length && !one.phone.calls.length);
    assert.ok(one.media.made[0].closed);
  });

  test("one call is transferred to another from any tab", async () => {
    const [one, two] = await ready();
    await talks(one);
    await rings(4);
    await two.calls[1].answer();
    isState(4, "connected");
    await until(() => one.calls[1].state === "connected");
    await one.calls[0].transfer(one.calls[1]);
    const [[, first, second]] = core().given("transferTo");
    assert.deepEqual([first, second], [2, 4]);
    await one.calls[0].transfer("2003");
    assert.deepEqual(core().given("transfer")[0].slice(1), [2, "2003"]);
  });

  test("moved, the next description goes on where the last one ended", async () => {
    const [one, two] = await ready();
    await talks(one);
    const moving = two.calls[0].bringHere();
    await until(() => core().given("renegotiate").length);
    wants(2, 2, "offer", { restart: true });
    await answered("mediaReady", 2);
    // Until it is agreed on, it is where it was.
    assert.equal(two.calls[0].here, false);
    assert.equal(one.media.made[0].closed, false);
    wants(2, 3, "apply", { sdp: OFFER, sdpType: "answer" });
    await moving;
    await until(() => two.calls[0].here && !one.calls[0].here);
    await until(() => one.media.made[0].closed);
    assert.equal(two.media.made[0].closed, false);
  });

  test("a move that comes to nothing leaves the sound where it was", async () => {
    const [one, two] = await ready();
    await talks(one);
    two.media.options.fail = (step) => step === "open" && new Error("no mic");
    let moving;
    core().replies.renegotiate = (op) => {
      moving = op;
      return [event("media", { call: 2, request: 2, want: "offer" })];
    };
    core().replies.mediaFailed = () => [
      event("media", { call: 2, request: 3, want: "rollback" }),
      event("done", { op: moving, error: { at: "media" } }),
    ];
    await assert.rejects(two.calls[0].bringHere(), { code: "eMediaFailed" });
    assert.deepEqual([one.calls[0].here, two.calls[0].here], [true, false]);
    assert.equal(one.media.made[0].closed, false);
  });

  test("no tab for 12 s: the call ends", async (t) => {
    const time = new FakeTime(0);
    t.after(() => time.remove());
    workers.remove();
    workers = useSharedWorkers(FakeSocket, { lasting: true });
    const [one] = await ready(1);
    await talks(one);
    page.fire("pagehide");
    await time.run(11_990);
    assert.deepEqual(core().given("hangup"), []);
    await time.run(20);
    assert.equal(core().given("hangup").length, 1);
    await time.run(1000);
    assert.ok(core().freed);
  });

  test("the host that is about to die says goodbye", async () => {
    const [one] = await ready(1);
    await talks(one);
    page.fire("pagehide");
    await until(() => core().freed);
    const given = core().commands.map(([name]) => name);
    assert.ok(given.indexOf("hangup") >= 0);
    assert.ok(given.indexOf("hangup") < given.indexOf("leave"), `${given}`);
  });

  test("the worker dies: another one goes on with what it told of its calls", async (t) => {
    const [one, two] = await ready();
    const call = await talks(one);
    await call.mute("audio");
    await rings(4);
    say(event("dialog", { call: 2, dialog: "the first" }));
    say(event("dialog", { call: 2, dialog: "of 2" }));
    wants(2, 2, "answer", { sdp: OFFER });
    await answered("mediaReady", 2);
    const heard = [];
    for (const { calls } of tabs)
      for (const each of calls)
        for (const name of ["state", "ended", "here"])
          each.on(name, () => heard.push(`${calls.indexOf(each)} ${name}`));
    const before = core();
    workers.crash();
    for (const name of page.locks.names.slice(1)) page.locks.free(name);
    await until(() => core() !== before && core().given("register").length);
    // What rings is the caller's: it comes anew, if he still wants it.
    assert.deepEqual(heard, ["1 state", "1 ended", "1 state", "1 ended"]);
    // Orders wait until somebody can take them; the message tells that they have come.
    const info = two.calls[0].sendInfo("text/plain", "early");
    await null;
    two.phone.message("2002", "behind it").catch(() => {});
    await until(() => core().given("message").length);
    say(...granted(1));
    await until(() => core().given("adopt").length);
    const [[id, dialog]] = core().given("adopt");
    assert.equal(dialog, "of 2");
    assert.equal(core().given("handOver").length, 1);
    const [media] = one.media.made;
    const described = t.mock.method(media, "createOffer");
    wants(id, 1, "offer", { restart: true });
    await answered("mediaReady", 1);
    assert.deepEqual([call.state, call.here], ["connected", true]);
    // It is told what of the last description the next one has to follow.
    const [{ before: last }] = described.mock.calls[0].arguments;
    const [origin] = /^o=.*\r\n/m.exec(before.given("mediaReady").at(-1)[2]);
    assert.ok(last.includes(origin), `${origin} ${last}`);
    assert.equal(one.media.made.length, 1, "the same connection");
    assert.equal(two.media.made.length, 0);
    assert.ok(one.media.made[0].muted.audio);
    await until(() => core().given("info").length);
    say(event("done", { op: core().given("info")[0][0] }));
    await info;
    // Orders come there, from each tab, and what it says goes to each.
    const held = two.calls[0].hold();
    await until(() => core().given("hold").length);
    const [[op, on]] = core().given("hold");
    assert.equal(on, id);
    say(event("done", { op }));
    await held;
    say(event("callEnded", { call: id, cause: "remote" }));
    await until(() => tabs.every(({ calls }) => calls[0].state === "ended"));
    assert.ok(one.media.made[0].closed);
  });

  test("nobody is registered in time: the calls of the worker that died end", async (t) => {
    const [one] = await ready(1);
    const call = await talks(one);
    say(event("dialog", { call: 2, dialog: "of 2" }));
    wants(2, 2, "answer", { sdp: OFFER });
    await answered("mediaReady", 2);
    const time = new FakeTime(0);
    t.after(() => time.remove());
    const before = core();
    workers.crash();
    for (const name of page.locks.names.slice(1)) page.locks.free(name);
    await until(() => core() !== before && core().given("register").length);
    await time.run(11_900);
    assert.equal(call.state, "connected");
    await time.run(200);
    await until(() => call.state === "ended");
  });

  test("the worker dies before it tells: its calls end, and say why", async () => {
    const [one] = await ready(1);
    const call = await talks(one);
    const ended = new Promise((resolve) => call.on("ended", resolve));
    workers.crash();
    for (const name of page.locks.names.slice(1)) page.locks.free(name);
    const { cause, reason } = await ended;
    assert.equal(cause, "failed");
    assert.match(reason, /^The tab or worker that was the phone is gone/);
    await until(() => one.media.made[0].closed);
  });
});
