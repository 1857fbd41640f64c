// What the phones say: the microphone, or a chord for each, which needs no
// permission and does not howl with three phones at one table.

export class Voice {
  /** @type {"tones" | "microphone"} */
  kind = "tones";
  /** @type {AudioContext | undefined} */
  #context;

  /** Browsers let pages make sound after a click: made at the first call. */
  get context() {
    this.#context ??= new AudioContext();
    this.#context.resume();
    return this.#context;
  }

  /**
   * Options for a call, and what is to be stopped after it.
   * @param {number[]} chord Hz
   * @returns {{ stream?: MediaStream, stop: () => void }}
   */
  options(chord) {
    if (this.kind === "microphone") return { stop: () => {} };
    const { context } = this;
    const destination = new MediaStreamAudioDestinationNode(context);
    const loudness = new GainNode(context, { gain: 0.1 });
    // A slow beat, so that the level meters have something to show.
    const beat = new OscillatorNode(context, { frequency: 1.5 });
    const depth = new GainNode(context, { gain: 0.08 });
    const voices = chord.map(
      (frequency) => new OscillatorNode(context, { frequency }),
    );
    for (const each of voices) each.connect(loudness);
    beat.connect(depth).connect(loudness.gain);
    loudness.connect(destination);
    for (const each of [...voices, beat]) each.start();
    const { stream } = destination;
    return {
      stream,
      stop() {
        for (const each of [...voices, beat]) each.stop();
        for (const track of stream.getTracks()) track.stop();
      },
    };
  }
}
