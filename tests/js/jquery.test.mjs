// The jQuery plug-in without a page: in which order a login calls back and tells events. What
// needs a real jQuery is in ../browser/jquery.test.mjs.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { CwicPage, readyPage, rival, URL_A } from "../support/cwic-page.mjs";
import { failure, FakePhone } from "../support/fake-phone.mjs";

describe("a login", () => {
  beforeEach(() => FakePhone.reset());

  test("init: the status, then ready with nothing taken from anywhere", async () => {
    /** @type {unknown[]} */
    const answers = [];
    const page = new CwicPage({
      ready: (/** @type {unknown[]} */ ...args) => answers.push(...args),
    });
    assert.deepEqual(
      page.story,
      [],
      "not before the page had a chance to bind its handlers",
    );
    await page.until("system.cwic eIdle");
    await Promise.resolve();
    assert.deepEqual(answers, [{}, false, "SoftPhone"]);
  });

  test("success, then eReady; once", async () => {
    const page = new CwicPage();
    await page.until("system.cwic eIdle");
    assert.equal(page.register(), "#login");
    const story = await page.until("system.cwic eReady");
    assert.deepEqual(story, [
      "system.cwic eRegistering",
      "success",
      "system.cwic eReady",
    ]);

    const [phone] = FakePhone.made;
    assert.deepEqual(
      [
        phone.options.user,
        phone.options.domain,
        phone.options.device,
        phone.options.connections,
      ],
      ["2001", "127.0.0.1", "ecp2001", [URL_A]],
    );
    assert.deepEqual(phone.calls, [{ forceRegistration: false }]);

    const event = page.events.at(-1);
    assert.equal(event.target, "#phone");
    assert.equal(event.phone.ready, true);
    assert.equal(event.phone.registration.device.name, "ecp2001");
    assert.equal(event.phone.registration.device.inService, true);
    assert.equal(event.phone.registration.line.directoryNumber, "2001");

    const { password, devices, ...registration } = page.registered;
    assert.deepEqual(Object.keys(devices), ["ecp2001"]);
    assert.equal(password.cipher, "cucm");
    assert.equal(registration.user, "2001");
    assert.equal(registration.mode, "SoftPhone");
    assert.deepEqual(registration.cucm, [URL_A]);
    assert.deepEqual(registration.successfulCucm, { tftp: URL_A, cti: "" });
    assert.deepEqual(
      [registration.forceRegistration, registration.authenticate],
      [false, false],
    );

    phone.become("eRecoveryPending");
    phone.become("eReady");
    assert.deepEqual(page.story, [
      "system.cwic eRecoveryPending",
      "system.cwic eReady",
    ]);
  });

  test("no password leaves the page's own hands", async () => {
    const page = await readyPage({ verbose: true }, { password: "secret" });
    await page.session.unregisterPhone({ forceLogout: true });
    await page.until("system.cwic eIdle");
    const told = JSON.stringify([
      page.events,
      page.registered,
      page.logged,
      page.session.about(),
    ]);
    assert.equal(told.includes("secret"), false);
  });

  test("the handle of an earlier login logs in again", async () => {
    const page = await readyPage();
    const { password } = page.registered;
    page.session.unregisterPhone({ forceLogout: true });
    await page.until("system.cwic eIdle");
    page.register({ password });
    await page.until("success");
    assert.equal(FakePhone.made[1].options.password, "secret");
  });

  test("a conflict: the error callback, then eIdle; force takes over", async () => {
    const other = await rival();
    const page = new CwicPage();
    await page.until("system.cwic eIdle");
    page.register();
    assert.deepEqual(await page.until("system.cwic eIdle"), [
      "system.cwic eRegistering",
      "error 20",
      "system.cwic eIdle",
    ]);
    const { registration, ...error } = page.error;
    assert.deepEqual(error, {
      code: 20,
      message: "Login Error",
      details: [
        "eDeviceAlreadyRegistered",
        "This device is logged in elsewhere.",
        "Registration is active for another client",
      ],
      nativeError: "eDeviceAlreadyRegistered",
      status: 403,
      reason: "Registration is active for another client",
      device: "ecp2001",
      elsewhere: { userAgent: "Other/1 <b>" },
    });
    assert.equal(registration.user, "2001");
    assert.equal(other.status, "eReady");

    page.register({ forceRegistration: true });
    await page.until("system.cwic eReady");
    assert.equal(page.registered.forceRegistration, true);
    assert.equal(other.status, "eConnectionTerminated");
  });

  test("a conflict in the 11.0 profile", async () => {
    await rival();
    const page = new CwicPage({ compatibility: 11 });
    page.register();
    await page.until("error CannotConnectToServer");
    assert.equal(page.error.message, "Cannot connect to CUCM server");
    assert.equal(page.error.details[0], "eDeviceAlreadyRegistered");
    assert.equal(page.error.nativeError, "eDeviceAlreadyRegistered");
  });

  test("without a callback the error is an event", async () => {
    await rival();
    const page = new CwicPage();
    page.register({ error: undefined });
    await page.until("error.cwic 20");
    const event = page.events.find(({ name }) => name === "error.cwic");
    const { target, code, message, details } = event;
    assert.deepEqual([target, code, message], ["#phone", 20, "Login Error"]);
    assert.equal(details[0], "eDeviceAlreadyRegistered");
  });

  test("taken over: told once, silent until the page logs out", async () => {
    const page = await readyPage();
    await rival();
    assert.deepEqual(page.story.splice(0), [
      "system.cwic eConnectionTerminated",
      "eConnectionTerminated.cwic eConnectionTerminated",
    ]);
    const [system, extension] = page.events.slice(-2);
    assert.equal(system.phone.ready, false);
    assert.equal(system.phone.registration.user, "2001");
    assert.equal(system.phone.registration.device.inService, false);
    assert.deepEqual(
      [extension.reason, extension.message, extension.by],
      ["forced", "You logged in elsewhere: Other/1.", { userAgent: "Other/1" }],
    );

    page.session.unregisterPhone({ complete: () => page.tell("complete") });
    assert.deepEqual(await page.until("complete"), [
      "data cleared",
      "complete",
    ]);

    page.session.unregisterPhone({
      forceLogout: true,
      complete: () => page.tell("complete"),
    });
    assert.deepEqual(await page.until("system.cwic eIdle"), [
      "data cleared",
      "complete",
      "system.cwic eIdle",
    ]);
    assert.deepEqual(page.events.at(-1).phone.registration, { devices: {} });
    assert.equal(FakePhone.made[0].calls.length, 1, "no further REGISTER");
  });

  test("a page that logs out inside the event, as Cisco's sample does", async () => {
    const page = await readyPage();
    const { trigger } = page.session.host;
    page.session.host.trigger = (target, name, properties) => {
      trigger(target, name, properties);
      const { phone } = /** @type {any} */ (properties);
      if (name === "system.cwic" && phone.status === "eConnectionTerminated") {
        page.session.unregisterPhone({
          forceLogout: true,
          complete: () => page.tell("complete"),
        });
      }
    };
    await rival();
    assert.deepEqual(await page.until("system.cwic eIdle"), [
      "system.cwic eConnectionTerminated",
      "data cleared",
      "eConnectionTerminated.cwic eConnectionTerminated",
      "complete",
      "system.cwic eIdle",
    ]);
    const extension = page.events.find(
      ({ name }) => name === "eConnectionTerminated.cwic",
    );
    assert.equal(extension.phone.registration.user, "2001", "what was lost");
  });

  test("a page that logs out inside the error callback, as Cisco's sample does", async () => {
    await rival();
    const page = new CwicPage();
    await page.until("system.cwic eIdle");
    page.register({
      error: () => {
        page.tell("error");
        page.session.unregisterPhone({ forceLogout: true });
      },
    });
    const story = await page.until("system.cwic eIdle");
    assert.deepEqual(story, [
      "system.cwic eRegistering",
      "error",
      "data cleared",
      "system.cwic eIdle",
    ]);
    assert.equal(FakePhone.made[1].closed, 1);
    page.register();
    await page.until("error 20");
    assert.equal(
      page.story.filter((line) => line === "system.cwic eIdle").length,
      0,
    );
  });

  test("a wrong password, an unreadable one, a bad URL", async () => {
    const page = new CwicPage();
    page.register({ password: "wrong" });
    await page.until("error 22");
    assert.equal(page.error.nativeError, "eCredentialsRejected");

    page.register({ password: { cipher: "cucm", encrypted: "never given" } });
    assert.equal(page.error.code, 22);
    assert.match(page.error.details[1], /cannot be read\. Ask the user/);
    assert.equal(page.error.remedy, "Ask the user for the password.");
    assert.equal(FakePhone.made.length, 1);

    page.register({ cucm: "ws://alice:pw@127.0.0.1/" });
    await page.until("error 3");
    assert.equal(page.error.nativeError, "eInvalidArgument");
  });

  test("the error callback also hears of later failures", async () => {
    const page = await readyPage();
    const [phone] = FakePhone.made;
    phone.become("eRecoveryPending");
    phone.emit("error", failure("eServerRejected", "The registrar said no."));
    phone.become("eIdle");
    assert.deepEqual(page.story, [
      "system.cwic eRecoveryPending",
      "error 20",
      "system.cwic eIdle",
    ]);
    assert.equal(page.error.nativeError, "eServerRejected");
  });

  test("a device that is cut off: its status, and the error once", async () => {
    for (const [compatibility, code] of [
      [3, 20],
      [11, "SelectDeviceFailure"],
    ]) {
      FakePhone.reset();
      const page = await readyPage({ compatibility });
      const [phone] = FakePhone.made;
      phone.become("eDeviceNotAuthorised");
      phone.emit("eDeviceNotAuthorised", {
        device: "ecp2001",
        status: 403,
        reason: "Device not authorised",
        message: "Cut off.",
      });
      assert.deepEqual(page.story, [
        "system.cwic eDeviceNotAuthorised",
        `error ${code}`,
      ]);
      assert.equal(page.events.at(-1).phone.ready, false);
      assert.equal(page.error.nativeError, "eDeviceNotAuthorised");
      assert.deepEqual(page.error.details, [
        "eDeviceNotAuthorised",
        "Cut off.",
        "Device not authorised",
      ]);
    }
  });

  test("the phone's warnings are in the page's log, the rest where it wants more", async () => {
    for (const verbose of [false, true]) {
      FakePhone.reset();
      const page = await readyPage({ verbose });
      page.logged.length = 0;
      const [{ options }] = FakePhone.made;
      for (const level of ["debug", "info", "warn", "error"])
        options.log({ level, message: `a ${level}` });
      const told = page.logged.map(([text]) => text.slice("[cwic] a ".length));
      const all = ["debug", "info", "warn", "error"];
      assert.deepEqual(told, verbose ? all : all.slice(2));
    }
  });

  test("callbacks may throw", async () => {
    const page = new CwicPage({
      ready: () => {
        throw new Error("ready");
      },
    });
    page.register({
      success: () => {
        throw new Error("success");
      },
    });
    await page.until("system.cwic eReady");
    const exceptions = page.logged.filter(([text]) =>
      /Exception occurred/.test(text),
    );
    assert.deepEqual(
      exceptions.map(([, exception]) => exception.message),
      ["ready", "success"],
    );
  });

  test("already registered: success at once, no second REGISTER", async () => {
    const page = await readyPage();
    page.register();
    assert.deepEqual(page.story, ["success", "system.cwic eReady"]);
    assert.equal(FakePhone.made.length, 1);
    assert.equal(FakePhone.made[0].calls.length, 1);
  });

  test("another user: the first phone is closed before the second registers", async () => {
    const page = await readyPage();
    page.register({ user: "2002" });
    const story = await page.until("system.cwic eReady");
    assert.deepEqual(story, [
      "system.cwic eRegistering",
      "success",
      "system.cwic eReady",
    ]);
    const [first, second] = FakePhone.made;
    assert.equal(first.closed, 1);
    assert.equal(second.options.device, "ecp2002");
    assert.equal(page.registered.user, "2002");
  });

  test("a second login replaces one under way; only its callbacks are called", async () => {
    let open = () => {};
    FakePhone.gate = new Promise(
      (resolve) => (open = () => resolve(undefined)),
    );
    const page = new CwicPage();
    page.register({
      user: "2009",
      success: () => page.tell("first"),
      error: () => page.tell("first"),
    });
    await page.until("system.cwic eRegistering");
    page.register();
    open();
    assert.equal(
      (await page.until("system.cwic eReady")).includes("first"),
      false,
    );
    assert.equal(page.registered.user, "2001");
  });

  test("logging out during a login: complete and eIdle, no callback of the login", async () => {
    FakePhone.gate = new Promise(() => {});
    const page = new CwicPage();
    page.register();
    await page.until("system.cwic eRegistering");
    page.session.unregisterPhone({
      forceLogout: true,
      complete: () => page.tell("complete"),
    });
    assert.deepEqual(await page.until("system.cwic eIdle"), [
      "data cleared",
      "complete",
      "system.cwic eIdle",
    ]);
  });

  test("complete is called without any phone, and before init", async () => {
    const page = new CwicPage();
    await page.until("system.cwic eIdle");
    page.session.unregisterPhone({
      forceLogout: true,
      complete: () => page.tell("complete"),
    });
    assert.deepEqual(await page.until("complete"), [
      "data cleared",
      "complete",
    ]);
    page.session.shutdown();
    page.session.unregisterPhone({ complete: () => page.tell("complete") });
    await page.until("complete");
  });

  test("a trap in the core: error 5, eIdle, and rebootIfBroken says so once", async () => {
    const page = await readyPage();
    assert.equal(
      page.session.rebootIfBroken(() => page.tell("reboot")),
      true,
    );
    FakePhone.made[0].trap();
    assert.deepEqual(page.story.splice(0), ["system.cwic eIdle", "error 5"]);
    assert.equal(
      page.session.rebootIfBroken(() => page.tell("reboot")),
      false,
    );
    assert.deepEqual(page.story.splice(0), ["reboot"]);
    page.register({ forceRegistration: true });
    await page.until("success");
    assert.equal(FakePhone.made.length, 2);
    assert.equal(
      page.session.rebootIfBroken(() => page.tell("reboot")),
      true,
    );
  });

  test("a trap during a login is told once", async () => {
    /** @type {(reason: unknown) => void} */
    let fail = () => {};
    FakePhone.gate = new Promise((_, reject) => (fail = reject));
    const page = new CwicPage();
    page.register();
    await page.until("system.cwic eRegistering");
    FakePhone.made[0].trap();
    fail(failure("eInternal", "The core trapped."));
    assert.deepEqual(await page.until("system.cwic eIdle"), [
      "error 5",
      "system.cwic eIdle",
    ]);
    assert.equal(page.session.phones.broken, true);
  });

  test("shutdown: logged out, handles forgotten, the plug-in gone", async () => {
    const page = await readyPage();
    const { password } = page.registered;
    assert.equal(page.session.shutdown(), undefined);
    await page.until("system.cwic eIdle");
    assert.equal(FakePhone.made[0].closed, 1);
    page.register();
    assert.equal(page.error.code, 1);
    assert.equal(page.session.about().plugin, null);
    page.session.init("#phone");
    page.register({ password });
    assert.equal(page.error.code, 22);
  });
});

test("the module needs no page; it attaches to the jQuery it is given", async () => {
  const { default: attach } = await import("../../js/jquery/index.js");
  assert.throws(() => attach({}), /attach\(jQuery\)/);
  const fn = /** @type {any} */ ({ jquery: "4.0.0" });
  attach(Object.assign(() => {}, { fn }));
  assert.equal(fn.cwic("about").capabilities.multireg, true);
  const { cwic } = fn;
  attach(Object.assign(() => {}, { fn }));
  assert.equal(fn.cwic, cwic, "once");
});
