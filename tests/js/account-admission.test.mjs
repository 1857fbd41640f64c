// What a phone logs in with where its device has an account: which credentials, when they
// are renewed, and what stands in for them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PhoneError } from "graceline/account";
import { Admission } from "../../js/account/admission.js";
import { Emitter, emit } from "../../js/phone/events.js";

const DIGEST = { scheme: "digest", realm: "example.test" };

/** The service: gives `device-1`, `device-2` …, or what `fault` says. */
function setUp(more, { hasKey = true } = {}) {
  const state = { authorised: 0, given: 0, fault: undefined };
  const account = {
    async authorise(device) {
      state.authorised++;
      return { ...device, ...(hasKey && { this: true }) };
    },
    async sipCredentials() {
      if (state.fault) throw new PhoneError(state.fault, state.fault);
      const username = `device-${++state.given}`;
      const { realm } = DIGEST;
      return { username, password: "p", realm, expiresIn: 3600 };
    },
  };
  const phone = Object.assign(new Emitter(), { instanceId: "urn:uuid:1" });
  const told = [];
  const link = { tell: (...args) => told.push(args) };
  const settings = { user: "2001", password: "secret", account, ...more };
  const admission = new Admission(phone, settings, link);
  return { ...{ admission, account, phone, settings, state, told } };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("credentials", () => {
  test("are the device's; the core never has the user's password", async () => {
    const { admission, settings } = setUp();
    assert.equal(settings.password, undefined);
    await admission.admit();
    assert.deepEqual(await settings.credentials(DIGEST), {
      username: "device-1",
      password: "p",
    });
    admission.close();
  });

  test("are renewed before they end, again and again", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { admission, settings, state, told } = setUp();
    await admission.admit();
    await settings.credentials(DIGEST);
    for (const number of [2, 3]) {
      t.mock.timers.tick(55 * 60_000 - 1);
      await settle();
      assert.equal(state.given, number - 1);
      t.mock.timers.tick(1);
      await settle();
      const renewed = { username: `device-${number}`, password: "p" };
      assert.deepEqual(told.at(-1), [
        "renewCredentials",
        "example.test",
        renewed,
      ]);
    }
    // The service is away for a while.
    state.fault = "eCouldNotConnect";
    t.mock.timers.tick(55 * 60_000);
    await settle();
    state.fault = undefined;
    t.mock.timers.tick(60_000);
    await settle();
    assert.equal(told.at(-1)[2].username, "device-4");
    admission.close();
    t.mock.timers.tick(7_200_000);
    await settle();
    assert.equal(state.given, 4);
  });

  test("that were refused are not given again", async () => {
    const { admission, settings } = setUp();
    await admission.admit();
    const names = [];
    for (let times = 0; times < 3; times++)
      names.push((await settings.credentials(DIGEST)).username);
    assert.deepEqual(names, ["device-1", "device-2", "device-3"]);
    admission.close();
  });

  for (const [what, how] of [
    ["another realm", { challenge: { scheme: "digest", realm: "elsewhere" } }],
    ["a service that is away", { fault: "eOutOfService" }],
    ["a service that gives none", { fault: "eForbidden" }],
    ["a device without a key", { hasKey: false }],
  ])
    test(`${what}: the password, or what the app's callback gives`, async () => {
      const { challenge = DIGEST, fault, hasKey } = how;
      const app = { username: "app", password: "x" };
      for (const [more, expected] of [
        [{}, { username: "2001", password: "secret" }],
        [{ authUser: "a2001" }, { username: "a2001", password: "secret" }],
        [{ credentials: () => app }, app],
      ]) {
        const { admission, settings, state } = setUp(more, { hasKey });
        await admission.admit();
        state.fault = fault;
        assert.deepEqual(await settings.credentials(challenge), expected);
        admission.close();
      }
    });

  test("without any: why", async () => {
    const { admission, settings, state } = setUp({ password: undefined });
    await admission.admit();
    state.fault = "eOutOfService";
    await assert.rejects(settings.credentials(DIGEST), {
      code: "eOutOfService",
    });
    const bearer = { scheme: "bearer", realm: "example.test" };
    await assert.rejects(settings.credentials(bearer), {
      code: "eCredentialsRejected",
    });
  });

  test("of a revoked device are not replaced by the password", async () => {
    const { admission, settings, state } = setUp();
    await admission.admit();
    state.fault = "eDeviceNotAuthorised";
    await assert.rejects(settings.credentials(DIGEST), {
      code: "eDeviceNotAuthorised",
    });
  });
});

test("a device is authorised once, and again after it was cut off", async () => {
  const { admission, phone, state } = setUp();
  await admission.admit();
  await admission.admit();
  assert.equal(state.authorised, 1);
  emit(phone, "eDeviceNotAuthorised", {});
  await admission.admit();
  assert.equal(state.authorised, 2);
});
