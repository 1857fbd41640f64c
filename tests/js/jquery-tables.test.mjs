// The jQuery plug-in's tables and readers: errors, addresses, passwords.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  connectionUrls,
  hostOf,
  parseCucm,
  Passwords,
} from "../../js/jquery/arguments.js";
import { fault, learn } from "../../js/errors/error.js";
import { jquery } from "../../js/errors/jquery.js";
import { Errors, failureParts } from "../../js/jquery/errors.js";
import { failure } from "../support/fake-phone.mjs";

const URL_A = "ws://127.0.0.1:8080/";
const URL_B = "wss://b.example.com/sip";

describe("errors", () => {
  test("an alias goes before a key of the same name, then the backup, then Unknown", () => {
    const errors = new Errors();
    errors.map.eCredentialsRejected = { code: 1000, message: "never reached" };
    assert.equal(errors.entry("eCredentialsRejected", "LoginError").code, 22);
    assert.equal(errors.entry("CreateCallError", "LoginError").code, 31);
    assert.equal(
      errors.entry("eDeviceAlreadyRegistered", "LoginError").code,
      20,
    );
    assert.equal(
      errors.entry("eDeviceAlreadyRegistered", "eCouldNotConnect").code,
      20,
    );
    assert.equal(errors.entry("eDeviceAlreadyRegistered").code, 0);
    assert.equal(
      errors.entry("eNoPhoneMode", "LoginError").code,
      0,
      "CWIC's misspelt alias",
    );
    assert.equal(errors.entry("toString", "constructor").code, 0);
  });

  test("every numeric code of 3.0.4 has its message", () => {
    const { map } = new Errors();
    const codes = Object.values(map).map(({ code }) => code);
    assert.deepEqual(
      codes.sort((a, b) => Number(a) - Number(b)),
      [
        ...[
          0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21,
          22,
        ],
        ...[30, 31, 40, 41, 999],
      ],
    );
    assert.equal(map.LoginError.message, "Login Error");
    assert.equal(map.InvalidState.message, "Invalid State");
    assert.equal(map.NoCallManagerConfigured.message, "No CUCM found");
  });

  test("11.0 has text codes, and its own fallback for a failed login", () => {
    const errors = new Errors(11);
    const conflict = errors.entry(
      "eDeviceAlreadyRegistered",
      errors.loginFailure,
    );
    assert.deepEqual(conflict, {
      code: "CannotConnectToServer",
      message: "Cannot connect to CUCM server",
    });
    assert.equal(
      errors.entry("eCredentialsRejected").code,
      "AuthenticationFailure",
    );
    assert.equal(errors.entry("MissingCapability").code, "CapabilityMissing");
    for (const [key, { code }] of Object.entries(errors.map))
      assert.equal(code, key);
  });

  test("a page extends the map with texts, entries, and by code", () => {
    const errors = new Errors();
    errors.extend({
      LoginError: "Anmeldung fehlgeschlagen",
      22: "Falsches Kennwort",
      OutOfCoffee: { code: 77, message: "No coffee", hint: "refill" },
      Nonsense: 5,
    });
    assert.deepEqual(errors.map.LoginError, {
      code: 20,
      message: "Anmeldung fehlgeschlagen",
    });
    assert.deepEqual(errors.map.InvalidCredentials, {
      code: 22,
      message: "Falsches Kennwort",
    });
    assert.deepEqual(errors.entry("OutOfCoffee"), {
      code: 77,
      message: "No coffee",
      hint: "refill",
    });
    assert.equal("Nonsense" in errors.map, false);
    assert.equal(
      new Errors().map.LoginError.message,
      "Login Error",
      "other pages keep theirs",
    );
  });

  test("building: strings become details, objects are merged, the last wins", () => {
    const errors = new Errors();
    assert.deepEqual(errors.build(), {
      details: [],
      code: 0,
      message: "Unknown error",
    });
    assert.deepEqual(
      errors.build(errors.map.LoginError, "a", { b: 1 }, "c", { b: 2 }),
      {
        details: ["a", "c"],
        code: 20,
        message: "Login Error",
        b: 2,
      },
    );
  });

  test("the phone's failure: its code first, no text that could open a tag", () => {
    const parts = failureParts(
      Object.assign(failure("eServerRejected", "Refused."), {
        status: 403,
        reason: "<img src=x onerror=alert(1)>",
        remedy: "Ask <b>.",
      }),
    );
    assert.deepEqual(parts.details, [
      "eServerRejected",
      "Refused.",
      "img src=x onerror=alert(1)",
    ]);
    assert.deepEqual(parts.properties, {
      nativeError: "eServerRejected",
      status: 403,
      reason: "img src=x onerror=alert(1)",
      remedy: "Ask b.",
    });
    assert.equal(failureParts(new Error("?")).name, "eUnknownFailure");
    assert.equal(failureParts(undefined).name, "eUnknownFailure");
  });

  test("the plug-in's own refusal: the sentence, and no code but where one is native", () => {
    learn(jquery);
    const told = failureParts(fault("notLoggedIn"));
    assert.deepEqual(told, {
      name: "InvalidState",
      details: ["No phone is logged in. Call registerPhone first."],
      properties: { remedy: "Call registerPhone first." },
    });
    const nativeError = "eUnsupportedPhoneMode";
    const native = failureParts(
      fault("passwordUnreadable", { details: { nativeError } }),
    );
    assert.equal(native.details[0], nativeError);
    assert.equal(native.properties.nativeError, nativeError);
  });

  for (const [failure, said] of [
    [new DOMException("Device not found", "NotFoundError"), "Device not found"],
    [new DOMException("", "NotAllowedError"), "NotAllowedError"],
    [Object.assign(new Error("Out of <range>."), { code: 7 }), "Out of range."],
    [new TypeError("wrong"), "wrong"],
    [Object.assign(new Error(""), { code: 0 }), "Error"],
    ["a text", "a text"],
  ])
    test(`what is thrown elsewhere has its words: ${said}`, () => {
      const { name, details } = failureParts(failure);
      assert.equal(name, "eUnknownFailure");
      assert.deepEqual(details, ["eUnknownFailure", said]);
    });
});

describe("arguments", () => {
  test("cucm: a text, an object, an array of both", () => {
    const one = { tftp: ["1.2.3.4"], ccmcip: ["1.2.3.4"], cti: ["1.2.3.4"] };
    assert.deepEqual(parseCucm("1.2.3.4"), one);
    assert.deepEqual(parseCucm("lab call manager 1.2.3.4"), one);
    assert.deepEqual(parseCucm(["1.2.3.4"]), one);
    assert.deepEqual(parseCucm({ tftp: ["t"], cti: ["c"] }), {
      tftp: ["t"],
      ccmcip: ["t"],
      cti: ["c"],
    });
    assert.deepEqual(parseCucm(["a", { tftp: ["t"], ccmcip: [] }, 5, null]), {
      tftp: ["a", "t"],
      ccmcip: ["a"],
      cti: ["a", "t"],
    });
    assert.deepEqual(parseCucm(undefined), { tftp: [], ccmcip: [], cti: [] });
  });

  test("connections: the option, else the WebSocket URLs among the addresses", () => {
    const addresses = parseCucm([
      `Lab ${URL_A}`,
      "10.0.0.1",
      { tftp: ["x"], cti: [URL_B, URL_A] },
    ]);
    assert.deepEqual(connectionUrls(undefined, addresses), [URL_A, URL_B]);
    assert.deepEqual(connectionUrls(URL_B, addresses), [URL_B]);
    assert.deepEqual(connectionUrls([URL_B, URL_B], addresses), [URL_B]);
    assert.deepEqual(
      connectionUrls(undefined, parseCucm("http://a/ ws:/b")),
      [],
    );
  });

  test("the host of a URL, without its port", () => {
    assert.equal(hostOf("ws://127.0.0.1:8080/x"), "127.0.0.1");
    assert.equal(hostOf("wss://[::1]:443"), "[::1]");
    assert.equal(hostOf("nonsense"), "");
    assert.equal(hostOf(undefined), "");
  });

  test("passwords: a handle that means something to this page alone", () => {
    const passwords = new Passwords();
    const handle = passwords.keep("sécret");
    assert.equal(handle.cipher, "cucm");
    assert.match(
      handle.encrypted,
      /^[A-Za-z0-9+/]{43}=$/,
      "what pages take for encrypted",
    );
    assert.equal(passwords.open(handle), "sécret");
    assert.deepEqual(passwords.keep("sécret"), handle);
    assert.notDeepEqual(passwords.keep("other"), handle);
    assert.equal(new Passwords().open(handle), undefined);
    passwords.clear();
    assert.equal(passwords.open(handle), undefined);
  });

  test("passwords: base64 of UTF-8", () => {
    const passwords = new Passwords();
    const encrypted = Buffer.from("sécret").toString("base64");
    assert.equal(passwords.open({ cipher: "base64", encrypted }), "sécret");
    assert.equal(
      passwords.open({ cipher: "base64", encrypted: "*" }),
      undefined,
    );
    assert.equal(
      passwords.open({ cipher: "base64", encrypted: "/w==" }),
      undefined,
    );
  });
});
