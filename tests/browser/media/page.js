// Two default handlers in one page, which exchange descriptions without a phone.

import { createPeerMedia } from "/js/media/peer.js";

/** One side: its handler, and what it told. */
class Side {
  told = [];
  candidates = [];
  /** @type {Side} */
  other;

  constructor(options = {}) {
    const emit = (name) => (what) => this.told.push({ name, what });
    this.media = createPeerMedia({
      audio: true,
      direction: "outgoing",
      iceServers: async () => [],
      log: () => {},
      emit: {
        track: (track) => {
          this.told.push({ name: "track", what: track.kind });
          this.play();
        },
        candidates: (sdpfrag, end) => {
          this.candidates.push({ sdpfrag, end });
          this.other?.media.addCandidates(sdpfrag);
        },
        lost: emit("lost"),
        disturbed: emit("disturbed"),
        renegotiate: emit("renegotiate"),
        error: (error) =>
          this.told.push({
            name: "error",
            what: { code: error.code, message: error.message },
          }),
      },
      ...options,
    });
  }

  /** The browser measures the sound of what is played alone. */
  play() {
    if (this.audio) return;
    this.audio = new Audio();
    this.audio.srcObject = this.media.remoteStream;
    this.audio.play();
  }

  async received(kind = "audio") {
    const stats = [...(await this.media.getStats()).values()];
    const inbound = stats.find(
      (stat) => stat.type === "inbound-rtp" && stat.kind === kind,
    );
    return {
      packets: inbound?.packetsReceived ?? 0,
      energy: inbound?.totalAudioEnergy ?? 0,
      frames: inbound?.framesDecoded ?? 0,
    };
  }

  /** Until so many more packets, and some sound, have come in. */
  async hears({ more = 25 } = {}) {
    const before = await this.received();
    for (;;) {
      const now = await this.received();
      if (now.packets >= before.packets + more && now.energy > before.energy)
        return true;
      await frame();
    }
  }

  async sees() {
    const before = await this.received("video");
    for (;;) {
      const now = await this.received("video");
      if (now.frames > before.frames + 2) return true;
      await frame();
    }
  }
}

const frame = () => new Promise((resolve) => setTimeout(resolve, 50));

/** An agreement, offered by one side. */
async function agree(from, to, how = {}, answerHow = {}) {
  const offer = await from.media.createOffer(how);
  const answer = await to.media.createAnswer(offer, answerHow);
  await from.media.applyAnswer(answer, "answer");
  return { offer, answer };
}

function pair(a, b) {
  const sides = [new Side(a), new Side({ direction: "incoming", ...b })];
  [sides[0].other, sides[1].other] = [sides[1], sides[0]];
  return sides;
}

/** A sound that needs no device. */
function tone(frequency = 440, gain = 1) {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency });
  const destination = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(new GainNode(context, { gain })).connect(destination);
  oscillator.start();
  return destination.stream;
}

Object.assign(window, { Side, agree, pair, tone, frame });
