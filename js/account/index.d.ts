/**
 * A user's account: the devices that may log in, which of them ring, where calls go that
 * nobody answers, which calls there were, and by what ids others reach the user. It speaks to an account service (`npx graceline account`), from
 * pages and from Node 20 on. Nothing of it is loaded by a page that does not ask for it.
 *
 * ```js
 * const account = new Account({
 *   url: "https://accounts.example.com/", user: "2001", domain: "example.com", password,
 * });
 * account.on("devices", (devices) => show(devices));
 * show(await account.devices());
 * ```
 */
import type { LogEntry, PhoneError } from "../index.js";

export { PhoneError, translate } from "../index.js";

export interface AccountOptions {
  /**
   * Where the account service is: `https://`, or `http://` on loopback hosts. May have a
   * path.
   */
  url: string;
  /** User part of the address-of-record, such as "2001". */
  user: string;
  /** Host part of the address-of-record, such as "example.com". */
  domain: string;
  /**
   * The password of the SIP account. Is kept in memory only. Without it, and without
   * `token`, the key signs in that this browser keeps of a device of this user.
   */
  password?: string;
  /**
   * Instead of a password: a token of the operator's own backend; or a function asked for
   * one whenever it is needed.
   */
  token?: string | (() => string | Promise<string>);
  /** Which device this is, where this browser has several of the user. */
  instanceId?: string;
  /** Permits `http://` to hosts that are not loopback ones. */
  allowInsecure?: boolean;
  /** Hears of options that are misspelt. Default: the console. */
  log?: (entry: LogEntry) => void;
}

/**
 * - `web` and `desktop` share one slot: one of them is logged in at a time, and they do
 *   not count against a limit.
 * - `mobile` and `deskphone` are limited in number, by the service or for the user.
 */
export type DeviceClass = "mobile" | "desktop" | "web" | "deskphone";

/** A device of the user. */
export interface Device {
  /** Given by the service. */
  readonly id: string;
  /** "urn:uuid:…": what the device calls itself. */
  readonly instanceId: string;
  /** For people, chosen by the user: show it as text. */
  readonly name: string;
  readonly class: DeviceClass;
  /** A revoked one cannot log in, until it is restored. */
  readonly state: "authorised" | "revoked";
  /** It is logged in at the SIP server. */
  readonly registered: boolean;
  /** When it was logged in last, in ISO 8601. */
  readonly lastSeen: string;
  /** It can be woken. */
  readonly push: boolean;
  /** It is this one. */
  readonly this?: boolean;
}

export interface NewDevice {
  /** "urn:uuid:…", as `phone.instanceId` has it. */
  instanceId: string;
  class: DeviceClass;
  /** 1 to 64 characters, for people. */
  name: string;
  /** Id of a device that goes as this one comes, in one step. */
  replaces?: string;
}

/** An id by which others reach the user. */
export interface PublicId {
  /** A number such as "+4930123456", a name, or `network:name`. */
  readonly id: string;
  readonly kind: "tel" | "name" | "social";
  /** Others reach the user by it. */
  readonly confirmed: boolean;
}

/** Ids of the devices that ring; "auto": those that are logged in, or the desk phones. */
export type RingsOn = "auto" | string[];

/**
 * Where calls go that do not ring or are not answered, whatever the device. A target is
 * "voicemail", a number as it is dialled, or a URI of the schemes sip, sips or tel; null: no
 * rule.
 */
export interface Rules {
  /** Nothing rings. */
  readonly always: string | null;
  /** All that ring are busy. One that declines for all is not busy. */
  readonly busy: string | null;
  /** No device is logged in or can be woken. */
  readonly offline: string | null;
  /** Nobody answers for so many seconds, 5 to 120. */
  readonly noAnswer: { to: string; seconds: number } | null;
  /** Nothing rings, and callers hear that the user is busy. */
  readonly doNotDisturb: boolean;
}

/** One side of a call, as the other side saw it: show it as text. */
export interface Party {
  readonly uri: string;
  /** Empty if there is none. */
  readonly displayName: string;
}

/** A call of the user that has ended, whichever device it was at. Times in ISO 8601. */
export interface CallRecord {
  readonly id: string;
  readonly direction: "incoming" | "outgoing";
  readonly from: Party;
  readonly to: Party;
  readonly start: string;
  readonly answered?: string;
  readonly end: string;
  /**
   * `answeredElsewhere`: another device of the user took it, where the account is that of a
   * device; else that is `answered`, with `answeredBy`. `missed`: nobody answered, or do not
   * disturb was on. `cancelled`, `failed`: of outgoing calls.
   */
  readonly result:
    | "answered"
    | "missed"
    | "answeredElsewhere"
    | "declined"
    | "busy"
    | "forwarded"
    | "voicemail"
    | "cancelled"
    | "failed";
  /** Ids of the devices that rang, of an incoming call. */
  readonly rang: readonly string[];
  /** Id of the device that answered. */
  readonly answeredBy?: string;
  /** Id of the device that made an outgoing call. */
  readonly device?: string;
  /** Where it went. */
  readonly forwardedTo?: string;
}

/** What a caller said who was sent to voicemail. */
export interface VoicemailMessage {
  readonly id: string;
  readonly from: Party;
  /** When it began, in ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  /** Nobody has heard it. */
  readonly new: boolean;
  /** A WAV file, for `<audio>`: whoever has the URL hears it, for five minutes. */
  readonly url: string;
}

/** Name and password of one device, for SIP. */
export interface SipCredentials {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  /** Seconds; null: as long as there is the device. */
  readonly expiresIn: number | null;
}

/** What `PushSubscription.toJSON()` of a browser gives. */
export interface PushSubscriptionOf {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/**
 * At each change, whoever made it. What changed while the connection was away is told
 * when it is back, as it then is; of calls, `history()` tells which there were.
 */
export interface AccountEvents {
  devices: Device[];
  ringsOn: RingsOn;
  rules: Rules;
  /** A call has ended. */
  history: CallRecord;
  /** How many messages there are, new and old. */
  voicemail: { new: number; old: number };
  /** No more of these will come: the session has ended and cannot be opened again. */
  error: PhoneError;
}

/**
 * Every method rejects with a `PhoneError`: `eCredentialsRejected`, `eDeviceNotAuthorised`
 * (this device was revoked), `eNotFound`, `eInvalidArgument`, `eTooManyRequests`
 * (`details.retryAfter`, seconds), `eCouldNotConnect`, `eTimeout`, `eOutOfService`,
 * `eInternal`; and with what stands beside it.
 */
export class Account {
  /** Opens nothing. Throws `eInvalidArgument`; `details.option` names the option. */
  constructor(options: AccountOptions);
  readonly [Symbol.toStringTag]: "Account";

  devices(): Promise<Device[]>;
  /**
   * Lets a device in, at its first login; one that is in stays as it is. Where a key can be
   * kept (IndexedDB) the device has one of its own from then on, and needs no password to
   * sign in; an account that is signed in as another device gives it none. Rejects with `eDeviceLimitReached` (`details.limit`, `details.devices`: those
   * of this class), and `eDeviceNotAuthorised` for a device that was revoked.
   */
  authorise(device: NewDevice): Promise<Device>;
  rename(id: string, name: string): Promise<Device>;
  /** Its login and its calls end, it is told, and stays out until it is restored. */
  revoke(id: string): Promise<Device>;
  /** Not the revoked one itself. Over the limit: `eDeviceLimitReached`. */
  restore(id: string): Promise<Device>;
  /** Takes it off the list; it may be authorised again, as one never seen. */
  forget(id: string): Promise<void>;
  /** For the SIP of this device, which must have been authorised here with its key. */
  sipCredentials(): Promise<SipCredentials>;

  /** The key that push subscriptions are bound to (VAPID, RFC 8292), base64url. */
  pushKey(): Promise<string>;
  /**
   * How a device is woken; null: not any more. Where the endpoint is of no push service that
   * the administrator allows: `eInvalidArgument`. In a page `phone.enablePush` does it all.
   */
  setPush(id: string, subscription: PushSubscriptionOf | null): Promise<Device>;

  ringsOn(): Promise<RingsOn>;
  setRingsOn(ringsOn: RingsOn): Promise<RingsOn>;

  rules(): Promise<Rules>;
  /**
   * Changes rules: what is not named stays, null removes. Rejects with `eInvalidArgument`,
   * `details.field`.
   */
  setRules(rules: Partial<Rules>): Promise<Rules>;
  /**
   * Calls that have ended, of all devices, the newest first.
   *
   * @param page `before`: id of a record, whose elders follow; `limit`: 1 to 100, default 50
   */
  history(page?: { before?: string; limit?: number }): Promise<CallRecord[]>;

  /** Messages, the newest first. Where no voicemail runs it rejects with `eNotSupported`. */
  voicemails(): Promise<VoicemailMessage[]>;
  /** It is new no more, on all devices. */
  heard(id: string): Promise<VoicemailMessage>;
  deleteVoicemail(id: string): Promise<void>;

  publicIds(): Promise<PublicId[]>;
  /**
   * A number is confirmed by a code that is sent there, a name at once. Rejects with
   * `ePublicIdTaken`, `eLimitReached`.
   *
   * @param options `channel`: how the code is sent. Default "sms"
   */
  addPublicId(
    id: string,
    options?: { channel?: "sms" | "call" },
  ): Promise<PublicId>;
  /** Rejects with `eCodeRejected`; after five wrong ones a new code is needed. */
  confirmPublicId(id: string, code: string): Promise<PublicId>;
  removePublicId(id: string): Promise<void>;

  on<Name extends keyof AccountEvents>(
    name: Name,
    listener: (payload: AccountEvents[Name]) => void,
  ): this;
  once<Name extends keyof AccountEvents>(
    name: Name,
    listener: (payload: AccountEvents[Name]) => void,
  ): this;
  off<Name extends keyof AccountEvents>(
    name: Name,
    listener: (payload: AccountEvents[Name]) => void,
  ): this;
  addEventListener<Name extends keyof AccountEvents>(
    name: Name,
    listener:
      | ((event: CustomEvent<AccountEvents[Name]>) => void)
      | { handleEvent(event: CustomEvent<AccountEvents[Name]>): void },
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(name: keyof AccountEvents, listener: unknown): void;

  /** Signs out, and listens to nothing any more. Idempotent. */
  close(): void;
}
