// What registerPhone and switchPhoneMode of the jQuery plug-in accept, and what they refuse.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { CwicPage, readyPage, URL_A } from "../support/cwic-page.mjs";
import { FakePhone } from "../support/fake-phone.mjs";

const URL_B = "wss://b.example.com/sip";

describe("validation of registerPhone", () => {
  beforeEach(() => FakePhone.reset());

  /** @type {[string, object, number, string][]} */
  const cases = [
    ["no user", { user: undefined }, 3, "Missing user name"],
    ["an empty user", { user: "" }, 3, "Missing user name"],
    [
      "no password",
      { password: undefined },
      3,
      "invalid password (type undefined)",
    ],
    [
      "a number as password",
      { password: 7 },
      3,
      "invalid password (type number)",
    ],
    [
      "null as password",
      { password: null },
      3,
      "invalid password (type object)",
    ],
    [
      "another cipher",
      { password: { cipher: "rot13", encrypted: "x" } },
      3,
      "invalid password (type object)",
    ],
    ["no server", { cucm: undefined }, 10, "Missing CUCM address"],
    ["an empty list of servers", { cucm: [] }, 10, "Missing CUCM address"],
    [
      "another mode",
      { mode: "softphone" },
      3,
      'Invalid phone mode "softphone"',
    ],
  ];
  for (const [what, changes, code, detail] of cases) {
    test(`${what}: ${code}, ${detail}`, () => {
      const page = new CwicPage();
      assert.equal(page.register(changes), "#login");
      assert.equal(page.error.code, code);
      assert.equal(page.error.details[0], detail);
      assert.equal(
        page.error.registration.mode,
        page.login(changes).mode ?? "SoftPhone",
      );
      assert.equal(FakePhone.made.length, 0);
    });
  }

  test("servers, but none that a browser can reach", () => {
    const page = new CwicPage();
    page.register({ cucm: "10.0.0.1" });
    assert.equal(page.error.code, 10);
    assert.match(page.error.details[0], /ws:\/\/ or wss:\/\//);
  });

  test("not initialised goes before all else", () => {
    const page = new CwicPage();
    page.session.shutdown();
    page.register({ user: "", password: null, cucm: [] });
    assert.equal(page.error.code, 1);
    assert.deepEqual(page.error.details, [
      "Plug-in is not available or has not been initialized",
    ]);
  });

  test("11.0: its own codes, and passphrase as another name of password", async () => {
    const page = new CwicPage({ compatibility: 11 });
    page.register({ cucm: [] });
    assert.equal(page.error.code, "InvalidTFTPServer");
    page.register({ user: "" });
    assert.equal(page.error.code, "InvalidArguments");
    page.register({ password: undefined, passphrase: "secret" });
    await page.until("success");
  });

  test("a refused login leaves the present one alone", async () => {
    const page = await readyPage();
    page.register({ user: "" });
    assert.equal(page.session.registration.facts.user, "2001");
    assert.equal(page.session.registration.isReady, true);
  });
});

describe("connections, domain and device", () => {
  beforeEach(() => FakePhone.reset());

  /** The options of the phone made for a login. */
  async function optionsOf(
    /** @type {object} */ settings,
    /** @type {object} */ changes,
  ) {
    await readyPage(settings, changes);
    return FakePhone.made[0].options;
  }

  test("from the login, from init, from cucm", async () => {
    const settings = { connections: URL_B };
    assert.deepEqual(
      (await optionsOf(settings, { cucm: "10.0.0.1" })).connections,
      [URL_B],
    );
    FakePhone.reset();
    const options = await optionsOf(settings, { connections: [URL_A, URL_B] });
    assert.deepEqual(options.connections, [URL_A, URL_B]);
    FakePhone.reset();
    assert.deepEqual(
      (await optionsOf(settings, { cucm: undefined })).connections,
      [URL_B],
    );
  });

  test("the domain: the login's, else init's, else the first URL's host", async () => {
    const settings = { domain: "example.com" };
    assert.equal(
      (await optionsOf(settings, { domain: "example.org" })).domain,
      "example.org",
    );
    FakePhone.reset();
    assert.equal((await optionsOf(settings, {})).domain, "example.com");
    FakePhone.reset();
    assert.equal(
      (await optionsOf({}, { cucm: `Lab ${URL_B}` })).domain,
      "b.example.com",
    );
  });

  test("further options of Phone pass through `phone`", async () => {
    const settings = { phone: { profile: "generic", expires: 60 } };
    const options = await optionsOf(settings, {
      phone: { expires: 90, displayName: "Alice" },
    });
    assert.deepEqual(
      [options.profile, options.expires, options.displayName],
      ["generic", 90, "Alice"],
    );
  });

  test("credentials by callback need no password", async () => {
    FakePhone.password = /** @type {any} */ (undefined);
    try {
      const credentials = async () => ({ password: "secret" });
      const options = await optionsOf(
        {},
        { password: undefined, phone: { credentials } },
      );
      assert.equal(options.credentials, credentials);
      assert.equal("password" in options, false);
    } finally {
      FakePhone.password = "secret";
    }
  });

  test("the device: given, predicted by the page, or prefix and user", async () => {
    assert.equal(
      (await optionsOf({}, { device: "CSFALICE" })).device,
      "CSFALICE",
    );
    FakePhone.reset();
    assert.equal(
      (await optionsOf({}, { device: { name: "CSFALICE" } })).device,
      "CSFALICE",
    );
    FakePhone.reset();
    assert.equal(
      (await optionsOf({ devicePrefix: "csf" }, {})).device,
      "csf2001",
    );
    FakePhone.reset();
    const predictDevice = (/** @type {any} */ { username }) =>
      `dev-${username}`;
    assert.equal((await optionsOf({ predictDevice }, {})).device, "dev-2001");
  });

  test("no device at all: NoDevicesFound", async () => {
    const page = new CwicPage({ predictDevice: () => "" });
    page.register();
    await page.until("error 11");
    assert.deepEqual(page.error.details, ["no device found"]);
  });
});

describe("devicesAvailable", () => {
  beforeEach(() => FakePhone.reset());

  test("the page chooses, later, and more than once", async () => {
    const page = new CwicPage();
    /** @type {any} */
    let choose;
    page.register({
      devicesAvailable: (
        /** @type {any[]} */ devices,
        /** @type {string} */ mode,
        callback,
      ) => {
        choose = callback;
        page.tell(`${mode} ${devices.map(({ name }) => name)}`);
      },
    });
    await page.until("SoftPhone ecp2001");
    assert.equal(FakePhone.made.length, 0);
    choose("SoftPhone", "ecp2001", "");
    await page.until("success");
    assert.equal(FakePhone.made[0].options.device, "ecp2001");
    choose("SoftPhone", { name: "CSFOTHER" }, "2001");
    assert.deepEqual(await page.until("system.cwic eReady"), [
      "system.cwic eRegistering",
      "system.cwic eReady",
    ]);
    assert.equal(FakePhone.made[1].options.device, "CSFOTHER");
    assert.equal(FakePhone.made[0].closed, 1);
  });

  test("a mode that there is not cannot be chosen", async () => {
    const page = new CwicPage();
    page.register({
      devicesAvailable: (
        /** @type {any} */ devices,
        /** @type {any} */ mode,
        /** @type {any} */ choose,
      ) => choose("Deskphone", "SEP001122334455", ""),
    });
    await page.until("error 3");
    assert.equal(FakePhone.made.length, 0);
  });

  test("the older protocol: a returned device, null for the default, false to stop", async () => {
    const page = new CwicPage();
    page.register({ devicesAvailable: () => ({ name: "CSFPICK" }) });
    await page.until("success");
    assert.equal(FakePhone.made[0].options.device, "CSFPICK");

    page.register({ user: "2002", devicesAvailable: () => null });
    await page.until("success");
    assert.equal(FakePhone.made[1].options.device, "ecp2002");

    page.register({
      user: "2003",
      devicesAvailable: () => {
        queueMicrotask(() => page.tell("asked"));
        return false;
      },
    });
    await page.until("asked");
    assert.equal(FakePhone.made.length, 2);
  });

  test("calling back and then returning false, as CWIC's own example does", async () => {
    const page = new CwicPage();
    page.register({
      devicesAvailable: (
        /** @type {any} */ [device],
        /** @type {any} */ mode,
        /** @type {any} */ choose,
      ) => {
        choose(mode, device);
        return false;
      },
    });
    await page.until("success");
  });
});

describe("switchPhoneMode", () => {
  beforeEach(() => FakePhone.reset());

  test("to another device: progress, success, ePhoneModeChanged, eReady", async () => {
    const page = await readyPage();
    const { success } = page.login();
    page.session.switchPhoneMode("#switch", {
      device: "CSFOTHER",
      forceRegistration: true,
      progress: (/** @type {any} */ { message }) => page.tell(message),
      success,
    });
    assert.deepEqual(await page.until("system.cwic eReady"), [
      "switching to SoftPhone CSFOTHER",
      "system.cwic eRegistering",
      "success",
      "system.cwic ePhoneModeChanged",
      "system.cwic eReady",
    ]);
    const changed = page.events.find(
      ({ phone }) => phone?.status === "ePhoneModeChanged",
    );
    assert.equal(changed.phone.ready, true);
    assert.deepEqual(FakePhone.made[1].calls, [{ forceRegistration: true }]);
    assert.equal(page.registered.device.name, "CSFOTHER");
  });

  test("its defaults are SoftPhone and the predicted device: nothing to do here", async () => {
    const page = await readyPage();
    page.session.switchPhoneMode("#switch", {
      success: () => page.tell("success"),
    });
    assert.deepEqual(page.story, ["success", "system.cwic eReady"]);
    assert.equal(FakePhone.made[0].calls.length, 1);
  });

  test("what cannot be: no such mode, no login", async () => {
    const page = await readyPage();
    const { error } = page.login();
    page.session.switchPhoneMode("#switch", { mode: "Deskphone", error });
    assert.deepEqual(page.error.details, ['Invalid phone mode "Deskphone"']);
    page.session.switchPhoneMode("#switch", { mode: "Deskphone" });
    assert.equal(page.events.at(-1).target, "#switch");
    assert.equal(page.session.registration.isReady, true);

    const idle = new CwicPage();
    idle.session.switchPhoneMode("#switch", idle.login());
    assert.equal(idle.error.code, 4);
  });
});

test("about and getInstanceId", async () => {
  FakePhone.reset();
  const page = new CwicPage();
  const before = page.session.about();
  assert.deepEqual(before.javascript, {
    version: "3.0.4.0",
    system_release: "Graceline",
    release: "3",
    major: "0",
    minor: "4",
    revision: "0",
  });
  assert.equal(before.jquery.version, "3.7.1");
  assert.equal(before.states.system, "eIdle");
  assert.equal(before.device.exists, false);
  assert.equal(before.capabilities.multireg, true);
  assert.deepEqual(before.upgrade, {});
  page.register();
  await page.until("success");
  assert.equal(page.session.about().device.name, "ecp2001");
  assert.equal(page.session.instanceId, "urn:uuid:fake-0");
  assert.equal(
    new CwicPage({ compatibility: 11 }).session.about().javascript.version,
    "11.0.1.0",
  );
});
