// The first socket opens while the wasm loads.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { provide } from "../../js/core/instance.js";
import { Phone } from "../../js/phone/phone.js";
import {
  EMPTY,
  FakeCore,
  FakeSocket,
  granted,
  options,
  registration,
  turn,
} from "./support/fake-core.js";

/** What loads the wasm waits for this. */
let arrive;

beforeEach(() => {
  FakeCore.made = [];
  FakeSocket.made = [];
  const loading = new Promise((resolve, reject) => {
    arrive = (error) => (error ? reject(error) : resolve(EMPTY));
  });
  provide({ wasm: () => loading }, async () => FakeCore);
});

/** Until what was put off has been done. */
const afterwards = async () => {
  await turn();
  await new Promise((resolve) => setTimeout(resolve));
  await turn();
};

const states = (phone) => {
  const states = [];
  phone.on("transport", ({ state }) => states.push(state));
  return states;
};

test("it is opened before the wasm is there, and is the core's", async () => {
  const phone = new Phone(options);
  const seen = states(phone);
  const login = phone.registerPhone();
  await turn();
  const [socket] = FakeSocket.made;
  assert.equal(socket.url, "ws://localhost/");
  socket.open();
  assert.deepEqual(seen, [], "nobody is told of what nobody has asked for");
  arrive();
  await afterwards();
  assert.equal(FakeSocket.made.length, 1);
  assert.deepEqual(FakeCore.made[0].given("socketOpened"), [[0, 1, "sip"]]);
  assert.deepEqual(seen, ["connecting", "connected"]);
  socket.say(...granted(1));
  assert.deepEqual(await login, registration);
  assert.equal(socket.closed, false);
});

test("still opening when the wasm is there, it is told of once", async () => {
  const phone = new Phone(options);
  phone.registerPhone().catch(() => {});
  arrive();
  await afterwards();
  assert.equal(FakeSocket.made.length, 1);
  assert.deepEqual(FakeCore.made[0].given("socketOpened"), []);
  FakeSocket.made[0].open();
  assert.deepEqual(FakeCore.made[0].given("socketOpened"), [[0, 1, "sip"]]);
});

test("closed meanwhile: the core gets another one", async () => {
  const phone = new Phone(options);
  const seen = states(phone);
  phone.registerPhone().catch(() => {});
  await turn();
  FakeSocket.made[0].onerror({});
  FakeSocket.made[0].drop();
  arrive();
  await afterwards();
  assert.equal(FakeSocket.made.length, 2);
  FakeSocket.made[1].open();
  assert.deepEqual(FakeCore.made[0].given("socketOpened"), [[0, 1, "sip"]]);
  assert.deepEqual(seen, ["connecting", "connected"]);
});

for (const [name, gone] of Object.entries({
  "the wasm cannot be loaded": () => arrive(new Error("offline")),
  "the login is given up": (phone, abort) => (abort(), arrive()),
  "the phone is closed": (phone) => (void phone.close(), arrive()),
}))
  test(`${name}: it does not stay`, async () => {
    // A core that opens nothing unless it is told to.
    class Idle extends FakeCore {
      outputs = [];
    }
    provide(
      {
        wasm: () =>
          new Promise((resolve, reject) => {
            arrive = (error) => (error ? reject(error) : resolve(EMPTY));
          }),
      },
      async () => Idle,
    );
    const phone = new Phone(options);
    const abort = new AbortController();
    phone.registerPhone({ signal: abort.signal }).catch(() => {});
    await turn();
    gone(phone, () => abort.abort());
    await afterwards();
    assert.deepEqual(
      FakeSocket.made.map(({ closed }) => closed),
      [true],
    );
  });

test("a page's policy that forbids it: what the core hears is its own", async () => {
  class Forbidden {
    constructor() {
      throw new Error("the page's policy");
    }
  }
  const phone = new Phone({ ...options, WebSocket: Forbidden });
  const login = phone.registerPhone();
  arrive();
  await assert.rejects(login, /forbids this page to connect/);
  assert.deepEqual(FakeCore.made[0].given("socketClosed"), [[0, 1]]);
});
