/**
 * What is heard of a phone: its tones, which are made here, without files; and its calls, in
 * an element of the page.
 *
 * ```js
 * const sounds = new Sounds({ country: "de" });
 * sounds.follow(phone); // rings, ringback, busy, call waiting
 * const audio = attachAudio(call, document.querySelector("audio"));
 * audio.on("blocked", () => (button.hidden = false));
 * button.onclick = () => audio.release();
 * ```
 */
import type { Call, Phone } from "../index.js";

/**
 * - `ring`: a call comes in here. A bell of our own, in the country's cadence.
 * - `ringback`: it rings at the far end.
 * - `busy`: the far end is in another call.
 * - `congestion`: the call came to nothing for another reason.
 * - `callWaiting`: another call comes in during a call.
 */
export type SoundName =
  "ring" | "ringback" | "busy" | "congestion" | "callWaiting";

/**
 * Whose tones are heard: countries by ISO 3166-1, as is usual there (docs/sounds.md says after
 * which tables), or 425 Hz in the cadences that are most common.
 */
export type Country =
  | "international"
  | "at"
  | "au"
  | "ch"
  | "de"
  | "es"
  | "fi"
  | "fr"
  | "gb"
  | "it"
  | "nl"
  | "no"
  | "se"
  | "us";

export interface SoundsOptions {
  /** Default "international". */
  country?: Country;
  /** 0 to 1. Default 0.3. */
  volume?: number;
  /** As `setSinkId` takes it: the loudspeaker that is to ring, say. */
  sinkId?: string;
}

/** Events of what plays. */
export interface PlayerEvents {
  /** The browser plays nothing yet: see `blocked`. */
  blocked: Record<string, never>;
  /** It is heard after all. */
  released: Record<string, never>;
}

/** What plays, as far as the browser lets it. */
export interface Player {
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
  on<Name extends keyof PlayerEvents>(
    name: Name,
    listener: (payload: PlayerEvents[Name]) => void,
  ): this;
  once<Name extends keyof PlayerEvents>(
    name: Name,
    listener: (payload: PlayerEvents[Name]) => void,
  ): this;
  off<Name extends keyof PlayerEvents>(
    name: Name,
    listener: (payload: PlayerEvents[Name]) => void,
  ): this;
}

/** The tones of a phone. */
export interface Sounds extends Player {}
export class Sounds {
  /** @throws {PhoneError} `eInvalidArgument`, naming the option */
  constructor(options?: SoundsOptions);
  /**
   * Plays a sound, over and over.
   *
   * @returns ends it
   */
  play(
    name: SoundName,
    options?: {
      /** It ends by itself after that. */
      seconds?: number;
    },
  ): () => void;
  /** Ends all that plays. */
  stop(): void;
  /**
   * Plays what the calls of a phone give reason to: `ring` and `callWaiting`, `ringback`
   * until the far end can be heard, and for four seconds `busy` or `congestion`. Calls of a
   * desk phone are heard there.
   *
   * @returns ends it
   */
  follow(phone: Phone): () => void;
  /** What is played: to be recorded, or mixed with something else. */
  readonly stream: MediaStream;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** The sound of a call in an element of the page, which needs no more than to be there. */
export interface CallAudio extends Player {
  /** The element is yours again. */
  detach(): void;
}

/**
 * Plays what comes from the far end of a call in an element, from now until it ends; in a
 * phone that tabs share, while the call's sound is in this one.
 */
export function attachAudio(call: Call, element: HTMLMediaElement): CallAudio;
