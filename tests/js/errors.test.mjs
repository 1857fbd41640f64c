// The words for people: what happened, what to do, in whatever language.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PhoneError, translate } from "graceline";
import { core, page } from "../../js/errors/catalogue.js";
import { fault, learn } from "../../js/errors/error.js";
import { desk } from "../../js/errors/desk.js";
import { jquery } from "../../js/errors/jquery.js";
import { media } from "../../js/errors/media.js";
import { testing } from "../../js/errors/testing.js";
import { Errors } from "../../js/jquery/errors.js";

const SAID = ["Forbidden", "Forbidden.", "Why not?", "Not here!", "Wait…"];

/** @typedef {[code: string, at: string, happened: string, remedy?: string]} Row */

/** @type {(...parts: import("../../js/errors/catalogue.js").Catalogue[]) => Row[]} */
const rows = (...parts) =>
  parts.flatMap((part) =>
    Object.entries(part).flatMap(([code, situations]) =>
      Object.entries(situations).map(
        ([at, sentence]) => /** @type {Row} */ ([code, at, ...sentence]),
      ),
    ),
  );

const all = rows(core, page, media, desk, testing);

describe("a sentence", () => {
  test("of each situation is whole, and ends once", () => {
    for (const part of [media, desk, testing]) learn(part);
    for (const [code, at] of all)
      for (const text of SAID) {
        const everything = {
          get: (_, name) => (name === "status" ? 403 : text),
        };
        const error = fault(at, new Proxy({}, everything));
        assert.ok(PhoneError.is(error, code), at);
        assert.match(error.message, /^\w.*[.?!…]$/s, at);
        assert.doesNotMatch(error.message, /[.?!…]\.|\. [(.]|{\w+}|\[/);
      }
  });

  test("without what it may name is whole, too", () => {
    assert.equal(fault("media").message, "The media failed.");
    const { message } = fault("loginUnanswered");
    assert.match(message, /^The server did not answer the login in time\. Try/);
    const dropped = "the head is not UTF-8";
    assert.match(
      fault("loginUnanswered", { dropped }).message,
      /in time\. A message that came meanwhile was dropped: the head is not UTF-8\. Try/,
    );
  });

  test("of ours is never cut, however long what it quotes is", () => {
    const reason = "very ".repeat(100) + "long";
    const { message, remedy } = fault("loginRefused", { reason, status: 500 });
    assert.ok(message.startsWith(`The login failed: ${reason} (500). Check`));
    assert.ok(message.endsWith(remedy));
  });

  test("names what the registrar may still list", () => {
    const { message, remedy } = fault("noConnection", { left: "gr1-x" });
    assert.equal(
      message,
      `No connection to the server could be opened. ${remedy} The registrar may still list this phone, as gr1-x, until that binding lapses.`,
    );
  });

  test("comes from the core by its place in the catalogue", () => {
    const names = Object.values(core).flatMap(Object.keys);
    names.forEach((name, place) =>
      assert.equal(fault(place).message, fault(name).message),
    );
  });
});

test("a situation has one code and one name", () => {
  const names = [...all, ...rows(jquery)].map(([, at]) => at);
  assert.deepEqual(names, [...new Set(names)]);
});

test("of the jQuery plug-in, too: under a key that its pages know, with whole remedies", () => {
  const keys = Object.keys(new Errors(3).map);
  for (const [key, at, happened, remedy = "Rest."] of rows(jquery)) {
    // CWIC 3.0.4 itself names this one, and does not have it.
    assert.ok(keys.includes(key) || key === "MissingCapability", key);
    assert.match(remedy, /^[A-Z].*\.$/, at);
    // CWIC's own words have no full stop, and no remedy.
    assert.equal(happened.endsWith(".") || remedy === "Rest.", true, at);
  }
});

test("an error of the app's own may have a remedy, and has none by default", () => {
  const { remedy } = new PhoneError("eAborted", "Enough.", { remedy: "Rest." });
  assert.equal(remedy, "Rest.");
  assert.equal(new PhoneError("eAborted", "Enough.").remedy, "");
});

test("sentences can be translated, those that load later as well", () => {
  translate({
    deviceMissing: ["Kein Gerät gefunden: {device}.", "Anschließen."],
    loginRefused: ["Die Anmeldung ist gescheitert: {reason}[ ({status})]."],
  });
  learn(media);
  const missing = fault("deviceMissing", { device: "Mikrofon" });
  assert.equal(missing.message, "Kein Gerät gefunden: Mikrofon. Anschließen.");
  assert.equal(missing.remedy, "Anschließen.");
  const refused = fault("loginRefused", { status: 500, reason: "No." });
  assert.equal(refused.message, "Die Anmeldung ist gescheitert: No (500).");
  assert.deepEqual([refused.status, refused.remedy], [500, ""]);
});
