// What one phone says of its media, as another one is told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Description } from "../../server/gateway/third-party/description.js";

const sdp = (...lines) =>
  [
    "v=0",
    "o=phone 7 7 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=0 0",
    ...lines,
    "",
  ].join("\r\n");
const lines = (description) => description.text(3, 2).split("\r\n");
const media = (description) =>
  lines(description).filter((line) => /^[ma]=/.test(line));

const audio = new Description(sdp("m=audio 4000 RTP/AVP 0", "a=sendrecv"));
const both = new Description(
  sdp(
    "a=group:BUNDLE v a",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:v",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "a=mid:a",
  ),
);

test("each phone knows a session of its own, whose versions rise", () => {
  assert.ok(lines(audio).includes("o=- 3 2 IN IP4 0.0.0.0"));
  assert.ok(lines(audio).includes("c=IN IP4 192.0.2.1"));
  assert.ok(
    audio.equals(new Description(sdp("m=audio 4000 RTP/AVP 0", "a=sendrecv"))),
  );
  assert.ok(!audio.equals(both));
});

test("an offer keeps the places of what the phone has, and refuses what is not there", () => {
  assert.equal(audio.within(null), audio);
  assert.deepEqual(media(audio.within(both)), [
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "m=audio 4000 RTP/AVP 0",
    "a=sendrecv",
    "a=mid:a",
  ]);
  assert.deepEqual(
    media(both.within(audio)).filter((line) => line.startsWith("m=")),
    ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "m=video 9 UDP/TLS/RTP/SAVPF 96"],
  );
});

test("an answer has a stream for each that was offered, by the names of the offer", () => {
  assert.deepEqual(
    media(both.answering(audio)).filter((line) => line.startsWith("m=")),
    ["m=audio 9 UDP/TLS/RTP/SAVPF 0"],
  );
  const named = new Description(
    sdp("a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"),
  );
  assert.deepEqual(media(named.answering(both)), [
    "a=group:BUNDLE a",
    "m=video 0 UDP/TLS/RTP/SAVPF 96",
    "m=audio 9 UDP/TLS/RTP/SAVPF 0",
    "a=mid:a",
  ]);
  const refused = new Description(sdp("m=audio 0 RTP/AVP 0"));
  assert.deepEqual(media(refused.answering(audio)), ["m=audio 0 RTP/AVP 0"]);
});

test("on hold nothing is sent, and to nobody at all before somebody is there", () => {
  assert.deepEqual(media(audio.inactive()), [
    "m=audio 4000 RTP/AVP 0",
    "a=inactive",
  ]);
  const silence = lines(
    new Description(
      sdp(
        "a=sendrecv",
        "m=audio 4000 RTP/AVP 0",
        "c=IN IP6 2001:db8::1",
        "a=rtcp:4001",
        "a=rtcp-mux",
        "a=candidate:1 1 udp 1 192.0.2.1 4000 typ host",
        "a=setup:actpass",
      ),
    ).silence(),
  );
  assert.deepEqual(silence.slice(3, -1), [
    "c=IN IP4 0.0.0.0",
    "t=0 0",
    "m=audio 9 RTP/AVP 0",
    "c=IN IP6 ::",
    "a=rtcp-mux",
    "a=setup:active",
    "a=inactive",
  ]);
});

test("text that is no description is passed on as such", () => {
  for (const text of [
    "",
    "\r\n",
    "nonsense",
    "m=",
    "m=audio",
    "v=0\r\nm=audio x y z",
  ])
    for (const other of [audio, both]) {
      const odd = new Description(text);
      for (const made of [
        odd.within(other),
        other.within(odd),
        odd.answering(other),
        other.answering(odd),
        odd.silence(),
      ])
        assert.equal(typeof made.text(1, 1), "string");
    }
});
