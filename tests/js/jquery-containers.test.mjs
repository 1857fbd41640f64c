// What the handlers of a page throw: ../browser/jquery-telephony.test.mjs tries it with jQuery.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Containers } from "../../js/jquery/containers.js";

test("a handler that throws keeps no other from hearing, and its page hears of it", (t) => {
  /** @type {(() => void)[]} */
  const later = [];
  t.mock.method(globalThis, "queueMicrotask", (/** @type {any} */ act) =>
    later.push(act),
  );
  /** @type {string[]} */
  const heard = [];
  const hears = (/** @type {string} */ who) => () => {
    heard.push(who);
    throw new Error(who);
  };
  const $ = Object.assign(() => {}, {
    contains: () => false,
    Event: (/** @type {string} */ name) => ({ name }),
  });
  const root = {
    first: () => ({ trigger: hears("the element of init, and the document") }),
    toArray: () => [],
  };
  const container = { 0: {}, triggerHandler: hears("the container") };
  Object.assign(globalThis, { document: { documentElement: {} } });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  new Containers($).tell("conversationStart.cwic", root, container, {});
  const all = ["the container", "the element of init, and the document"];
  assert.deepEqual(heard, all);
  assert.equal(later.length, all.length);
  for (const [at, act] of later.entries())
    assert.throws(act, { message: all[at] });
});
