// registerPhone, unregisterPhone and close against a scripted core: what
// settles, when, and with what.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { provide } from "../../js/core/instance.js";
import { PhoneError } from "../../js/errors/error.js";
import { Phone } from "../../js/phone/phone.js";
import {
  EMPTY,
  FakeCore,
  FakeSocket,
  event,
  granted,
  options,
  refused,
  registration,
  status,
  turn,
  useFakeCore,
} from "./support/fake-core.js";

beforeEach(() => useFakeCore());

/** A phone whose registerPhone has reached the core. */
async function registering(request, more) {
  const phone = new Phone({ ...options, ...more });
  const story = record(phone);
  const promise = phone.registerPhone(request);
  promise.catch(() => {});
  await turn();
  return {
    phone,
    promise,
    story,
    core: FakeCore.made.at(-1),
    server: FakeSocket.made.at(-1),
  };
}

async function registered(more) {
  const all = await registering(undefined, more);
  all.server.say(...granted(1));
  await all.promise;
  all.story.length = 0;
  return all;
}

/** What an app hears, in order. */
function record(phone) {
  const story = [];
  phone.on("status", ({ status }) => story.push(status));
  for (const name of [
    "eDeviceAlreadyRegistered",
    "eConnectionTerminated",
    "eDeviceNotAuthorised",
  ])
    phone.on(name, () => story.push(`on ${name}`));
  phone.on("error", ({ code }) => story.push(`error ${code}`));
  return story;
}

const code = (code) => (error) => {
  assert.equal(error.name, "PhoneError");
  assert.equal(error.code, code);
  return true;
};

describe("registerPhone", () => {
  test("resolves with the registration, after the status", async () => {
    const { phone, promise, story, server } = await registering();
    promise.then(() => story.push("resolved"));
    assert.equal(phone.status, "eRegistering");
    server.say(...granted(1));
    assert.deepEqual(await promise, registration);
    assert.deepEqual(story, ["eRegistering", "eReady", "resolved"]);
    assert.equal(phone.ready, true);
    assert.equal(phone.registration.expires, 120);
    assert.ok(Object.isFrozen(phone.registration), "it is told, not asked");
  });

  test("the wasm could not be loaded: the same phone may try again", async () => {
    let offline = true;
    const source = () => {
      if (offline) throw new Error("offline");
      return EMPTY;
    };
    provide({ wasm: source }, async () => FakeCore);
    const { phone, promise, story } = await registering();
    await assert.rejects(promise, code("eInternal"));
    assert.deepEqual(story, ["eRegistering", "eIdle"]);
    offline = false;
    const again = phone.registerPhone();
    await turn();
    FakeSocket.made.at(-1).say(...granted(2));
    assert.deepEqual(await again, registration);
  });

  test("refused: status, event, rejection, in this order", async () => {
    const { phone, promise, story, server } = await registering();
    const elsewhere = { userAgent: "Other", since: 1_700_000_000_000 };
    const heard = [];
    phone.on("eDeviceAlreadyRegistered", (payload) => heard.push(payload));
    promise.catch(() => story.push("rejected"));
    const answer = {
      status: 403,
      reason: "Registration is active for another client",
    };
    server.say(
      ...refused(1, "deviceHeld", {
        ...answer,
        device: "2001",
        elsewhere,
      }),
    );
    await assert.rejects(promise, (error) => {
      assert.deepEqual(error.details, { device: "2001", elsewhere });
      assert.equal(error.status, 403);
      return code("eDeviceAlreadyRegistered")(error);
    });
    assert.deepEqual(heard, [{ device: "2001", elsewhere, ...answer }]);
    assert.deepEqual(story, [
      "eRegistering",
      "eIdle",
      "on eDeviceAlreadyRegistered",
      "rejected",
    ]);
  });

  test("already registered: the current registration, and no work", async () => {
    const { phone, core } = await registered();
    const again = await phone.registerPhone({ forceRegistration: true });
    assert.deepEqual(again, registration);
    assert.equal(core.given("register").length, 1);
  });

  test("calls that overlap share the work", async () => {
    const { phone, promise, core, server } = await registering();
    const second = phone.registerPhone();
    await turn();
    assert.deepEqual(core.given("register"), [[1, false]]);
    server.say(...granted(1));
    assert.equal(await promise, await second);
  });

  test("a forced call supersedes an unforced one", async () => {
    const { phone, promise, core, server, story } = await registering();
    const forced = phone.registerPhone({ forceRegistration: true });
    await assert.rejects(promise, code("eAborted"));
    await turn();
    assert.deepEqual(core.given("register"), [
      [1, false],
      [2, true],
    ]);
    // The answer to the first attempt comes late, and counts for nothing.
    server.say(event("failed", { attempt: 1, at: "loginRefused" }));
    server.say(...granted(2, { forceRegistration: true }));
    assert.equal((await forced).forceRegistration, true);
    assert.deepEqual(story, ["eRegistering", "eReady"]);
  });

  test("an unforced call joins a forced one", async () => {
    const { phone, promise, server } = await registering({
      forceRegistration: true,
    });
    const second = phone.registerPhone();
    server.say(...granted(1));
    assert.equal(await promise, await second);
  });

  test("forced in the handler of the refusal", async () => {
    const { phone, promise, core, server } = await registering();
    let forced;
    phone.once("eDeviceAlreadyRegistered", () => {
      forced = phone.registerPhone({ forceRegistration: true });
    });
    server.say(...refused(1, "deviceHeld"));
    await assert.rejects(promise, code("eDeviceAlreadyRegistered"));
    await turn();
    server.say(...granted(2));
    await forced;
    assert.deepEqual(core.given("register"), [
      [1, false],
      [2, true],
    ]);
  });

  for (const [name, request] of [
    ["forceRegistration", { forceRegistration: "yes" }],
    ["signal", { signal: {} }],
  ]) {
    test(`a wrong ${name} rejects`, async () => {
      const { promise } = await registering(request);
      await assert.rejects(promise, (error) => {
        assert.equal(error.details.option, name);
        return code("eInvalidArgument")(error);
      });
      assert.equal(FakeCore.made.length, 0);
    });
  }

  test("without any WebSocket class it says which option helps", async () => {
    const original = globalThis.WebSocket;
    delete globalThis.WebSocket;
    try {
      const { phone, promise } = await registering(undefined, {
        WebSocket: undefined,
      });
      await assert.rejects(promise, (error) => {
        assert.equal(error.details.option, "WebSocket");
        return code("eInvalidArgument")(error);
      });
      assert.equal(phone.status, "eIdle");
    } finally {
      if (original) globalThis.WebSocket = original;
    }
  });
});

describe("a connection that the browser forbids", () => {
  let permitted = /localhost/;

  /** A login whose core opens these, in a browser that permits some. */
  async function opening(...urls) {
    const entries = [];
    class Guarded extends FakeSocket {
      readyState = permitted.test(this.url) ? 0 : 3;
    }
    const phone = new Phone({
      ...options,
      connections: urls,
      WebSocket: Guarded,
      log: (entry) => entries.push(entry),
    });
    const story = record(phone);
    const login = phone.registerPhone();
    login.catch(({ message }) => story.push(message));
    await turn();
    const core = FakeCore.made.at(-1);
    const open = (slot, url) => ({ type: "open", slot, generation: 1, url });
    // A command that the core answers so will do.
    core.replies.message = () => urls.map((url, slot) => open(slot, url));
    phone.message("2002", "").catch(() => {});
    return { phone, login, story, core, entries };
  }

  const [one, two] = ["wss://one.example.com/", "wss://two.example.com/?a=b"];

  test("the login fails at once, after the status; another one may try again", async () => {
    const { phone, login, story, core, entries } = await opening(one, two);
    await assert.rejects(login, code("eCouldNotConnect"));
    await turn();
    assert.deepEqual(story.slice(0, 2), ["eRegistering", "eIdle"]);
    assert.match(
      story[2],
      /wss:\/\/two\.example\.com\. Allow it in connect-src/,
    );
    assert.equal(core.given("abort").length, 1);
    assert.deepEqual(
      entries.map(({ level }) => level),
      ["warn", "warn"],
    );
    permitted = /one/;
    const again = phone.registerPhone();
    await turn();
    phone.message("2002", "").catch(() => {});
    await turn();
    FakeSocket.made.at(-2).say(...granted(2));
    await again;
  });

  test("while there is another one, it is tried", async () => {
    permitted = /two|localhost/;
    const { login, entries } = await opening(one, two);
    await turn();
    assert.equal(entries.length, 1);
    FakeSocket.made.at(-1).say(...granted(1));
    await login;
  });
});

describe("an AbortSignal", () => {
  test("rejects at once, and makes the core undo", async () => {
    const controller = new AbortController();
    const { promise, core, phone } = await registering({
      signal: controller.signal,
    });
    controller.abort("the user left");
    await assert.rejects(promise, (error) => {
      assert.equal(error.cause, "the user left");
      return code("eAborted")(error);
    });
    assert.equal(core.given("abort").length, 1);
    assert.equal(phone.status, "eIdle");
  });

  test("aborted before: nothing is begun", async () => {
    const { promise } = await registering({ signal: AbortSignal.abort() });
    await assert.rejects(promise, code("eAborted"));
    assert.equal(FakeCore.made.length, 0);
  });

  test("aborted before the core is loaded: nothing is sent", async () => {
    const controller = new AbortController();
    const phone = new Phone(options);
    const promise = phone.registerPhone({ signal: controller.signal });
    controller.abort();
    await assert.rejects(promise, code("eAborted"));
    await turn();
    assert.equal(FakeCore.made.length, 0);
    assert.equal(phone.status, "eIdle");
  });

  test("gives up one of two calls; the work goes on for the other", async () => {
    const controller = new AbortController();
    const { phone, promise, core, server } = await registering({
      signal: controller.signal,
    });
    const second = phone.registerPhone();
    controller.abort();
    await assert.rejects(promise, code("eAborted"));
    assert.equal(core.given("abort").length, 0);
    server.say(...granted(1));
    assert.deepEqual(await second, registration);
  });

  test("after the call has settled it does nothing", async () => {
    const controller = new AbortController();
    const { promise, core, server } = await registering({
      signal: controller.signal,
    });
    server.say(...granted(1));
    await promise;
    controller.abort();
    assert.equal(core.given("abort").length, 0);
  });
});

describe("unregisterPhone", () => {
  test("resolves when the core is done", async () => {
    const { phone, core, server, story } = await registered();
    core.replies.unregister = () => [];
    const promise = phone.unregisterPhone();
    assert.equal(phone.unregisterPhone(), promise);
    assert.equal(core.given("unregister").length, 1);
    server.say(status("eIdle"), event("unregistered"));
    await promise;
    assert.deepEqual(story, ["eIdle"]);
  });

  test("before any registration it has nothing to do", async () => {
    await new Phone(options).unregisterPhone();
    assert.equal(FakeCore.made.length, 0);
  });

  test("rejects the registerPhone that is pending", async () => {
    const { phone, promise, core } = await registering();
    await phone.unregisterPhone();
    await assert.rejects(promise, code("eAborted"));
    assert.equal(core.given("unregister").length, 1);
    assert.equal(phone.status, "eIdle");
  });

  test("a registerPhone meanwhile waits for its end", async () => {
    const { phone, core, server } = await registered();
    core.replies.unregister = () => [];
    const leaving = phone.unregisterPhone();
    const coming = phone.registerPhone();
    await turn();
    assert.deepEqual(core.given("register"), [[1, false]]);
    server.say(status("eIdle"), event("unregistered"));
    await leaving;
    await turn();
    assert.deepEqual(core.given("register"), [
      [1, false],
      [2, false],
    ]);
    server.say(...granted(2, { expires: 60 }));
    assert.equal((await coming).expires, 60);
  });
});

describe("close", () => {
  test("unregisters, closes the sockets, frees the core; idempotent", async () => {
    const { phone, core, server } = await registered();
    const promise = phone.close();
    assert.equal(phone.close(), promise);
    await promise;
    assert.equal(core.given("close").length, 1);
    assert.ok(core.freed);
    assert.ok(server.closed);
    assert.equal(phone.status, "eIdle");
  });

  test("rejects the registerPhone that is pending", async () => {
    const { phone, promise } = await registering();
    await phone.close();
    await assert.rejects(promise, code("eAborted"));
  });

  test("while the core is being loaded: none is made", async () => {
    const phone = new Phone(options);
    const promise = phone.registerPhone();
    promise.catch(() => {});
    await phone.close();
    await assert.rejects(promise, code("eAborted"));
    await turn();
    assert.equal(FakeCore.made.length, 0);
  });

  test("of a phone that never did anything", () => new Phone(options).close());

  test("inside a listener that is called from the core", async () => {
    const { phone, core, server } = await registering();
    let closing;
    phone.on("eDeviceAlreadyRegistered", () => (closing = phone.close()));
    server.say(...refused(1, "deviceHeld"));
    await closing;
    assert.ok(core.freed);
  });

  test("afterwards registerPhone says what to do", async () => {
    const phone = new Phone(options);
    await phone.close();
    await assert.rejects(phone.registerPhone(), code("eInvalidState"));
    await phone.unregisterPhone();
  });
});

describe("being taken over", () => {
  test("status, then the event; nothing more until registerPhone", async () => {
    const { phone, core, server, story } = await registered();
    const heard = [];
    phone.on("eConnectionTerminated", (payload) => heard.push(payload));
    const by = { userAgent: "Other" };
    server.say(
      status("eConnectionTerminated"),
      event("terminated", { reason: "takenOver", by }),
    );
    assert.deepEqual(heard, [
      {
        reason: "takenOver",
        message: "You logged in elsewhere: Other. Here you are logged out.",
        by,
      },
    ]);
    assert.deepEqual(story, [
      "eConnectionTerminated",
      "on eConnectionTerminated",
    ]);
    assert.equal(phone.registration, null);
    const again = phone.registerPhone();
    await turn();
    assert.deepEqual(core.given("register").at(-1), [2, false]);
    server.say(...granted(2));
    await again;
  });

  for (const [reason, by, said] of [
    ["takenOver", {}, "You logged in elsewhere."],
    [
      "refused",
      { userAgent: "Other (x)" },
      "You logged in elsewhere: Other (x).",
    ],
    ["sameBrowser", {}, "You logged in in another tab of this browser."],
    ["rivalReturned", {}, "A phone that you had logged out logged in again."],
    ["of another release", {}, "You logged in elsewhere."],
  ])
    test(`a sentence to show: ${reason}`, async () => {
      const { phone, server } = await registered();
      const told = new Promise((resolve) =>
        phone.once("eConnectionTerminated", resolve),
      );
      server.say(event("terminated", { reason, by }));
      const { message } = await told;
      assert.equal(message, `${said} Here you are logged out.`);
    });

  test("while a registerPhone is pending: it does not hang", async () => {
    const { promise, server } = await registering();
    server.say(
      status("eConnectionTerminated"),
      event("terminated", { reason: "regEvent", by: {} }),
    );
    await assert.rejects(promise, code("eDeviceAlreadyRegistered"));
  });
});

describe("a device that is not authorised", () => {
  const answer = { status: 403, reason: "Device not authorised" };
  const told = {
    device: "2001",
    ...answer,
    message:
      "The registrar does not accept this device (403). Let it in on another device of the " +
      "user, or ask the administrator.",
  };

  test("a login: status, event, rejection, in this order", async () => {
    const { phone, promise, story, server } = await registering();
    const heard = [];
    phone.on("eDeviceNotAuthorised", (payload) => heard.push(payload));
    promise.catch(() => story.push("rejected"));
    server.say(...refused(1, "notAuthorised", answer));
    await assert.rejects(promise, (error) => {
      assert.equal(error.status, 403);
      assert.equal(error.reason, answer.reason);
      return code("eDeviceNotAuthorised")(error);
    });
    assert.deepEqual(heard, [told]);
    assert.deepEqual(story, [
      "eRegistering",
      "eIdle",
      "on eDeviceNotAuthorised",
      "rejected",
    ]);
  });

  test("cut off while registered: status, then the event, and nothing more", async () => {
    const { phone, core, server, story } = await registered();
    const heard = [];
    phone.on("eDeviceNotAuthorised", (payload) => heard.push(payload));
    server.say(
      status("eDeviceNotAuthorised"),
      event("error", { at: "notAuthorised", ...answer }),
    );
    assert.deepEqual(heard, [told]);
    assert.deepEqual(story, [
      "eDeviceNotAuthorised",
      "on eDeviceNotAuthorised",
    ]);
    assert.equal(phone.registration, null);
    await turn();
    assert.equal(core.given("register").length, 1);
    const again = phone.registerPhone();
    await turn();
    assert.deepEqual(core.given("register").at(-1), [2, false]);
    assert.equal(phone.status, "eRegistering");
    server.say(...granted(2));
    await again;
  });
});

test("an error outside a promise: an event, which needs no listener", async () => {
  const { server, story } = await registered();
  const error = event("error", { at: "removed" });
  server.say(error);
  assert.deepEqual(story, ["error eServerRejected"]);

  const unheard = new Phone(options);
  const promise = unheard.registerPhone();
  await turn();
  FakeSocket.made.at(-1).say(error, ...granted(1));
  await promise;
});

test("a command that the core does not take leaves nobody waiting", async () => {
  const phone = new Phone(options);
  const first = phone.registerPhone();
  await turn();
  const [core] = FakeCore.made;
  FakeSocket.made[0].say(...granted(1));
  await first;
  core.takes = () => false;
  await phone.unregisterPhone();
  const fault = { code: "eInternal", message: /"register"/ };
  FakeSocket.made[0].say(status("eIdle"));
  await assert.rejects(phone.registerPhone(), fault);
  await phone.close();
});

describe("the credentials callback", () => {
  const ask = event("credentials", {
    id: 7,
    scheme: "bearer",
    realm: "example.com",
    authzServer: "https://auth.example.com",
  });

  test("is asked, and its answer handed on", async () => {
    const challenges = [];
    const { core, server } = await registering(undefined, {
      credentials: async (challenge) => {
        challenges.push(challenge);
        return { token: "abc" };
      },
    });
    assert.equal(core.options.hasCredentials, true);
    server.say(ask);
    await turn();
    assert.deepEqual(challenges, [
      {
        scheme: "bearer",
        realm: "example.com",
        authzServer: "https://auth.example.com",
      },
    ]);
    assert.deepEqual(core.given("credentials"), [[7, { token: "abc" }]]);
  });

  test("that says that the device was revoked: so is the core told", async () => {
    const { core, server } = await registering(undefined, {
      credentials: async () => {
        throw new PhoneError("eDeviceNotAuthorised", "revoked");
      },
    });
    server.say(ask);
    await turn();
    assert.deepEqual(core.given("credentials"), [[7, { cutOff: true }]]);
  });

  for (const [title, credentials] of [
    ["rejects", async () => Promise.reject(new Error("no session"))],
    ["throws", () => assert.fail("no session")],
    ["gives nothing", async () => undefined],
    ["gives a line break", async () => ({ password: "a\r\nb" })],
  ]) {
    test(`that ${title}: the core is told, the error is the cause`, async () => {
      const { promise, core, server } = await registering(undefined, {
        credentials,
      });
      server.say(ask);
      await turn();
      assert.deepEqual(core.given("credentials"), [[7, null]]);
      server.say(...refused(1, "noCredentials", { status: 401 }));
      await assert.rejects(promise, (error) => {
        assert.ok(error.cause instanceof Error);
        return code("eCredentialsRejected")(error);
      });
    });
  }
});

test("sip events, and the trace in the log", async () => {
  const entries = [];
  const { phone, core, server } = await registering(undefined, {
    trace: true,
    log: (entry) => entries.push(entry),
  });
  assert.equal(core.options.trace, true);
  const traces = [];
  phone.on("sip", (trace) => traces.push(trace));
  const message = "REGISTER sip:example.com SIP/2.0";
  server.say({ type: "trace", direction: "sent", slot: 0, message });
  assert.equal(traces[0].message, message);
  assert.equal(traces[0].direction, "sent");
  assert.ok(Math.abs(traces[0].at - Date.now()) < 60_000);
  assert.deepEqual(entries, [
    { level: "debug", message: "SIP sent", sip: message },
  ]);
});

test("a sip listener alone makes the core trace", async () => {
  const phone = new Phone(options);
  phone.on("sip", () => {});
  phone.registerPhone().catch(() => {});
  await turn();
  assert.equal(FakeCore.made[0].options.trace, true);
  useFakeCore();
  new Phone(options).registerPhone().catch(() => {});
  await turn();
  assert.equal(FakeCore.made[0].options.trace, false);
});
