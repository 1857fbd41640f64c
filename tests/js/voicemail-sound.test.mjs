// Sound of the voicemail: G.711, RTP, what is put together of it, and WAV files.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LINEAR, encode } from "../../server/voicemail/media/g711.js";
import {
  isOfBrowser,
  readOffer,
  writeAnswer,
} from "../../server/voicemail/media/offer.js";
import {
  readPacket,
  writePacket,
} from "../../server/voicemail/media/packet.js";
import { Tape } from "../../server/voicemail/media/tape.js";
import { readWav, writeWav } from "../../server/voicemail/media/wav.js";

const crlf = (...lines) => [...lines, ""].join("\r\n");

describe("G.711", () => {
  test("values of the tables of ITU-T G.711", () => {
    for (const [code, sample] of [
      [0x00, -32_124],
      [0x80, 32_124],
      [0x7f, 0],
      [0xff, 0],
      [0x8f, 16_764],
      [0xef, 132],
    ])
      assert.equal(LINEAR.PCMU[code] + 0, sample, `µ-law ${code}`);
    for (const [code, sample] of [
      [0x2a, -32_256],
      [0xaa, 32_256],
      [0x55, -8],
      [0xd5, 8],
    ])
      assert.equal(LINEAR.PCMA[code], sample, `A-law ${code}`);
  });

  test("each sample becomes the code that stands for the nearest", () => {
    for (const codec of ["PCMU", "PCMA"]) {
      const samples = Int16Array.from(
        { length: 655 },
        (_, n) => n * 100 - 32_700,
      );
      encode(samples, codec).forEach((code, n) => {
        const off = Math.abs(LINEAR[codec][code] - samples[n]);
        const best = Math.min(
          ...[...LINEAR[codec]].map((value) => Math.abs(value - samples[n])),
        );
        assert.equal(off, best, `${codec} ${samples[n]}`);
      });
    }
  });
});

describe("a packet", () => {
  const packet = {
    type: 8,
    timestamp: 2 ** 32 - 1,
    stream: 4711,
    payload: Uint8Array.of(1, 2, 3),
  };

  test("is read as it was written", () => {
    const bytes = writePacket({ ...packet, sequence: 65_535, isFirst: true });
    const { payload, ...read } = readPacket(bytes);
    assert.deepEqual(
      { ...read, payload: [...payload] },
      { ...packet, payload: [1, 2, 3] },
    );
  });

  test("with contributors, an extension and padding", () => {
    const bytes = Buffer.concat([
      Buffer.from([0xb1, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7]),
      Buffer.from([0, 0, 0, 8]), // a contributor
      Buffer.from([0xbe, 0xde, 0, 1, 1, 2, 3, 4]),
      Buffer.from([42, 43, 0, 2]),
    ]);
    assert.deepEqual([...readPacket(bytes).payload], [42, 43]);
  });

  test("that is none is none: cut, of another version, of no length", () => {
    for (const hex of [
      "",
      "80",
      "8000000000000000000000",
      "800000000000000000000000",
      "400000000000000000000000ff",
      "9000000000000000000000000000",
      "90000000000000000000000000000fff",
      "8f00000000000000000000000011",
      "a00000000000000000000000ff",
    ])
      assert.equal(readPacket(Buffer.from(hex, "hex")), undefined, hex);
  });

  test("nor does anything that comes make it throw", () => {
    for (let seed = 1; seed < 20_000; seed++) {
      const bytes = Buffer.from(
        Array.from(
          { length: seed % 40 },
          (_, n) => (seed * (n + 7) * 2_654_435_761) >>> 24,
        ),
      );
      const read = readPacket(bytes);
      if (read) assert.ok(read.payload.length <= bytes.length);
    }
  });
});

describe("a tape", () => {
  const said = (at, count, more) => ({
    stream: 1,
    timestamp: at >>> 0,
    codec: "PCMU",
    payload: new Uint8Array(count).fill(0x80),
    ...more,
  });
  const loud = (tape) =>
    [...tape.samples].map((sample) => (sample ? "#" : ".")).join("");

  test("puts packets where they belong, in whatever order they come", () => {
    const tape = new Tape(1);
    for (const at of [100, 108, 116, 104]) tape.add(said(at, 4));
    assert.equal(loud(tape), "############....####");
  });

  test("goes on over the end of the timestamps", () => {
    const tape = new Tape(1);
    tape.add(said(-4, 4));
    tape.add(said(0, 4));
    tape.add(said(12, 4));
    assert.equal(loud(tape), "########........####");
  });

  test("what comes of another stream, or of another time, follows at once", () => {
    const tape = new Tape(20);
    tape.add(said(100, 4));
    tape.add(said(5_000_000, 4));
    tape.add(said(7, 4, { stream: 2 }));
    tape.add(said(2 ** 31, 4, { stream: 2 }));
    assert.equal(loud(tape), "################");
  });

  test("takes no more than fits on it", () => {
    const tape = new Tape(1);
    for (let at = 0; at < 9_000; at += 160) tape.add(said(at, 160));
    assert.ok(tape.isFull);
    assert.equal(tape.samples.length, 8_000);
    tape.add(said(7_000, 160));
    assert.equal(tape.samples.length, 8_000);
  });

  test("a packet before the first is heard as far as there is room for it", () => {
    const tape = new Tape(1);
    tape.add(said(100, 4));
    tape.add(said(96, 4));
    assert.equal(loud(tape), "####");
  });
});

describe("WAV", () => {
  const samples = Int16Array.of(0, 1, -1, 32_767, -32_768);

  test("is read as it was written", () => {
    const bytes = writeWav(samples);
    assert.equal(bytes.length, 44 + 10);
    assert.deepEqual(readWav(bytes), samples);
  });

  test("other chunks, of odd length too, are passed over", () => {
    const bytes = writeWav(samples);
    const chunk = Buffer.from("LIST\x03\0\0\0abc\0", "latin1");
    const longer = Buffer.concat([
      bytes.subarray(0, 36),
      chunk,
      bytes.subarray(36),
    ]);
    assert.deepEqual(readWav(longer), samples);
  });

  test("of another kind, or cut, it is none", () => {
    const bytes = writeWav(samples);
    const stereo = Buffer.from(bytes);
    stereo.writeUInt16LE(2, 22);
    const fast = Buffer.from(bytes);
    fast.writeUInt32LE(44_100, 24);
    for (const wrong of [
      Buffer.alloc(0),
      bytes.subarray(0, 20),
      bytes.subarray(12),
      stereo,
      fast,
      Buffer.from("RIFF\0\0\0\0WAVEdata\xff\xff\xff\xff", "latin1"),
    ])
      assert.equal(readWav(wrong), undefined);
    assert.deepEqual(readWav(bytes.subarray(0, 48)), samples.subarray(0, 2));
  });
});

describe("an offer of plain RTP", () => {
  const offer = crlf(
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=0 0",
    "m=audio 4000 RTP/AVP 18 8 0 101",
    "m=video 4002 RTP/AVP 96",
  );
  const own = { address: "192.0.2.9", port: 5000, id: 7, version: 3 };

  test("the first of its codecs that is known, where it is sent to", () => {
    assert.deepEqual(readOffer(offer), {
      address: "192.0.2.1",
      port: 4000,
      type: 8,
    });
    const own = offer.replace("18 8 0 101", "0\r\nc=IN IP6 2001:db8::1");
    assert.deepEqual(readOffer(own), {
      address: "2001:db8::1",
      port: 4000,
      type: 0,
    });
  });

  test("is answered line by line: what is not taken has port 0", () => {
    assert.equal(
      writeAnswer(offer, own),
      crlf(
        "v=0",
        "o=- 7 3 IN IP4 192.0.2.9",
        "s=-",
        "c=IN IP4 192.0.2.9",
        "t=0 0",
        "m=audio 5000 RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=ptime:20",
        "a=sendrecv",
        "m=video 0 RTP/AVP 96",
      ),
    );
  });

  test("of two sounds the first is taken", () => {
    const two = `${offer}m=audio 4004 RTP/AVP 0\r\n`;
    const media = writeAnswer(two, own).match(/^m=.*$/gm);
    assert.deepEqual(
      media.map((line) => line.trim()),
      ["m=audio 5000 RTP/AVP 8", "m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0"],
    );
  });

  test("its direction is mirrored, that of the session too", () => {
    for (const [offered, answered] of [
      ["sendonly", "recvonly"],
      ["recvonly", "sendonly"],
      ["inactive", "inactive"],
      ["sendrecv", "sendrecv"],
    ]) {
      const here = offer.replace("101\r\n", `101\r\na=${offered}\r\n`);
      const above = offer.replace("t=0 0", `t=0 0\r\na=${offered}`);
      for (const one of [here, above])
        assert.match(
          writeAnswer(one, own),
          new RegExp(`^a=${answered}\r$`, "m"),
        );
    }
  });

  test("that cannot be taken is none", () => {
    for (const [what, by] of [
      ["m=audio 4000", "m=audio 0"],
      ["m=audio 4000", "m=audio 70000"],
      ["RTP/AVP 18", "RTP/SAVP 18"],
      ["18 8 0 101", "18 101"],
      ["c=IN IP4 192.0.2.1\r\n", ""],
      ["c=IN IP4 192.0.2.1", "c=IN IP4 phone.example.com"],
      ["m=audio", "m=message"],
    ])
      assert.equal(readOffer(offer.replace(what, by)), undefined, by);
    assert.equal(readOffer(""), undefined);
  });

  test("is not that of a browser", () => {
    assert.ok(!isOfBrowser(offer));
    assert.ok(isOfBrowser(offer.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF")));
  });
});
