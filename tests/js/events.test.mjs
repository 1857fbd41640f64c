import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter, emit, isHeard } from "../../js/phone/events.js";
import { PhoneError } from "../../js/errors/error.js";

/** What escapes from listeners, as an uncaught exception would. */
async function uncaught(act) {
  const errors = [];
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (task) => {
    try {
      task();
    } catch (error) {
      errors.push(error);
    }
  };
  try {
    act();
  } finally {
    globalThis.queueMicrotask = original;
  }
  return errors;
}

test("on, once, off", () => {
  const emitter = new Emitter();
  const heard = [];
  const always = (n) => heard.push(["always", n]);
  const once = (n) => heard.push(["once", n]);
  assert.equal(emitter.on("x", always).once("x", once), emitter);
  emit(emitter, "x", 1);
  emit(emitter, "x", 2);
  emitter.off("x", always).off("x", always);
  emit(emitter, "x", 3);
  emit(emitter, "unheard", 4);
  assert.deepEqual(heard, [
    ["always", 1],
    ["once", 1],
    ["always", 2],
  ]);
  assert.equal(isHeard(emitter, "x"), false);
});

test("once is once, also where its listener makes the same event again", () => {
  const emitter = new Emitter();
  const heard = [];
  emitter.once("x", (n) => {
    heard.push(n);
    emit(emitter, "x", n + 1);
  });
  emit(emitter, "x", 1);
  assert.deepEqual(heard, [1]);
});

test("off takes back a once; one of two equal listeners at a time", () => {
  const emitter = new Emitter();
  let calls = 0;
  const listener = () => calls++;
  emitter.once("x", listener).off("x", listener);
  emitter.on("x", listener).on("x", listener).off("x", listener);
  emit(emitter, "x");
  assert.equal(calls, 1);
});

test("a listener added or removed while an event is delivered", () => {
  const emitter = new Emitter();
  const heard = [];
  emitter.on("x", () => {
    heard.push("first");
    emitter.on("x", () => heard.push("new"));
  });
  emit(emitter, "x");
  assert.deepEqual(heard, ["first"], "a new listener hears the next event");
});

test("what a listener throws surfaces, and the others are still called", async () => {
  const emitter = new Emitter();
  const heard = [];
  const mistake = new Error("mistake");
  emitter.on("x", () => {
    throw mistake;
  });
  emitter.on("x", () => heard.push("second"));
  const errors = await uncaught(() => emit(emitter, "x"));
  assert.deepEqual(errors, [mistake]);
  assert.deepEqual(heard, ["second"]);
});

test("a listener that is missing is refused at once", () => {
  assert.throws(() => new Emitter().on("x"), TypeError);
});

test("addEventListener: payload in detail and on the event itself", () => {
  const emitter = new Emitter();
  const events = [];
  emitter.addEventListener("status", (event) => events.push(event));
  emit(emitter, "status", { status: "eReady", ready: true });
  const [event] = events;
  assert.equal(event.type, "status");
  assert.deepEqual(event.detail, { status: "eReady", ready: true });
  assert.equal(event.status, "eReady");
});

test("addEventListener: a PhoneError", () => {
  const emitter = new Emitter();
  const error = new PhoneError("eTimeout", "Too late.");
  let heard;
  emitter.addEventListener("error", (event) => (heard = event));
  emit(emitter, "error", error);
  assert.equal(heard.detail, error);
  assert.equal(heard.error, error);
  assert.equal(heard.code, "eTimeout");
  assert.equal(heard.message, "Too late.");
});

test("addEventListener as in the DOM: no doubles, handleEvent, once, signal", () => {
  const emitter = new Emitter();
  const heard = [];
  const listener = () => heard.push("function");
  emitter.addEventListener("x", listener);
  emitter.addEventListener("x", listener);
  const object = {
    handleEvent() {
      heard.push(this === object ? "object" : "lost");
    },
  };
  emitter.addEventListener("x", object, { once: true });
  const controller = new AbortController();
  const { signal } = controller;
  emitter.addEventListener("x", () => heard.push("signal"), { signal });
  emit(emitter, "x");
  controller.abort();
  emitter.addEventListener("x", () => heard.push("too late"), { signal });
  emitter.removeEventListener("x", listener);
  emit(emitter, "x");
  assert.deepEqual(heard, ["function", "object", "signal"]);
});

test("PhoneError.is narrows, also across copies of the package", () => {
  const error = new PhoneError("eTimeout", "Too late.", { status: 408 });
  assert.ok(error instanceof Error);
  assert.ok(PhoneError.is(error));
  assert.ok(PhoneError.is(error, "eTimeout"));
  assert.ok(!PhoneError.is(error, "eAborted"));
  assert.ok(!PhoneError.is(new Error("x")));
  assert.ok(!PhoneError.is(undefined, "eTimeout"));
  const copy = Object.assign(new Error("x"), { name: "PhoneError", code: "e" });
  assert.ok(PhoneError.is(copy, "e"));
});
