// The whole product in Node: phones, wasm, real WebSockets, the test registrar.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { PhoneError } from "graceline";
import { MemoryStorage } from "./support/fake-page.js";
import { becomes, next, password, setUp } from "./support/line.js";

test("register, unregister, register again, close", async (t) => {
  const { registrar, phone } = await setUp(t);
  const alice = phone({ userAgent: "Alice/1.0" });
  const registration = await alice.registerPhone();
  assert.deepEqual(
    { ...registration },
    {
      user: "2001",
      domain: "example.test",
      device: "CSFALICE",
      instanceId: alice.instanceId,
      mode: "SoftPhone",
      connection: registrar.url,
      expires: 120,
      forceRegistration: false,
      profile: "cisco",
      conflictDetection: "full",
    },
  );
  assert.equal(alice.registration, registration);
  const [binding, ...more] = registrar.bindings("2001");
  assert.equal(more.length, 0);
  assert.equal(binding.device, "CSFALICE");
  assert.equal(binding.userAgent, "Alice/1.0");

  await alice.unregisterPhone();
  assert.equal(alice.status, "eIdle");
  assert.deepEqual(registrar.bindings("2001"), []);
  await alice.registerPhone();
  assert.equal(registrar.bindings("2001").length, 1);
  await alice.close();
  assert.deepEqual(registrar.bindings("2001"), []);
});

for (const [how, registrarOptions, profile] of [
  ["cisco", {}, "auto"],
  ["generic, by its Warning", {}, "generic"],
  ["generic, any registrar", { policy: "normal", dialect: "rfc3261" }, "auto"],
  ["generic, Kamailio", { policy: "normal", dialect: "kamailio" }, "auto"],
  ["generic, Asterisk", { policy: "normal", dialect: "asterisk" }, "auto"],
  ["generic, OpenSIPS", { policy: "normal", dialect: "opensips" }, "auto"],
]) {
  describe(`the same device elsewhere (${how})`, () => {
    test("refused, nothing taken over", async (t) => {
      const { registrar, phone } = await setUp(t, registrarOptions);
      const first = phone({ profile, userAgent: "First" });
      const second = phone({ profile });
      await first.registerPhone();
      const before = registrar.bindings("2001").map(({ contact }) => contact);
      const told = next(second, "eDeviceAlreadyRegistered");
      await assert.rejects(second.registerPhone(), (error) => {
        assert.ok(PhoneError.is(error, "eDeviceAlreadyRegistered"));
        assert.equal(error.details.device, "CSFALICE");
        return true;
      });
      assert.equal((await told).device, "CSFALICE");
      assert.equal(second.status, "eIdle");
      assert.equal(first.ready, true);
      const after = registrar.bindings("2001").map(({ contact }) => contact);
      assert.deepEqual(after, before);
    });

    // A generic force removes what the listing shows; there it shows nothing.
    if (profile === "generic") return;

    test("forced, it takes over, and the other is told at once", async (t) => {
      const { registrar, phone } = await setUp(t, registrarOptions);
      const [first, second] = [phone({ profile }), phone({ profile })];
      await first.registerPhone();
      const told = next(first, "eConnectionTerminated");
      const registration = await second.registerPhone({
        forceRegistration: true,
      });
      assert.equal(registration.forceRegistration, true);
      assert.equal(second.ready, true);
      await told;
      assert.equal(first.status, "eConnectionTerminated");
      // On Asterisk the ousted phone removes its binding itself.
      while (registrar.bindings("2001").length > 1)
        await next(registrar, "bindings");
      assert.equal(registrar.bindings("2001").length, 1);
    });
  });
}

test("the refusal says who holds the device", async (t) => {
  const { phone } = await setUp(t);
  await phone({ userAgent: "The other one" }).registerPhone();
  await assert.rejects(
    phone().registerPhone(),
    ({ details, status, reason }) => {
      assert.equal(status, 403);
      assert.equal(reason, "Registration is active for another client");
      assert.equal(details.elsewhere.userAgent, "The other one");
      assert.ok(Math.abs(details.elsewhere.since - Date.now()) < 60_000);
      return true;
    },
  );
});

for (const telling of ["service-control", "reg-event", "close"]) {
  test(`the ousted phone is told by ${telling}, once, and is silent`, async (t) => {
    const { phone, trace } = await setUp(t, {
      tellOusted: [telling, "refresh"],
    });
    const [first, second] = [phone(), phone()];
    const story = [];
    first.on("status", ({ status }) => story.push(status));
    first.on("eConnectionTerminated", () => story.push("told"));
    await first.registerPhone();
    story.length = 0;
    const told = next(first, "eConnectionTerminated");
    await second.registerPhone({ forceRegistration: true });
    const { reason } = await told;
    assert.equal(typeof reason, "string");
    assert.deepEqual(story.slice(-2), ["eConnectionTerminated", "told"]);
    assert.equal(first.ready, false);
    assert.equal(first.registration, null);

    // Round trips of the second give the first the occasion to misbehave.
    const seen = trace.length;
    await second.unregisterPhone();
    await second.registerPhone();
    const senders = trace
      .slice(seen)
      .filter(({ message }) => message.startsWith("REGISTER"))
      .map(({ connection }) => connection);
    assert.ok(senders.length > 0);
    assert.ok(!senders.includes(1), "the ousted phone sent a REGISTER");
    assert.equal(story.filter((what) => what === "told").length, 1);
    assert.equal(second.ready, true);
  });
}

test("devices of one user do not conflict", async (t) => {
  const { registrar, phone } = await setUp(t);
  await phone({ device: "CSFALICE" }).registerPhone();
  await phone({ device: "TABALICE" }).registerPhone();
  assert.equal(registrar.bindings("2001").length, 2);
});

test("type duplicate takes over without asking, and is told", async (t) => {
  const { phone } = await setUp(t, { policy: "duplicate" });
  const first = phone({ registrationType: "duplicate" });
  await first.registerPhone();
  const told = next(first, "eConnectionTerminated");
  await phone({ registrationType: "duplicate" }).registerPhone();
  await told;
});

test("a reloaded page is the same client, and knows its nonce", async (t) => {
  const { registrar, phone, requests } = await setUp(t);
  const storage = new MemoryStorage();
  const page = phone({ storage });
  await page.registerPhone();
  const cold = requests("REGISTER").length;
  // Its successor comes while the binding of the first is still there.
  const reloaded = phone({ storage });
  await reloaded.registerPhone();
  assert.equal(reloaded.instanceId, page.instanceId);
  assert.ok(requests("REGISTER").length - cold <= cold);
  assert.equal(registrar.bindings("2001").length, 1);
  assert.doesNotMatch([...storage.items].join(), new RegExp(password));
});

test("a lost connection is no takeover: the phone comes back by itself", async (t) => {
  const { registrar, phone } = await setUp(t);
  const alice = phone();
  await alice.registerPhone();
  alice.on("eConnectionTerminated", () => assert.fail("no takeover"));
  const away = becomes(alice, "eRecoveryPending");
  const back = becomes(alice, "eReady");
  registrar.disconnect();
  await away;
  await back;
  assert.equal(registrar.bindings("2001").length, 1);
});

describe("credentials", () => {
  test("a wrong password is rejected without a storm of retries", async (t) => {
    const { phone, requests } = await setUp(t);
    const alice = phone({ password: "guess" });
    await assert.rejects(alice.registerPhone(), {
      code: "eCredentialsRejected",
    });
    assert.ok(requests("REGISTER").length <= 3, `${requests("REGISTER")}`);
    assert.equal(alice.status, "eIdle");
  });

  test("from the callback; asked once", async (t) => {
    const { phone } = await setUp(t);
    const challenges = [];
    const alice = phone({
      password: undefined,
      credentials: async (challenge) => {
        challenges.push(challenge);
        return { password };
      },
    });
    await alice.registerPhone();
    assert.deepEqual(challenges, [{ scheme: "digest", realm: "example.test" }]);
  });

  test("a callback that fails", async (t) => {
    const { phone } = await setUp(t);
    const alice = phone({
      password: undefined,
      credentials: () => Promise.reject(new Error("session over")),
    });
    await assert.rejects(alice.registerPhone(), (error) => {
      assert.equal(error.code, "eCredentialsRejected");
      assert.equal(error.cause.message, "session over");
      return true;
    });
  });

  test("a callback's own time does not count", async (t) => {
    const { phone } = await setUp(t);
    const alice = phone({
      timeout: 200,
      password: undefined,
      credentials: () =>
        new Promise((resolve) => setTimeout(resolve, 400, { password })),
    });
    await alice.registerPhone();
  });

  for (const algorithms of [
    ["MD5"],
    ["SHA-256"],
    ["SHA-512-256"],
    ["MD5", "SHA-256"],
    ["SHA-256", "MD5"],
  ])
    test(`digest with ${algorithms}`, async (t) => {
      const { phone } = await setUp(t, { algorithms });
      await phone().registerPhone();
    });

  test("an HA1, and another digest username", async (t) => {
    const { phone } = await setUp(t, {
      algorithms: ["MD5"],
      users: { 2001: { password, authUser: "alice" } },
    });
    const ha1 = createHash("md5")
      .update(`alice:example.test:${password}`)
      .digest("hex");
    await phone({
      password: undefined,
      ha1,
      authUser: "alice",
    }).registerPhone();
  });

  test("an expired nonce is no wrong password", async (t) => {
    const { registrar, phone } = await setUp(t);
    const alice = phone();
    await alice.registerPhone();
    registrar.forget();
    await alice.unregisterPhone();
    await alice.registerPhone();
  });
});

describe("the registrar says no", () => {
  for (const [answer, code] of [
    [{ status: 404, reason: "Not Found" }, "eServerRejected"],
    [{ status: 403, reason: "Forbidden" }, "eServerRejected"],
    [
      { status: 503, reason: "Busy", headers: { "Retry-After": "3600" } },
      "eServerRejected",
    ],
    [{ status: 603, reason: "Too Many Contacts" }, "eDeviceLimitReached"],
  ])
    test(`${answer.status} ${answer.reason}: ${code}`, async (t) => {
      const { phone } = await setUp(t, {
        faults: { answerRegister: Array(9).fill(answer) },
      });
      await assert.rejects(phone().registerPhone(), (error) => {
        assert.equal(error.code, code);
        assert.equal(error.status, answer.status);
        assert.equal(error.reason, answer.reason);
        return true;
      });
    });

  test("503 with a short Retry-After is waited for", async (t) => {
    const headers = { "Retry-After": "1" };
    const { phone } = await setUp(t, {
      faults: { answerRegister: [{ status: 503, reason: "Busy", headers }] },
    });
    await phone().registerPhone();
  });

  test("an interval too short is corrected", async (t) => {
    const { phone } = await setUp(t, { minExpires: 90 });
    const { expires } = await phone({ expires: 20 }).registerPhone();
    assert.ok(expires >= 90);
  });

  test("an unknown user", async (t) => {
    const { phone } = await setUp(t);
    await assert.rejects(phone({ user: "9999" }).registerPhone(), (error) =>
      ["eCredentialsRejected", "eServerRejected"].includes(error.code),
    );
  });
});

test("aborted while the registrar is silent; then it works", async (t) => {
  const { registrar, phone } = await setUp(t);
  registrar.configure({ faults: { silent: true } });
  const controller = new AbortController();
  const alice = phone();
  const connected = new Promise((resolve) =>
    alice.on("transport", ({ state }) => state === "connected" && resolve()),
  );
  const promise = alice.registerPhone({ signal: controller.signal });
  await connected;
  controller.abort(new Error("enough"));
  await assert.rejects(promise, (error) => {
    assert.equal(error.cause.message, "enough");
    return error.code === "eAborted";
  });
  registrar.configure({ faults: {} });
  await alice.registerPhone();
});

test("a listener may unregister in the middle of it all", async (t) => {
  const { registrar, phone } = await setUp(t);
  const alice = phone();
  let left;
  alice.on("status", ({ ready }) => {
    if (ready) left = alice.unregisterPhone();
  });
  await assert.rejects(alice.registerPhone(), { code: "eAborted" });
  await left;
  assert.deepEqual(registrar.bindings("2001"), []);
});

test("no secret reaches the log, the sip events or the registrar's trace", async (t) => {
  const { phone, trace } = await setUp(t, { algorithms: ["MD5"] });
  const entries = [];
  const alice = phone({
    trace: true,
    log: (entry) => entries.push(entry),
    displayName: "Alice",
  });
  alice.on("sip", (entry) => entries.push(entry));
  await alice.registerPhone();
  await assert.rejects(
    phone({ trace: true, log: (entry) => entries.push(entry) }).registerPhone(),
  );
  await alice.close();
  assert.ok(entries.some(({ message }) => message.startsWith("REGISTER")));
  const ha1 = createHash("md5").update(`2001:example.test:${password}`);
  const text = JSON.stringify([entries, trace]);
  for (const secret of [password, ha1.digest("hex")])
    assert.ok(!text.includes(secret));
  assert.doesNotMatch(
    text,
    /response=\\?"?[0-9a-f]{8}|nonce=\\?"?[0-9a-f]{4}/i,
  );
});
