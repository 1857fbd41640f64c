// What a user says by hand, kept published (RFC 3903) in a time of the test's own.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { PresenceState } from "../../js/watch/presence-state.js";

const settings = { user: "2001", domain: "example.com" };

/** A server that keeps it, unless it is told not to. */
class Server {
  /** What it was asked, in short. */
  asked = [];
  expires = 600;
  /** Statuses of its next answers. */
  refusals = [];
  tags = 0;

  async ask(command, type, body, { extraHeaders }) {
    assert.equal(command, "publish");
    assert.equal(type, "application/pidf+xml");
    const headers = Object.fromEntries(extraHeaders);
    assert.equal(headers.Event, "presence");
    const said = /<rpid:(busy|away)/.exec(body)?.[1] ?? (body ? "other" : "-");
    const condition = headers["SIP-If-Match"] ?? "new";
    this.asked.push(`${condition} ${said} ${headers.Expires}`);
    const status = this.refusals.shift();
    if (status) throw Object.assign(new Error("refused"), { status });
    return { etag: `e${++this.tags}`, expires: this.expires };
  }

  /** What it was asked since the last time. */
  take() {
    return this.asked.splice(0);
  }
}

const seconds = async (count) => {
  mock.timers.tick(count * 1000);
  for (let turn = 0; turn < 10; turn++) await null;
};

describe("a state by hand", () => {
  let server;
  let state;
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    server = new Server();
    state = new PresenceState(server, settings);
  });
  afterEach(() => mock.timers.reset());

  test("is refreshed at half of the time that the server grants", async () => {
    server.expires = 100;
    await state.set({ state: "busy" }, true);
    await seconds(49);
    assert.deepEqual(server.take(), ["new busy 600"]);
    await seconds(1);
    assert.deepEqual(server.take(), ["e1 - 600"]);
    await seconds(50);
    assert.deepEqual(server.take(), ["e2 - 600"]);
    await state.set({ state: "away" }, true);
    assert.deepEqual(server.take(), ["e3 away 600"]);
    await state.set({}, true);
    assert.deepEqual(server.take(), ["e4 - 0"]);
    await seconds(1000);
    assert.deepEqual(server.take(), []);
  });

  test("is said anew where the server has lost it, and again where it fails", async () => {
    await state.set({ state: "busy" }, true);
    server.refusals = [412];
    await seconds(300);
    assert.deepEqual(server.take().slice(1), ["e1 - 600", "new busy 600"]);
    server.refusals = [503];
    await seconds(300);
    assert.deepEqual(server.take(), ["e2 - 600"]);
    await seconds(60);
    assert.deepEqual(server.take(), ["e2 - 600"]);
    server.refusals = [412, 500];
    await seconds(300);
    assert.deepEqual(server.take(), ["e3 - 600", "new busy 600"]);
    await seconds(60);
    assert.deepEqual(server.take(), ["new busy 600"]);
  });

  test("is taken back by who logs out, and said again with the next login", async () => {
    await state.set({ state: "away" }, true);
    state.leave();
    await seconds(0);
    assert.deepEqual(server.take(), ["new away 600", "e1 - 0"]);
    await seconds(1000);
    assert.deepEqual(server.take(), []);
    state.registered();
    await seconds(0);
    assert.deepEqual(server.take(), ["new away 600"]);
    // One that has lost its registration does not knock.
    server.ask = async () => {
      server.asked.push("asked");
      throw new Error("not registered");
    };
    await seconds(10_000);
    assert.deepEqual(server.take(), ["asked"]);
  });

  test("waits for the first login; a refusal is the caller's", async () => {
    await state.set({ state: "busy" }, false);
    assert.deepEqual(server.take(), []);
    state.registered();
    await seconds(0);
    assert.deepEqual(server.take(), ["new busy 600"]);
    server.refusals = [403];
    await assert.rejects(state.set({ state: "away" }, true), { status: 403 });
    state.leave();
  });

  test("goes out in the order in which it is said", async () => {
    await Promise.all([
      state.set({ state: "busy" }, true),
      state.set({ state: "away" }, true),
      state.set({}, true),
    ]);
    assert.deepEqual(server.take(), ["new busy 600", "e1 away 600", "e2 - 0"]);
  });
});
