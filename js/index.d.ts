/**
 * Graceline: a SIP phone for web pages whose registration is graceful. When the
 * same device is logged in elsewhere, `registerPhone` refuses; with force it
 * takes over, and the other client is told.
 *
 * ```js
 * const phone = new Phone({
 *   connections: "wss://sip.example.com/", user: "2001", domain: "example.com", password,
 * });
 * phone.on("eConnectionTerminated", ({ message }) => show(message));
 * async function logIn(forceRegistration = false) {
 *   try {
 *     await phone.registerPhone({ forceRegistration });
 *   } catch (error) {
 *     if (PhoneError.is(error, "eAborted")) return; // close() came first
 *     if (!PhoneError.is(error, "eDeviceAlreadyRegistered")) show(error.message);
 *     else if (confirm("Log in here, and log out there?")) await logIn(true);
 *   }
 * }
 * logIn();
 * ```
 */

import type { Account } from "./account/index.js";

/** Where the client's wasm comes from: a URL, an answer of `fetch`, bytes, or a compiled module. */
export type WasmSource =
  string | URL | Response | BufferSource | WebAssembly.Module;

/**
 * Loads the wasm ahead of the first `registerPhone`, which otherwise does it.
 * May be called again at any time: the work is done once.
 *
 * @param source needed with `graceline/slim`, which does not know where the
 *   wasm is (`graceline/wasm`); not used by `graceline/inline`
 * @param more with `graceline/slim`: where that of DeskPhone mode is
 *   (`graceline/wasm/csta`); and, where the source is `graceline/wasm/client`, the part that
 *   has no calls in it, where they are (`graceline/wasm/calls`)
 */
export function init(
  source?: WasmSource | Promise<WasmSource>,
  more?: {
    calls?: WasmSource | Promise<WasmSource>;
    csta?: WasmSource | Promise<WasmSource>;
  },
): Promise<void>;

/**
 * - `SoftPhone`: the page is the phone.
 * - `DeskPhone`: the page drives a desk phone through a CTI gateway (uaCSTA), and has no
 *   media.
 */
export type PhoneMode = "SoftPhone" | "DeskPhone";

/**
 * What is misspelt has no effect; a warning in `log`, or else in the console, names it.
 * `user`, `authUser`, `password`, `device` and `displayName` may be whole numbers at run
 * time: their digits are meant.
 */
export interface PhoneOptions {
  /**
   * `ws://` or `wss://` URLs of the server, 1 to 8, in priority order. `ws://`
   * only for loopback hosts (127/8, [::1], localhost), unless `allowInsecure`.
   */
  connections: string | string[];
  /**
   * Which of several `connections` are kept open. "all" (default): each of them,
   * so that the next one is at hand when one fails. "inUse": the one that the
   * registration is on; those of higher priority are tried now and then. Costs:
   * docs/connections.md.
   */
  watch?: "all" | "inUse";
  /** How new sessions are spread over the open `connections`. Default "roundRobin". */
  distribution?: "roundRobin" | "priority";
  /**
   * Seconds of silence, 5 to 600, after which a server is asked whether it is
   * still there; a registrar's Flow-Timer makes it shorter. Default 30.
   */
  heartbeat?: number;
  /** User part of the address-of-record, such as "2001". */
  user: string;
  /** Host part of the address-of-record, such as "example.com". */
  domain: string;
  /** Digest username. Default: `user`. */
  authUser?: string;
  /** The user's password. Is kept in memory only. */
  password?: string;
  /** Instead of a password: the hex digits of H(username:realm:password). */
  ha1?: string;
  /**
   * Instead of a password: asked whenever the server challenges. The time it
   * takes does not count towards `timeout`. If it rejects, so does
   * `registerPhone`: `eCredentialsRejected` with that error as its cause.
   */
  credentials?: (challenge: Challenge) => Promise<Credentials> | Credentials;
  /**
   * Device name, such as "CSFALICE". Two clients of the same address-of-record
   * and device conflict. Default: `user`.
   */
  device?: string;
  /**
   * "urn:uuid:…", which tells this client from others. Default: random, kept
   * per browser profile and device, so that a reloaded page is the same client.
   */
  instanceId?: string;
  /** Name shown to called people. */
  displayName?: string;
  /**
   * How others see this device: one of the user's public ids, such as "+4930123456" or
   * "ada". In From and P-Preferred-Identity (RFC 3325) of calls and messages, where the
   * server checks that it is the user's. Nothing of them then tells `user`, with which the
   * phone logs in. Default: `user`.
   */
  publicId?: string;
  /**
   * The account service of the user, or where it is: `https://…`. `registerPhone` then
   * has this device authorised, loads what that needs, and logs in by credentials of the
   * device where a browser keeps its key, else by the password. A login may then reject
   * with `eDeviceLimitReached`: `phone.account.authorise({ …, replaces })` takes the place
   * of one of `details.devices`.
   */
  account?: Account | { url: string };
  /** What kind of device this is, for the account service. Default "web". */
  deviceClass?: "mobile" | "desktop" | "web";
  /** How conflict and force are spoken to the registrar. Default "auto". */
  profile?: "auto" | "cisco" | "generic";
  /**
   * Generic profile: what a rival is. "device" (default): a client of the same
   * device; "user": any other binding of the user, desk phones included.
   */
  conflictScope?: "device" | "user";
  /**
   * "graceful" (default): refused when logged in elsewhere. "duplicate": always
   * takes over, and can be taken over. "normal": a naive phone, for comparison.
   */
  registrationType?: "graceful" | "duplicate" | "normal";
  /** Seconds of registration asked for; the registrar's answer wins. Default 120 (generic), 3600 (cisco). */
  expires?: number;
  /** Milliseconds that `registerPhone` may take, 100 to 600 000. Default 30 000. */
  timeout?: number;
  /** What makes the sound and pictures of calls. Default: a handler over RTCPeerConnection, loaded on demand. */
  media?: MediaHandlerFactory;
  /** "relay": calls go by TURN servers alone, so that nobody learns this host's addresses. Default "all". */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /**
   * Seconds, up to 600, after which a call ends from whose far end sound and pictures
   * came, and do not any more, though nobody holds: its `reason` says so. Default 0:
   * never, because some far ends send nothing while somebody is silent or muted.
   */
  mediaTimeout?: number;
  /** STUN and TURN servers; or a function asked for them at each call, for credentials that expire. */
  iceServers?:
    RTCIceServer[] | (() => RTCIceServer[] | Promise<RTCIceServer[]>);
  /** For hosts without a global one, such as Node 20: the class of the package `ws` will do. */
  WebSocket?: new (url: string, protocols?: string | string[]) => any;
  /** What keeps the instance id and the last nonce between pages. Default `localStorage`; null keeps nothing. */
  storage?: Pick<Storage, "getItem" | "setItem"> | null;
  /**
   * One phone for all tabs of this origin that ask for the same user, domain, device and
   * instance: one socket and one registration, in a SharedWorker, or else in one of the
   * tabs. `worker` is where `graceline/worker` is served, if your bundler does not find it.
   * See docs/tabs.md.
   */
  shared?: boolean | { worker: string | URL };
  /** What is followed as a page's globals are, where there are none: in a worker. */
  page?: EventTarget & { document: EventTarget & { hidden: boolean } };
  /** Hears what the phone does. Entries hold no password, token or digest response. */
  log?: (entry: LogEntry) => void;
  /** For DeskPhone mode: where desk phones are controlled, and which one is usual. */
  remoteControl?: {
    /** SIP URI of the CTI gateway: "sip:cti@example.com". */
    gateway: string;
    /** The controlled line: "2001", "tel:2001", "sip:2001@example.com". Default: `user`. */
    line?: string;
    /**
     * The desk phone on that line, such as "SEP0002FD3BB5C5". May be left out where the
     * line has one; else the one that was chosen last is taken.
     */
    device?: string;
  };
  /** Permits `ws://` to hosts that are not loopback ones. */
  allowInsecure?: boolean;
  /**
   * The User-Agent header, by which people know the devices of theirs that are logged in
   * elsewhere. Default: version, browser and system, "Graceline/0.1.0 (Chrome 156; Linux)".
   */
  userAgent?: string;
  /** Further headers of every REGISTER: `{ "X-Name": "value" }`, or pairs where a name repeats. */
  extraHeaders?: Record<string, string> | [name: string, value: string][];
  /**
   * Generic profile, registrars that let nobody name a foreign contact
   * (Asterisk): a force may remove the user's other devices too.
   */
  forceMayRemoveOthers?: boolean;
  /** Contact URIs, exactly as the registrar lists them, that are no rivals: a desk phone under `conflictScope: "user"`. */
  ignoreBindings?: string[];
  /**
   * Whether the server vouches for what its messages say of callers: the names in
   * `P-Asserted-Identity` and `Remote-Party-ID`, and Cisco's Call-Info. Default
   * `"auto"`: where the registrar says so, as `deploy/kamailio` does, or speaks
   * Cisco's form. `true` is for other servers (Asterisk, Kamailio, a carrier) that
   * write these headers themselves and take out those of clients: if yours passes
   * them on, anybody calls under any name.
   */
  trustAssertedIdentity?: "auto" | boolean;
  /** Answers no challenge that offers MD5 alone. */
  refuseMd5?: boolean;
  /** Writes every SIP message, redacted, to `log`, and produces `sip` events from the start. */
  trace?: boolean;
  /** Gives this phone a wasm instance of its own, which no failure in another phone can take down. */
  isolate?: boolean;
}

export interface Challenge {
  scheme: "digest" | "bearer";
  realm: string;
  /** Bearer (RFC 8898): the authorization server to get a token from. */
  authzServer?: string;
  /** Bearer (RFC 8898): the scope to ask for. */
  scope?: string;
}

export type Credentials =
  { username?: string; password: string } | { token: string };

export interface LogEntry {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  [field: string]: unknown;
}

/**
 * - `eIdle`: not registered, and nobody asked for it.
 * - `eRegistering`: `registerPhone` is at work.
 * - `eReady`: registered; in DeskPhone mode, the desk phone is monitored.
 * - `eRecoveryPending`: the network, the server, the gateway or its switch is away; the
 *   phone recovers by itself.
 * - `eConnectionTerminated`: another client took the device over.
 * - `eDeviceNotAuthorised`: the user, or the administrator, has cut this device off.
 */
export type PhoneStatus =
  | "eIdle"
  | "eRegistering"
  | "eReady"
  | "eRecoveryPending"
  | "eConnectionTerminated"
  | "eDeviceNotAuthorised";

export interface Registration {
  readonly user: string;
  readonly domain: string;
  readonly device: string;
  /** DeskPhone mode: the line that is controlled, on `device`. */
  readonly line?: string;
  readonly instanceId: string;
  readonly mode: PhoneMode;
  /** URL in use. */
  readonly connection: string;
  /**
   * Seconds granted; in DeskPhone mode by the gateway, to the session with it, and 0 where
   * that has no end.
   */
  readonly expires: number;
  readonly forceRegistration: boolean;
  /** The profile in use. */
  readonly profile?: "cisco" | "generic";
  /** "none": this registrar shows nobody but ourselves, so a rival cannot be seen. */
  readonly conflictDetection: "full" | "none";
}

/** Who else holds the device, as far as the registrar tells. */
export interface Elsewhere {
  instanceId?: string;
  /** Text from the network: show it as text, never as HTML. */
  userAgent?: string;
  contact?: string;
  /** When that client logged in, in ms since the Unix epoch. */
  since?: number;
  /** It is another tab of this browser profile. */
  sameBrowser?: boolean;
}

/**
 * Why the device is another client's.
 *
 * - `takenOver`: another client logged in by force, or while our registration had lapsed.
 * - `refused`: the registrar would not renew our registration, since another client holds
 *   the device.
 * - `rivalReturned`: a client that knows nothing of all this, and that our forced login had
 *   removed, has registered again.
 * - `sameBrowser`: another tab of this browser profile took it by force.
 */
export type TerminationReason =
  "takenOver" | "refused" | "rivalReturned" | "sameBrowser";

export interface PhoneEvents {
  /** Every change of status. */
  status: {
    status: PhoneStatus;
    ready: boolean;
    registration: Registration | null;
  };
  /** An unforced registration was refused: another client holds the device. */
  eDeviceAlreadyRegistered: {
    device: string;
    elsewhere?: Elsewhere;
    status?: number;
    reason?: string;
  };
  /**
   * Another client took the device over. Once; the phone then does nothing
   * until `registerPhone` is called again. Do not force from this handler.
   */
  eConnectionTerminated: {
    reason: TerminationReason;
    /** A sentence to show, as text: it may quote `by.userAgent`, which comes from the network. */
    message: string;
    by?: Elsewhere;
  };
  /**
   * The registrar does not accept this device: a login was refused, which rejects, too; or
   * the device was cut off while it was registered. Then its calls have ended, this fires
   * once, and the phone stays in the status of that name: it does nothing until
   * `registerPhone` is called again.
   */
  eDeviceNotAuthorised: {
    device: string;
    status?: number;
    /** SIP reason phrase, or text of the Warning: of the network, to be shown as text. */
    reason?: string;
    /** A sentence to show: what happened and what to do. */
    message: string;
  };
  /**
   * A call comes in, and rings at the caller. One with `call.replaces` takes the
   * place of a call in progress (an attended transfer): it is answered by itself.
   */
  incoming: { call: Call };
  /**
   * DeskPhone mode: a call that the app did not make, dialled by hand at the desk phone or
   * found there. Those that ring fire `incoming`.
   */
  call: { call: Call };
  /** Every change of `phone.desk`. */
  desk: {
    state: DeskState;
    line: string;
    device: string;
    /** CSTA's word for it, if there was one. */
    reason?: string;
  };
  /** The far end of the call `from` transferred us: `call` is the call to whom it named. */
  transferred: { from: Call; call: Call };
  /**
   * The page was left during a call, and has come back: `resume` takes it up
   * again. Fires at the login, and only for calls whose far end knows Replaces
   * (RFC 3891). Where it has hung up meanwhile, the new call ends with `failed`
   * and status 481.
   */
  resumable: {
    remote: RemoteParty;
    resume: (options?: CallOptions & { signal?: AbortSignal }) => Call;
  };
  /** A MESSAGE came in. Text from the network: show it as text, never as HTML. */
  message: {
    from: RemoteParty;
    contentType: string;
    body: string;
    headers: [name: string, value: string][];
  };
  /**
   * What waits in the mailbox has changed; also `phone.voicemail`. Listening asks the server
   * for it (`message-summary`, RFC 3842); servers that tell it unasked are heard, too.
   */
  voicemail: Mailbox;
  /** Calls of the user's other devices have changed; also `phone.elsewhereCalls`. */
  elsewhereCalls: { calls: readonly ElsewhereCall[] };
  /** A tab that shares the phone came or went; also `phone.tabs`. */
  tabs: Tabs;
  /** `snapshot()` is another one than before. */
  change: PhoneSnapshot;
  /** Something went wrong outside a promise. Need not be listened to. */
  error: PhoneError;
  /** A SIP message went over the wire. Redacted. Listen before the first `registerPhone`, or set `trace`. */
  sip: {
    direction: "sent" | "received";
    message: string;
    /** ms since the Unix epoch. */
    at: number;
  };
  /** A WebSocket opens, is open, or is closed. */
  transport: {
    state: "connecting" | "connected" | "disconnected";
    url: string;
    /** WebSocket close code. */
    code?: number;
    reason?: string;
  };
}

/** A phone as it is at a moment; see `Phone.snapshot`. */
export type PhoneSnapshot = Readonly<
  Pick<Phone, "status" | "ready" | "registration" | "mode" | "tabs">
> & {
  readonly calls: readonly Call[];
};

/** A call as it is at a moment; see `Call.snapshot`. */
export type CallSnapshot = Readonly<
  Pick<
    Call,
    | "id"
    | "direction"
    | "to"
    | "state"
    | "remote"
    | "heldBy"
    | "muted"
    | "startTime"
    | "callInfo"
    | "here"
    | "media"
    | "localStream"
    | "remoteStream"
    | "parties"
    | "services"
  >
>;

/** The tabs that share a phone. */
export interface Tabs {
  /** How many there are. Of a phone that is not shared: 1. */
  readonly count: number;
  /** Whether this one is asked first for what the app's functions know. */
  readonly leads: boolean;
}

/** What `addEventListener` delivers: `detail` is the payload, whose properties the event has too. */
export type PhoneEvent<Payload> = CustomEvent<Payload> & Payload;

/** What `registerPhone` and `switchMode` take. */
export interface LoginOptions {
  /** DeskPhone mode: another line than the usual one. */
  line?: string;
  /** DeskPhone mode: the phone on that line. */
  device?: string;
  /** Take the device over from whoever holds it. Default false. */
  forceRegistration?: boolean;
  /** Gives this call up: it rejects at once with `eAborted`, the reason as its cause. */
  signal?: AbortSignal;
}

/** A line on a device: what can be controlled. */
export interface LineAppearance {
  readonly line: string;
  readonly device: string;
  readonly description?: string;
  readonly partition?: string;
  readonly inService: boolean;
  /** It is controlled, or was chosen last. */
  readonly selected: boolean;
}

/**
 * - `eInService`: it can be used.
 * - `eOutOfService`: the phone, or the switch, is out of service.
 * - `eRecoveryPending`: the way to it is away, and sought.
 */
export type DeskState = "eInService" | "eOutOfService" | "eRecoveryPending";

/** When and where calls are forwarded. */
export interface ForwardingRule {
  type: "immediate" | "busy" | "noAnswer";
  active: boolean;
  /** Number or URI. */
  to?: string;
  /** After which `noAnswer` applies. */
  seconds?: number;
}

/** The desk phone under control. */
export interface Desk {
  readonly [Symbol.toStringTag]: "Desk";
  readonly line: string;
  readonly device: string;
  readonly state: DeskState;
  /** CSTA services on offer: "MakeCall", "HoldCall", … All that we know where the gateway lists none. */
  readonly features: ReadonlySet<string>;
  /** Whether it rings for nobody; null: not told. */
  readonly doNotDisturb: boolean | null;
  /** Whether messages wait; null: not told. */
  readonly messageWaiting: boolean | null;
  /** null: not told. */
  readonly forwarding: readonly ForwardingRule[] | null;
  /** Rejects with `eNotSupported`, `eOutOfService`, `eServerRejected`, `eInvalidArgument`. */
  setDoNotDisturb(on: boolean): Promise<void>;
  /** Replaces the rule of that type. Rejects as `setDoNotDisturb` does. */
  setForwarding(rule: ForwardingRule): Promise<void>;
}

/** Voice messages. */
export interface Mailbox {
  /** Not heard yet. */
  new: number;
  /** Heard. */
  old: number;
}

/** A call of another device of the user. */
export interface ElsewhereCall {
  /** For `phone.pickUp`. */
  readonly id: string;
  /** Texts from the network; empty where they are not told. */
  readonly device: { readonly name: string; readonly instanceId: string };
  /** As that device has it. */
  readonly state: "incoming" | "calling" | "ringing" | "connected";
  /** Who is at the other end. */
  readonly remote: RemoteParty;
}

/** `unknown`: nobody has said it. */
export type PresenceState =
  "available" | "busy" | "away" | "offline" | "unknown";

export interface OwnPresence {
  state?: "available" | "busy" | "away" | "offline" | null;
  /** A remark of at most 128 characters. */
  note?: string | null;
}

export interface PresenceEvents {
  /** Something is different. */
  change: { state: PresenceState; note?: string };
}

/** How available somebody is. Made by `phone.presence()`. */
export interface Presence {
  readonly state: PresenceState;
  /** A remark of theirs: text from the network. */
  readonly note?: string;
  /** Nothing is told any more. */
  close(): void;
  on<E extends keyof PresenceEvents>(
    name: E,
    listener: (event: PresenceEvents[E]) => void,
  ): this;
  once<E extends keyof PresenceEvents>(
    name: E,
    listener: (event: PresenceEvents[E]) => void,
  ): this;
  off<E extends keyof PresenceEvents>(
    name: E,
    listener: (event: PresenceEvents[E]) => void,
  ): this;
}

export class Phone {
  readonly [Symbol.toStringTag]: "Phone";

  /**
   * Opens nothing and loads nothing.
   *
   * @throws {PhoneError} `eInvalidArgument`, naming the option
   */
  constructor(options: PhoneOptions);

  readonly status: PhoneStatus;
  /** Whether the status is `eReady`. */
  readonly ready: boolean;
  /** The current registration, while the status is `eReady`. */
  readonly registration: Registration | null;
  /** "urn:uuid:…" of this client. */
  readonly instanceId: string;
  /** The tabs that share the phone, this one included; see `PhoneOptions.shared`. */
  readonly tabs: Tabs;
  /** Which it is in: `SoftPhone` until a desk phone is controlled. */
  readonly mode: PhoneMode;
  /** The desk phone that is controlled; null in SoftPhone mode. */
  readonly desk: Desk | null;

  /**
   * Registers. Settles exactly once, within `timeout`; an already registered
   * phone resolves with its registration. Calls that overlap share the work; a
   * forced one, or one for another mode or desk phone, supersedes the one before, which
   * then rejects with `eAborted`.
   *
   * In DeskPhone mode it takes control of the desk phone instead; the page's own
   * registration is given up when that is reached, and stays where it cannot be. It then
   * rejects also with `eDeviceNotChosen` (`details.appearances`) where the line is on
   * several phones, and with `eOutOfService`.
   *
   * Rejects with `eDeviceAlreadyRegistered` (details: device, elsewhere),
   * `eCredentialsRejected`, `eCouldNotConnect`, `eTimeout`, `eServerRejected`,
   * `eDeviceLimitReached`, `eDeviceNotAuthorised`, `eInvalidArgument`,
   * `eInvalidState` (closed) or `eInternal`; and with `eAborted`, which nobody has to be
   * told, where `close`, `unregisterPhone` or the signal ends it.
   */
  registerPhone(
    options?: LoginOptions & {
      /** Default: the current one. */
      mode?: PhoneMode;
    },
  ): Promise<Registration>;

  /**
   * `registerPhone` in that mode. The old one, or the old desk phone, is left when the new
   * one is reached, and stays where it cannot be. Calls of a desk phone that is left go on
   * there, and end here with cause `local`. During a call of the page itself it rejects
   * with `eInvalidState`.
   */
  switchMode(mode: PhoneMode, options?: LoginOptions): Promise<Registration>;

  /**
   * On which phones a line is. Rejects with `eNotSupported` where the gateway does not
   * tell.
   */
  lineAppearances(options?: {
    /** Default: the usual one. */
    line?: string;
    signal?: AbortSignal;
  }): Promise<LineAppearance[]>;

  /** Unregisters. Resolves once the registrar agreed, or could not be reached in time. Never rejects. */
  unregisterPhone(): Promise<void>;

  /**
   * Calls somebody. Returns at once; the call tells by its events how it goes.
   *
   * @param target "2002", "bob@example.com", "sip:…" or "tel:…"
   * @throws {PhoneError} `eInvalidArgument`, `eInvalidState` (closed) or `eInternal`
   */
  call(target: string, options?: CallOptions & { signal?: AbortSignal }): Call;

  /**
   * From now on this device is woken by push for calls and messages that come while it is
   * logged out or its page is closed: with `graceline/push` in the service worker. Needs the
   * option `account`, and asks the user for leave: call it from a click. A page that is open
   * logs in when it is woken. Once is enough, and at each load of the page does no harm.
   *
   * Rejects with `eInvalidState` (no `account`, no subscription), `eForbidden` (the user does
   * not allow it), `eInvalidArgument` (the browser's push service is not one that the
   * administrator allows), and as `graceline/account` does.
   */
  enablePush(worker: ServiceWorkerRegistration): Promise<void>;
  /** It is not, any more. Rejects as `graceline/account` does. */
  disablePush(): Promise<void>;

  /** Of the option `account`, from the first login on; else null. */
  readonly account: Account | null;

  /** The calls that have not ended, oldest first. */
  readonly calls: Call[];

  /** What waits in the mailbox, once the server has said it. Asks the server for it. */
  readonly voicemail: Readonly<Mailbox> | null;

  /**
   * Calls of the user's other devices (`dialog`, RFC 4235), as far as the server tells
   * them: not those that ring here, too. Asks the server for them, so that the first answer
   * is an empty list: the event of this name follows.
   */
  readonly elsewhereCalls: readonly ElsewhereCall[];

  /**
   * This phone takes a call of another device over: the far end goes on with us, and there
   * it ends. One that rings is taken as long as it rings. If the far end knows no Replaces
   * (RFC 3891), or the call is over, the new call ends with `failed`, and the old one stays
   * as it is.
   *
   * @param id of one of `elsewhereCalls` that is `connected` or `incoming`
   * @param options as of `call`
   * @throws {PhoneError} `eInvalidArgument`: there is no such call
   */
  pickUp(id: string, options?: CallOptions): Call;

  /**
   * How available somebody is, as the server tells it (`presence`, RFC 3856), as long as
   * this phone is logged in; `unknown` until then, and where it may not be known. At most
   * 256 different users at a time; further ones stay unknown.
   *
   * @param uri as `call` takes it
   */
  presence(uri: string): Presence;

  /**
   * What others shall see, as long as this phone is logged in: published again by itself
   * (RFC 3903), with the next login if there is none now. `null` for both takes it back:
   * others then see what follows from the user's phones and calls, as they do where the
   * state is `null` or `available`.
   *
   * Rejects with `eCallFailed` where the server refuses it, `eInvalidArgument`.
   */
  setPresence(presence: OwnPresence): Promise<void>;

  /**
   * Sends a MESSAGE (RFC 3428) outside of any call. Resolves when the far end
   * took it; rejects with `eCallFailed` (`status`, `reason`).
   */
  message(
    target: string,
    body: string,
    options?: {
      /** Default "text/plain". */
      contentType?: string;
      /** Another public id than the phone's. */
      publicId?: string;
    },
  ): Promise<void>;

  /**
   * What it is like now: never changed, and the same object until something in it is
   * different, when `change` fires. What frameworks ask for:
   *
   * ```js
   * const subscribe = (listener) => {
   *   phone.on("change", listener);
   *   return () => phone.off("change", listener);
   * };
   * const { status, calls } = useSyncExternalStore(subscribe, () => phone.snapshot());
   * ```
   */
  snapshot(): PhoneSnapshot;

  /** Ends the calls, unregisters, closes the sockets and frees the phone. Repeating it changes nothing. Never rejects. */
  close(): Promise<void>;

  on<Name extends keyof PhoneEvents>(
    name: Name,
    listener: (payload: PhoneEvents[Name]) => void,
  ): this;
  once<Name extends keyof PhoneEvents>(
    name: Name,
    listener: (payload: PhoneEvents[Name]) => void,
  ): this;
  off<Name extends keyof PhoneEvents>(
    name: Name,
    listener: (payload: PhoneEvents[Name]) => void,
  ): this;
  addEventListener<Name extends keyof PhoneEvents>(
    name: Name,
    listener:
      | ((event: PhoneEvent<PhoneEvents[Name]>) => void)
      | { handleEvent(event: PhoneEvent<PhoneEvents[Name]>): void },
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(name: keyof PhoneEvents, listener: unknown): void;
}

export interface CallOptions {
  /** Send sound: default true. Constraints choose the device: `{ deviceId }`. */
  audio?: boolean | MediaTrackConstraints;
  /**
   * Send pictures: default false. Pictures that the far end sends are received
   * all the same, unless this is false and not just missing.
   */
  video?: boolean | MediaTrackConstraints;
  /** Send these tracks instead of opening devices. They are yours: the call never stops them. */
  stream?: MediaStream;
  /** Further headers of the INVITE, or of the answer: `{ "X-Name": "value" }`, or pairs. */
  extraHeaders?: Record<string, string> | [name: string, value: string][];
  /**
   * Outgoing: where a redirection (3xx) is followed. Default `"domain"`: to addresses
   * of the own domain alone, so that whoever is called cannot make this phone call
   * anybody else. The call's event `redirect` tells each.
   */
  followRedirects?: "domain" | "all" | "none";
  /** Outgoing: another public id than the phone's (`PhoneOptions.publicId`). */
  publicId?: string;
}

/** Who is at the other end, as the network tells. Show it as text, never as HTML. */
export interface RemoteParty {
  /** "sip:…", "sips:…" or "tel:…"; "" if it is unknown, or of a kind that cannot be called. */
  uri: string;
  /** At most 128 characters, or "". */
  displayName: string;
}

/**
 * - `incoming`: rings here, until `answer()` or `reject()`.
 * - `calling`: under way to the far end.
 * - `ringing`: rings there; with `early`, its sound can be heard already.
 * - `connected`: both talk.
 * - `held`: one or both hold; see `heldBy`.
 * - `ended`: over, for good.
 */
export type CallState =
  "incoming" | "calling" | "ringing" | "connected" | "held" | "ended";

/**
 * Why a call ended.
 *
 * - `local`: we hung up, gave up or declined. `remote`: the far end hung up.
 * - `rejected`: the far end said no; see `status`. An incoming call: it was declined
 *   at another device of the user, for all of them. Not a missed call.
 * - `failed`: see `status` and `reason`; the call's `error` event came before.
 * - `cancelled`: the caller gave up before there was an answer.
 * - `answeredElsewhere`: another device of the user took it. Not a missed call.
 * - `eConnectionTerminated`: another client took this device over.
 */
export type CallEndCause =
  | "local"
  | "remote"
  | "rejected"
  | "failed"
  | "cancelled"
  | "answeredElsewhere"
  | "eConnectionTerminated";

/**
 * The parameters of Cisco's Call-Info, such as `{ security: "Encrypted",
 * orientation: "to" }`; one without a value is true. Text from the network: show
 * it as text.
 */
export type CallInfo = Record<string, string | true>;

export interface CallEvents {
  /** Every change of state, hold and early media. */
  state: {
    state: CallState;
    heldBy: "local" | "remote" | "both" | null;
    /** Sound of the far end flows before it has answered. */
    early: boolean;
  };
  /**
   * Somebody else is at the other end (the far end was transferred), or it is known
   * better who: `call.remote` has changed.
   */
  remote: { remote: RemoteParty };
  /**
   * The far end asks us to call `uri` instead, or one of several. Where it is not
   * `followed` (see `CallOptions.followRedirects`) the app may call it; if nothing
   * is followed the call ends: cause `failed`, a status from 300 to 399, the first
   * `uri` in `details.target` of the event `error`. A blind transfer to a `uri` that is
   * not followed is refused; the call goes on.
   */
  redirect: { uri: string; followed: boolean };
  /** The call was answered. Once. */
  connected: { startTime: Date };
  /** The sound comes to this tab, or leaves it; also `call.here`. */
  here: { here: boolean };
  /** The last event of a call, exactly once. */
  ended: {
    cause: CallEndCause;
    /** SIP status code, where there was one. */
    status?: number;
    /** SIP reason phrase, or a sentence saying what happened and what to do. */
    reason: string;
  };
  /** A desk phone's: what can be asked for now is something else; also `call.services`. */
  services: { services: ReadonlySet<string> };
  /** The far end sends something new. `stream` is `call.remoteStream`. */
  track: { track: MediaStreamTrack; stream: MediaStream };
  /** How a transfer that we asked for goes: what the target answers. */
  transfer: { status: number; reason: string };
  /** INFO from the far end, such as digits in `application/dtmf-relay`. */
  info: { contentType: string; body: string };
  /** Call-Info of the far end came or changed. */
  callInfo: { callInfo: CallInfo };
  /** `snapshot()` is another one than before. */
  change: CallSnapshot;
  /**
   * Something went wrong outside a promise: `eMediaFailed` (a refused
   * permission, a device unplugged, no way through the network) or, right
   * before `ended` with cause `failed`, `eCallFailed`; `eDeviceNotAuthorised` where the
   * device was cut off.
   */
  error: PhoneError;
}

/** One call. Made by `phone.call()`, or handed over by the event `incoming`. */
export interface Call {
  readonly [Symbol.toStringTag]: "Call";
  /** Unlike that of any other call of the phone, ended ones included. */
  readonly id: number;
  readonly direction: "outgoing" | "incoming";
  readonly state: CallState;
  /** Who holds while the state is `held`, else null. */
  readonly heldBy: "local" | "remote" | "both" | null;
  /** Who is at the other end. Follows transfers there; then the event `remote` fires. */
  readonly remote: RemoteParty;
  /** Incoming: the URI that was called. */
  readonly to?: string;
  /** Incoming: the headers of the INVITE, in order, as they came: nobody vouches for them. */
  readonly headers: [name: string, value: string][];
  /** The latest Call-Info of the far end, or null. */
  readonly callInfo: CallInfo | null;
  /** Incoming: the call in progress whose place this one takes. */
  readonly replaces: Call | null;
  /**
   * Whether this tab has its sound. Of a phone that is not shared: true. Where it is false
   * the streams are null, and `getStats` and `replaceTrack` reject with `eInvalidState`;
   * all the rest works from every tab.
   */
  readonly here: boolean;
  /** Brings the sound into this tab, by a new agreement with the far end. */
  bringHere(): Promise<void>;
  /** Where its sound is: in this page, or at a desk phone that the page drives. */
  readonly media: "here" | "deskPhone";
  /** A desk phone's: all at the far end of a conference; else empty. */
  readonly parties?: RemoteParty[];
  /** A desk phone's: CSTA services that can be asked for in this state. */
  readonly services?: ReadonlySet<string>;
  /** When it was answered, or null. */
  readonly startTime: Date | null;
  /** What we send: null before devices are open and after the end. */
  readonly localStream: MediaStream | null;
  /** What the far end sends: null before its first track and after the end. */
  readonly remoteStream: MediaStream | null;
  readonly muted: { audio: boolean; video: boolean };
  /**
   * The default handler's, for what is not offered here: reading, and parameters of senders.
   * Descriptions are the phone's matter. Another one may take its place while the call lasts;
   * null before the media is open, at a desk phone, and in tabs that have not the sound.
   */
  readonly peerConnection: RTCPeerConnection | null;

  // Each of these settles exactly once. They reject with `eInvalidState` where
  // the state does not allow them, `eInvalidArgument`, `eMediaFailed`, or
  // `eCallFailed` (`status`, `reason`) where the far end refused or the call ended.
  // At a desk phone also with `eNotSupported` where the gateway does not offer it, or no
  // page can do it (what has to do with media), `eOutOfService`, and `eServerRejected`.

  /**
   * Opens microphone and camera, then takes the call. If they cannot be opened
   * it rejects with `eMediaFailed`, and the call goes on ringing.
   */
  answer(options?: CallOptions): Promise<void>;
  /**
   * Refuses the call.
   *
   * @param code a SIP status, 400 to 699. Default 486: busy here, the user's
   *   other devices ring on, and the caller hears of it once none of them is left.
   *   600 to 699, such as 603: declined everywhere, the others stop (cause
   *   `rejected`), and the caller hears it at once.
   */
  reject(code?: number): Promise<void>;
  /** Sends a call that rings elsewhere: a redirection (302), or DeflectCall. */
  deflect(target: string): Promise<void>;
  /** Ends the call in whatever state it is. Harmless once it has ended. */
  hangup(): Promise<void>;
  /** Nothing is sent or heard until `resume()`. */
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Sends silence, or black, without a word to the far end. Default: both kinds. */
  mute(kind?: "audio" | "video"): Promise<void>;
  unmute(kind?: "audio" | "video"): Promise<void>;
  /**
   * Dials tones: RFC 4733 within the sound, or INFO where that was not agreed
   * on. Resolves once they are out.
   *
   * @param digits 0-9, *, #, A-D; a comma pauses for 2 s
   */
  sendDtmf(
    digits: string,
    options?: {
      /** ms, 40 to 6000. Default 100. */
      duration?: number;
      /** ms between two tones, 30 or more. Default 70. */
      gap?: number;
    },
  ): Promise<void>;
  /**
   * Has the far end call somebody else (blind), or talk to the far end of
   * another call of this phone (attended; best held before). Resolves when that
   * has succeeded, and the call ends; rejects when the target refused, and the
   * call goes on. The `transfer` event tells the steps in between.
   */
  transfer(target: string | Call): Promise<void>;
  /**
   * Joins two calls, of which one is on hold.
   *
   * Calls of this page are mixed here: both go on, and each far end hears the other one and
   * us, until one of them is held or ends. Who is `mute`d in one of them is silent there, and
   * the far ends hear each other all the same. Rejects with `eInvalidState` where either is
   * not connected, or is in a conference already.
   *
   * Of a desk phone's two calls one is made: this one goes on; the other ends with cause
   * `local`, reason "joined the conference".
   */
  conference(call: Call): Promise<void>;
  /** Starts or stops our pictures, by a new agreement with the far end. */
  setVideo(video: boolean | MediaTrackConstraints): Promise<void>;
  /**
   * Sends a screen, a window or a tab that the user chooses, in the place of the camera, until
   * the user ends it there, or `shareScreen(false)`; then the camera is back, if there was one.
   * Call it from a click. Rejects with `eMediaFailed` where nothing was chosen, and with
   * `eCallFailed` where the far end takes no pictures.
   */
  shareScreen(options?: DisplayMediaStreamOptions | false): Promise<void>;
  /** Sends from another microphone or camera from now on. */
  setDevice(kind: "audio" | "video", deviceId: string): Promise<void>;
  /** Sends this track from now on. It is yours: the call never stops it. */
  replaceTrack(track: MediaStreamTrack): Promise<void>;
  /** Looks for a new way through the network. Done by itself when the way is lost. */
  restartIce(): Promise<void>;
  /** Sends INFO within the call. */
  sendInfo(contentType: string, body: string): Promise<void>;
  /** Of the call's RTCPeerConnection: packets, loss, delay, audio energy. */
  getStats(): Promise<RTCStatsReport>;
  /** What it is like now, as `Phone.snapshot` has it. */
  snapshot(): CallSnapshot;

  on<Name extends keyof CallEvents>(
    name: Name,
    listener: (payload: CallEvents[Name]) => void,
  ): this;
  once<Name extends keyof CallEvents>(
    name: Name,
    listener: (payload: CallEvents[Name]) => void,
  ): this;
  off<Name extends keyof CallEvents>(
    name: Name,
    listener: (payload: CallEvents[Name]) => void,
  ): this;
  addEventListener<Name extends keyof CallEvents>(
    name: Name,
    listener:
      | ((event: PhoneEvent<CallEvents[Name]>) => void)
      | { handleEvent(event: PhoneEvent<CallEvents[Name]>): void },
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(name: keyof CallEvents, listener: unknown): void;
}

/** Makes the media handler of one call. May open devices later: `open` says when. */
export type MediaHandlerFactory = (context: MediaContext) => MediaHandler;

/** What a call's media handler is made from. */
export interface MediaContext {
  /** Whose media they are. */
  call: Call;
  audio: boolean | MediaTrackConstraints;
  /** Undefined: receive what comes, send nothing. False: refuse pictures. */
  video?: boolean | MediaTrackConstraints;
  stream?: MediaStream;
  direction: "outgoing" | "incoming";
  /** The phone's `iceServers`; asks the app's function. */
  iceServers(): Promise<RTCIceServer[]>;
  /** The phone's `iceTransportPolicy`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  log(entry: LogEntry): void;
  emit: MediaHandlerEvents;
}

/** What a handler tells its call. */
export interface MediaHandlerEvents {
  /** The far end sends something new. */
  track(track: MediaStreamTrack, stream: MediaStream): void;
  /**
   * More candidates after the description: all of this ICE generation so far,
   * as an RFC 8840 fragment. They are dropped where the far end takes none.
   */
  candidates(sdpfrag: string, end: boolean): void;
  /**
   * Nothing comes through at the moment, which may pass. The phone asks its
   * server at once whether that is still there: often both went with a network.
   */
  disturbed(): void;
  /**
   * Nothing comes through any more. The call looks for another way, by an offer
   * with an ICE restart, for 12 s; then it ends.
   */
  lost(): void;
  /** Asks for a new offer. */
  renegotiate(options: { iceRestart?: boolean }): void;
  /** Something went wrong while nobody waited for it. */
  error(error: unknown): void;
}

/** What a description is wanted for. */
export interface DescriptionWanted {
  /** We hold: offer sendonly or inactive, and send nothing. */
  hold?: boolean;
  /** With a new ICE user fragment and password. */
  iceRestart?: boolean;
  /**
   * The far end takes candidates later: do not wait for them, report them by
   * `emit.candidates`. Otherwise the description must hold them.
   */
  trickle?: boolean;
  /**
   * A shared phone's offer, which says what we do in DTLS instead of leaving the choice
   * (`a=setup`, RFC 8842 §5.2): so a call that moves between tabs is heard again sooner.
   */
  role?: "active";
  /**
   * Our last description, if it was made in another tab: the call goes on with its origin
   * and streams (RFC 3264 §8).
   */
  before?: string;
}

/**
 * The media of one call. The phone says what it needs, one thing after the
 * other; a handler that rejects ends the call, or leaves it as it was before.
 * Errors that are no `PhoneError` become `eMediaFailed`.
 */
export interface MediaHandler {
  /** Opens devices. An incoming call is accepted only after this. */
  open?(): Promise<void>;
  /** Resolves with the local description. */
  createOffer(wanted: DescriptionWanted): Promise<string>;
  /** Takes the far end's offer, and resolves with the local description. */
  createAnswer(remoteOffer: string, wanted: DescriptionWanted): Promise<string>;
  /** "pranswer": early, may be followed by another one. */
  applyAnswer(sdp: string, type: "answer" | "pranswer"): Promise<void>;
  /** The last offer came to nothing: back to what was agreed before. */
  rollback(): Promise<void>;
  /** Candidates of the far end, as an RFC 8840 fragment. */
  addCandidates?(sdpfrag: string): Promise<void>;
  setMuted?(muted: { audio: boolean; video: boolean }): void;
  /** Resolves when the tones are out; or at once with false: send them by INFO. */
  sendDtmf?(
    digits: string,
    options: { duration: number; gap: number },
  ): Promise<boolean>;
  setVideo?(video: boolean | MediaTrackConstraints): Promise<void>;
  setDevice?(kind: "audio" | "video", deviceId: string): Promise<void>;
  replaceTrack?(track: MediaStreamTrack): Promise<void>;
  getStats?(): Promise<RTCStatsReport>;
  /** The call is over: release everything. */
  close(): void;
  readonly localStream: MediaStream | null;
  readonly remoteStream: MediaStream | null;
  /** Where the handler has one: `call.peerConnection`. */
  readonly peerConnection?: RTCPeerConnection | null;
}

/**
 * - `eInvalidArgument`: an option is wrong; `details.option` names it.
 * - `eInvalidState`: not possible now, such as on a closed phone.
 * - `eDeviceAlreadyRegistered`: another client holds the device. Ask the user, then force.
 * - `eCredentialsRejected`: wrong user name, password or token.
 * - `eCouldNotConnect`: no WebSocket to any of the connections.
 * - `eServerRejected`: the registrar said no; see `status` and `reason`.
 * - `eTimeout`: connected, but no answer in time.
 * - `eAborted`: given up by the app, or superseded.
 * - `eDeviceLimitReached`: the user has as many devices as the registrar allows.
 * - `eDeviceNotAuthorised`: the registrar does not accept this device, or not any more.
 * - `eForbidden`, `eNotFound`, `eLimitReached`, `ePublicIdTaken`, `eCodeRejected`,
 *   `eTooManyRequests`: of the account service, see `graceline/account`.
 * - `eCallFailed`: a call, or what was asked of it, came to nothing; see `status` and `reason`.
 * - `eMediaFailed`: no microphone or camera, or no way for the sound; the message says what to do.
 * - `eNotSupported`: this phone, its gateway or this mode does not offer it.
 * - `eOutOfService`: the desk phone, its switch, or the way to it is out of service.
 * - `eDeviceNotChosen`: the line is on several desk phones; `details.appearances` lists them.
 * - `eInternal`: a fault of Graceline, or its wasm could not be loaded.
 */
export type PhoneErrorCode =
  | "eInvalidArgument"
  | "eInvalidState"
  | "eDeviceAlreadyRegistered"
  | "eCredentialsRejected"
  | "eCouldNotConnect"
  | "eServerRejected"
  | "eTimeout"
  | "eAborted"
  | "eDeviceLimitReached"
  | "eDeviceNotAuthorised"
  | "eForbidden"
  | "eNotFound"
  | "eLimitReached"
  | "ePublicIdTaken"
  | "eCodeRejected"
  | "eTooManyRequests"
  | "eCallFailed"
  | "eMediaFailed"
  | "eNotSupported"
  | "eOutOfService"
  | "eDeviceNotChosen"
  | "eInternal";

export class PhoneError extends Error {
  constructor(
    code: PhoneErrorCode,
    message: string,
    more?: {
      status?: number;
      reason?: string;
      details?: any;
      remedy?: string;
      cause?: unknown;
    },
  );
  /** Stable, for programs. */
  readonly code: PhoneErrorCode;
  /** SIP status code. */
  readonly status?: number;
  /** SIP reason phrase, or text of the Warning. */
  readonly reason?: string;
  /** `{ option }` of `eInvalidArgument`; `{ device, elsewhere }` of `eDeviceAlreadyRegistered`. */
  readonly details?: any;
  /** What to do about it: that part of `message`, or empty. */
  readonly remedy: string;

  /** Whether it is a PhoneError, and of that code. */
  static is(error: unknown): error is PhoneError;
  static is<Code extends PhoneErrorCode>(
    error: unknown,
    code: Code,
  ): error is PhoneError & { readonly code: Code };
}

/**
 * Has people told in other words: by situation, what happened and what to do about
 * it. docs/errors.md lists the situations, their sentences and the `{values}` that
 * these may name.
 *
 * ```js
 * translate({ noConnection: ["Der Server ist nicht erreichbar.", "Ist das Netz da?"] });
 * ```
 */
export function translate(
  sentences: Record<string, [happened: string, remedy?: string]>,
): void;
