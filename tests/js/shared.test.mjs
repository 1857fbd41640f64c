// One phone for several tabs, in Node: tabs are phones of this process, the worker its
// hosts at the other end of real ports. Real pages: tests/browser/tabs.test.mjs

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Phone, PhoneError } from "../../js/index.js";
import { Memory } from "../../js/shared/memory.js";
import { VERSION, Wire } from "../../js/shared/wire.js";
import {
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  refused,
  status,
  turn,
  useFakeCore,
} from "./support/fake-core.js";
import { FakeTime } from "./support/fake-time.js";
import { MemoryStorage, becomePage } from "./support/fake-page.js";
import { until, useSharedWorkers } from "./support/shared-worker.js";

const worker = "http://localhost/worker.js";
const plain = { ...options, WebSocket: undefined };

describe("tabs that share a phone", () => {
  let page;
  let workers;
  /** @type {Phone[]} */
  let tabs;
  const tab = (more) => {
    const phone = new Phone({ ...plain, shared: { worker }, ...more });
    const story = [];
    for (const name of ["status", "tabs", "error"])
      phone.on(name, (payload) => story.push(payload.status ?? name));
    for (const name of ["eDeviceAlreadyRegistered", "eDeviceNotAuthorised"])
      phone.on(name, () => story.push(name));
    tabs.push(phone);
    return Object.assign(phone, { story });
  };
  /** The worker, with the locks that it held. */
  const dies = () => {
    workers.crash();
    for (const name of page.locks.names.slice(tabs.length))
      page.locks.free(name);
  };
  const core = () => FakeCore.made.at(-1);
  const socket = () => FakeSocket.made.at(-1);
  const registered = async (phone) => {
    const login = phone.registerPhone();
    await until(() => core()?.given("register").length);
    socket().say(...granted(core().given("register").at(-1)[0]));
    return login;
  };

  beforeEach(() => {
    useFakeCore();
    tabs = [];
    page = becomePage();
    globalThis.localStorage = new MemoryStorage();
    workers = useSharedWorkers(FakeSocket);
  });
  afterEach(async () => {
    await Promise.all(tabs.map((tab) => tab.close()));
    workers.remove();
    delete globalThis.localStorage;
    page.remove();
  });

  test("logins of several tabs are one; each promise settles in its own", async () => {
    const [one, two] = [tab(), tab()];
    const logins = [one.registerPhone(), two.registerPhone()];
    await until(() => core()?.given("register").length);
    await until(() => two.status === "eRegistering");
    await turn();
    assert.equal(core().given("register").length, 1);
    socket().say(...granted(1));
    const [a, b] = await Promise.all(logins);
    assert.deepEqual(a, b);
    assert.equal(a, one.registration);
    assert.equal(b, two.registration);
    assert.equal(FakeCore.made.length, 1);
  });

  test("a forced login takes the place of another tab's", async () => {
    const [one, two] = [tab(), tab()];
    const polite = one.registerPhone();
    await until(() => core()?.given("register").length);
    const forced = two.registerPhone({ forceRegistration: true });
    await assert.rejects(polite, { code: "eAborted" });
    await until(() => core().given("register").length === 2);
    socket().say(...granted(2));
    await forced;
  });

  test("of a refusal the tab hears that asked, of a device cut off each", async () => {
    const [one, two] = [tab(), tab()];
    const login = one.registerPhone();
    await until(() => core()?.given("register").length);
    const elsewhere = { userAgent: "Other" };
    const why = { device: "2001", elsewhere, status: 403, reason: "Forbidden" };
    socket().say(...refused(1, "deviceHeld", why));
    await assert.rejects(login, (error) => {
      assert.ok(PhoneError.is(error, "eDeviceAlreadyRegistered"));
      const { status, reason, details, remedy } = error;
      assert.deepEqual([status, reason], [403, "Forbidden"]);
      assert.deepEqual(details, { device: "2001", elsewhere });
      assert.match(remedy, /^Ask the user/);
      return true;
    });
    await until(() => two.story.includes("eIdle"));
    const named = ({ story }) => story.filter((one) => /^eDevice/.test(one));
    assert.deepEqual(named(one), ["eDeviceAlreadyRegistered"]);
    assert.deepEqual(named(two), []);

    await registered(two);
    socket().say(status("eDeviceNotAuthorised"));
    socket().say(event("error", { at: "notAuthorised", status: 403 }));
    for (const phone of [one, two])
      await until(() => named(phone).includes("eDeviceNotAuthorised"));
  });

  test("what one tab gives up another may wait for", async () => {
    const [one, two] = [tab(), tab()];
    const giving = new AbortController();
    const given = one.registerPhone({ signal: giving.signal });
    const kept = two.registerPhone();
    await until(() => two.status === "eRegistering");
    await turn();
    giving.abort(new Error("enough"));
    await assert.rejects(given, ({ code, cause }) => {
      assert.deepEqual([code, cause.message], ["eAborted", "enough"]);
      return true;
    });
    await turn();
    assert.deepEqual(core().given("abort"), []);
    socket().say(...granted(1));
    await kept;
  });

  test("the log is kept by one of them, the next one if it goes", async () => {
    const logs = [[], []];
    const [one, two] = logs.map((log) =>
      tab({ log: (e) => log.push(e.message) }),
    );
    await registered(one);
    const say = (message) =>
      socket().say({ type: "log", level: "info", message });
    say("first");
    await until(() => logs.flat().length === 1);
    assert.deepEqual(logs, [["first"], []]);
    await one.close();
    say("second");
    await until(() => logs.flat().length === 2);
    assert.deepEqual(logs, [["first"], ["second"]]);
    assert.equal(two.ready, true);
  });

  test("a tab that dies without a word is missed; if it was alive it is back", async () => {
    const [one, two] = [tab(), tab()];
    await registered(one);
    await until(() => two.ready && one.tabs.count === 2);
    const counts = [];
    one.on("tabs", ({ count }) => counts.push(count));
    page.locks.free(page.locks.names[1]);
    await until(() => counts.length === 2);
    assert.deepEqual(counts, [1, 2]);
    assert.equal(two.ready, true);
  });

  test("the worker dies: the next one logs in, and nobody has to ask", async () => {
    const [one, two] = [tab(), tab()];
    await registered(one);
    await until(() => two.ready);
    const before = core();
    dies();
    await until(() => core() !== before && core().given("register").length);
    assert.deepEqual(core().given("register"), [[1, false]]);
    socket().say(...granted(1));
    for (const phone of [one, two]) {
      await until(() => phone.ready);
      assert.deepEqual(phone.story.filter((one) => one !== "tabs").slice(-4), [
        ...["eReady", "eRecoveryPending", "eRegistering", "eReady"],
      ]);
    }
    assert.equal(FakeCore.made.length, 2);
  });

  test("asked in the moment in which the worker dies, a login is asked of the next", async () => {
    const one = tab();
    const login = one.registerPhone();
    await until(() => core()?.given("register").length);
    dies();
    await until(() => FakeCore.made.length === 2);
    await until(() => core().given("register").length);
    socket().say(...granted(core().given("register").at(-1)[0]));
    assert.equal((await login).user, "2001");
  });

  test("the last page goes: the line is free at once; back from the cache it logs in", async () => {
    const [one, two] = [tab(), tab()];
    await registered(one);
    await until(() => two.ready);
    page.fire("pagehide");
    await until(() => core().freed);
    assert.equal(core().given("leave").length, 1);
    page.fire("pageshow", { persisted: true });
    await until(() => FakeCore.made.length === 2);
    await until(() => core().given("register").length);
    for (const { story } of [one, two]) assert.ok(!story.includes("eIdle"));
    socket().say(...granted(1));
    await until(() => one.ready && two.ready);
  });

  test("where workers last, a reload is no leaving", async (t) => {
    const time = new FakeTime(0);
    t.after(() => time.remove());
    workers.remove();
    workers = useSharedWorkers(FakeSocket, { lasting: true });
    const one = tab();
    await registered(one);
    page.fire("pagehide");
    await time.run(490);
    page.fire("pageshow", { persisted: true });
    await until(() => one.ready);
    await time.run(1000);
    assert.deepEqual(core().given("close"), []);
    page.fire("pagehide");
    await time.run(500);
    await until(() => core().freed);
    assert.equal(core().given("close").length, 1);
  });

  test("looks of several tabs are one", async () => {
    const [one, two] = [tab(), tab()];
    await registered(one);
    await until(() => two.ready);
    page.fire("online");
    await until(() => core().given("look").length);
    await turn();
    assert.equal(core().given("look").length, 1);
  });

  test("tabs of another version are told to reload", async () => {
    const { port } = new globalThis.SharedWorker(worker, {});
    const wire = new Wire(port, () => {});
    await assert.rejects(wire.ask("join", { version: VERSION + 1 }), {
      code: "eInvalidState",
      remedy: "Close or reload the other tabs.",
    });
    wire.close();
  });

  test("what tabs cannot share is refused at once", () => {
    for (const [option, value] of [
      ["storage", new MemoryStorage()],
      ["WebSocket", FakeSocket],
    ])
      assert.throws(() => tab({ [option]: value }), {
        code: "eInvalidArgument",
        details: { option },
      });
  });
});

describe("what a shared phone keeps", () => {
  /** A store whose writes end when they are told to. */
  function useStore(t) {
    const writes = [];
    const request = (result) => ({ result });
    const store = {
      getAll: () => request([]),
      getAllKeys: () => request([]),
      put: (value, key) => (writes.push([key, value]), request(key)),
    };
    const pending = [];
    globalThis.indexedDB = {
      open() {
        const database = {
          transaction(_, mode) {
            const transaction = { objectStore: () => store };
            const end = () => transaction.oncomplete();
            if (mode === "readwrite") pending.push(end);
            else setImmediate(end);
            return transaction;
          },
        };
        const opening = request(database);
        queueMicrotask(() => opening.onsuccess());
        return opening;
      },
    };
    t.after(() => delete globalThis.indexedDB);
    return { writes, pending };
  }

  test("is there before anything is sent that relies on it", async (t) => {
    const { writes, pending } = useStore(t);
    const memory = new Memory();
    const Socket = memory.socketClass(FakeSocket);
    const socket = new Socket("ws://localhost/", "sip");
    socket.send("before");
    assert.deepEqual(socket.sent, ["before"]);
    memory.setItem("phone", "nc=1");
    memory.setItem("phone", "nc=2");
    socket.send("one");
    socket.send("two");
    socket.close();
    await until(() => pending.length === 2);
    assert.deepEqual(writes, [
      ["phone", "nc=1"],
      ["phone", "nc=2"],
    ]);
    pending.shift()();
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.deepEqual([socket.sent, socket.closed], [["before"], false]);
    pending.shift()();
    await until(() => socket.closed);
    assert.deepEqual(socket.sent, ["before", "one", "two"]);
    socket.send("at once");
    assert.equal(socket.sent.at(-1), "at once");
  });

  test("where nothing can be kept, that holds nobody up", async () => {
    const memory = await new Memory().open();
    const socket = new (memory.socketClass(FakeSocket))("ws://localhost/");
    memory.setItem("phone", "nc=1");
    assert.equal(memory.getItem("phone"), "nc=1");
    socket.send("one");
    await until(() => socket.sent.length);
  });
});
