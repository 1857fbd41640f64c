/**
 * Hears the keys of a phone in a stream: the receiving browser plays telephone events (RFC 4733) as
 * the tones that they stand for.
 */

/** ITU-T Q.23. */
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];

/** Samples looked at together: 43 ms at 48 kHz, less than half of a tone. */
const BLOCK = 2048;
/** From one look to the next: a tone that is cut short is still whole in one of them. */
const STEP = BLOCK / 4;
/**
 * Hann's window: what a microphone hears beside the tone (Firefox's plays 1000 Hz) stays
 * away from the frequencies of keys.
 */
const WINDOW = Float32Array.from(
  { length: BLOCK },
  (_, at) => 1 - Math.cos((2 * Math.PI * (at + 0.5)) / BLOCK),
);
const RATE = 48_000;
const SLICE_MS = 200;

/**
 * Resolves when it listens. It records and looks into the recording: Firefox plays nothing into an
 * AudioContext on a machine without a sound card.
 * @param {MediaStream} stream
 * @param {(key: string) => void} heard called for every key whose tone is in the recording
 */
export async function hearKeys(stream, heard) {
  const recorder = new MediaRecorder(stream);
  /** @type {Blob[]} */
  const slices = [];
  /** @type {() => void} */
  let begun = () => {};
  const started = new Promise((resolve) => (begun = () => resolve(undefined)));
  recorder.ondataavailable = async ({ data }) => {
    slices.push(data);
    // Said to have started, it still loses what comes before the first slice is full.
    begun();
    // Only the whole of it can be decoded: the headers stand in the first slice.
    const recording = await new Blob(slices).arrayBuffer();
    const context = new OfflineAudioContext(1, 1, RATE);
    const audio = await context.decodeAudioData(recording);
    const samples = audio.getChannelData(0);
    const keys = new Set();
    for (let at = 0; at + BLOCK <= samples.length; at += STEP)
      keys.add(keyIn(samples.subarray(at, at + BLOCK)));
    keys.delete(undefined);
    keys.forEach(heard);
  };
  recorder.start(SLICE_MS);
  await started;
  return () => recorder.state === "recording" && recorder.stop();
}

/**
 * The key whose two frequencies stand out, or undefined.
 * @param {Float32Array} samples
 */
function keyIn(samples) {
  const windowed = samples.map((sample, at) => sample * WINDOW[at]);
  const [low, high] = [LOW, HIGH].map((frequencies) => {
    const powers = frequencies.map((hertz) => power(windowed, hertz / RATE));
    const best = powers.indexOf(Math.max(...powers));
    const rest = Math.max(...powers.filter((_, index) => index !== best));
    return { best, stands: powers[best] > 1e-5 && powers[best] > 20 * rest };
  });
  return low.stands && high.stands ? KEYS[low.best][high.best] : undefined;
}

/**
 * Power at a frequency, 0 to 1 (Goertzel's algorithm).
 * @param {Float32Array} samples
 * @param {number} frequency in cycles a sample
 */
function power(samples, frequency) {
  const factor = 2 * Math.cos(2 * Math.PI * frequency);
  let [last, before] = [0, 0];
  for (const sample of samples)
    [last, before] = [sample + factor * last - before, last];
  const squared = last * last + before * before - factor * last * before;
  return (4 * squared) / samples.length ** 2;
}
