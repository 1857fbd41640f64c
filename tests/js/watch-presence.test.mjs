// How available users are: from facts and from what they say, told to those who watch.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fakeMedia } from "graceline/testing";
import { next, setUp } from "./support/line.js";

/** The next state of a presence that is this one. */
const becomes = (presence, wanted) =>
  new Promise((resolve) => {
    if (presence.state === wanted) return resolve(undefined);
    const listener = ({ state }) => {
      if (state !== wanted) return;
      presence.off("change", listener);
      resolve(undefined);
    };
    presence.on("change", listener);
  });

/** Alice, who watches, and Bob. */
async function pair(t, options) {
  const line = await setUp(t, options);
  const alice = line.phone({ media: fakeMedia() });
  const bob = line.phone({
    user: "2002",
    device: "CSFBOB",
    media: fakeMedia(),
  });
  await alice.registerPhone();
  return { ...line, alice, bob };
}

describe("presence", () => {
  test("follows from registration and calls", async (t) => {
    const { alice, bob } = await pair(t);
    const presence = alice.presence("2002");
    assert.equal(presence.state, "unknown");
    await becomes(presence, "offline");
    await bob.registerPhone();
    await becomes(presence, "available");
    const call = bob.call("2001");
    const { call: ringing } = await next(alice, "incoming");
    await becomes(presence, "busy");
    await ringing.answer();
    await call.hangup();
    await becomes(presence, "available");
    await bob.unregisterPhone();
    await becomes(presence, "offline");
  });

  test("shows what a user says, as long as the phone is logged in", async (t) => {
    const { alice, bob } = await pair(t);
    await bob.registerPhone();
    const presence = alice.presence("sip:2002@example.test");
    await becomes(presence, "available");
    await bob.setPresence({ state: "away", note: "back at <3>" });
    await becomes(presence, "away");
    assert.equal(presence.note, "back at <3>");
    await bob.setPresence({ state: "busy" });
    await becomes(presence, "busy");
    assert.equal(presence.note, undefined);
    await bob.setPresence({ state: "offline" });
    await becomes(presence, "offline");
    await bob.setPresence({});
    await becomes(presence, "available");

    await bob.setPresence({ state: "away" });
    await bob.unregisterPhone();
    await becomes(presence, "offline");
    await bob.registerPhone();
    await becomes(presence, "away");
  });

  test("is kept with the account, too", async (t) => {
    const { registrar, alice, bob } = await pair(t);
    await bob.registerPhone();
    const presence = alice.presence("2002");
    await becomes(presence, "available");
    registrar.account("presence_manual_set", "2002", {
      state: "away",
      note: "out",
    });
    await becomes(presence, "away");
    assert.equal(presence.note, "out");
    registrar.account("rules_set", "2002", { doNotDisturb: true });
    await becomes(presence, "busy");
  });

  test("who is followed twice is asked for once, until nobody follows", async (t) => {
    const { registrar, alice, requests } = await pair(t);
    const both = [
      alice.presence("2002"),
      alice.presence("sip:2002@example.test"),
    ];
    await Promise.all(both.map((one) => becomes(one, "offline")));
    const asked = () => requests("SUBSCRIBE sip:2002@").length;
    assert.equal(asked(), 1);
    both[0].close();
    both[0].close();
    const third = alice.presence("2002@example.test");
    await becomes(third, "offline");
    third.close();
    assert.equal(asked(), 1);
    const over = new Promise((resolve) =>
      registrar.on(
        "trace",
        ({ message }) =>
          /^SUBSCRIBE [^]*\nExpires: 0\r/.test(message) && resolve(undefined),
      ),
    );
    both[1].close();
    await over;
  });

  test("is unknown of who may not be watched, and of who is closed", async (t) => {
    const { alice } = await pair(t);
    const closed = alice.presence("2002");
    closed.close();
    const strangers = ["nobody", "sip:2002@elsewhere.test", "not a user"].map(
      (uri) => alice.presence(uri),
    );
    await becomes(alice.presence("2002"), "offline");
    for (const one of [...strangers, closed])
      assert.equal(one.state, "unknown");
  });

  test("comes back when the connection does, with what was said", async (t) => {
    const { registrar, alice, bob } = await pair(t);
    await bob.registerPhone();
    await bob.setPresence({ state: "away" });
    const presence = alice.presence("2002");
    await becomes(presence, "away");
    const lost = becomes(presence, "unknown");
    registrar.disconnect();
    await lost;
    await becomes(presence, "away");
    await bob.setPresence({ state: "busy" });
    await becomes(presence, "busy");
  });

  test("refuses what it does not know", async (t) => {
    const { alice } = await pair(t);
    await assert.rejects(alice.setPresence({ state: "asleep" }), {
      code: "eInvalidArgument",
    });
    await assert.rejects(alice.setPresence({ note: "n".repeat(129) }), {
      code: "eInvalidArgument",
    });
    assert.throws(() => alice.presence(""), { code: "eInvalidArgument" });
  });
});
