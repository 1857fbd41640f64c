import { checked, oneOf, text } from "../phone/options.js";
import { follow } from "./follow.js";
import { Player } from "./player.js";
import { countries, names, render, toneOf } from "./tones.js";

/** @typedef {import("./index.js").SoundName} SoundName */
/** @typedef {import("./index.js").Sounds} Declared */

/** Of what is rendered: four times the highest tone will do. */
const RATE = 8000;

/** @type {Record<string, import("../phone/options.js").Check>} */
const checks = {
  country: oneOf(...countries),
  volume: (value) =>
    !(value >= 0 && value <= 1) && "must be a number from 0 to 1",
  sinkId: (value) => value !== "" && text(value),
};

/**
 * The tones of a phone. The types and their documentation stand in index.d.ts.
 *
 * @implements {Declared}
 */
export class Sounds extends Player {
  #country;
  #context = new AudioContext();
  #volume = this.#context.createGain();
  #destination = this.#context.createMediaStreamDestination();
  /** @type {Set<() => void>} */
  #endings = new Set();

  /** @param {import("./index.js").SoundsOptions} [options] */
  constructor(options = {}) {
    const given = checked(options, checks, undefined);
    super(new Audio());
    const { country = "international", volume = 0.3, sinkId } = given;
    this.#country = country;
    this.#volume.gain.value = volume;
    this.#volume.connect(this.#destination);
    if (sinkId) this.setSinkId(sinkId).catch(() => {});
  }

  get stream() {
    return this.#destination.stream;
  }

  /**
   * @param {SoundName} name
   * @param {{ seconds?: number }} [options]
   */
  play(name, { seconds } = {}) {
    checked({ name }, { name: oneOf(...names) }, undefined);
    const samples = render(toneOf(this.#country, name), RATE);
    const buffer = this.#context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    // Its clock keeps the cadence also where the page's timers are slowed down.
    const source = new AudioBufferSourceNode(this.#context, {
      ...{ buffer, loop: true },
    });
    source.connect(this.#volume);
    source.start();
    if (seconds) source.stop(this.#context.currentTime + seconds);
    const end = () => {
      source.stop();
      source.disconnect();
      this.#endings.delete(end);
    };
    source.onended = end;
    this.#endings.add(end);
    this.show(this.stream);
    return end;
  }

  stop() {
    for (const end of [...this.#endings]) end();
  }

  /** @param {import("../index.js").Phone} phone */
  follow(phone) {
    return follow(phone, this);
  }

  async close() {
    this.stop();
    this.show(null);
    await this.#context.close();
  }

  /** @protected */
  async begin() {
    await Promise.all([super.begin(), this.#context.resume()]);
  }
}
