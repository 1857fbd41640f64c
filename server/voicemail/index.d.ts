/**
 * A voicemail: takes the calls that users' rules send to it, and keeps what callers say as WAV
 * files. It is a client of the SIP server like any other, over WebSocket, and takes sound as
 * browsers speak it (ICE, DTLS-SRTP) and as desk phones do (plain RTP): G.711. Who may hear a
 * message the account service knows, which shows and plays them. Node alone.
 */
import type { LogEntry, PhoneOptions } from "../../js/index.js";

export interface VoicemailOptions {
  /**
   * How it logs in at the SIP server: options of a phone; `user` is the account that the
   * server takes for the voicemail's, "voicemail" by default.
   */
  login: PhoneOptions;
  /** The account service and the administrators' token of it. */
  accounts: { url: string; token: string };
  /** Where messages are kept. One voicemail has it. */
  folder: string;
  /**
   * What callers hear before the tone: a WAV file of a minute at most, one channel, 8,000
   * samples a second of 16 bits. Default: the tone alone.
   */
  greeting?: string;
  /** The longest message, in seconds, 1 to 3600. Default 180. */
  seconds?: number;
  /** Calls that are recorded at the same time; more hear that it is busy. Default 32. */
  calls?: number;
  /** Messages in one mailbox; more callers are refused (480). Default 100. */
  messages?: number;
  /** What all messages may take, in MiB. Default 1024. */
  megabytes?: number;
  /** Where the account service reaches it. Default "127.0.0.1", any free port. */
  host?: string;
  port?: number;
  tls?: { cert: string | Uint8Array; key: string | Uint8Array };
  /** IP address that desk phones send sound to. Default: the one by which they are reached. */
  mediaHost?: string;
  log?: (entry: LogEntry) => void;
}

export interface Voicemail {
  /** Where the account service asks for messages. */
  readonly url: string;
  /** Hangs up, keeps what was said, and logs out. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Resolves once it is logged in. Rejects with `eInvalidArgument`, with what
 * `registerPhone` rejects with, and where the account service cannot be reached.
 */
export function startVoicemail(options: VoicemailOptions): Promise<Voicemail>;
