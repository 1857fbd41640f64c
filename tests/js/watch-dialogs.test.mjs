// Dialog information (RFC 4235) as a phone reads it: in parts, out of order, and hostile.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ready, useFakeCalls } from "./support/calls.js";
import { turn } from "./support/fake-core.js";

useFakeCalls();

const element = (name, attributes = {}, children = [], text = "") => ({
  name,
  attributes: Object.entries(attributes),
  children,
  text,
});

const dialog = (id, state, more = {}) =>
  element(
    "dialog",
    {
      id,
      "call-id": `call-${id}`,
      "local-tag": "ours",
      "remote-tag": "theirs",
      direction: "recipient",
      ...more,
    },
    [
      element("state", {}, [], `\n ${state} `),
      element("local", {}, [
        element("identity", { display: "Desk" }, [], "sip:2001@example.com"),
        element("target", { uri: "sip:d@h" }, [
          element("param", { pname: "+sip.instance", pval: "urn:uuid:1" }),
        ]),
      ]),
      element("remote", {}, [
        element("identity", { display: "Bob" }, [], "sip:2002@example.com"),
        element("target", { uri: "sip:bob@h;gr" }),
      ]),
    ],
  );

const info = (version, state, ...dialogs) =>
  element(
    "dialog-info",
    { version, state, entity: "sip:2001@example.com" },
    dialogs,
  );

/** A phone that has asked, and what tells it. */
async function asking() {
  const all = await ready();
  assert.deepEqual(all.phone.elsewhereCalls, []);
  await import("../../js/watch/watch.js"); // what the phone loads
  await turn();
  const numbers = () => all.core.given("subscribe").map(([number]) => number);
  const tell = (document) =>
    all.say([
      "notified",
      { subscription: numbers().at(-1), body: "", document },
    ]);
  const shown = () =>
    all.phone.elsewhereCalls.map(({ id, state }) => `${id} ${state}`);
  return { ...all, numbers, tell, shown };
}

describe("dialog information", () => {
  test("is read in full and in parts", async () => {
    const { phone, tell, shown } = await asking();
    await tell(info("0", "full", dialog("a", "confirmed")));
    assert.deepEqual(phone.elsewhereCalls, [
      {
        id: "a",
        device: { name: "Desk", instanceId: "urn:uuid:1" },
        state: "connected",
        remote: { uri: "sip:2002@example.com", displayName: "Bob" },
      },
    ]);
    await tell(info("1", "partial", dialog("b", "early")));
    assert.deepEqual(shown(), ["a connected", "b incoming"]);
    await tell(info("2", "partial", dialog("a", "terminated")));
    assert.deepEqual(shown(), ["b incoming"]);
    await tell(info("3", "full"));
    assert.deepEqual(shown(), []);
  });

  test("a part that was missed is asked for anew; one that was overtaken is nothing", async () => {
    const { core, numbers, tell, shown } = await asking();
    await tell(info("4", "full", dialog("a", "confirmed")));
    await tell(info("4", "full"));
    await tell(info("x", "full"));
    assert.deepEqual(shown(), ["a connected"]);
    await tell(info("6", "partial", dialog("b", "confirmed")));
    assert.deepEqual(shown(), []);
    assert.equal(numbers().length, 2);
    assert.deepEqual(core.given("unsubscribe"), [[numbers()[0]]]);
    await tell(info("0", "full", dialog("b", "confirmed")));
    assert.deepEqual(shown(), ["b connected"]);
  });

  test("what lapses is forgotten", async () => {
    const { say, numbers, tell, shown } = await asking();
    await tell(info("0", "full", dialog("a", "confirmed")));
    await say(["lapsed", { subscription: numbers()[0] }]);
    assert.deepEqual(shown(), []);
    await tell(info("0", "full", dialog("b", "confirmed")));
    assert.deepEqual(shown(), ["b connected"]);
  });

  test("picking up names the call as its far end knows it", async () => {
    const { phone, core, tell } = await asking();
    await tell(
      info("0", "full", dialog("a", "confirmed"), dialog("b", "early")),
    );
    phone.pickUp("a");
    phone.pickUp("b");
    await turn();
    const dialled = core
      .given("call")
      .map(([, target, { replaces }]) => [target, replaces]);
    assert.deepEqual(dialled, [
      ["sip:bob@h;gr", "call-a;to-tag=theirs;from-tag=ours"],
      ["sip:bob@h;gr", "call-b;to-tag=theirs;from-tag=ours;early-only"],
    ]);
  });

  test("nothing is picked up that is none, or would be more than one header value", async () => {
    const { phone, core, tell } = await asking();
    assert.throws(() => phone.pickUp("a"), { code: "eInvalidArgument" });
    await tell(
      info(
        "0",
        "full",
        dialog("a", "confirmed", { "call-id": "x;to-tag=evil" }),
        dialog("b", "confirmed", { "local-tag": "x\r\nX-Evil: 1" }),
        dialog("c", "confirmed", { "remote-tag": "x, y" }),
        dialog("d", "proceeding", { direction: "initiator" }),
        dialog("e", "trying"),
        dialog("f", "confirmed", { direction: "__proto__" }),
      ),
    );
    for (const id of ["a", "b", "c", "d", "e", "f"])
      assert.throws(() => phone.pickUp(id), { code: "eInvalidArgument" }, id);
    assert.deepEqual(core.given("call"), []);
  });

  test("no more are kept than a user's devices have", async () => {
    const { phone, tell } = await asking();
    const many = Array.from({ length: 200 }, (_, at) =>
      dialog(`${at}`, "confirmed"),
    );
    await tell(info("0", "full", ...many));
    assert.equal(phone.elsewhereCalls.length, 64);
  });
});
