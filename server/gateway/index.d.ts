/**
 * The CTI gateway: users of your SIP server control their desk phones through it. Node
 * alone.
 */

import type { PhoneOptions } from "../../js/index.js";

export { PhoneError } from "../../js/index.js";

export interface LineDevice {
  /** Name of the device at the switch, "SEP0002FD3BB5C5". */
  device: string;
  /** For people who choose among the devices of a line. */
  description?: string;
  partition?: string;
  /** One client at a time controls it; another one is refused until it forces. */
  exclusive?: boolean;
  /** Options of the driver. */
  [option: string]: unknown;
}

export interface GatewayOptions {
  /** The gateway's account: it is a client of your SIP server, over WebSocket. */
  login: Pick<
    PhoneOptions,
    | "connections"
    | "user"
    | "domain"
    | "authUser"
    | "password"
    | "ha1"
    | "device"
    | "instanceId"
    | "profile"
    | "registrationType"
    | "expires"
    | "timeout"
    | "watch"
    | "distribution"
    | "userAgent"
    | "refuseMd5"
    | "allowInsecure"
    | "WebSocket"
    | "trace"
  >;
  /** 1 to 8 addresses of the switch, in priority order: "switch://host:port". */
  connections: string[];
  lines: Record<string, LineDevice[]>;
  /** Who may control which lines. Default: each user the line of the same name. */
  may?: Record<string, string[]>;
  /**
   * Who asks is what From says. Default false: what the SIP server asserts
   * (P-Asserted-Identity). Many servers pass a false From.
   */
  trustFrom?: boolean;
  /**
   * "wait" (default): a session stays with its connection while that is down. "move": it
   * is ended, so that the client's new INVITE finds another.
   */
  whenNodeIsDown?: "wait" | "move";
  /** Seconds between heartbeats, 1 to 600; down after three misses. Default 30. */
  heartbeat?: number;
  /** Default 20,000. */
  maxSessions?: number;
  /**
   * URL of the account service. Lines whose users have accounts there have those users' rules:
   * forwarding and do not disturb are set there, and messages wait where the account says so,
   * whatever the switch does of its own. Lines are named like their users.
   */
  accounts?: string;
  /** The administrators' token of it. */
  accountsToken?: string;
  log?: (entry: GatewayLog) => void;
}

export interface GatewayLog {
  level: "debug" | "info" | "warn" | "error";
  /** One sentence without secrets. */
  message: string;
  [detail: string]: unknown;
}

export type ConnectionState = "connecting" | "up" | "down";

export interface GatewayConnection {
  /** Without user name and password. */
  url: string;
  state: ConnectionState;
  /** Sessions that it serves. */
  sessions: number;
}

export interface GatewayCounters {
  opened: number;
  refused: number;
  requests: number;
  returned: number;
  failed: number;
  events: number;
  nonsense: number;
}

export interface GatewayEvents {
  /** A connection to the switch is up, or no longer. */
  connections: GatewayConnection[];
  /** With `login.trace`: a SIP message passed by. Redacted. */
  trace: { at: number; sent: boolean; slot: number; message: string };
  /** It has ended by a mistake of its own. */
  error: Error;
}

export interface Gateway {
  readonly connections: GatewayConnection[];
  /** What was counted since the start. */
  counters(): GatewayCounters;
  /** Ends all sessions, leaves the SIP server and the switch. */
  stop(): Promise<void>;
  on<Name extends keyof GatewayEvents>(
    name: Name,
    listener: (payload: GatewayEvents[Name]) => void,
  ): this;
  once<Name extends keyof GatewayEvents>(
    name: Name,
    listener: (payload: GatewayEvents[Name]) => void,
  ): this;
  off<Name extends keyof GatewayEvents>(
    name: Name,
    listener: (payload: GatewayEvents[Name]) => void,
  ): this;
}

/**
 * Resolves once it is registered; connections to the switch may come later. A server that
 * cannot be reached is waited for.
 *
 * @throws {PhoneError} `eInvalidArgument`, naming the option; `eCredentialsRejected`,
 *   `eServerRejected`: the SIP server does not want it
 */
export function startGateway(options: GatewayOptions): Promise<Gateway>;

/** The state of a gateway in the text format of Prometheus. */
export function metricsText(gateway: Gateway): string;

/** Serves it at `/metrics` on loopback. Port 0: any free one. */
export function serveMetrics(
  gateway: Gateway,
  port: number,
): Promise<{ readonly url: string; stop(): void }>;
