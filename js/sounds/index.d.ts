/**
 * What is heard of calls. No files: tones are made here.
 *
 * ```js
 * const audio = attachAudio(call, document.querySelector("audio"));
 * audio.on("blocked", () => (button.hidden = false));
 * button.onclick = () => audio.release();
 * ```
 */
import type { Call } from "../index.js";

/** The sound of a call in an element of the page, which needs no more than to be there. */
export interface CallAudio {
  readonly [Symbol.toStringTag]: "CallAudio";
  /** The browser plays nothing before the user does something on the page. */
  readonly blocked: boolean;
  /**
   * Begins to play, within a click or key of the user. Any of them on the page does so by
   * itself. Rejects with `eInvalidState` where the browser does not let it.
   */
  release(): Promise<void>;
  /**
   * Chooses the output device, of `navigator.mediaDevices.enumerateDevices()`; "" is the
   * usual one. Rejects with `eNotSupported` where the browser lets nobody choose, and
   * `eMediaFailed`.
   */
  setSinkId(id: string): Promise<void>;
  /** The element is yours again. */
  detach(): void;
  on<Name extends keyof CallAudioEvents>(
    name: Name,
    listener: (payload: CallAudioEvents[Name]) => void,
  ): this;
  once<Name extends keyof CallAudioEvents>(
    name: Name,
    listener: (payload: CallAudioEvents[Name]) => void,
  ): this;
  off<Name extends keyof CallAudioEvents>(
    name: Name,
    listener: (payload: CallAudioEvents[Name]) => void,
  ): this;
}

export interface CallAudioEvents {
  /** The browser plays nothing yet: see `blocked`. */
  blocked: Record<string, never>;
  /** It is heard after all. */
  released: Record<string, never>;
}

/**
 * Plays what comes from the far end of a call in an element, from now until it ends: wherever
 * its stream comes from, also in another tab's place.
 */
export function attachAudio(call: Call, element: HTMLMediaElement): CallAudio;
