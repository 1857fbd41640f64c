// How loud a stream is, and how good a call.

/** Loudness (dB below full scale) at which a level meter begins. */
const FLOOR = 60;

export class Level {
  #analyser;
  #source;
  #samples;

  /**
   * @param {AudioContext} context
   * @param {MediaStream | null} stream
   */
  constructor(context, stream) {
    this.#analyser = new AnalyserNode(context, { fftSize: 1024 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    if (!stream?.getAudioTracks().length) return;
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
  }

  /** 0 (silence) to 1. */
  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power =
      this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length;
    const loudness = 10 * Math.log10(power || Number.MIN_VALUE);
    return Math.max(0, Math.min(1, 1 + loudness / FLOOR));
  }

  close() {
    this.#source?.disconnect();
  }
}

/** @typedef {{ received: number, lost: number }} Sample packets so far */

/**
 * What a person wants to know of the last second.
 *
 * @param {RTCStatsReport} stats
 * @param {Sample} [last]
 */
export function quality(stats, last) {
  /** @type {any[]} */
  const all = [...stats.values()];
  const sound = all.find((s) => s.type === "inbound-rtp" && s.kind === "audio");
  const pair = all.find((s) => s.type === "candidate-pair" && s.nominated);
  const codec = all.find((s) => s.id === sound?.codecId);
  const sample = {
    received: sound?.packetsReceived ?? 0,
    lost: sound?.packetsLost ?? 0,
  };
  const received = sample.received - (last?.received ?? 0);
  const lost = Math.max(0, sample.lost - (last?.lost ?? 0));
  const loss = lost / (received + lost || 1);
  const jitter = (sound?.jitter ?? 0) * 1000;
  const delay = (pair?.currentRoundTripTime ?? 0) * 1000;
  if (!received) return { sample, verdict: "Silence.", figures: "" };
  return {
    sample,
    verdict: verdict(loss, jitter, delay),
    figures:
      `${(loss * 100).toFixed(0)} % lost, jitter ${jitter.toFixed(0)} ms, ` +
      `round trip ${delay.toFixed(0)} ms, ${codec?.mimeType?.replace("audio/", "") ?? "no codec"}`,
  };
}

/**
 * Where people begin to complain: a few per cent of loss, or a third of a
 * second there and back.
 *
 * @param {number} loss
 * @param {number} jitter ms
 * @param {number} delay ms
 */
function verdict(loss, jitter, delay) {
  if (loss > 0.05 || jitter > 60 || delay > 400) return "Poor:";
  if (loss > 0.01 || jitter > 30 || delay > 200) return "Fair:";
  return "Good:";
}
