// The documents that subscriptions bring, as phones read them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPresence, writePresence } from "../../js/watch/pidf.js";
import { readSummary } from "../../js/watch/voicemail.js";

describe("a message summary", () => {
  const table = [
    ["Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n", 2, 8],
    ["messages-waiting:no\nvoice-message : 0 / 3\n", 0, 3],
    ["Messages-Waiting: yes\r\nFax-Message: 4/1\r\n", 1, 0],
    ["Messages-Waiting: no", 0, 0],
    ["Messages-Waiting: yes\r\nVoice-Message: -1/2", 1, 0],
    ["Messages-Waiting: yes\r\nVoice-Message: 99999999999/0", 1, 0],
  ];
  for (const [text, fresh, old] of table)
    test(JSON.stringify(text), () =>
      assert.deepEqual(readSummary(text), { new: fresh, old }),
    );

  for (const text of [
    "",
    "<html/>",
    "Voice-Message: x/y",
    "Messages-Waiting: maybe",
  ])
    test(`${JSON.stringify(text)} says nothing`, () =>
      assert.equal(readSummary(text), null));
});

describe("a presence document", () => {
  const element = (name, children = [], text = "") => ({
    name,
    attributes: [],
    children,
    text,
  });
  const presence = (basic, activity, note) =>
    element("presence", [
      element("tuple", [
        element("status", [element("basic", [], ` ${basic}\n`)]),
      ]),
      element("person", [
        ...(activity ? [element("activities", [element(activity)])] : []),
        ...(note ? [element("note", [], note)] : []),
      ]),
    ]);

  const table = [
    ["open", undefined, "available"],
    ["closed", undefined, "offline"],
    ["closed", "busy", "offline"],
    ["open", "on-the-phone", "busy"],
    ["open", "meeting", "busy"],
    ["open", "lunch", "away"],
    ["open", "steering", "available"],
    ["ajar", undefined, "unknown"],
  ];
  for (const [basic, activity, state] of table)
    test(`${basic}, ${activity}: ${state}`, () => {
      const read = readPresence(presence(basic, activity, " back at 3 "));
      assert.deepEqual(read, { state, note: "back at 3" });
    });

  test("a long remark is cut", () => {
    const { note } = readPresence(presence("open", "", "n".repeat(5000)));
    assert.equal(note.length, 256);
  });

  for (const document of [undefined, element("reginfo"), element("presence")])
    test(`${document?.name} without a state says nothing`, () =>
      assert.equal(readPresence(document).state, "unknown"));

  test("what is written holds no markup of the user's", () => {
    const text = writePresence('sip:"2001"@a', "busy", "<b>&\"'</b>");
    assert.match(text, /<note>&#60;b&#62;&#38;&#34;'&#60;\/b&#62;<\/note>/);
    assert.match(text, /entity="sip:&#34;2001&#34;@a"/);
    assert.match(text, /<rpid:busy\/>/);
  });
});
