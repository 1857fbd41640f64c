/**
 * The test registrar: real SIP over real WebSockets, on loopback, in Node. And
 * media without media, so that an app's calls can be tested there.
 */

import type {
  MediaContext,
  MediaHandler,
  MediaHandlerFactory,
} from "../index.js";
import type {
  Voicemail,
  VoicemailOptions,
} from "../../server/voicemail/index.js";

/** How an ousted client learns of it. */
export type Telling = "service-control" | "reg-event" | "close" | "refresh";

export interface RegistrarOptions {
  /** Default 0: any free one. */
  port?: number;
  /** Default "127.0.0.1". A host that others can reach needs users with passwords of your own. */
  host?: string;
  /** PEM: it is served as `wss://`. Default: none, `ws://`. */
  tls?: { cert: string | Uint8Array; key: string | Uint8Array };
  /**
   * What a second login of a device meets. "graceful" (default): refused until
   * it forces, then the first is told. "duplicate": takes over, the first is
   * told. "normal": takes over silently. Without a dialect it vouches for who calls
   * and who answers: clients' own P-Asserted-Identity is taken out.
   */
  policy?: "graceful" | "duplicate" | "normal";
  /**
   * With policy "normal": imitates how that registrar treats contacts, nonces and
   * sockets, as seen on the wire. "freeswitch" has one binding a user, as it
   * comes; "freeswitch-multi" is `multiple-registrations=contact`.
   */
  dialect?:
    | "rfc3261"
    | "kamailio"
    | "asterisk"
    | "opensips"
    | "freeswitch"
    | "freeswitch-multi";
  /**
   * By user part. Default: 2001 and 2002, password "secret". `authUser`: digest username,
   * where it differs. `devices`, `sharedSlot`: where they differ from the options of those
   * names. `unique`:
   * calls ring where the user's facts say (`rings`) rather than at every binding;
   * default: where devices are authorised.
   */
  users?: Record<
    string,
    {
      password: string;
      authUser?: string;
      devices?: "on" | "off";
      unique?: "on" | "off";
      sharedSlot?: "ask" | "override";
    }
  >;
  /**
   * On: only devices register that were authorised (`account("authorise", …)`), and only
   * who is registered calls and writes; users `cti`, `controller` and `voicemail` are
   * exempt. A second login then goes by devices, not by `policy`: browsers and programs
   * on computers share one slot, mobile and desk phones have each their own. Default off.
   */
  devices?: "on" | "off";
  /**
   * With `devices`, what a second login in the shared slot meets. "ask" (default): refused
   * until it forces, then the first is told. "override": takes over, the first is told.
   */
  sharedSlot?: "ask" | "override";
  /**
   * Dialled at a device of a user whose calls ring where the facts say: takes the device
   * into the set of those that ring, or out of it; out of `"auto"` the set becomes this
   * device alone, and the last one out makes it `"auto"` again. The call ends with status
   * 480, whose reason says what is so now. Default "*987"; "" turns it off.
   */
  starCode?: string;
  /**
   * Push services that are offered to devices which name theirs at REGISTER (RFC 8599), in
   * lower case. Default: none; with `startAccounts` "webpush", and with its `pushHook`
   * "apns" and "fcm".
   */
  pushServices?: string[];
  /** The only domain served. Default: any. */
  domain?: string;
  /** How the ousted client is told. Default: all that apply. */
  tellOusted?: Telling[];
  /** Whether `Event: reg` (RFC 3680) can be subscribed to. Default: as policy, dialect and `tellOusted` suggest. */
  regEvent?: boolean;
  /** Bindings an address-of-record may have. Default: no limit. */
  maxContacts?: number;
  /** At the limit the oldest binding makes room. Default false: the new one is refused. */
  removeExisting?: boolean;
  /**
   * With dialect "kamailio": the flows of a client that knows RFC 5626 are bound
   * apart, and the newest that is open gets its calls. Default false.
   */
  outbound?: boolean;
  /** Digest algorithms offered, preferred first. Default SHA-256, MD5. */
  algorithms?: ("MD5" | "SHA-256" | "SHA-512-256")[];
  /** Seconds. Default 3600; 30 with dialect "opensips", whose nonces serve once. */
  nonceLifetime?: number;
  /** Answers carry a fresh nonce (Authentication-Info). Default false. */
  nextNonce?: boolean;
  /** Seconds; shorter wishes get a 423. Default 10. */
  minExpires?: number;
  /** Seconds. Default 120; 3600 with policy "normal". */
  maxExpires?: number;
  /** Seconds, for who asks for none. Default 3600, cut to `maxExpires`. */
  defaultExpires?: number;
  /** Takeovers per minute and user; more get a 503. Default: no limit. */
  forceLimit?: number;
  /** Makes the registrar misbehave. */
  faults?: Faults;
  /** Origins of pages that may connect, besides loopback ones. */
  origins?: string[];
}

export interface Faults {
  /** The next so many requests are lost. */
  dropRequests?: number;
  /** The next so many answers are lost; what they answer took effect. */
  dropAnswers?: number;
  /** Answers to the next REGISTERs, which have no effect. */
  answerRegister?: {
    status: number;
    reason?: string;
    headers?: Record<string, string> | [name: string, value: string][];
  }[];
  /** Nothing is read and nothing is sent. */
  silent?: boolean;
}

export interface Binding {
  device: string;
  instanceId?: string;
  contact: string;
  userAgent: string;
  /** Seconds left. */
  expires: number;
  /** When this client logged in, in ms since the Unix epoch. */
  since: number;
}

/** A device of a user, as the home of facts has it. */
export interface DeviceFacts {
  /** Within its user, as who authorised it made it up. */
  id: string;
  /** `urn:uuid:…`, in lower case. */
  instance: string;
  class: "mobile" | "desktop" | "web" | "deskphone";
  name: string;
  state: "authorised" | "revoked";
  /** The public half of its own key. */
  key: string | null;
  /** When it was authorised, in ms since the Unix epoch. */
  since: number;
  /** When it was last there, in ms since the Unix epoch. */
  seen: number;
  push: { endpoint: string; p256dh: string; auth: string } | null;
  /** Whether it is registered now. */
  registered: boolean;
}

/** How many devices of a class a user may have; web and desktop share one slot. */
export interface DeviceLimits {
  mobile: number;
  deskphone: number;
}

/** An id under which others reach a user. */
export interface PublicIdFacts {
  id: string;
  kind: "tel" | "name" | "social";
  confirmed: boolean;
}

/**
 * What becomes of calls that are not taken. A target is a number, a `sip:`, `sips:` or
 * `tel:` URI, or `"voicemail"`.
 */
export interface RulesFacts {
  always: string | null;
  busy: string | null;
  offline: string | null;
  /** After 5 to 120 seconds. */
  noAnswer: { to: string; seconds: number } | null;
  doNotDisturb: boolean;
}

/** What a user says by hand of being available. */
export interface ManualPresenceFacts {
  state: "available" | "busy" | "away" | "offline" | null;
  /** At most 128 characters. */
  note: string | null;
}

/**
 * A call as its reader sees it: one record a call, listed when the reader's part in it is
 * over. Times are ms since the Unix epoch, devices are ids of the reader's own.
 */
export interface CallFacts {
  id: string;
  direction: "incoming" | "outgoing";
  from: { uri: string; displayName: string };
  /** What was dialled. */
  to: { uri: string; displayName: string };
  start: number;
  answered?: number;
  end: number;
  result:
    | "answered"
    | "missed"
    | "declined"
    | "busy"
    | "forwarded"
    | "voicemail"
    | "cancelled"
    | "failed";
  rang: string[];
  answeredBy?: string;
  /** The one that called. */
  device?: string;
  /** Where the rules of the reader sent it. */
  forwardedTo?: string;
}

/** Messages in a mailbox: not heard yet, heard. At most 65,535 each. */
export interface MailboxFacts {
  new: number;
  old: number;
}

/**
 * What the home of facts about users is asked: arguments and value of each verb. Every
 * text is bounded: ids 64 bytes, names 64 characters, keys 512 bytes, endpoints 2 KiB,
 * public ids 128 bytes.
 */
export interface FactsVerbs {
  devices: [args: Record<string, never>, value: DeviceFacts[]];
  /** Refused: `limit` with the devices that count, `revoked`, `unknown` (nobody to replace). */
  authorise: [
    args: {
      id: string;
      instance: string;
      class: DeviceFacts["class"];
      name: string;
      key?: string;
      /** Id of the device in whose stead it comes. */
      replaces?: string;
      limits: DeviceLimits;
    },
    value: { device: DeviceFacts; added: boolean },
  ];
  rename: [args: { id: string; name: string }, value: DeviceFacts];
  revoke: [args: { id: string }, value: DeviceFacts];
  restore: [args: { id: string; limits: DeviceLimits }, value: DeviceFacts];
  forget: [args: { id: string }, value: DeviceFacts];
  push_set: [
    args: { id: string; push: DeviceFacts["push"] },
    value: DeviceFacts,
  ];
  push_gone: [args: { endpoint: string }, value: null];
  rings: [args: Record<string, never>, value: "auto" | string[]];
  rings_set: [args: { ids: "auto" | string[] }, value: "auto" | string[]];
  rules: [args: Record<string, never>, value: RulesFacts];
  /** What is not named stays, null removes. */
  rules_set: [args: Partial<RulesFacts>, value: RulesFacts];
  presence_manual: [args: Record<string, never>, value: ManualPresenceFacts];
  presence_manual_set: [
    args: Partial<ManualPresenceFacts>,
    value: ManualPresenceFacts,
  ];
  mailbox: [args: Record<string, never>, value: MailboxFacts];
  /** For the voicemail service. */
  mailbox_set: [args: MailboxFacts, value: MailboxFacts];
  /** The newest first: those before `before`, an id; 1 to 100, default 50. */
  history: [args: { before?: string; limit?: number }, value: CallFacts[]];
  history_record: [args: { id: string }, value: CallFacts];
  public_ids: [args: Record<string, never>, value: PublicIdFacts[]];
  /** A name is the user's at once; others need a code. Refused: `taken`, `limit`. */
  public_id_add: [
    args: {
      id: string;
      kind: PublicIdFacts["kind"];
      code_hash?: string;
      /** Until when the code is good, in ms since the Unix epoch. */
      until?: number;
    },
    value: PublicIdFacts,
  ];
  /** Refused: `wrong`, `too_many` (after five), `expired`, `taken`, `unknown`. */
  public_id_confirm: [
    args: { id: string; code_hash: string },
    value: PublicIdFacts,
  ];
  public_id_remove: [args: { id: string }, value: null];
  /** The user who has confirmed it. */
  public_id_owner: [args: { id: string }, value: string | null];
  /** Digest credentials of a device alone; four of them at once. Refused: `taken`. */
  credential_set: [
    args: {
      name: string;
      device: string;
      /** H(A1) by MD5 and by SHA-256, in hexadecimal digits. */
      ha1: string;
      ha1_sha256: string;
      /** In ms since the Unix epoch. */
      until: number;
    },
    value: null,
  ];
  credentials_drop: [args: { device: string }, value: null];
}

/** What the home of facts says no to. Nothing was changed. */
export interface FactsRefusal extends Error {
  /** `invalid`, a mistake of who calls, has `details.complaint`. */
  code:
    | "limit"
    | "revoked"
    | "unknown"
    | "unknown_user"
    | "taken"
    | "wrong"
    | "too_many"
    | "expired"
    | "invalid"
    | "stopped";
  details: { limit?: number; devices?: DeviceFacts[]; complaint?: string };
}

export interface RegistrarEvents {
  /** Bindings of a user came, were refreshed or went. */
  bindings: { user: string; bindings: Binding[] };
  /** Facts about a user are other ones now. */
  account: {
    user: string;
    kind:
      | "devices"
      | "ringsOn"
      | "publicIds"
      | "push"
      | "rules"
      | "presence"
      | "voicemail"
      | "history";
    /** Of the history: which record is new, or another one now. */
    id?: string;
  };
  /**
   * Devices that sleep are to be told by push that somebody calls or has written, or that
   * a call rings no more. `startAccounts` does so.
   */
  wake: {
    user: string;
    /** Ids of those that slept when it came, or were not there. */
    devices: string[];
    /** Those of them that are registered, and had answered nothing for ten seconds. */
    unheard: string[];
    kind: "call" | "message" | "withdraw";
    /** The same for all that is told of one call. */
    key: string;
    from: { uri: string; displayName: string };
    /** ms since the Unix epoch. */
    at: number;
    /** Of a withdrawal: whether somebody took the call. */
    answered?: boolean;
  };
  /** A SIP message passed by. Redacted. */
  trace: {
    /** ms since the Unix epoch. */
    at: number;
    direction: "sent" | "received";
    /** Number of the connection, counted from 1. */
    connection: number;
    message: string;
  };
  log: { level: "debug" | "info" | "warn"; message: string };
}

export interface Registrar {
  /** "ws://127.0.0.1:PORT/" */
  readonly url: string;
  /** The live bindings of a user, given by name. */
  bindings(user: string): Binding[];
  /**
   * Asks, or changes, a fact about a user. In production these facts are in Redis
   * (`deploy/kamailio`), here in memory.
   *
   * @throws {FactsRefusal}
   */
  account<Verb extends keyof FactsVerbs>(
    verb: Verb,
    user: string,
    ...args: Record<string, never> extends FactsVerbs[Verb][0]
      ? [args?: FactsVerbs[Verb][0]]
      : [args: FactsVerbs[Verb][0]]
  ): FactsVerbs[Verb][1];
  /** Changes the options given. Another policy or dialect clears the bindings. */
  configure(options: Omit<RegistrarOptions, "port" | "host" | "origins">): void;
  /** Loses bindings, nonces and subscriptions, as a restart would, and no facts. */
  forget(): void;
  /** Cuts every connection, as a failing network would. */
  disconnect(): void;
  /** What was counted since the start. */
  counters(): {
    received: number;
    malformed: number;
    strays: number;
    sent: number;
  };
  /** Lets the process end although the registrar runs. */
  unref(): void;
  /** Closes every connection and frees the port. */
  stop(): Promise<void>;
  on<Name extends keyof RegistrarEvents>(
    name: Name,
    listener: (payload: RegistrarEvents[Name]) => void,
  ): this;
  once<Name extends keyof RegistrarEvents>(
    name: Name,
    listener: (payload: RegistrarEvents[Name]) => void,
  ): this;
  off<Name extends keyof RegistrarEvents>(
    name: Name,
    listener: (payload: RegistrarEvents[Name]) => void,
  ): this;
}

/** The users that serve where none are given: on loopback only. */
export const DEFAULT_USERS: Record<string, { password: string }>;

/** @throws {PhoneError} `eInvalidArgument`, naming the option */
export function startRegistrar(options?: RegistrarOptions): Promise<Registrar>;

export interface AccountsOptions {
  /**
   * Of `startRegistrar`, in this process: its users, and from now on their devices must be
   * authorised, unless it was started with `devices: "off"`.
   */
  registrar: Registrar;
  /** Default 0: any free one. */
  port?: number;
  /** Default "127.0.0.1". */
  host?: string;
  /** PEM. Without it the service speaks plain HTTP: TLS is then a proxy's. */
  tls?: { cert: string | Uint8Array; key: string | Uint8Array };
  /** Origins of pages that may ask, besides its own. Default: loopback ones. */
  origins?: string[];
  /** Clients come through one proxy, which writes their address into X-Forwarded-For. Default false. */
  behindProxy?: boolean;
  /** Devices a user may have, by class, 0 to 64. Default 4 each. */
  limits?: { mobile?: number; deskphone?: number };
  /** What a second web or desktop login meets. Default "ask". */
  sharedSlot?: "ask" | "override";
  /** The administrators' token, 16 characters or more. Default: a random one. */
  adminToken?: string;
  /** Sends a code to a number. Default: it is logged. */
  sendCode?: (sending: {
    id: string;
    code: string;
    channel: "sms" | "call";
  }) => Promise<void>;
  /**
   * Where push subscriptions may lead: hosts, "*." before one for those below it, which are
   * reached by https at public addresses; or origins, taken as they are. Default: the
   * browsers' services, and anything on loopback.
   */
  pushHosts?: string[];
  /** For the push services, mailto: or https: (RFC 8292 §2.1). */
  pushContact?: string;
  /**
   * Wakes a client that has named a push service at REGISTER (RFC 8599) which is not
   * `webpush`: `provider`, `prid` and `param` as it gave them, and what it is woken for. It
   * resolves with a status as of HTTP: 404 and 410 say that the service knows the client
   * no more.
   */
  pushHook?: (wanted: {
    v: 1;
    provider: string;
    prid: string;
    param?: string;
    kind: "call" | "message" | "withdraw";
    key: string;
    from: { uri: string; displayName: string };
    /** ms since the Unix epoch. */
    at: number;
    answered?: boolean;
  }) => Promise<number>;
  /** Whom a token of your own backend stands for; null where it is none. */
  authenticate?: (offered: {
    token: string;
  }) => Promise<{ user: string; domain: string } | null>;
  /** Who let whom in or shut whom out, or tried to. */
  audit?: (entry: AuditEntry) => void;
  log?: (entry: { level: string; message: string }) => void;
}

export interface AuditEntry {
  /** ISO 8601. */
  at: string;
  /** The operation's name in `docs/account-api.yaml`: "revokeDevice". */
  act: string;
  /** Whose devices they are. */
  who: string;
  /** "user", "device ID" or "administrator". */
  by: string;
  /** Address of the client. */
  from: string;
  /** Id, or the instance id where there is none yet. */
  device?: string;
  /** Why it was refused: a code. */
  refused?: string;
}

export interface Accounts {
  /** "http://127.0.0.1:PORT/" */
  readonly url: string;
  readonly adminToken: string;
  /** Ends every connection and frees the port. */
  stop(): Promise<void>;
}

/**
 * The account service on the users of a test registrar: devices, where calls ring, and
 * what `docs/account-api.yaml` says. Sessions end with it.
 *
 * @throws {PhoneError} `eInvalidArgument`, naming the option
 */
export function startAccounts(options: AccountsOptions): Promise<Accounts>;

export interface TestVoicemailOptions extends Omit<
  VoicemailOptions,
  "login" | "accounts"
> {
  registrar: Registrar;
  /** Of `startAccounts`, on that registrar. */
  accounts: Accounts;
}

/**
 * Starts a voicemail on a test registrar: what `npx graceline voicemail` runs. It logs in as
 * the user `voicemail`, which it adds. Node alone.
 */
export function startVoicemail(
  options: TestVoicemailOptions,
): Promise<Voicemail>;

export interface SwitchOptions {
  /** On loopback. Default 0: any free one. */
  port?: number;
  /** Devices by line: `{ "2001": ["SEP01"], "2002": ["SEP02", "SEP03"] }`. */
  phones: Record<string, string[]>;
  /** What lines are called: `{ "2001": "Ann" }`. Shown to those who talk to them. */
  names?: Record<string, string>;
}

export interface DeskPhoneCall {
  id: string;
  line: string;
  /** As `docs/cti-link.md` has them. */
  state:
    | "initiated"
    | "dialling"
    | "alerting"
    | "ringing"
    | "connected"
    | "held"
    | "failed"
    | "ended";
  direction: "incoming" | "outgoing";
  /** The other end's number, where there is one. */
  remote?: string;
  /** The others of a conference. */
  parties?: string[];
  /** What the far end pressed. */
  digits: string;
}

export interface ForwardingRule {
  type: "immediate" | "busy" | "noAnswer";
  active: boolean;
  to?: string;
  /** Of `noAnswer`. Default 15. */
  seconds?: number;
}

/**
 * What hands do at a desk phone. Where no call is named, it is the one that this can be
 * done to. What cannot be done throws an error with `error`, the name of CSTA's.
 */
export interface DeskPhone {
  readonly device: string;
  readonly lines: string[];
  readonly calls: DeskPhoneCall[];
  readonly inService: boolean;
  readonly doNotDisturb: boolean;
  readonly messageWaiting: boolean;
  readonly forwarding: ForwardingRule[];
  /** Takes the handset up; what was connected is held. Returns the id of the call. */
  lift(line?: string): string;
  /** Lifts, if that has not been done, and dials. */
  dial(number: string): string;
  answer(id?: string): void;
  hold(id?: string): void;
  resume(id?: string): void;
  hangup(id?: string): void;
  /** Digits for the far end. */
  press(digits: string, id?: string): void;
  /** Sends the far end to another number. */
  transfer(to: string, id?: string): void;
  /** Joins the far ends of the call on hold and of the other, and leaves. */
  joinOthers(): void;
  /** Makes one call of the one on hold and the other. */
  confer(): void;
  /** Sends a call that rings to another number. */
  deflect(to: string, id?: string): void;
  setDoNotDisturb(on: boolean): void;
  setForwarding(rule: ForwardingRule): void;
  setMessageWaiting(on: boolean): void;
  /** Out of service, and out of its calls. */
  unplug(): void;
  plug(): void;
  /** Something of it changed. */
  on(name: "change", listener: () => void): this;
  once(name: "change", listener: () => void): this;
  off(name: "change", listener: () => void): this;
}

export interface Switch {
  /** "switch://127.0.0.1:PORT" */
  readonly url: string;
  /** How many gateways are connected. */
  readonly gateways: number;
  phone(device: string): DeskPhone;
  /** Cuts the connections to the gateways; they may come back. */
  disconnect(): void;
  /** The same, and frees the port. */
  stop(): Promise<void>;
}

/**
 * A switch with desk phones, for tests and the demo. Calls between its phones really go
 * from one to the other; gateways reach it as `switch://` (`docs/cti-link.md`).
 *
 * @throws {PhoneError} `eInvalidArgument`, naming the option
 */
export function startSwitch(options: SwitchOptions): Promise<Switch>;

export interface FakeMediaOptions {
  /**
   * Makes a step of a handler fail: return the error, such as a PhoneError
   * `eMediaFailed` for a refused permission. Asked at each step.
   */
  fail?: (step: FakeMediaStep, context: MediaContext) => unknown;
  /** False: no RFC 4733 was agreed on, so digits go by INFO. Default true. */
  dtmf?: boolean;
}

export type FakeMediaStep =
  | "open"
  | "createOffer"
  | "createAnswer"
  | "answer"
  | "pranswer"
  | "rollback"
  | "addCandidates"
  | "sendDtmf"
  | "setVideo"
  | "setDevice";

/**
 * A factory for the phone's option `media`. Its calls need neither browser nor
 * devices: they agree on descriptions, and no sound flows.
 *
 * ```js
 * const media = fakeMedia();
 * const phone = new Phone({ media, WebSocket, …options });
 * // … later
 * media.made[0].sends("audio"); // false while held
 * ```
 */
export function fakeMedia(options?: FakeMediaOptions): FakeMedia;

export type FakeMedia = MediaHandlerFactory & {
  /** The handlers made, one a call, oldest first. */
  readonly made: FakeMediaHandler[];
  /** May be changed between the steps. */
  readonly options: FakeMediaOptions;
};

export interface FakeMediaHandler extends MediaHandler {
  readonly context: MediaContext;
  /** The steps it was asked for, in order. */
  readonly asked: FakeMediaStep[];
  /** The digits it played. */
  readonly digits: string;
  readonly muted: { audio: boolean; video: boolean };
  readonly closed: boolean;
  /** The descriptions in force. */
  readonly localDescription: string | null;
  readonly remoteDescription: string | null;
  /** Fragments of candidates that came in. */
  readonly remoteCandidates: string[];
  /** Whether the far end is to hear (or see) us, as the descriptions agree. */
  sends(kind?: "audio" | "video"): boolean;
  /** Whether we are to hear (or see) the far end. */
  receives(kind?: "audio" | "video"): boolean;
}

/** A URI. What is not sip: or sips: has its text only. */
export interface SipUri {
  /** As written, parameters included. */
  text: string;
  user?: string;
  /** An IPv6 address keeps its brackets. */
  host?: string;
  port?: number;
}

/** An address in From, To or Contact. */
export interface SipAddress {
  /** Without quotes. */
  displayName?: string;
  uri: SipUri;
  tag?: string;
  /** Of a Contact, in seconds. */
  expires?: number;
}

/** A SIP message, as the phone reads it. What is missing or malformed is undefined. */
export interface SipMessage {
  /** Of a request. */
  method?: string;
  requestUri?: SipUri;
  /** Of a response, 100 to 699. */
  status?: number;
  reason?: string;
  from?: SipAddress;
  to?: SipAddress;
  callId?: string;
  cseq?: { number: number; method: string };
  /** The first one. */
  via?: {
    transport: string;
    host: string;
    port?: number;
    branch?: string;
    received?: string;
  };
  /** The Expires header, in seconds. */
  expires?: number;
  contentType?: string;
  contentLength?: number;
  /** The well-formed ones, of all Contact headers. `*` is none. */
  contacts: SipAddress[];
  body: string;
  /** The first value of this name, in full or compact form and any case. */
  header(name: string): string | undefined;
  /** Every header line, or those of one name: names as written, folds undone. */
  headers(name?: string): [name: string, value: string][];
}

/**
 * Reads a SIP message: for tests that look at what went over the wire. Synchronous
 * and cheap, some microseconds a message.
 *
 * @throws {PhoneError} `eInvalidArgument`: the text is no SIP message, and why
 */
export function parseMessage(text: string): SipMessage;
