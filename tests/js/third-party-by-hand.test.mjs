// A desk phone of the driver sip:, and what the SIP server tells of it and of its calls: as the
// driver's core hands that on.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Desk } from "../../server/gateway/third-party/desk.js";
import { Leg } from "../../server/gateway/third-party/leg.js";

/** A desk phone that is monitored: what is told of it, and by whom it is watched. */
function monitored(settings = {}) {
  const told = [];
  const watched = [];
  const agent = {
    user: "controller",
    domain: "example.test",
    legs: [],
    leg() {
      this.legs.push(new Leg(this.legs.length, { tell() {} }));
      return this.legs.at(-1);
    },
    watch(target, watcher) {
      const watch = { target, ...watcher, ended: false };
      watched.push(watch);
      return () => (watch.ended = true);
    },
  };
  const all = { line: "2001", device: "DESK", ...settings };
  const desk = new Desk(agent, all, (message) => told.push(message));
  desk.monitor();
  const tell = (...dialogs) => {
    told.length = 0;
    watched[0]?.dialogs({ watch: 1, dialogs });
    return told.map(({ call }) =>
      [
        call.remote.number ?? (call.remote.restricted ? "restricted" : "?"),
        ...[call.state, call.cause, call.by && `by ${call.by}`],
      ]
        .filter(Boolean)
        .join(" "),
    );
  };
  return { agent, desk, told, watched, tell };
}

const dialog = (members = {}) => ({
  ...{ id: "a", own: false, incoming: true, state: "early", held: false },
  remote: "sip:2002@example.test",
  ...members,
});

describe("calls that a desk phone makes and takes by itself", () => {
  test("how each state is shown, once", () => {
    const { tell, told } = monitored();
    assert.deepEqual(tell(dialog({ state: "trying" })), []);
    assert.deepEqual(tell(dialog({ displayName: "Ann" })), ["2002 ringing"]);
    const { call } = told[0];
    assert.deepEqual(call.remote, { number: "2002", name: "Ann" });
    assert.deepEqual(call.can, []);
    assert.deepEqual(tell(dialog({ displayName: "Ann" })), []);
    const confirmed = dialog({ state: "confirmed" });
    assert.deepEqual(tell(confirmed), ["2002 connected"]);
    assert.deepEqual(tell({ ...confirmed, held: true }), ["2002 held"]);
    const over = dialog({ state: "terminated", event: "remote-bye" });
    assert.deepEqual(tell(over), ["2002 ended normalClearing"]);
    assert.equal(told[0].call.id, call.id);
    assert.deepEqual(tell(over), []);
    const out = dialog({ incoming: false, state: "trying" });
    assert.deepEqual(tell(out), ["2002 dialling"]);
    assert.notEqual(told[0].call.id, call.id);
    assert.deepEqual(tell({ ...out, state: "early" }), ["2002 alerting"]);
  });

  for (const [event, how, incoming = false] of [
    ["local-bye", "normalClearing by local"],
    ["remote-bye", "normalClearing"],
    ["cancelled", "callCancelled"],
    ["timeout", "callNotAnswered"],
    ["error", "networkNotObtainable"],
    ["replaced", "normalClearing"],
    [undefined, "normalClearing"],
    ["rejected", "busy"],
    ["rejected", "normalClearing by local", true],
  ])
    test(`an end by ${event}: ${how}`, () => {
      const { tell } = monitored();
      const one = dialog({ incoming, remote: "sips:+49%3030@x" });
      tell(one);
      const over = { ...one, state: "terminated", event, status: 486 };
      assert.deepEqual(tell(over), [`+49030 ended ${how}`]);
    });

  test("what is not told of any more is over", () => {
    const { tell } = monitored();
    tell(dialog(), dialog({ id: "b", remote: "sip:2003@example.test" }));
    assert.deepEqual(tell(dialog()), ["2003 ended normalClearing"]);
  });

  test("the phone called to be controlled is not its call; one for another phone is", () => {
    const { tell } = monitored();
    const shown = tell(
      dialog({ own: true, remote: "sip:controller@EXAMPLE.test;x=y" }),
      dialog({ id: "b", remote: "sip:controller@example.test" }),
      dialog({ id: "c", own: true, remote: "" }),
      dialog({ id: "d", own: true, remote: "sip:2003@example.test" }),
      dialog({ id: "e", remote: "sip:controller@elsewhere.test" }),
      // Made in its name.
      dialog({ id: "f", own: true, incoming: false }),
    );
    assert.deepEqual(shown, ["2003 ringing", "controller ringing"]);
  });

  test("odd addresses are shown as they are, and no more calls than a phone has", () => {
    const { tell } = monitored();
    const remotes = ["sip:%ZZ@x", "sip:a@anonymous.invalid", "nobody", ""];
    const odd = remotes.map((remote, id) => dialog({ id: `${id}`, remote }));
    const words = ["%ZZ", "restricted", "?", "?"];
    assert.deepEqual(
      tell(...odd),
      words.map((word) => `${word} ringing`),
    );
    const many = Array.from({ length: 300 }, (_, id) =>
      dialog({ id: `m${id}` }),
    );
    assert.equal(tell(...odd, ...many).length, 16 - odd.length);
    assert.equal(tell(...odd, ...many).length, 0);
  });

  test("a server that tells no more leaves no calls, and a phone in service", () => {
    const { tell, told, watched } = monitored();
    watched[0].presence({ watch: 2, registered: false });
    assert.deepEqual(
      told.map(({ device }) => device?.inService),
      [false],
    );
    tell(dialog({ state: "confirmed" }));
    told.length = 0;
    watched[0].dialogs({ watch: 1 });
    watched[0].presence({ watch: 2 });
    assert.deepEqual(
      told.map(({ call, device }) => call?.state ?? device?.inService),
      ["ended", true],
    );
  });

  test("it is watched while it is monitored, once", () => {
    const { desk, watched } = monitored({ address: "201" });
    desk.monitor();
    assert.deepEqual(
      watched.map(({ target }) => target),
      ["sip:201@example.test"],
    );
    desk.unmonitor();
    assert.equal(watched[0].ended, true);
    desk.monitor();
    assert.equal(watched.length, 2);
    // What would be read as something else is asked for nowhere.
    assert.equal(monitored({ address: "a@b;c" }).watched.length, 0);
  });
});

test("the far end has the name that the call tells, as long as it is whom was called", () => {
  const { agent, desk, told } = monitored();
  desk.make("+49302");
  const named = (uri, displayName) =>
    agent.legs[0].heard({ name: "remote", remote: { uri, displayName } });
  named("sip:+49302@elsewhere.test", "Ann");
  named("sip:+49302@elsewhere.test;x=y", "Ann");
  // Passed on.
  named("sip:2003@example.test", "Ben");
  named("sip:%2B49302@example.test", "Ann <3>");
  named("", "Nobody");
  assert.deepEqual(
    told.map(({ call }) => call.remote),
    [
      { number: "+49302" },
      { number: "+49302", name: "Ann" },
      { number: "+49302" },
      { number: "+49302", name: "Ann <3>" },
      { number: "+49302" },
    ],
  );
});
