// What is heard in a page, measured.

import { Phone } from "../../../js/index.js";
import { Sounds, attachAudio } from "../../../js/sounds/index.js";

Object.assign(window, {
  Sounds,
  attachAudio,
  told: [],

  /** A registered phone. */
  async logIn(connections, user, more) {
    const phone = new Phone({
      ...{ connections, user, domain: "example.test", password: "secret" },
      ...more,
    });
    await phone.registerPhone();
    return Object.assign(window, { phone }).phone;
  },

  /** A microphone into which somebody whistles. */
  whistle(frequency) {
    const context = new AudioContext();
    const destination = context.createMediaStreamDestination();
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0.2 });
    tone.connect(volume).connect(destination);
    tone.start();
    return destination.stream;
  },

  /**
   * Seconds of sound and silence in turn, by the samples themselves: how late they are looked
   * at makes no difference.
   */
  async cadence(stream, seconds) {
    const [track] = stream.getAudioTracks();
    const processor = new MediaStreamTrackProcessor({
      ...{ track, maxBufferSize: 1000 },
    });
    const reader = processor.readable.getReader();
    const runs = [];
    for (let heard = 0; heard < seconds;) {
      const { value: audio } = await reader.read();
      const samples = new Float32Array(audio.numberOfFrames);
      audio.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      const duration = audio.numberOfFrames / audio.sampleRate;
      audio.close();
      heard += duration;
      const sounds = samples.some((sample) => Math.abs(sample) > 0.02);
      if (runs.at(-1)?.sounds === sounds) runs.at(-1).seconds += duration;
      else runs.push({ sounds, seconds: duration });
    }
    await reader.cancel();
    // The first was under way, and the last is.
    return runs.slice(1, -1);
  },

  /** What plays: the strongest frequencies, and seconds of sound and silence in turn. */
  async measure(stream, seconds) {
    const context = new AudioContext();
    const meter = new AnalyserNode(context, {
      ...{ fftSize: 8192, smoothingTimeConstant: 0 },
    });
    context.createMediaStreamSource(stream).connect(meter);
    // Chromium decodes a far end's sound for elements alone.
    const sink = Object.assign(new Audio(), { muted: true, srcObject: stream });
    await context.resume();
    // The oldest of what the meter has: the rest of its window is what came after.
    const oldest = new Float32Array(256);
    const bins = new Float32Array(meter.frequencyBinCount);
    const width = context.sampleRate / meter.fftSize;
    const runs = [];
    let peaks = [];
    const begin = context.currentTime;
    while (context.currentTime < begin + seconds) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const at = context.currentTime;
      meter.getFloatTimeDomainData(oldest);
      const sounds = oldest.some((sample) => Math.abs(sample) > 0.02);
      const last = runs.at(-1);
      if (last?.sounds === sounds) last.seconds = at - last.at;
      else runs.push({ sounds, at, seconds: 0 });
      // A window full of sound, not one with an edge in it.
      const since = at - runs.at(-1).at;
      if (!sounds || since < 0.02 || since > 0.2) continue;
      meter.getFloatFrequencyData(bins);
      peaks = [...bins.keys()]
        .filter((i) => bins[i] > -50)
        .filter((i) => bins[i] > bins[i - 1] && bins[i] >= bins[i + 1])
        .sort((a, b) => bins[b] - bins[a])
        .slice(0, 2)
        .map((i) => Math.round(i * width));
    }
    await context.close();
    sink.srcObject = null;
    return { peaks: peaks.sort((a, b) => a - b), runs: runs.slice(1, -1) };
  },
});
