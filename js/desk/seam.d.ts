// Made of src/bridge/protocol: SEAM=write cargo test --locked --lib seam

/** What the core is told, and what each command takes. */
export interface Commands {
  /** Answered by `controlled` or `failed`, after so many milliseconds at most. */
  connect: [timeout: number];
  /** Ends the session. */
  leave: [];
  /** Whether there is a flow to the server. */
  flow: [up: boolean];
  /** The deadline has come. */
  wake: [];
  sessionOpened: [body: string];
  sessionRefreshed: [body: string];
  sessionInfo: [body: string];
  /** The answer to the `request` of this number; status 0: nobody answered. */
  sessionDone: [request: number, status: number, body: string];
  sessionEnded: [status: number, retryAfter: number, reason: string];
  make: [op: number, to: string];
  answer: [op: number, call: number];
  clear: [op: number, call: number];
  hold: [op: number, call: number];
  retrieve: [op: number, call: number];
  consult: [op: number, call: number, to: string];
  alternate: [op: number, call: number, other: number];
  reconnect: [op: number, call: number, other: number];
  transfer: [op: number, call: number, other: number];
  singleStepTransfer: [op: number, call: number, to: string];
  /** The first goes on, the other ends. */
  conference: [op: number, call: number, other: number];
  deflect: [op: number, call: number, to: string];
  digits: [op: number, call: number, digits: string];
  /** An empty `to`, and 0 seconds, are none. */
  forward: [op: number, kind: string, active: boolean, to: string, seconds: number];
  doNotDisturb: [op: number, on: boolean];
}

export interface Failure {
  code: string;
  reason: string;
  status?: number;
}

export interface DeskView {
  state: string;
  reason?: string;
  monitored: boolean;
  device?: string;
  features: string[];
  doNotDisturb?: boolean;
  messageWaiting?: boolean;
  forwarding?: Rule[];
}

export interface Rule {
  type: string;
  active: boolean;
  to?: string;
  seconds?: number;
}

export interface CallView {
  call: number;
  op?: number;
  incoming: boolean;
  state: string;
  remote: string;
  displayName: string;
  parties: string[];
  cause: string;
  can: string[];
}

/** What it says. */
export interface Events {
  /** A session with the gateway is wanted, with this body. */
  open: { body: string };
  /** The session is to end. */
  close: {};
  /** INFO is to be sent within the session, and answered by `sessionDone`. */
  request: { number: number; body: string };
  controlled: {};
  failed: Failure;
  /** Another client took the control over. */
  ousted: { reason: string };
  desk: DeskView;
  call: CallView;
  callEnded: { call: number; cause: string; reason: string };
  done: { op: number; error?: Failure };
  /** It was no command, or a number in it was none. */
  refused: { command: string; number: unknown };
}

export type Event = { [N in keyof Events]: { name: N } & Events[N] }[keyof Events];
