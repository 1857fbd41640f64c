// A phone with its calls, for a test to drive. What is heard is measured, not believed.

import { Phone } from "/js/index.js";

/** @type {Phone} */
let phone;
/** Every call, in order. */
const calls = [];
/** What happened, as lines. */
const story = [];

async function logIn(options) {
  phone = new Phone({ storage: null, ...options });
  phone.on("incoming", ({ call }) => add(call));
  phone.on("transferred", ({ call }) => add(call));
  phone.on("eConnectionTerminated", () => story.push("taken over"));
  await phone.registerPhone();
}

function add(call) {
  calls.push(call);
  // The browser measures the sound of what is played alone.
  const audio = new Audio();
  call.on("track", () => {
    audio.srcObject = call.remoteStream;
    audio.play().catch(() => {});
  });
  call.on("ended", ({ cause }) => story.push(cause));
  call.on("error", ({ code, message }) => story.push(`${code} ${message}`));
  return calls.length - 1;
}

const dial = (target, options) => add(phone.call(target, options));

/** Until there is such a call, in that state. */
async function until(which, state, heldBy = null) {
  for (;;) {
    const call = calls[which];
    if (call?.state === state && call.heldBy === heldBy) return;
    await frame();
  }
}

async function measure(which) {
  const all = [...(await calls[which].getStats()).values()];
  const sound = all.find((s) => s.type === "inbound-rtp" && s.kind === "audio");
  const transport = all.find((s) => s.type === "transport");
  return {
    packets: sound?.packetsReceived ?? 0,
    energy: sound?.totalAudioEnergy ?? 0,
    way: transport?.selectedCandidatePairId,
  };
}

/** Until so many more packets, and some sound, have come in. */
async function hears(which, more = 25) {
  const before = await measure(which);
  for (;;) {
    const now = await measure(which);
    if (now.packets >= before.packets + more && now.energy > before.energy)
      return { before, now };
    await frame();
  }
}

/** Until nothing comes in any more. */
async function silent(which) {
  for (let quiet = 0, last = -1; quiet < 6; await frame()) {
    const { packets } = await measure(which);
    quiet = packets === last ? quiet + 1 : 0;
    last = packets;
  }
}

/** Until sound and pictures go another way through the network. */
async function moved(which, before) {
  while ((await measure(which)).way === before) await frame();
}

/** Until pictures come in. */
async function sees(which) {
  for (;;) {
    const all = [...(await calls[which].getStats()).values()];
    if (
      all.some(
        ({ kind, framesDecoded }) => kind === "video" && framesDecoded > 3,
      )
    )
      return;
    await frame();
  }
}

const frame = () => new Promise((resolve) => setTimeout(resolve, 50));

Object.assign(window, {
  ...{ logIn, dial, until, calls, story },
  ...{ measure, hears, sees, silent, moved },
  phone: () => phone,
});
