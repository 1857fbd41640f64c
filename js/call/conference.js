// Two calls that hear each other, and us. Loaded when that is asked for first.
//
// Each far end is sent a mix of our microphone and of what the other one sends. Nothing of it
// is said to the network: for each of them it is a call with us.

import { fault, learn } from "../errors/error.js";
import { media as catalogue } from "../errors/media.js";

learn(catalogue);

/** @typedef {import("../index.js").Call} Call */

/** Those of a call. @type {WeakMap<object, () => void>} */
const conferences = new WeakMap();

/**
 * @param {Call} one
 * @param {Call} other
 */
export async function confer(one, other) {
  const calls = [one, other];
  for (const call of calls) {
    const { startTime, state, here } = Object(call);
    if (!startTime || !here || state === "ended" || one === other)
      throw fault("callState", { state });
    if (conferences.has(call)) throw fault("inConference");
  }
  for (const call of calls) await call.resume();
  const context = new AudioContext();
  const parts = calls.map((call) => new Part(context, call));
  parts[0].hears(parts[1]);
  parts[1].hears(parts[0]);
  const end = () => {
    for (const call of calls) {
      conferences.delete(call);
      call.off("change", look);
    }
    for (const part of parts) part.leave();
    context.close();
  };
  const look = () => {
    if (calls.some(({ state }) => state !== "connected")) return end();
    for (const part of parts) part.look();
  };
  for (const call of calls) {
    conferences.set(call, end);
    call.on("change", look);
  }
  try {
    for (const part of parts) await part.join();
    await context.resume();
    look();
  } catch (error) {
    end();
    throw error;
  }
}

/** A call's part in a conference. */
class Part {
  /** What comes from its far end. */
  from;
  #call;
  #mix;
  /** Our microphone, as far as this far end is to hear it. */
  #voice;
  /** The call stops its own track once the mix takes its place. @type {MediaStreamTrack | undefined} */
  #microphone;
  #sink = new Audio();

  /**
   * @param {AudioContext} context
   * @param {Call} call
   */
  constructor(context, call) {
    this.#call = call;
    this.#mix = context.createMediaStreamDestination();
    this.#voice = context.createGain();
    this.#voice.connect(this.#mix);
    const { localStream, remoteStream } = call;
    const [track] = localStream?.getAudioTracks() ?? [];
    this.#microphone = track?.clone();
    if (this.#microphone) {
      this.#microphone.enabled = true;
      const own = new MediaStream([this.#microphone]);
      context.createMediaStreamSource(own).connect(this.#voice);
    }
    this.from = context.createGain();
    if (!remoteStream?.getAudioTracks().length) return;
    context.createMediaStreamSource(remoteStream).connect(this.from);
    // Chromium decodes a far end's sound for elements alone.
    this.#sink.muted = true;
    this.#sink.srcObject = remoteStream;
  }

  /** @param {Part} other */
  hears(other) {
    other.from.connect(this.#mix);
  }

  async join() {
    await this.#call.replaceTrack(this.#mix.stream.getAudioTracks()[0]);
  }

  /** Who is muted is silent; those whom it joined hear each other. */
  look() {
    this.#voice.gain.value = this.#call.muted.audio ? 0 : 1;
    this.#mix.stream.getAudioTracks()[0].enabled = true;
  }

  leave() {
    this.#sink.srcObject = null;
    const microphone = this.#microphone;
    if (!microphone) return;
    const call = this.#call;
    if (call.state === "ended") return microphone.stop();
    call.once("ended", () => microphone.stop());
    call.replaceTrack(microphone).catch(() => {});
  }
}
