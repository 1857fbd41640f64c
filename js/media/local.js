import { fault, learn } from "../errors/error.js";
import { media } from "../errors/media.js";

learn(media);

/** @typedef {"audio" | "video"} Kind */

/** What a person calls the device of a kind. @type {Record<string, string>} */
const DEVICES = { audio: "microphone", video: "camera" };

/** What the browser's errors mean to people. @type {Record<string, string>} */
const EXPLAINED = {
  NotAllowedError: "deviceForbidden",
  NotFoundError: "deviceMissing",
  NotReadableError: "deviceBusy",
  OverconstrainedError: "deviceGone",
};

/**
 * What we send: tracks that the app gave us, and tracks that we opened. The
 * latter are ours to stop, the former never.
 */
export class LocalMedia {
  /** @type {MediaStream | null} */
  stream = null;
  /** @type {Set<MediaStreamTrack>} */
  #own = new Set();
  #muted = { audio: false, video: false };
  #closed = false;
  #lost;

  /** @param {(track: MediaStreamTrack) => void} lost a track of ours has ended by itself: its device is gone */
  constructor(lost) {
    this.#lost = lost;
  }

  /**
   * @param {{ audio: boolean | MediaTrackConstraints, video?: boolean | MediaTrackConstraints,
   *   stream?: MediaStream }} wanted
   */
  async open({ audio, video = false, stream }) {
    if (stream) this.stream = stream;
    else if (audio || video)
      this.stream = await this.#capture({ audio, video });
    else this.stream = new MediaStream();
    this.setMuted(this.#muted);
  }

  /** @param {Kind} kind */
  track(kind) {
    return (
      this.stream?.getTracks().find((track) => track.kind === kind) ?? null
    );
  }

  /**
   * Opens the device of a kind, and puts its track in the place of the one before.
   *
   * @param {Kind} kind
   * @param {boolean | MediaTrackConstraints} constraints
   */
  async change(kind, constraints) {
    const [track] = (await this.#capture({ [kind]: constraints })).getTracks();
    this.put(track);
    return track;
  }

  /** @param {MediaStreamTrack} track */
  put(track) {
    const kind = /** @type {Kind} */ (track.kind);
    const others = this.remove(kind);
    // The stream that we made is changed in place, so that what shows it goes on.
    if (others.every((other) => this.#own.has(other)))
      this.stream?.addTrack(track);
    else this.stream = new MediaStream([...others, track]);
    this.setMuted(this.#muted);
  }

  /**
   * @param {Kind} kind
   * @returns {MediaStreamTrack[]} those that remain
   */
  remove(kind) {
    const old = this.track(kind);
    if (old && this.#own.has(old)) {
      this.stream?.removeTrack(old);
      this.#stop(old);
    } else if (old) {
      // The app's stream stays as it is.
      const all = this.stream?.getTracks() ?? [];
      this.stream = new MediaStream(all.filter((track) => track !== old));
    }
    return this.stream?.getTracks() ?? [];
  }

  /** @param {{ audio: boolean, video: boolean }} muted */
  setMuted(muted) {
    this.#muted = muted;
    for (const track of this.stream?.getTracks() ?? [])
      track.enabled = !muted[/** @type {Kind} */ (track.kind)];
  }

  close() {
    this.#closed = true;
    for (const track of this.#own) this.#stop(track);
  }

  /** @param {MediaStreamTrack} track */
  #stop(track) {
    this.#own.delete(track);
    track.onended = null;
    track.stop();
  }

  /** @param {MediaStreamConstraints} constraints */
  async #capture(constraints) {
    const stream = await getUserMedia(constraints);
    for (const track of stream.getTracks()) {
      this.#own.add(track);
      track.onended = () => this.#lost(track);
    }
    // The user may decide long after the call has ended.
    if (this.#closed) this.close();
    return stream;
  }
}

/** @param {MediaStreamConstraints} constraints */
async function getUserMedia(constraints) {
  const { mediaDevices } = navigator;
  const names = Object.keys(DEVICES).filter(
    (kind) => constraints[/** @type {Kind} */ (kind)],
  );
  const device = names.map((kind) => DEVICES[kind]).join(" or ");
  if (!mediaDevices?.getUserMedia) throw fault("noDevices", { device });
  try {
    return await mediaDevices.getUserMedia(constraints);
  } catch (/** @type {any} */ cause) {
    const at = EXPLAINED[cause.name] ?? "media";
    throw fault(at, { device, why: cause.message }, cause);
  }
}
