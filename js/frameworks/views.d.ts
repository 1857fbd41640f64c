import type {
  CallEvents,
  CallSnapshot,
  LoginOptions,
  Phone,
  PhoneError,
  PhoneEvents,
  PhoneMode,
  PhoneSnapshot,
} from "../index.js";

/** A phone as a component shows it, and what can be done with its login. */
export interface PhoneView extends PhoneSnapshot {
  /** For all the rest: `phone.call("2002")`. Null on a server, and until it is made. */
  readonly phone: Phone | null;
  /** What went wrong last, but for refusals; null after the next login has begun. */
  readonly error: PhoneError | null;
  /** The login was refused: another client holds the device. Ask, then force. */
  readonly refused: PhoneEvents["eDeviceAlreadyRegistered"] | null;
  /** Another client took the device over. Show its `message`; do not force by yourself. */
  readonly terminated: PhoneEvents["eConnectionTerminated"] | null;
  /** Logs in. Never rejects: what comes of it is in `status`, `refused` and `error`. */
  registerPhone(
    this: void,
    options?: LoginOptions & { mode?: PhoneMode },
  ): Promise<void>;
  /** Logs out. Never rejects. */
  unregisterPhone(this: void): Promise<void>;
}

/** A call as a component shows it. */
export interface CallView extends CallSnapshot {
  /** How it ended, or null. */
  readonly ended: CallEvents["ended"] | null;
}
