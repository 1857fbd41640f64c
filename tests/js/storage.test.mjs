import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Phone } from "../../js/phone/phone.js";
import { Store } from "../../js/phone/storage.js";
import {
  FakeCore,
  FakeSocket,
  granted,
  options,
  turn,
  useFakeCore,
} from "./support/fake-core.js";

class MemoryStorage {
  items = new Map();
  getItem(key) {
    return this.items.get(key) ?? null;
  }
  setItem(key, value) {
    this.items.set(key, String(value));
  }
}

const account = { user: "2001", domain: "example.com", device: "CSFALICE" };
const uuid =
  /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("the instance id", () => {
  test("is random, and the same after a reload", () => {
    const storage = new MemoryStorage();
    const first = new Store({ ...account, storage });
    assert.match(first.instanceId, uuid);
    const reloaded = new Store({ ...account, storage });
    assert.equal(reloaded.instanceId, first.instanceId);
  });

  test("is another one for another device, user or domain", () => {
    const storage = new MemoryStorage();
    const ids = [
      account,
      { ...account, device: "CSFBOB" },
      { ...account, user: "2002" },
      { ...account, domain: "example.org" },
    ].map((account) => new Store({ ...account, storage }).instanceId);
    assert.equal(new Set(ids).size, 4);
    const upper = new Store({ ...account, domain: "EXAMPLE.com", storage });
    assert.equal(upper.instanceId, ids[0], "host names know no case");
  });

  test("given by the app, it wins, and disturbs the kept one not", () => {
    const storage = new MemoryStorage();
    const kept = new Store({ ...account, storage }).instanceId;
    const instanceId = "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d";
    const given = new Store({ ...account, storage, instanceId });
    assert.equal(given.instanceId, instanceId);
    assert.equal(new Store({ ...account, storage }).instanceId, kept);
  });

  test("spoilt by somebody, it is made anew", () => {
    for (const junk of ["", "{", "null", "7", '{"instanceId":"<script>"}']) {
      const storage = new MemoryStorage();
      new Store({ ...account, storage });
      for (const key of storage.items.keys()) storage.setItem(key, junk);
      assert.match(new Store({ ...account, storage }).instanceId, uuid);
    }
  });

  test("without storage it is a new one each time", () => {
    const first = new Store({ ...account, storage: null });
    const second = new Store({ ...account, storage: null });
    assert.notEqual(first.instanceId, second.instanceId);
  });
});

describe("the memory", () => {
  test("goes from the core to the core of the reloaded page", async () => {
    useFakeCore();
    const storage = new MemoryStorage();
    const first = new Phone({ ...options, storage });
    first.registerPhone();
    await turn();
    assert.equal(FakeCore.made[0].options.memory, undefined);
    FakeSocket.made[0].say({ type: "store", value: "nc=3" }, ...granted(1));

    const reloaded = new Phone({ ...options, storage });
    reloaded.registerPhone();
    await turn();
    const { memory, instanceId } = FakeCore.made[1].options;
    assert.equal(memory, "nc=3");
    assert.equal(instanceId, first.instanceId);
  });

  test("is stored before what comes after it is sent", async () => {
    useFakeCore();
    const storage = new MemoryStorage();
    const order = [];
    storage.setItem = () => order.push("stored");
    class Socket extends FakeSocket {
      send() {
        order.push("sent");
      }
    }
    new Phone({ ...options, storage, WebSocket: Socket }).registerPhone();
    await turn();
    order.length = 0;
    FakeSocket.made[0].say(
      { type: "store", value: "nc=4" },
      { type: "send", slot: 0, generation: 1, data: "REGISTER" },
    );
    assert.deepEqual(order, ["stored", "sent"]);
  });

  test("no password gets in by itself", async () => {
    useFakeCore();
    const storage = new MemoryStorage();
    new Phone({ ...options, storage }).registerPhone();
    await turn();
    FakeSocket.made[0].say({ type: "store", value: "nc=3" }, ...granted(1));
    assert.doesNotMatch([...storage.items].join(), /tellnobody/);
  });
});

describe("storage that cannot be used", () => {
  beforeEach(() => useFakeCore());
  const refuse = () => {
    throw new DOMException("denied", "SecurityError");
  };

  test("reading and writing throw", async () => {
    const storage = { getItem: refuse, setItem: refuse };
    const phone = new Phone({ ...options, storage });
    const promise = phone.registerPhone();
    await turn();
    FakeSocket.made[0].say({ type: "store", value: "nc=3" }, ...granted(1));
    assert.equal((await promise).user, "2001");
    assert.match(phone.instanceId, uuid);
  });

  test("the very property throws, as with blocked cookies", () => {
    globalThis.document = {};
    const original = Object.getOwnPropertyDescriptor(
      globalThis,
      "localStorage",
    );
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get: refuse,
    });
    try {
      const store = new Store(account);
      assert.match(store.instanceId, uuid);
      assert.equal(store.sharedAs, undefined);
    } finally {
      delete globalThis.document;
      delete globalThis.localStorage;
      if (original) Object.defineProperty(globalThis, "localStorage", original);
    }
  });

  test("Node without an option keeps nothing", () => {
    assert.equal(new Store(account).sharedAs, undefined);
  });
});
