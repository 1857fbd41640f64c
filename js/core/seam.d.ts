// Made of src/bridge/protocol: SEAM=write cargo test --locked --lib seam

/** What the core is told, and what each command takes. */
export interface Commands {
  /** Answered by `registered` or `failed` with this attempt. */
  register: [attempt: number, force: boolean];
  /** Answered by `unregistered`. */
  unregister: [];
  /** Connected without a binding, for sessions. Answered by `controlled` or `failed`
   * with this attempt. `register` and `unregister` end it. */
  control: [attempt: number];
  /** The binding of a phone that controls is removed. */
  unbind: [];
  /** The pending login is given up. */
  abort: [];
  /** Answered by `closed`. */
  close: [];
  /** pagehide. */
  leave: [];
  /** pageshow from the back-forward cache. */
  resume: [];
  /** Woken up, online, visible. */
  look: [];
  /** Another tab took over. */
  silence: [];
  /** The answer to the event of this name and number. */
  credentials: [id: number, answer: Answer];
  /** Unasked: what was answered for this realm is about to end. */
  renewCredentials: [realm: string, answer: Answer];
  /** To a state of the target's, who may be ourselves. The number is new, and not 0. */
  subscribe: [subscription: number, package: string, accept: string, target: string];
  unsubscribe: [subscription: number];
  socketOpened: [slot: number, generation: number, protocol: string];
  socketClosed: [slot: number, generation: number];
  /** The deadline has come. */
  wake: [];
  /** The number is a new odd one. */
  call: [call: number, target: string, options: CallOptions];
  /** Calls are to outlive this host: what another one needs comes as events `dialog`. */
  handOver: [];
  /** Goes on with a call of a host that is gone. The number is a new odd one. */
  adopt: [call: number, dialog: string];
  /** An INVITE with a document. The number is a new odd one. Answered by
   * `sessionOpened` or `sessionEnded`. */
  openSession: [session: number, target: string, contentType: string, body: string, disposition: string, options: AnswerOptions];
  answer: [op: number, call: number, options: AnswerOptions];
  reject: [op: number, call: number, status: number];
  /** The caller shall call the target instead. */
  deflect: [op: number, call: number, target: string];
  hangup: [op: number, call: number];
  hold: [op: number, call: number];
  resumeCall: [op: number, call: number];
  /** A new offer is to be made. */
  renegotiate: [op: number, call: number, options: OfferOptions];
  /** A blind transfer. */
  transfer: [op: number, call: number, target: string];
  /** An attended one. */
  transferTo: [op: number, call: number, other: number];
  /** The event of this name is not followed. */
  refuseRefer: [refer: number];
  /** INFO in the call's dialog. */
  info: [op: number, call: number, contentType: string, body: string];
  /** MESSAGE outside of calls; from the login where there is no public id. */
  message: [op: number, target: string, contentType: string, body: string, publicId: string];
  /** PUBLISH of a state of ours (RFC 3903), whose Event and condition are among the
   * options; a refresh has no body. */
  publish: [op: number, contentType: string, body: string, options: AnswerOptions];
  /** The media handler made the description asked for. */
  mediaReady: [call: number, request: number, sdp: string];
  /** It did what was asked for. */
  mediaDone: [call: number, request: number];
  /** It could not. */
  mediaFailed: [call: number, request: number];
  /** Local ones, as `application/trickle-ice-sdpfrag`. */
  candidates: [call: number, sdpfrag: string];
  /** Its media arrive no more. */
  mediaLost: [call: number];
  /** The media say that it is over. */
  fail: [call: number, reason: string];
  /** INFO in a session. Answered by `sessionDone`. */
  sessionInfo: [op: number, session: number, contentType: string, body: string, disposition: string];
  closeSession: [session: number];
  /** A gateway's alone, as what follows: tells what calls the target is in, by `dialogs`.
   * The number is a new one, and not 0. */
  watchDialogs: [watch: number, target: string];
  /** Tells whether the target is registered, by `presence`. */
  watchRegistration: [watch: number, target: string];
  unwatch: [watch: number];
  /** A WebSocket message. */
  socketMessage: [slot: number, generation: number, data: unknown];
}

export interface Answer {
  username?: string;
  password?: string;
  token?: string;
  cutOff?: boolean;
}

export interface CallOptions {
  extraHeaders?: [string, string][];
  publicId?: string;
  anonymous?: boolean;
  replaces?: string;
  refer?: number;
  followRedirects?: string;
}

export interface AnswerOptions {
  extraHeaders?: [string, string][];
}

export interface OfferOptions {
  iceRestart?: boolean;
}

export interface PhoneOptions {
  connections?: string[];
  watch?: string;
  distribution?: string;
  heartbeat?: number;
  user?: string;
  domain?: string;
  authUser?: string;
  password?: string;
  ha1?: string;
  hasCredentials?: boolean;
  loopback?: boolean;
  device?: string;
  instanceId?: string;
  displayName?: string;
  profile?: string;
  conflictScope?: string;
  registrationType?: string;
  expires?: number;
  timeout?: number;
  userAgent?: string;
  platform?: string;
  extraHeaders?: [string, string][];
  forceMayRemoveOthers?: boolean;
  refuseMd5?: boolean;
  trustAssertedIdentity?: string;
  trace?: boolean;
  memory?: string;
  ignoreBindings?: string[];
}

export interface Party {
  uri: string;
  displayName: string;
}

export interface Holder {
  instanceId?: string;
  userAgent?: string;
  contact?: string;
  since?: number;
}

export interface Registration {
  user: string;
  domain: string;
  device: string;
  instanceId: string;
  mode: string;
  connection: string;
  expires: number;
  forceRegistration: boolean;
  profile?: string;
  conflictDetection: string;
}

export interface Fault {
  at: number;
  reason?: string;
  status?: number;
  dropped?: string;
  left?: string;
}

export interface Ending {
  at?: number;
  reason?: string;
  status?: number;
  dropped?: string;
}

export interface SessionAnswer {
  status: number;
  reason: string;
  contentType: string;
  body: string;
  retryAfter?: number;
  expires?: number;
}

export interface Element {
  name: string;
  attributes: [string, string][];
  children: Element[];
  text: string;
}

export interface WatchedDialog {
  id: string;
  own: boolean;
  incoming: boolean;
  state: string;
  event?: string;
  status?: number;
  held: boolean;
  remote: string;
  displayName?: string;
}

/** What the host has to do. */
export interface Outputs {
  /** A WebSocket with the subprotocol `sip` is wanted. */
  open: { slot: number; generation: number; url: string };
  closeSocket: { slot: number; generation: number };
  /** To be kept, and given back as the option `memory`. */
  store: { value: string };
  log: { level: string; message: string };
  /** A message that was `sent` or `received`, without secrets. */
  trace: { direction: string; slot: number; message: string };
  /** A message to be sent. */
  send: { slot: number; generation: number; data: string };
}

/** What the app hears. */
export interface Events {
  status: { status: string; registration: Registration | null };
  registered: { attempt: number; registration: Registration };
  failed: { attempt: number; device?: string; elsewhere?: Holder } & Fault;
  /** Something went wrong outside a promise. */
  error: Fault;
  /** Connected, be it without a binding: the status is `eReady`, without a registration. */
  controlled: { attempt: number };
  /** Another client took the device over. */
  terminated: { reason: string; by: Holder };
  /** A call of an earlier page load may be picked up. */
  abandoned: { remote: Party; replaces: string };
  unregistered: {};
  /** Nothing follows. */
  closed: {};
  /** What a document says, as a tree if it is XML. Of 0, a NOTIFY that nobody asked for. */
  notified: { subscription: number; body: string; document?: Element };
  /** It does not stand any more, or not for a while. */
  lapsed: { subscription: number };
  /** To be answered by the command of this name. */
  credentials: { id: number; scheme: string; realm: string; authzServer?: string; scope?: string };
  incoming: { call: number; from: Party; to: string; headers: [string, string][]; replaces?: number };
  callState: { call: number; state: string; heldBy?: string; early: boolean };
  /** To be kept, and given back to `adopt` by another host. */
  dialog: { call: number; dialog: string };
  redirect: { call: number; uri: string; followed: boolean };
  remote: { call: number; remote: Party };
  /** The media handler is asked for an `offer`, an `answer` to `sdp`, to `apply` an
   * `answer` or a `pranswer`, for a `rollback`, or to `end`. */
  media: { call: number; request: number; hold: boolean; initial: boolean; trickle: boolean; restart: boolean; want: string; sdpType?: string; sdp?: string };
  candidates: { call: number; sdpfrag: string };
  info: { call: number; contentType: string; body: string };
  /** The far end asks us to call somebody else: `call`, or `refuseRefer`. */
  refer: { call: number; refer: number; target: string; referredBy?: string };
  transferred: { call: number; status: number; reason: string };
  callEnded: { call: number; cause: string } & Ending;
  done: { op: number; error?: Fault; etag?: string; expires?: number };
  callInfo: { call: number; callInfo: Record<string, string | true> };
  messageReceived: { from: Party; contentType: string; body: string; headers: [string, string][] };
  sessionOpened: { session: number } & SessionAnswer;
  /** By the document that opened it (RFC 4028). */
  sessionRefreshed: { session: number } & SessionAnswer;
  sessionInfo: { session: number; contentType: string; body: string };
  sessionDone: { op: number } & SessionAnswer;
  sessionEnded: { session: number; cause: string; retryAfter?: number; contacts: string[] } & Ending;
  /** All that there are. Those that are over are told once. */
  dialogs: { watch: number; dialogs: WatchedDialog[] };
  presence: { watch: number; registered: boolean };
  /** The server does not tell it. */
  unwatched: { watch: number };
  /** It was no command, or a number in it was none. */
  refused: { command: string; number: unknown };
}

export type Event = { [N in keyof Events]: { name: N } & Events[N] }[keyof Events];
export type Output =
  | { [T in keyof Outputs]: { type: T } & Outputs[T] }[keyof Outputs]
  | ({ type: "event" } & Event);
