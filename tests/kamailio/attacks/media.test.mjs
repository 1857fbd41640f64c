/**
 * What clients say reaches rtpengine's control protocol as values of a known length (bencode): nothing
 * in a body, a Call-ID or a tag becomes a command of its own, or an option.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { SipClient } from "../../interop/support/sip-client.mjs";
import { Call } from "../support/call.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { gracefulTest } from "../support/graceful-test.mjs";
import { StreamSocket } from "../support/stream-socket.mjs";

/**
 * Reads one value, and where it ends; throws where rtpengine would.
 * @param {Buffer} data
 * @param {number} at
 * @returns {[any, number]}
 */
function decode(data, at) {
  const kind = String.fromCharCode(data[at]);
  if (kind === "i") {
    const end = data.indexOf("e", at);
    return [Number(data.subarray(at + 1, end).toString()), end + 1];
  }
  if (kind === "d" || kind === "l") {
    const list = [];
    for (at++; data[at] !== 0x65;) {
      const [value, next] = decode(data, at);
      list.push(value);
      at = next;
    }
    if (kind === "l") return [list, at + 1];
    const entries = list.flatMap((key, index) =>
      index % 2 === 0 ? [[key, list[index + 1]]] : [],
    );
    return [Object.fromEntries(entries), at + 1];
  }
  const colon = data.indexOf(":", at);
  const length = data.subarray(at, colon).toString();
  assert.match(length, /^\d+$/);
  const end = colon + 1 + Number(length);
  assert.ok(end <= data.length);
  return [data.subarray(colon + 1, end).toString(), end];
}

/** What rtpengine would be asked. */
class MediaRelay {
  /** @type {Record<string, any>[]} */
  asked = [];
  #socket = createSocket("udp4");

  /** @param {any} world */
  static async start(world) {
    const relay = new MediaRelay();
    relay.#socket.on("message", (data, { port, address }) => {
      const space = data.indexOf(" ");
      const [question, end] = decode(data, space + 1);
      assert.equal(end, data.length, "one question a datagram");
      relay.asked.push(question);
      const sdp = "v=0\r\n";
      const answer =
        question.command === "ping"
          ? "d6:result4:ponge"
          : `d6:result2:ok3:sdp${sdp.length}:${sdp}e`;
      relay.#socket.send(`${data.subarray(0, space)} ${answer}`, port, address);
    });
    relay.#socket.bind(0, "127.0.0.1");
    await once(relay.#socket, "listening");
    world.after(() => relay.#socket.close());
    return relay;
  }

  get port() {
    return this.#socket.address().port;
  }
}

const SDP = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 0",
  "",
].join("\r\n");
const BENCODE = "7:command6:deletee 1 d7:command6:deletee";

/** A browser, and a phone that is none: their calls go through rtpengine. @param {any} world */
async function browserAndPhone(world) {
  const relay = await MediaRelay.start(world);
  const node = await world.server.add({
    define: ["WITH_RTPENGINE"],
    settings: { RTPENGINE_SOCKET: `udp:127.0.0.1:${relay.port}` },
  });
  const caller = await world.connect({ name: "caller" });
  await caller.register({
    contacts: [contact("a", { instance: instance("a") })],
  });
  const phone = new SipClient({
    url: "",
    user: "2002",
    password: world.server.passwords[2002],
    name: "phone",
    transport: "TCP",
    transcript: world.transcript,
    socket: new StreamSocket(node.port, node.host),
  });
  await once(phone.socket, "open");
  world.after(() => phone.socket.terminate());
  await phone.register({ contacts: ["<sip:p@p.invalid;transport=tcp>"] });
  return { relay, caller, phone };
}

gracefulTest(
  "rtpengine is asked one thing at a time, in the client's words but not by them",
  { nodes: [] },
  async (world) => {
    const { relay, caller, phone } = await browserAndPhone(world);
    phone.respond = ({ method }) =>
      method === "INVITE" ? { status: 486 } : { status: 200 };

    const words = [
      BENCODE,
      "e",
      "0:",
      "99999:x",
      `x ${BENCODE}`,
      "!!$var(x)%s",
      "x".repeat(900),
    ];
    /** @type {Record<string, any> | undefined} */
    let first;
    for (const word of words) {
      const before = relay.asked.length;
      const body = `${SDP}a=${word}\r\n${word}`;
      const callId = word.replaceAll(" ", "-");
      const answer = await caller.send("INVITE", phone.aor, {
        callId,
        fromTag: callId.replace(/[^\w.!%*+'-]/g, "-"),
        headers: [
          ["Contact", "<sip:a@a.invalid;transport=ws>"],
          ["Content-Type", "application/sdp"],
        ],
        body,
      });
      assert.equal(answer.status, 486, word);
      const [offer, ...rest] = relay.asked.slice(before);
      assert.deepEqual(
        [offer.command, offer["call-id"], offer.sdp],
        ["offer", callId, body],
      );
      // What is asked of it is ours: the client's body decides no option.
      const options = { ...offer };
      for (const name of ["call-id", "from-tag", "sdp"]) delete options[name];
      first ??= options;
      assert.deepEqual(options, first);
      for (const { command, "call-id": id } of rest)
        assert.deepEqual([command, id], ["delete", callId]);
    }
    assert.ok(
      relay.asked.every(({ command }) => /^(ping|offer|delete)$/.test(command)),
    );
  },
);

gracefulTest(
  "in the phone's plain RTP nobody else is listened to",
  { nodes: [] },
  async (world) => {
    const { relay, caller, phone } = await browserAndPhone(world);
    await Call.start(caller, phone.aor, phone);
    await Call.start(phone, caller.aor, caller);
    // Each flag is for the media of who sends the description.
    const asked = relay.asked
      .filter(({ sdp }) => sdp)
      .map(({ command, flags }) => [
        command,
        (flags ?? []).some((/** @type {string} */ flag) =>
          /^strict[ -]source$/.test(flag),
        ),
      ]);
    assert.deepEqual(asked, [
      ["offer", false],
      ["answer", true],
      ["offer", true],
      ["answer", false],
    ]);
  },
);

gracefulTest(
  "a change of the call that is refused ends nobody's media",
  { nodes: [] },
  async (world) => {
    const { relay, caller, phone } = await browserAndPhone(world);
    const call = await Call.start(caller, phone.aor, phone);
    phone.respond = ({ method }) =>
      method === "INVITE" ? { status: 488 } : { status: 200 };
    const change = {
      body: SDP,
      headers: /** @type {[string, string][]} */ ([
        ["Contact", "<sip:a@a.invalid;transport=ws>"],
        ["Content-Type", "application/sdp"],
      ]),
    };
    assert.equal((await call.request("INVITE", change)).status, 488);
    const asked = () =>
      relay.asked.map(({ command }) => command).filter((it) => it !== "ping");
    assert.deepEqual(asked(), ["offer", "answer", "offer"]);
    assert.equal((await call.request("BYE")).status, 200);
    assert.deepEqual(asked(), ["offer", "answer", "offer", "delete"]);
  },
);
