// A tab of a phone that tabs share: what the stories have it do, and what it hears.

import { Phone } from "/js/index.js";

/** @type {Phone} */
let phone;
const story = [];
/** Every call, in the order in which it was told of. */
const calls = [];
/** Offers of the far end, as the browser was given them. */
const offers = [];
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  if (description.type === "offer") offers.push(description.sdp);
  return setRemoteDescription.call(this, description);
};
/** Who waits for something to have been heard. */
const waiting = new Set();

function tell(...what) {
  story.push(what.join(" "));
  for (const look of waiting) look();
}

const settled = (promise) =>
  promise.then(
    () => "done",
    ({ code, details }) => [code, details?.option].filter(Boolean).join(" "),
  );

/** @param {import("/js/index.js").Call} call */
function follow(call, how) {
  calls.push(call);
  tell(how, call.id);
  // Browsers measure the sound of what is played alone.
  const audio = new Audio();
  const play = () => {
    audio.srcObject = call.remoteStream;
    audio.play().catch(() => {});
  };
  call.on("track", play);
  call.on("state", ({ state }) => tell(state));
  call.on("here", ({ here }) => tell(here ? "here" : "not here"));
  call.on("info", ({ body }) => tell("info", body));
  call.on("ended", ({ cause }) => tell("ended", cause));
  call.on("error", ({ code }) => tell("call error", code));
  return calls.length - 1;
}

/** What came in of a call's sound. */
async function measure(at) {
  const all = [...(await calls[at].getStats()).values()];
  const sound = all.find((s) => s.type === "inbound-rtp" && s.kind === "audio");
  const { packetsReceived = 0, totalAudioEnergy = 0 } = sound ?? {};
  return { packets: packetsReceived, energy: totalAudioEnergy };
}

const frame = () => new Promise((resolve) => setTimeout(resolve, 20));

globalThis.story = story;
globalThis.driver = {
  /** What functions the page gives is told by name. */
  make({ gives = [], secret, ...options }) {
    const functions = {
      credentials: ({ realm }) => {
        tell("asked for", realm);
        return { password: secret };
      },
      log: ({ level }) => level === "warn" && tell("log", level),
    };
    for (const name of gives) options[name] = functions[name];
    phone = new Phone({ shared: true, ...options });
    phone.on("status", ({ status }) => tell(status));
    for (const name of ["eDeviceAlreadyRegistered", "eConnectionTerminated"])
      phone.on(name, () => tell("event", name));
    phone.on("message", ({ body }) => tell("message", body));
    phone.on("error", ({ message }) => tell("error", message));
    phone.on("tabs", ({ count }) => tell("tabs", count));
    phone.on("incoming", ({ call }) => follow(call, "incoming"));
    phone.on("call", ({ call }) => follow(call, "call"));
  },
  register: (forceRegistration = false) =>
    settled(phone.registerPhone({ forceRegistration })),
  /** Given up before it can succeed. */
  giveUp() {
    const giving = new AbortController();
    const given = settled(phone.registerPhone({ signal: giving.signal }));
    giving.abort();
    return given;
  },
  unregister: () => settled(phone.unregisterPhone()),
  close: () => settled(phone.close()),
  message: (target, body) => settled(phone.message(target, body)),
  state: () => ({
    status: phone.status,
    ready: phone.ready,
    registration: phone.registration,
    instanceId: phone.instanceId,
    tabs: phone.tabs,
  }),
  dial: (target) => follow(phone.call(target), "dialled"),
  calls: () =>
    phone.calls.map(
      ({ id, state, direction, here, muted, heldBy, remote }) => ({
        ...{ id, state, direction, here, muted, heldBy, uri: remote.uri },
      }),
    ),
  /** Asks something of a call. */
  do: (at, verb, ...args) => settled(calls[at][verb](...args)),
  transfer: (at, to) => settled(calls[at].transfer(calls[to])),
  streams: (at) =>
    [calls[at].localStream, calls[at].remoteStream].filter(Boolean).length,
  stats: (at) => settled(calls[at].getStats()),
  /** Until it is so. */
  async until(at, facts) {
    const isSo = ([name, value]) =>
      JSON.stringify(calls[at]?.[name]) === JSON.stringify(value);
    while (!Object.entries(facts).every(isSo)) await frame();
  },
  /** Until half a second of sound more has come in. */
  async hears(at) {
    let before;
    for (;;) {
      const now = await measure(at).catch(() => undefined);
      before ??= now;
      if (
        now &&
        now.packets >= before.packets + 25 &&
        now.energy > before.energy
      )
        return;
      await frame();
    }
  },
  /** Begins to listen for the longest time in which nothing came in. */
  async listen(at) {
    let [longest, since, last] = [0, performance.now(), -1];
    globalThis.silence = () => longest;
    while (calls[at].state !== "ended") {
      const { packets } = await measure(at).catch(() => ({ packets: last }));
      const now = performance.now();
      if (packets !== last) since = now;
      longest = Math.max(longest, now - since);
      last = packets;
      await frame();
    }
  },
  silence: () => globalThis.silence(),
  offers: () => offers,
  /** Until there were so many of them. */
  async offered(count) {
    while (offers.length < count) await frame();
  },
  story: () => story,
  /** Until it has been heard, so many times. */
  heard: (what, times = 1) =>
    new Promise((resolve) => {
      const look = () => {
        if (story.filter((one) => one === what).length < times) return;
        waiting.delete(look);
        resolve(undefined);
      };
      waiting.add(look);
      look();
    }),
  /** ms from the making of a phone until it is ready. */
  async timeToReady(options) {
    const began = performance.now();
    this.make(options);
    await this.heard("eReady");
    return performance.now() - began;
  },
};
