// The facts about users that the test registrar carries.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMedia } from "graceline/testing";
import { setUp } from "./support/line.js";

const instance = "urn:uuid:0d4a2b1e-8b0c-4a53-9c1f-6d5f3c2b1a09";
const limits = { mobile: 1, deskphone: 0 };

test("facts are asked, changed, and told to have changed", async (t) => {
  const { registrar } = await setUp(t);
  const news = [];
  registrar.on("account", (change) => news.push(change));
  assert.deepEqual(registrar.account("devices", "2001"), []);
  const { device, added } = registrar.account("authorise", "2001", {
    id: "phone",
    instance: instance.toUpperCase().replace("URN:UUID", "urn:uuid"),
    class: "mobile",
    name: "Ada's phone",
    limits,
  });
  assert.equal(added, true);
  assert.ok(Math.abs(device.since - Date.now()) < 60_000, `${device.since}`);
  assert.deepEqual(device, {
    id: "phone",
    instance,
    class: "mobile",
    name: "Ada's phone",
    state: "authorised",
    key: null,
    since: device.since,
    seen: device.since,
    push: null,
    registered: false,
  });
  assert.deepEqual(registrar.account("devices", "2001"), [device]);
  assert.deepEqual(news, [{ user: "2001", kind: "devices" }]);
  // They are no bindings, which a restart loses.
  registrar.forget();
  assert.deepEqual(registrar.account("devices", "2001"), [device]);
});

test("a refusal has its code, and what is needed to go on", async (t) => {
  const { registrar } = await setUp(t);
  const authorise = (id, last) =>
    registrar.account("authorise", "2001", {
      id,
      instance: `${instance.slice(0, -1)}${last}`,
      class: "mobile",
      name: id,
      limits,
    });
  authorise("first", 1);
  assert.throws(
    () => authorise("second", 2),
    ({ name, code, details }) =>
      name === "FactsRefusal" &&
      code === "limit" &&
      details.limit === 1 &&
      details.devices[0].id === "first",
  );
  assert.throws(() => registrar.account("rename", "2001", { id: "first" }), {
    code: "invalid",
    message: /missing field `name`/,
  });
  assert.throws(() => registrar.account("devices", "nobody"), {
    code: "unknown_user",
  });
  await registrar.stop();
  assert.throws(() => registrar.account("devices", "2001"), {
    code: "stopped",
  });
});

test("calls go by rules, and each has a record that is told", async (t) => {
  const { registrar, phone } = await setUp(t);
  const told = new Promise((resolve) =>
    registrar.on("account", (change) => {
      if (change.kind === "history") resolve(change);
    }),
  );
  registrar.account("rules_set", "2002", { doNotDisturb: true });
  const caller = phone({ media: fakeMedia() });
  await caller.registerPhone();
  caller.call("2002");
  const { user, id } = await told;
  assert.equal(user, "2001");
  const { result, direction } = registrar.account("history_record", user, {
    id,
  });
  assert.deepEqual([direction, result], ["outgoing", "busy"]);
  const [missed] = registrar.account("history", "2002");
  assert.equal(missed.id, id);
  assert.equal(missed.result, "missed");
});
