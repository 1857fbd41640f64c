// What waits in the mailbox, told to two phones of one user by the test registrar.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ready, useFakeCalls } from "./support/calls.js";
import { next, setUp } from "./support/line.js";

/** Two devices of user 2001. */
async function pair(t, options) {
  const line = await setUp(t, { policy: "normal", ...options });
  const phones = ["CSFALICE", "SEPALICE"].map((device) =>
    line.phone({ device, storage: null }),
  );
  return { ...line, phones };
}

describe("the lamp", () => {
  test("shows the same on each phone of the user, and changes with the mailbox", async (t) => {
    const { registrar, phones, requests } = await pair(t);
    const lit = phones.map((phone) => next(phone, "voicemail"));
    await Promise.all(phones.map((phone) => phone.registerPhone()));
    assert.deepEqual(await Promise.all(lit), [
      { new: 0, old: 0 },
      { new: 0, old: 0 },
    ]);

    const changed = phones.map((phone) => next(phone, "voicemail"));
    registrar.account("mailbox_set", "2001", { new: 2, old: 7 });
    assert.deepEqual(await Promise.all(changed), [
      { new: 2, old: 7 },
      { new: 2, old: 7 },
    ]);
    for (const phone of phones)
      assert.deepEqual(phone.voicemail, { new: 2, old: 7 });
    const own = "SUBSCRIBE sip:2001@example.test SIP/2.0";
    // One each for the registration, one for the mailbox.
    assert.equal(
      requests("SUBSCRIBE").filter((line) => line === own).length,
      4,
    );
  });

  test("nobody is asked before somebody wants to know", async (t) => {
    const { phones, requests } = await pair(t, { regEvent: false });
    const [phone] = phones;
    await phone.registerPhone();
    assert.deepEqual(requests("SUBSCRIBE"), []);
    assert.equal(phone.voicemail, null);
    assert.deepEqual(await next(phone, "voicemail"), { new: 0, old: 0 });
  });

  test("comes back with the next login", async (t) => {
    const { registrar, phones } = await pair(t);
    const [phone] = phones;
    await phone.registerPhone();
    await next(phone, "voicemail");
    await phone.unregisterPhone();
    registrar.account("mailbox_set", "2001", { new: 1, old: 0 });
    const lit = next(phone, "voicemail");
    await phone.registerPhone();
    assert.deepEqual(await lit, { new: 1, old: 0 });
  });
});

describe("a NOTIFY that nobody asked for", () => {
  useFakeCalls();

  const summary = (subscription, counts) => [
    "notified",
    { subscription, body: `Messages-Waiting: yes\r\nVoice-Message: ${counts}` },
  ];

  test("is heard, as long as nothing that was asked for says it", async () => {
    const { phone, core, say } = await ready();
    const lit = next(phone, "voicemail");
    await say(summary(0, "1/0"));
    assert.deepEqual(await lit, { new: 1, old: 0 });
    const [[number, name, , target]] = core.given("subscribe");
    assert.equal(name, "message-summary");
    assert.equal(target, "sip:2001@example.com");

    await say(summary(number, "2/0"));
    await say(summary(0, "9/9"));
    assert.deepEqual(phone.voicemail, { new: 2, old: 0 });
    await say(["lapsed", { subscription: number }], summary(0, "3/0"));
    assert.deepEqual(phone.voicemail, { new: 3, old: 0 });
    await say(["notified", { subscription: 0, body: "<html>" }]);
    assert.deepEqual(phone.voicemail, { new: 3, old: 0 });
  });
});
