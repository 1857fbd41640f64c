// The loop that drives the core: order, re-entrancy, timers, sockets, traps.

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Host } from "../../js/core/host.js";
import { Phone } from "../../js/phone/phone.js";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  status,
  turn,
  useFakeCore,
} from "./support/fake-core.js";

/** A host with its fake core, and what it handed on. */
function start({
  WebSocket = FakeSocket,
  Core = FakeCore,
  clock,
  extend = () => Promise.resolve(),
} = {}) {
  const instance = { Core, hosts: new Set(), dead: false, extend };
  const heard = [];
  const hear = (kind) => (what) => heard.push([kind, what]);
  const handlers = {
    event: hear("event"),
    store: hear("store"),
    log: hear("log"),
    trace: hear("trace"),
    transport: hear("transport"),
    forbidden: (url, error) => heard.push(["forbidden", url, error.message]),
    unable: hear("unable"),
    dead: hear("dead"),
  };
  const host = new Host(instance, {}, WebSocket, handlers, clock);
  return { host, handlers, heard, instance, core: FakeCore.made.at(-1) };
}

beforeEach(() => useFakeCore());

describe("the drain loop", () => {
  test("performs every output, in order, before the next input", () => {
    const { host, core, heard } = start();
    core.outputs = [];
    core.replies.look = () => [
      { type: "log", level: "info", message: "one" },
      { type: "store", value: "two" },
      event("unregistered"),
    ];
    host.call("look");
    assert.deepEqual(heard, [
      ["log", { level: "info", message: "one" }],
      ["store", "two"],
      ["event", { name: "unregistered" }],
    ]);
  });

  test("a WebSocket that delivers inside send is not a recursion", () => {
    // What the server says arrives while the core's outputs are being performed.
    class Immediate extends FakeSocket {
      send(data) {
        super.send(data);
        this.onmessage({ data: `answer to ${data}` });
      }
    }
    const { host, core } = start({ WebSocket: Immediate });
    const say = (data) => ({ type: "send", slot: 0, generation: 1, data });
    core.replies.look = () => [say("a"), say("b")];
    host.call("look");
    assert.deepEqual(core.given("socketMessage"), [
      ["answer to a"],
      ["answer to b"],
    ]);
    assert.deepEqual(FakeSocket.made[0].sent, ["a", "b"]);
  });

  test("a listener that calls back waits its turn", () => {
    const { host, core, handlers } = start();
    const order = [];
    handlers.event = ({ name }) => {
      if (name === "closed") host.call("unregister");
      order.push(name);
    };
    core.replies.look = () => [event("closed"), event("error")];
    core.replies.unregister = () => [event("unregistered")];
    host.call("look");
    assert.deepEqual(order, ["closed", "error", "unregistered"]);
  });

  test("what a handler ends by dying is not performed to its end", () => {
    const { host, core, handlers, heard } = start();
    core.abandon = () => {};
    handlers.event = () => host.die(new Error("dead"));
    core.replies.look = () => [
      event("closed"),
      { type: "store", value: "of a memory that cannot be trusted" },
      { type: "open", slot: 1, generation: 1, url: "ws://localhost/" },
    ];
    host.call("look");
    const kinds = heard.map(([kind]) => kind);
    assert.deepEqual(kinds, ["transport", "transport", "dead"]);
    assert.equal(FakeSocket.made.length, 1);
    assert.ok(FakeSocket.made[0].closed);
  });

  test("freed after its death: the others of its instance live on", () => {
    const { host, core, instance } = start();
    core.abandon = () => {};
    host.die(new Error("dead"));
    host.free();
    assert.equal(instance.dead, false);
    assert.equal(core.freed, false);
  });

  test("free waits for the outputs in hand", () => {
    const { host, core, handlers, heard } = start();
    handlers.event = () => host.free();
    core.replies.close = () => [
      event("closed"),
      { type: "log", level: "info", message: "last" },
    ];
    host.call("close");
    const kinds = heard.map(([kind]) => kind);
    assert.deepEqual(kinds, ["transport", "log", "transport"]);
    assert.ok(core.freed);
    host.call("look"); // harmless
    assert.equal(core.given("look").length, 0);
  });
});

test("a page that goes away does not wait for what calls need", () => {
  const { host, core } = start({ extend: () => new Promise(() => {}) });
  const entered = [];
  core.command = (name) => {
    entered.push([name, core.without]);
    return name === "call" && !core.without;
  };
  host.call("call", 1, "2002", {});
  host.call("look");
  assert.deepEqual(entered.splice(0), [["call", undefined]]);
  host.call("leave");
  assert.deepEqual(entered.splice(0), [
    ["call", true],
    ["look", true],
    ["leave", true],
  ]);
  host.call("resume");
  assert.deepEqual(entered, [["resume", false]]);
});

describe("the timer", () => {
  test("one, at the deadline; the latest deadline counts", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let now = 1000;
    const { host, core } = start({ clock: () => now });
    core.wakeAt = 6000;
    host.call("look");
    core.wakeAt = 3000;
    host.call("look");
    now = 3000;
    core.replies.wake = () => void (core.wakeAt = undefined);
    t.mock.timers.tick(2000);
    assert.equal(core.given("wake").length, 1);
    assert.equal(core.now, 3000);
    t.mock.timers.tick(100_000);
    assert.equal(core.given("wake").length, 1);
  });

  test("a deadline in the past is due at once", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { host, core } = start({ clock: () => 1e12 });
    core.wakeAt = 5;
    core.replies.wake = () => void (core.wakeAt = undefined);
    host.call("look");
    t.mock.timers.tick(0);
    assert.equal(core.given("wake").length, 1);
  });

  /** Takes the place of the timers: those that wait, by their delay. */
  function useTimers(t) {
    const waiting = new Map();
    t.mock.method(globalThis, "setTimeout", (run, delay) => {
      const timer = {};
      waiting.set(timer, { run, delay });
      return timer;
    });
    t.mock.method(globalThis, "clearTimeout", (timer) => waiting.delete(timer));
    return waiting;
  }

  // HTML's timers keep their delay in 32 bits: what is longer fires at once.
  test("a deadline beyond the range of a timer is waited for in steps", (t) => {
    const waiting = useTimers(t);
    let now = 0;
    const { host, core } = start({ clock: () => now });
    core.wakeAt = 2 ** 32;
    host.call("look");
    for (const step of [2 ** 31 - 1, 2 ** 31 - 1, 2]) {
      const [[timer, { run, delay }], ...more] = waiting;
      assert.equal(delay, step);
      assert.deepEqual(more, []);
      waiting.delete(timer);
      assert.equal(core.given("wake").length, 0);
      now += delay;
      run();
    }
    assert.equal(core.given("wake").length, 1);
  });

  test("none where there is nothing to wait for: a process may end", (t) => {
    const waiting = useTimers(t);
    const { host, core } = start({ clock: () => 0 });
    core.wakeAt = 60_000;
    host.call("look");
    assert.equal(waiting.size, 1);
    core.wakeAt = undefined;
    host.call("look");
    assert.equal(waiting.size, 0);
  });

  test("none is left after free", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { host, core } = start({ clock: () => 0 });
    core.wakeAt = 1000;
    host.call("look");
    host.free();
    t.mock.timers.tick(5000);
    assert.equal(core.given("wake").length, 0);
  });
});

describe("a socket", () => {
  const open = { type: "open", slot: 2, generation: 5, url: "ws://localhost/" };
  const opened = (more) => {
    const all = start(more);
    all.core.outputs = [open];
    all.host.call("look");
    return { ...all, socket: FakeSocket.made.at(-1) };
  };

  test("speaks sip; text and bytes come through as they are", () => {
    const { core, socket } = opened();
    assert.equal(socket.protocol, "sip");
    assert.equal(socket.binaryType, "arraybuffer");
    socket.open();
    assert.deepEqual(core.given("socketOpened"), [[2, 5, "sip"]]);
    socket.onmessage({ data: "text" });
    socket.onmessage({ data: new TextEncoder().encode("bytes").buffer });
    assert.deepEqual(core.given("socketMessage"), [["text"], ["bytes"]]);
    socket.drop(1001, "gone");
    assert.deepEqual(core.given("socketClosed"), [[2, 5]]);
  });

  test("of a class that does not say which protocol it speaks", () => {
    const { core, socket } = opened();
    delete socket.protocol;
    socket.open();
    assert.deepEqual(core.given("socketOpened"), [[2, 5, "sip"]]);
  });

  test("that speaks another protocol says so", () => {
    const { core, socket } = opened();
    socket.protocol = "";
    socket.open();
    assert.deepEqual(core.given("socketOpened"), [[2, 5, ""]]);
  });

  test("tells how the transport fares", () => {
    const { heard, socket } = opened();
    socket.open();
    socket.drop(1001, "gone");
    const url = "ws://localhost/";
    assert.deepEqual(heard, [
      ["transport", { state: "connecting", url }],
      ["transport", { state: "connected", url }],
      ["transport", { state: "disconnected", url, code: 1001, reason: "gone" }],
    ]);
  });

  test("a constructor that throws is a socket that closed", () => {
    const { core } = opened({
      WebSocket: class {
        constructor() {
          throw new Error("forbidden by policy");
        }
      },
    });
    assert.deepEqual(core.given("socketClosed"), [[2, 5]]);
  });

  test("one that the page may not have is told at once, without path and query", () => {
    const url = "wss://sip.example.com:8443/ws?token=tellnobody";
    class Thrown {
      constructor() {
        throw new DOMException("mixed content", "SecurityError");
      }
    }
    // Firefox, by the Content-Security-Policy; and Chromium: closed from the start.
    class Blocked {
      constructor() {
        throw Object.assign(new Error(""), {
          name: "NS_ERROR_CONTENT_BLOCKED",
        });
      }
    }
    class Closed extends FakeSocket {
      readyState = 3;
    }
    for (const [WebSocket, why] of [
      [Thrown, " (mixed content)"],
      [Blocked, " (NS_ERROR_CONTENT_BLOCKED)"],
      [Closed, ""],
    ]) {
      const { host, core, heard } = start({ WebSocket });
      core.outputs = [{ ...open, url }];
      host.call("look");
      const [[, connecting], [, disconnected], forbidden, ...more] = heard;
      assert.deepEqual(connecting, { state: "connecting", url });
      assert.equal(disconnected.state, "disconnected");
      assert.equal(
        forbidden[2],
        `The browser forbids this page to connect to wss://sip.example.com:8443${why}. Allow it in connect-src of the page's Content-Security-Policy; a page of https needs wss.`,
      );
      assert.deepEqual(more, []);
      assert.equal(core.given("socketClosed").length, 1);
    }
  });

  test("an error of a closed socket counts as its close, where none comes", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    for (const closes of [false, true]) {
      const { core, socket } = opened();
      socket.onerror({}); // still connecting: the close will come
      t.mock.timers.tick(0);
      assert.deepEqual(core.given("socketClosed"), []);
      socket.readyState = 3;
      socket.onerror({});
      if (closes) socket.drop(1006);
      t.mock.timers.tick(0);
      assert.deepEqual(core.given("socketClosed"), [[2, 5]]);
      socket.drop(1006);
      assert.equal(core.given("socketClosed").length, 1);
    }
  });

  test("so is one that cannot send", () => {
    const { host, core, socket } = opened();
    socket.send = () => {
      throw new Error("still connecting");
    };
    core.replies.look = () => [
      { type: "send", slot: 2, generation: 5, data: "x" },
    ];
    host.call("look");
    assert.deepEqual(core.given("socketClosed"), [[2, 5]]);
    assert.ok(socket.closed);
  });

  test("closed by the core it is heard no more, and its errors are harmless", () => {
    const { host, core, socket } = opened();
    core.replies.look = () => [
      { type: "closeSocket", slot: 2, generation: 5 },
      { type: "send", slot: 2, generation: 5, data: "late" },
    ];
    host.call("look");
    assert.ok(socket.closed);
    assert.deepEqual(socket.sent, []);
    socket.onmessage?.({ data: "late" });
    socket.onclose?.({ code: 1000, reason: "" });
    socket.onerror({});
    assert.equal(core.given("socketMessage").length, 0);
    assert.equal(core.given("socketClosed").length, 0);
  });

  test("a server that does not answer the close is cut off", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    class Terminable extends FakeSocket {
      terminate = mock.fn();
    }
    const { host, core, socket } = opened({ WebSocket: Terminable });
    core.replies.look = () => [{ type: "closeSocket", slot: 2, generation: 5 }];
    host.call("look");
    t.mock.timers.tick(1000);
    assert.equal(socket.terminate.mock.callCount(), 1);
  });
});

describe("a trap", () => {
  /** Two phones of one instance, and one that is isolated. */
  async function threePhones() {
    const phones = [];
    for (const isolate of [false, false, true]) {
      const phone = new Phone({ ...options, isolate });
      const promise = phone.registerPhone();
      await turn();
      FakeSocket.made.at(-1).say(...granted(1));
      await promise;
      phones.push(phone);
    }
    return phones;
  }

  test("latches every phone of the instance, and no other", async () => {
    const [first, second, isolated] = await threePhones();
    const story = [];
    first.on("status", ({ status }) => story.push(status));
    first.on("error", ({ code }) => story.push(code));
    const [core] = FakeCore.made;
    core.replies.unregister = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    await first.unregisterPhone();
    assert.deepEqual(story, ["eIdle", "eInternal"]);
    await assert.rejects(first.registerPhone(), { code: "eInternal" });
    await assert.rejects(second.registerPhone(), { code: "eInternal" });
    assert.equal(second.status, "eIdle");
    assert.ok(FakeSocket.made[0].closed && FakeSocket.made[1].closed);
    assert.ok(!core.freed, "the dead instance is not entered again");
    assert.equal(isolated.ready, true);
    await Promise.all([first.close(), second.close(), isolated.close()]);
  });

  test("rejects what is pending, and the next phone gets a fresh instance", async () => {
    const phone = new Phone(options);
    const promise = phone.registerPhone();
    await turn();
    FakeCore.made[0].replies.socketOpened = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    FakeSocket.made[0].open();
    await assert.rejects(promise, (error) => {
      assert.ok(error.cause instanceof WebAssembly.RuntimeError);
      return error.code === "eInternal";
    });
    const next = new Phone(options);
    const again = next.registerPhone();
    await turn();
    FakeSocket.made[1].say(...granted(1));
    assert.equal((await again).user, "2001");
  });

  test("in poll and in the constructor as well", async () => {
    class Broken extends FakeCore {
      poll() {
        throw new Error("recursive use");
      }
    }
    useFakeCore(Broken);
    const one = new Phone(options);
    await assert.rejects(one.registerPhone(), { code: "eInternal" });

    useFakeCore(
      class {
        constructor() {
          throw new WebAssembly.RuntimeError("unreachable");
        }
      },
    );
    const other = new Phone(options);
    await assert.rejects(other.registerPhone(), { code: "eInternal" });
  });
});

test("status events of one phone do not reach another", async () => {
  const [a, b] = [new Phone(options), new Phone(options)];
  const heard = [];
  b.on("status", () => heard.push("b"));
  a.registerPhone().catch(() => {});
  await turn();
  FakeSocket.made[0].say(status("eRecoveryPending"));
  assert.equal(a.status, "eRecoveryPending");
  assert.deepEqual(heard, []);
});
