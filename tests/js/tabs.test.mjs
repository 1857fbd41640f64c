// Two tabs of one browser profile are one client: who may speak.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Phone } from "../../js/phone/phone.js";
import { Tab } from "../../js/phone/tabs.js";
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
import { FakeLocks, MemoryStorage, becomePage } from "./support/fake-page.js";

for (const [how, makePage] of [
  [
    "Web Locks",
    () => {
      const navigator = { locks: new FakeLocks() };
      return { navigator };
    },
  ],
  ["BroadcastChannel, on plain http", () => ({ BroadcastChannel })],
]) {
  describe(`between tabs, by ${how}`, () => {
    let page;
    /** @type {Tab[]} */
    let tabs;
    let stolen;
    const tab = (name = "graceline:a") => {
      const number = tabs.length;
      tabs.push(new Tab(name, () => stolen.push(number), page));
      return tabs[number];
    };

    beforeEach(() => {
      page = makePage();
      tabs = [];
      stolen = [];
    });
    afterEach(() => Promise.all(tabs.map((tab) => tab.release())));

    test("the first has it, the second is refused, other phones are not", async () => {
      assert.equal(await tab().acquire(false), true);
      assert.equal(await tab().acquire(false), false);
      assert.equal(await tab("graceline:b").acquire(false), true);
      assert.deepEqual(stolen, []);
    });

    test("who has it may ask again", async () => {
      const one = tab();
      await one.acquire(false);
      assert.equal(await one.acquire(false), true);
      assert.equal(await one.acquire(true), true);
    });

    test("released, another one can have it; at once", async () => {
      const [one, two] = [tab(), tab()];
      await one.acquire(false);
      one.release();
      assert.equal(await one.acquire(false), true, "the same tab again");
      await one.release();
      assert.equal(await two.acquire(false), true);
    });

    test("a tab that waits gets it when the page before is gone", async () => {
      const [one, two] = [tab(), tab()];
      await one.acquire(false);
      const waiting = two.acquire(false);
      await one.release();
      assert.equal(await waiting, true);
    });

    test("let go while it is still being asked for", async () => {
      const [one, two] = [tab(), tab()];
      const asked = one.acquire(false);
      await one.release();
      assert.equal(await asked, true);
      assert.equal(await two.acquire(false), true);
    });

    test("force takes it, and the holder hears of it once", async () => {
      const [one, two] = [tab(), tab()];
      await one.acquire(false);
      const told = new Promise((resolve) => {
        stolen.push = (number) => resolve(number);
      });
      assert.equal(await two.acquire(true), true);
      assert.equal(await told, 0);
      assert.equal(await one.acquire(false), false);
    });

    test("of two that ask at the same time exactly one gets it", async () => {
      const answers = await Promise.all([
        tab().acquire(false),
        tab().acquire(false),
      ]);
      assert.equal(answers.filter(Boolean).length, 1);
    });
  });
}

test("let go in the moment in which it is taken: nobody is told", async () => {
  const page = { navigator: { locks: new FakeLocks() } };
  const stolen = [];
  const [one, two] = ["one", "two"].map(
    (name) => new Tab("a", () => stolen.push(name), page),
  );
  await one.acquire(false);
  const left = one.release();
  assert.equal(await two.acquire(true), true);
  await left;
  await turn();
  assert.deepEqual(stolen, []);
  await two.release();
});

test("of two claims over a channel the larger one wins, whoever was first", async (t) => {
  for (const ids of [
    [0.9, 0.1],
    [0.1, 0.9],
  ]) {
    const left = [...ids];
    t.mock.method(Math, "random", () => left.shift());
    const tabs = ids.map(() => new Tab("a", () => {}, { BroadcastChannel }));
    const answers = await Promise.all(tabs.map((tab) => tab.acquire(false)));
    assert.deepEqual(
      answers,
      ids.map((id) => id === 0.9),
    );
    await Promise.all(tabs.map((tab) => tab.release()));
  }
});

test("a refusal comes within a second", async (t) => {
  const page = { navigator: { locks: new FakeLocks() } };
  const [holder, second] = [1, 2].map(() => new Tab("a", () => {}, page));
  t.after(() => Promise.all([holder.release(), second.release()]));
  await holder.acquire(true);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let granted;
  second.acquire(false).then((answer) => (granted = answer));
  await turn();
  t.mock.timers.tick(999);
  await turn();
  assert.equal(granted, false);
});

test("a browser that is busy grants late what nobody holds: no refusal", async () => {
  const locks = new FakeLocks();
  const late = {
    query: () => locks.query(),
    request: async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return locks.request(...args);
    },
  };
  const tab = new Tab("a", () => {}, { navigator: { locks: late } });
  assert.equal(await tab.acquire(false), true);
  await tab.release();
});

test("a page that may not use locks uses none", async () => {
  const request = async () => {
    throw new DOMException("opaque origin", "SecurityError");
  };
  const tab = new Tab("a", () => {}, { navigator: { locks: { request } } });
  assert.equal(await tab.acquire(false), true);
});

test("without a name, or without anything to ask with, nothing is asked", async () => {
  assert.equal(await new Tab(null, () => {}).acquire(false), true);
  assert.equal(await new Tab("a", () => {}, {}).acquire(false), true);
});

test("the memory is that of the moment when the lock is had", async (t) => {
  useFakeCore();
  const page = becomePage();
  t.after(() => page.remove());
  const storage = new MemoryStorage();
  const phone = new Phone({ ...options, storage });
  const [key] = storage.items.keys();
  const { instanceId } = phone;
  const name = `graceline:2001@example.com/2001/${instanceId}`;
  const holder = new Tab(name, () => {});
  await holder.acquire(true);
  phone.registerPhone().catch(() => {});
  await turn();
  // The tab before counts a nonce once more, then goes.
  storage.setItem(key, JSON.stringify({ instanceId, memory: "the latest" }));
  await holder.release();
  await turn();
  assert.equal(FakeCore.made[0].options.memory, "the latest");
  await phone.close();
});

describe("phones in tabs", () => {
  let page;
  let storage;
  beforeEach(() => {
    useFakeCore();
    page = becomePage();
    storage = new MemoryStorage();
  });
  afterEach(() => page.remove());

  async function registered() {
    const phone = new Phone({ ...options, storage });
    const promise = phone.registerPhone();
    await turn();
    const [core, server] = [FakeCore.made.at(-1), FakeSocket.made.at(-1)];
    server.say(...granted(1));
    await promise;
    return { phone, core, server };
  }

  test("the lock names address, device and instance", async () => {
    const { phone } = await registered();
    assert.deepEqual(page.locks.names, [
      `graceline:2001@example.com/2001/${phone.instanceId}`,
    ]);
  });

  test("the second tab is refused without asking the registrar", async () => {
    const { phone, core } = await registered();
    const second = new Phone({ ...options, storage });
    const story = [];
    second.on("status", ({ status }) => story.push(status));
    second.on("eDeviceAlreadyRegistered", ({ device, elsewhere }) =>
      story.push(device, elsewhere),
    );
    const elsewhere = { instanceId: phone.instanceId, sameBrowser: true };
    await assert.rejects(second.registerPhone(), (error) => {
      assert.deepEqual(error.details, { device: "2001", elsewhere });
      return error.code === "eDeviceAlreadyRegistered";
    });
    assert.deepEqual(story, ["eRegistering", "eIdle", "2001", elsewhere]);
    assert.equal(FakeCore.made.length, 1);
    assert.equal(core.given("silence").length, 0);
    assert.ok(phone.ready);
  });

  test("forced, it silences the first", async () => {
    const { phone, core } = await registered();
    const told = new Promise((resolve) =>
      phone.on("eConnectionTerminated", resolve),
    );
    const second = new Phone({ ...options, storage });
    const forced = second.registerPhone({ forceRegistration: true });
    assert.equal((await told).reason, "sameBrowser");
    assert.equal(core.given("silence").length, 1);
    assert.equal(core.given("unregister").length, 0);
    await turn();
    assert.deepEqual(FakeCore.made[1].given("register"), [[1, true]]);
    FakeSocket.made[1].say(...granted(1));
    await forced;
  });

  test("a registerPhone that is pending when the lock is stolen does not hang", async () => {
    const first = new Phone({ ...options, storage });
    const pending = first.registerPhone();
    pending.catch(() => {});
    await turn();
    const second = new Phone({ ...options, storage });
    second.registerPhone({ forceRegistration: true }).catch(() => {});
    await assert.rejects(pending, { code: "eDeviceAlreadyRegistered" });
    await second.close();
  });

  for (const [how, leave] of [
    ["unregistered", ({ phone }) => phone.unregisterPhone()],
    ["closed", ({ phone }) => phone.close()],
    [
      "taken over",
      ({ server }) =>
        server.say(status("eConnectionTerminated"), event("terminated")),
    ],
    ["hidden", () => page.fire("pagehide")],
    ["given up", ({ server }) => server.say(status("eIdle"))],
  ])
    test(`released when ${how}`, async () => {
      const all = await registered();
      await leave(all);
      await turn();
      assert.deepEqual(page.locks.names, []);
    });

  for (const [how, fail] of [
    ["refused", ({ server }) => server.say(...refused(1, "loginRefused"))],
    ["aborted", ({ controller }) => controller.abort()],
    ["superseded by the end", ({ phone }) => phone.unregisterPhone()],
  ])
    test(`released when the login is ${how}`, async () => {
      const controller = new AbortController();
      const phone = new Phone({ ...options, storage });
      const promise = phone.registerPhone({ signal: controller.signal });
      promise.catch(() => {});
      await turn();
      assert.equal(page.locks.names.length, 1);
      await fail({ phone, controller, server: FakeSocket.made[0] });
      await assert.rejects(promise);
      await turn();
      assert.deepEqual(page.locks.names, []);
    });

  test("kept during a recovery", async () => {
    const { server } = await registered();
    server.say(status("eRecoveryPending"));
    await turn();
    assert.equal(page.locks.names.length, 1);
  });

  test("storage: null needs none", async () => {
    const phone = new Phone({ ...options, storage: null });
    phone.registerPhone().catch(() => {});
    await turn();
    assert.deepEqual(page.locks.names, []);
    await phone.close();
  });
});

describe("a page's life", () => {
  let page;
  let storage;
  beforeEach(() => {
    useFakeCore();
    page = becomePage();
    storage = new MemoryStorage();
  });
  afterEach(() => page.remove());

  async function registered(reply = true) {
    const phone = new Phone({ ...options, storage });
    const promise = phone.registerPhone();
    await turn();
    const [core, server] = [FakeCore.made.at(-1), FakeSocket.made.at(-1)];
    if (reply) {
      server.say(...granted(1));
      await promise;
    }
    return { phone, core, server, promise };
  }

  test("pagehide: what the core wants is sent before the handler returns", async () => {
    const { core, server } = await registered();
    core.replies.leave = () => [
      { type: "send", slot: 0, generation: 1, data: "REGISTER expires=0" },
      { type: "closeSocket", slot: 0, generation: 1 },
      status("eIdle"),
    ];
    page.fire("pagehide");
    assert.deepEqual(server.sent, ["REGISTER expires=0"]);
    assert.ok(server.closed);
  });

  test("back from the cache: registered again, if the lock is free", async () => {
    const { core } = await registered();
    page.fire("pagehide", { persisted: true });
    page.fire("pageshow", { persisted: true });
    await turn();
    assert.equal(core.given("resume").length, 1);
    assert.equal(page.locks.names.length, 1);
  });

  test("back from the cache, another tab is the phone: silence", async () => {
    const { phone, core } = await registered();
    const told = new Promise((resolve) =>
      phone.on("eConnectionTerminated", resolve),
    );
    page.fire("pagehide", { persisted: true });
    const other = new Phone({ ...options, storage });
    other.registerPhone().catch(() => {});
    await turn();
    page.fire("pageshow", { persisted: true });
    await told;
    assert.equal(core.given("resume").length, 0);
    await other.close();
  });

  test("a registerPhone that was pending goes on, politely", async () => {
    const { core, server, promise } = await registered(false);
    page.fire("pagehide", { persisted: true });
    page.fire("pageshow", { persisted: true });
    await turn();
    assert.deepEqual(core.given("register"), [
      [1, false],
      [1, false],
    ]);
    server.say(...granted(1));
    await promise;
  });

  test("a pageshow of a page that was not kept, and one after an unregistration, mean nothing", async () => {
    const { phone, core } = await registered();
    page.fire("pagehide", { persisted: true });
    page.fire("pageshow", { persisted: false });
    await turn();
    assert.equal(core.given("resume").length, 0);
    page.fire("pageshow", { persisted: true });
    await turn();
    assert.equal(core.given("resume").length, 1);
    core.commands.length = 0;
    await phone.unregisterPhone();
    page.fire("pagehide", { persisted: true });
    page.fire("pageshow", { persisted: true });
    await turn();
    assert.equal(core.given("resume").length, 0);
    assert.equal(core.given("silence").length, 0);
  });

  test("visible, on-line, off-line, another network: a look; hidden: none", async () => {
    const { core } = await registered();
    page.fire("online");
    page.fire("offline");
    page.changeNetwork();
    page.show(true);
    page.show(false);
    assert.equal(core.given("look").length, 4);
  });

  test("a closed phone leaves no listener behind", async () => {
    const { phone, core } = await registered();
    assert.ok(page.listeners() > 0);
    await phone.close();
    assert.equal(page.listeners(), 0);
    page.fire("pagehide");
    assert.equal(core.given("leave").length, 0);
  });
});
