// A phone whose far end offers and answers what it should not. What is heard is
// measured at both ends.

import { Phone } from "/js/index.js";
import { FarEnd, FarMedia } from "./far-end.js";

/** A description changed, by what is wrong with it then. @type {Record<string, (sdp: string) => string>} */
const wrong = {
  "an unknown codec": (sdp) =>
    sdp
      .replace(/^a=(rtpmap|fmtp|rtcp-fb):.*\r\n/gm, "")
      .replace(/^m=audio (\d+) (\S+) .*/m, "m=audio $1 $2 77")
      .replace(/^a=mid:/m, "a=rtpmap:77 ODD/8000\r\na=mid:"),
  garbage: () => "v=0\r\nnonsense\r\n",
  "no stream": (sdp) => sdp.slice(0, sdp.indexOf("m=")),
  "no fingerprint": (sdp) => sdp.replace(/^a=fingerprint:.*\r\n/gm, ""),
  "no ICE": (sdp) => sdp.replace(/^a=ice-(ufrag|pwd):.*\r\n/gm, ""),
  "plain RTP": (sdp) =>
    sdp
      .replace(/^a=(fingerprint|ice-\w+|setup|candidate):?.*\r\n/gm, "")
      .replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
  "no rtcp-mux": (sdp) => sdp.replace(/^a=rtcp-mux.*\r\n/gm, ""),
  "another stream in its place": (sdp) =>
    sdp.replace(
      /^m=audio/m,
      "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\nm=audio",
    ),
  "an unknown hash": (sdp) => sdp.replace(/^(a=fingerprint:sha-)256/m, "$199"),
  // Chromium's connection is of no more use after this one.
  "credentials too short": (sdp) =>
    sdp.replace(/^a=ice-ufrag:.*/m, "a=ice-ufrag:x"),
  "nothing but numbers": (sdp) => sdp.replace(/[a-z]+=/g, "1="),
};

/** The same, with what can be understood all the same. @type {Record<string, (sdp: string) => string>} */
const odd = {
  "port 0": (sdp) => sdp.replace(/^m=audio \d+/m, "m=audio 0"),
  "port 0 and nothing else": (sdp) =>
    sdp.replace(/^m=audio \d+/m, "m=audio 0").replace(/^a=.*\r\n/gm, ""),
  "active in DTLS": (sdp) => sdp.replace(/^a=setup:.*/gm, "a=setup:active"),
  "passive in DTLS": (sdp) => sdp.replace(/^a=setup:.*/gm, "a=setup:passive"),
};

/** What an ICE restart is answered, too. */
const RESTARTS = ["488", "no answer", "garbage", "credentials too short"];

/** @type {Phone} */
let phone;
/** @type {import("/js/index.js").Call} */
let call;
/** @type {FarEnd} */
let far;

/** A call to a far end. */
async function talk(prepare = async () => {}, options = {}) {
  phone = new Phone({
    connections: "ws://localhost/",
    user: "2001",
    domain: "example.test",
    password: "tell-nobody-4711",
    storage: null,
    WebSocket: FarEnd,
    ...options,
  });
  await phone.registerPhone();
  far = FarEnd.last;
  far.media = await FarMedia.start();
  await prepare();
  call = phone.call("2002");
  const audio = new Audio();
  call.on("track", ({ stream }) => {
    audio.srcObject = stream;
    audio.play().catch(() => {});
  });
  await new Promise((resolve, reject) => {
    call.once("connected", resolve);
    call.once("ended", ({ reason }) => reject(new Error(reason)));
  });
}

/** What one end has received until now. */
async function received(end) {
  let [packets, energy] = [0, 0];
  for (const stat of (await end.getStats()).values())
    if (stat.type === "inbound-rtp" && stat.kind === "audio") {
      packets += stat.packetsReceived;
      energy += stat.totalAudioEnergy ?? 0;
    }
  return { packets, energy };
}

const passing = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until one end has received sound. A connection that is new counts from nothing. */
async function hears(end, what) {
  let before = await received(end);
  for (const deadline = performance.now() + 8000; ; await passing(20)) {
    const now = await received(end);
    if (now.packets < before.packets) before = { packets: 0, energy: 0 };
    if (now.packets >= before.packets + 10 && now.energy > before.energy)
      return;
    if (performance.now() > deadline)
      throw new Error(`${what}: no sound, ${JSON.stringify([before, now])}`);
  }
}

/** Sound both ways; in ms, how long that took. */
async function sound(what) {
  const start = performance.now();
  await Promise.all([
    hears(call, `${what}: at the phone`),
    hears(far.media, `${what}: at the far end`),
  ]);
  return Math.round(performance.now() - start);
}

/** What works after whatever happened: a right offer of theirs, and ours. */
async function goesOn(what) {
  await sound(what);
  // An offer of ours may be on its way, which mends something.
  let status;
  do status = await far.offer();
  while (status === 491 || status === 500);
  if (status !== 200) throw new Error(`${what}: then ${status}`);
  await sound(`${what}: after a right offer`);
  await call.hold();
  if (call.state !== "held") throw new Error(`${what}: ${call.state}`);
  await call.resume();
  await sound(`${what}: held and resumed`);
}

/** Offers of theirs, one after the other in one call. @returns the statuses */
async function offers() {
  await talk();
  await sound("at first");
  const statuses = {};
  for (const [what, change] of Object.entries({ ...wrong, ...odd }))
    for (const direction of ["sendrecv", "inactive"]) {
      const name = `${what} (${direction})`;
      const offer = await far.media.draft();
      const { status, body } = await far.reinvite(
        change(offer.replace("a=sendrecv", `a=${direction}`)),
      );
      const heldBy = status === 200 ? call.heldBy : null;
      const [port] = /(?<=^m=audio )\d+/m.exec(body) ?? [];
      statuses[name] = { status, heldBy, refused: port === "0" };
      if (status === 200) await far.offer();
      await goesOn(name);
    }
  await call.transfer("2003");
  return { statuses, state: call.state };
}

/** Answers of theirs to offers of ours. */
async function answers() {
  await talk();
  await sound("at first");
  const outcomes = {};
  /** @type {[string, () => void][]} */
  const ways = [
    ...[403, 488, 500, 606].map((status) => [
      `${status}`,
      () => (far.refusal = status),
    ]),
    ...Object.entries({ "no answer": () => "", ...wrong, ...odd }).map(
      ([what, change]) => [what, () => (far.change = change)],
    ),
  ];
  for (const [what, prepare] of ways)
    for (const wish of ["hold", "restartIce"]) {
      if (wish === "restartIce" && !RESTARTS.includes(what)) continue;
      const name = `${what} (${wish})`;
      prepare();
      outcomes[name] = await call[wish]().then(
        () => call.state,
        ({ code }) => code,
      );
      if (call.state === "held") await call.resume();
      await goesOn(name);
    }
  await call.transfer("2003");
  return { outcomes, state: call.state };
}

/**
 * Early media of one fork, and the answer of another: with a certificate of its own,
 * or of the same server. In ms: how long until both hear each other.
 */
async function forks(same) {
  const certificate = await RTCPeerConnection.generateCertificate({
    name: "ECDSA",
    namedCurve: "P-256",
  });
  const first = await FarMedia.start(same ? certificate : undefined);
  const second = await FarMedia.start(same ? certificate : undefined);
  let answered = 0;
  await talk(async () => {
    far.called = async (invite) => {
      far.reply(invite, 183, "a", await first.answer(invite.body));
      // Firefox knows no early answers.
      if (!/Firefox/.test(navigator.userAgent)) await hears(first, "early");
      far.media.close();
      far.media = second;
      const answer = await second.answer(invite.body);
      answered = performance.now();
      far.reply(invite, 200, "b", answer);
    };
  });
  await sound("after the answer");
  const time = Math.round(performance.now() - answered);
  await goesOn("another fork");
  first.close();
  return { time, state: call.state };
}

/** An answer within the call from somebody else: another server took the call over. */
async function another() {
  await talk();
  await sound("at first");
  const before = far.media;
  far.media = await FarMedia.start();
  await call.restartIce();
  await sound("from another one");
  await goesOn("from another one");
  before.close();

  // To a hold.
  const held = far.media;
  far.media = await FarMedia.start();
  await call.hold();
  held.close();
  await call.resume();
  await sound("a hold answered by another one");
  await goesOn("a hold answered by another one");

  // And an offer.
  const last = far.media;
  far.media = await FarMedia.start();
  const status = await far.offer();
  await sound("an offer of another one");
  await goesOn("an offer of another one");
  last.close();
  return { status, streams: call.remoteStream.getTracks().length };
}

/** Pictures that the far end refuses, in either way. */
async function pictures() {
  await talk();
  await sound("at first");
  const outcomes = [];
  for (const change of [
    (sdp) => sdp.replace(/^m=video \d+/m, "m=video 0"),
    (sdp) => sdp.replace(/(m=video[^]*?)a=recvonly/, "$1a=inactive"),
  ]) {
    far.change = change;
    const on = call.setVideo(true).then(
      () => "taken",
      ({ code }) => code,
    );
    outcomes.push([await on, call.localStream.getVideoTracks().length]);
    await call.hold();
    await call.resume();
    await sound("without pictures");
  }
  await call.setVideo(true);
  const [camera] = call.localStream.getVideoTracks();
  outcomes.push([camera.readyState, call.state]);
  return outcomes;
}

/** A far end that is gone without a word. */
async function vanishes() {
  await talk(undefined, { mediaTimeout: 3 });
  await sound("at first");
  const start = performance.now();
  await far.media.vanish();
  const { cause, reason } = await new Promise((resolve) =>
    call.once("ended", resolve),
  );
  return { cause, reason, time: performance.now() - start };
}

Object.assign(window, {
  driver: { offers, answers, forks, another, pictures, vanishes },
});
