// What calls need is a part of its own, loaded once the phone is registered. What comes
// before it is there waits.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fakeMedia, startRegistrar } from "graceline/testing";
import { WebSocket } from "ws";
import { instantiate } from "../../js/core/core.js";
import { provide } from "../../js/core/instance.js";
import { Phone } from "../../js/phone/phone.js";
import { next } from "./support/line.js";
import { commands, sample } from "./support/seam.js";

const bytes = (name) =>
  readFileSync(new URL(`../../pkg/${name}_bg.wasm`, import.meta.url));
const client = bytes("client");
const calls = bytes("calls");

/** Promises that a test settles itself, and who waits for the next of them. */
class Turns {
  #there = [];
  #waiting = [];

  /** @returns {any} with `promise`, `resolve` and `reject` */
  make() {
    const turn = {};
    turn.promise = new Promise((resolve, reject) =>
      Object.assign(turn, { resolve, reject }),
    );
    const waiting = this.#waiting.shift();
    if (waiting) waiting(turn);
    else this.#there.push(turn);
    return turn;
  }

  async next() {
    return (
      this.#there.shift() ??
      (await new Promise((resolve) => this.#waiting.push(resolve)))
    );
  }
}

/** Bounds a failure alone. */
const timeout = 10_000;

/** Alice, whose part comes when the test says so, and Bob, who has it. */
async function setUp(t) {
  const users = { 2001: { password: "a" }, 2002: { password: "b" } };
  const registrar = await startRegistrar({ users, domain: "example.test" });
  const loads = new Turns();
  /** What her socket was sent: first lines. */
  const arrivals = [];
  let arrived = () => {};
  class Watched extends WebSocket {
    constructor(...args) {
      super(...args);
      this.on("message", (data) => {
        arrivals.push(`${data}`.split("\r\n")[0]);
        arrived();
      });
    }
  }
  const phones = [];
  const phone = async (user, password, WebSocket, part) => {
    provide({ wasm: () => client, calls: part });
    const phone = new Phone({
      ...{ connections: registrar.url, domain: "example.test", WebSocket },
      ...{ user, password, isolate: true, media: fakeMedia() },
    });
    phones.push(phone);
    await phone.registerPhone();
    return phone;
  };
  t.after(async () => {
    await Promise.all(phones.map((phone) => phone.close()));
    await registrar.stop();
  });
  const alice = await phone("2001", "a", Watched, () => loads.make().promise);
  const bob = await phone("2002", "b", WebSocket, () => calls);
  return {
    alice,
    bob,
    loads,
    /** Resolves once her socket was sent such a message. */
    async arrival(method) {
      while (!arrivals.some((line) => line.startsWith(`${method} `)))
        await new Promise((resolve) => (arrived = resolve));
    },
  };
}

const ended = (call) => new Promise((resolve) => call.once("ended", resolve));

describe("before it is there", { timeout }, () => {
  test("it is asked for as soon as the phone is registered, and no one waits for it", async (t) => {
    const { alice, loads } = await setUp(t);
    assert.equal(alice.status, "eReady");
    (await loads.next()).resolve(calls);
  });

  test("a message waits, and is told of once", async (t) => {
    const { alice, bob, loads, arrival } = await setUp(t);
    const heard = [];
    alice.on("message", ({ body }) => heard.push(body));
    const sent = bob.message("2001", "hello");
    await arrival("MESSAGE");
    assert.deepEqual(heard, []);
    (await loads.next()).resolve(calls);
    await sent;
    assert.deepEqual(heard, ["hello"]);
  });

  test("a call waits, and what follows it waits behind it", async (t) => {
    const { alice, bob, loads, arrival } = await setUp(t);
    const story = [];
    alice.on("message", ({ body }) => story.push(body));
    alice.on("incoming", () => story.push("incoming"));
    const rings = next(alice, "incoming");
    const call = bob.call("2001");
    await arrival("INVITE");
    const sent = bob.message("2001", "hello");
    await arrival("MESSAGE");
    assert.deepEqual(story, []);
    (await loads.next()).resolve(calls);
    await sent;
    (await rings).call.reject();
    assert.equal((await ended(call)).cause, "rejected");
    assert.deepEqual(story, ["incoming", "hello"]);
  });

  test("the page's own call waits", async (t) => {
    const { alice, bob, loads } = await setUp(t);
    const rings = next(bob, "incoming");
    const call = alice.call("2002");
    (await loads.next()).resolve(calls);
    (await rings).call.reject();
    const { cause } = await ended(call);
    assert.equal(cause, "rejected");
  });

  test("a phone that is closed meanwhile does not wait", async (t) => {
    const { alice, loads } = await setUp(t);
    alice.call("2002");
    const load = await loads.next();
    const closed = alice.close();
    load.reject(new Error("offline"));
    await closed;
  });
});

describe("it cannot be loaded", { timeout }, () => {
  test("a caller hears that nobody is there; the next call asks for it again", async (t) => {
    const { alice, bob, loads, arrival } = await setUp(t);
    const errors = [];
    alice.on("error", ({ code, message }) => errors.push(`${code} ${message}`));
    (await loads.next()).reject(new Error("offline"));
    const first = bob.call("2001");
    await arrival("INVITE");
    (await loads.next()).reject(new Error("still offline"));
    const { status } = await ended(first);
    assert.equal(status, 480);
    assert.equal(errors.length, 1);
    assert.match(errors[0], /^eInternal .*still offline/);

    const rings = next(alice, "incoming");
    const second = bob.call("2001");
    (await loads.next()).resolve(calls);
    (await rings).call.reject();
    assert.equal((await ended(second)).cause, "rejected");
  });

  test("the page's own call ends", async (t) => {
    const { alice, loads } = await setUp(t);
    const errors = [];
    alice.on("error", ({ message }) => errors.push(message));
    const call = alice.call("2002");
    const over = ended(call);
    (await loads.next()).reject(new Error("still offline"));
    assert.equal((await over).cause, "failed");
    assert.match(errors[0], /still offline/);
  });

  test("that of another version is none: it is refused whole", async () => {
    const Core = await instantiate(new WebAssembly.Module(client));
    const [{ name }] = WebAssembly.Module.imports(
      new WebAssembly.Module(calls),
    ).filter(({ kind }) => kind === "table");
    const other = Buffer.from(
      calls.toString("latin1").replace(name, "another!"),
      "latin1",
    );
    const load = async () => new WebAssembly.Module(other);
    await assert.rejects(Core.extend(load), { name: "LinkError" });
    await Core.extend(async () => new WebAssembly.Module(calls));
  });
});

test("nothing that goes in reaches what is not there", async () => {
  const Core = await instantiate(new WebAssembly.Module(client));
  const methods =
    "INVITE ACK BYE CANCEL INFO UPDATE PRACK REFER NOTIFY MESSAGE OPTIONS SUBSCRIBE";
  const request = (method, tag) =>
    [
      `${method} sip:2001@example.com SIP/2.0`,
      "Via: SIP/2.0/WS host.invalid;branch=z9hG4bK1",
      "Max-Forwards: 70",
      "From: <sip:2002@example.com>;tag=a",
      `To: <sip:2001@example.com>${tag}`,
      "Call-ID: 1",
      `CSeq: 1 ${method}`,
      "Contact: <sip:2002@host.invalid>",
      "Event: refer",
      "Content-Length: 0",
    ].join("\r\n") + "\r\n\r\n";
  for (const before of [
    [],
    [
      ["register", 1, false],
      ["socketOpened", 0, 1, "sip"],
    ],
  ]) {
    for (const command of commands) {
      const core = new Core(
        {
          connections: ["ws://localhost/"],
          ...{ user: "2001", domain: "example.com", device: "2001" },
          instanceId: "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d",
        },
        new Uint8Array(32),
      );
      core.without = true;
      let now = 1000;
      const enter = (name, ...args) => {
        assert.equal(core.command(name, now, ...args), false);
        while (core.poll());
        now += 1000;
      };
      for (const [name, ...args] of before) enter(name, ...args);
      enter(command, ...sample(command));
      for (const method of methods.split(" "))
        for (const tag of ["", ";tag=b"])
          enter("socketMessage", 0, 1, request(method, tag));
      for (let times = 0; times < 5; times++) {
        now = Math.max(now, Math.min(core.deadline(), now + 60_000));
        enter("wake");
      }
      core.free();
    }
  }
});
