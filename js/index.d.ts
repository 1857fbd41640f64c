/**
 * Graceline: a SIP phone for web pages whose registration is graceful. When the
 * same device is logged in elsewhere, `registerPhone` refuses; with force it
 * takes over, and the other client is told.
 *
 * ```js
 * const phone = new Phone({
 *   connections: "wss://sip.example.com/", user: "2001", domain: "example.com", password,
 * });
 * phone.on("eConnectionTerminated", () => show("You logged in elsewhere."));
 * try {
 *   await phone.registerPhone();
 * } catch (error) {
 *   if (!PhoneError.is(error, "eDeviceAlreadyRegistered")) throw error;
 *   if (confirm("Log in here, and log out there?"))
 *     await phone.registerPhone({ forceRegistration: true });
 * }
 * ```
 */

/** Where the client's wasm comes from: a URL, an answer of `fetch`, bytes, or a compiled module. */
export type WasmSource =
  string | URL | Response | BufferSource | WebAssembly.Module;

/**
 * Loads the wasm ahead of the first `registerPhone`, which otherwise does it.
 * May be called again at any time: the work is done once.
 *
 * @param source needed with `graceline/slim`, which does not know where the
 *   wasm is; not used by `graceline/inline`
 */
export function init(source?: WasmSource | Promise<WasmSource>): Promise<void>;

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
  /** Not used before there are calls. Default: RTCPeerConnection. */
  media?: MediaHandlerFactory;
  /** Not used before there are calls. */
  iceServers?: RTCIceServer[] | (() => Promise<RTCIceServer[]>);
  /** For hosts without a global one, such as Node 20: the class of the package `ws` will do. */
  WebSocket?: new (url: string, protocols?: string | string[]) => any;
  /** What keeps the instance id and the last nonce between pages. Default `localStorage`; null keeps nothing. */
  storage?: Pick<Storage, "getItem" | "setItem"> | null;
  /** Hears what the phone does. Entries hold no password, token or digest response. */
  log?: (entry: LogEntry) => void;
  /** Permits `ws://` to hosts that are not loopback ones. */
  allowInsecure?: boolean;
  /** The User-Agent header. */
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

/** Room for the media of calls. */
export type MediaHandlerFactory = object;

export interface LogEntry {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  [field: string]: unknown;
}

/**
 * - `eIdle`: not registered, and nobody asked for it.
 * - `eRegistering`: `registerPhone` is at work.
 * - `eReady`: registered.
 * - `eRecoveryPending`: the network or the server is away; the phone recovers by itself.
 * - `eConnectionTerminated`: another client took the device over.
 */
export type PhoneStatus =
  | "eIdle"
  | "eRegistering"
  | "eReady"
  | "eRecoveryPending"
  | "eConnectionTerminated";

export interface Registration {
  readonly user: string;
  readonly domain: string;
  readonly device: string;
  readonly instanceId: string;
  readonly mode: "SoftPhone" | "DeskPhone";
  /** URL in use. */
  readonly connection: string;
  /** Seconds granted. */
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
    reason: string;
    by?: Elsewhere;
  };
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

/** What `addEventListener` delivers: `detail` is the payload, whose properties the event has too. */
export type PhoneEvent<Payload> = CustomEvent<Payload> & Payload;

export class Phone {
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

  /**
   * Registers. Settles exactly once, within `timeout`; an already registered
   * phone resolves with its registration. Calls that overlap share the work; a
   * forced one supersedes an unforced one, which then rejects with `eAborted`.
   *
   * Rejects with `eDeviceAlreadyRegistered` (details: device, elsewhere),
   * `eCredentialsRejected`, `eCouldNotConnect`, `eTimeout`, `eServerRejected`,
   * `eDeviceLimitReached`, `eDeviceNotAuthorised`, `eAborted`,
   * `eInvalidArgument`, `eInvalidState` (closed) or `eInternal`.
   */
  registerPhone(options?: {
    /** Take the device over from whoever holds it. Default false. */
    forceRegistration?: boolean;
    /** Gives this call up: it rejects at once with `eAborted`, the reason as its cause. */
    signal?: AbortSignal;
  }): Promise<Registration>;

  /** Unregisters. Resolves once the registrar agreed, or could not be reached in time. Never rejects. */
  unregisterPhone(): Promise<void>;

  /** Unregisters, closes the sockets and frees the phone. Repeating it changes nothing. Never rejects. */
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
 * - `eDeviceNotAuthorised`: the registrar does not accept this device.
 * - `eCallFailed`, `eMediaFailed`: of calls.
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
  | "eCallFailed"
  | "eMediaFailed"
  | "eInternal";

export class PhoneError extends Error {
  constructor(
    code: PhoneErrorCode,
    message: string,
    more?: {
      status?: number;
      reason?: string;
      details?: any;
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

  /** Whether it is a PhoneError, and of that code. */
  static is(error: unknown): error is PhoneError;
  static is<Code extends PhoneErrorCode>(
    error: unknown,
    code: Code,
  ): error is PhoneError & { readonly code: Code };
}
