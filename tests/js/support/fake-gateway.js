// A CTI gateway behind a fake core: it takes sessions, answers services as it is told
// to, and says what a test wants it to say. What there is to CSTA is tested in Rust.

import {
  FakeCore,
  FakeSocket,
  event,
  status,
  turn,
  useFakeCore,
} from "./fake-core.js";

const NAMESPACE =
  "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/** A document. */
export const xml = (root, inner = "") =>
  `<?xml version="1.0"?><${root} xmlns="${NAMESPACE}">${inner}</${root}>`;

/** What the gateway answers to a service, by its name. */
const ANSWERS = {
  MonitorStart: "<monitorCrossRefID>m1</monitorCrossRefID>",
  SnapshotDevice:
    "<crossRefIDorSnapshotData><snapshotData/></crossRefIDorSnapshotData>",
  GetForwarding: "<forwardingList/>",
  GetDoNotDisturb: "<doNotDisturbOn>false</doNotDisturbOn>",
  GetMessageWaitingIndicator: "<messageWaitingOn>false</messageWaitingOn>",
};

const greeting = (device) =>
  "<systemStatus>normal</systemStatus><extensions><privateData><private>" +
  `<device xmlns="urn:graceline:cti">${device}</device>` +
  "</private></privateData></extensions>";

const accepted = (body) => ({
  ...{ status: 200, reason: "OK", contentType: "application/csta+xml", body },
});

/** Own connection of a call. */
export const own = (call) =>
  `<callID>${call}</callID><deviceID>tel:2001</deviceID>`;

const device = (name, number) =>
  `<${name}><deviceIdentifier>tel:${number}</deviceIdentifier></${name}>`;

/** Events of a call with 2002, by what happens. */
const EVENTS = {
  originated: (call) => [
    "OriginatedEvent",
    `<originatedConnection>${own(call)}</originatedConnection>` +
      device("callingDevice", 2001) +
      device("calledDevice", 2002),
    "connected",
  ],
  delivered: (call) => [
    "DeliveredEvent",
    `<connection>${own(call)}</connection>` +
      device("alertingDevice", 2002) +
      device("callingDevice", 2001) +
      device("calledDevice", 2002),
    "connected",
  ],
  rings: (call) => [
    "DeliveredEvent",
    `<connection>${own(call)}</connection>` +
      device("alertingDevice", 2001) +
      device("callingDevice", 2002) +
      device("calledDevice", 2001),
    "alerting",
  ],
  established: (call) => [
    "EstablishedEvent",
    `<establishedConnection>${own(call)}</establishedConnection>`,
    "connected",
  ],
  held: (call) => [
    "HeldEvent",
    `<heldConnection>${own(call)}</heldConnection>` +
      device("holdingDevice", 2001),
    "hold",
  ],
  retrieved: (call) => [
    "RetrievedEvent",
    `<retrievedConnection>${own(call)}</retrievedConnection>` +
      device("retrievingDevice", 2001),
    "connected",
  ],
  cleared: (call) => [
    "ConnectionClearedEvent",
    `<droppedConnection>${own(call)}</droppedConnection>` +
      device("releasingDevice", 2001),
    "null",
    "normalClearing",
  ],
};

export class FakeGateway {
  /** Bodies of INVITEs and INFOs, by their roots. @type {[root: string, body: string][]} */
  documents = [];
  /** @type {Record<string, string | ((body: string) => string)>} whole bodies, or the inner part of the response */
  answers = {};
  device = "SEP01";
  /** How it answers INVITEs: with 200, or with one of these after the other. @type {any[]} */
  refusals = [];
  /** @type {number[]} */
  sessions = [];

  constructor(core) {
    Object.assign(core.replies, {
      control: (attempt) => [
        ...(core.given("register").length ? [] : [status("eReady")]),
        event("controlled", { attempt }),
      ],
      openSession: (session, _target, _type, body) => this.#open(session, body),
      sessionInfo: (op, _session, _type, body) => this.#serve(op, body),
    });
  }

  /** The roots since they were last asked for. */
  heard() {
    return this.documents.splice(0).map(([root]) => root);
  }

  /** The last body of that root. */
  body(root) {
    return this.documents.filter(([name]) => name === root).at(-1)?.[1];
  }

  /** What the core says of its own accord. */
  async say(...outputs) {
    FakeSocket.current.say(...outputs);
    await turn();
  }

  /** A document in the session. */
  async tell(root, inner) {
    const session = this.sessions.at(-1);
    const body = xml(root, inner);
    const content = { contentType: "application/csta+xml", body };
    await this.say(event("sessionInfo", { session, ...content }));
  }

  /** Something that happened to a call. */
  async happens(what, call) {
    const [root, inner, local, cause = "normal"] = EVENTS[what](call);
    await this.tell(
      root,
      `<monitorCrossRefID>m1</monitorCrossRefID>${inner}` +
        `<localConnectionInfo>${local}</localConnectionInfo><cause>${cause}</cause>`,
    );
  }

  /** The session ends. */
  async end(status = 0, more = {}) {
    const session = this.sessions.at(-1);
    const ended = { session, cause: "remote", contacts: [], status, ...more };
    await this.say(event("sessionEnded", ended));
  }

  #open(session, asked) {
    this.documents.push(["RequestSystemStatus", asked]);
    this.sessions.push(session);
    const refusal = this.refusals.shift();
    if (refusal === "later") return [];
    if (refusal) {
      const ended = { session, cause: "rejected", contacts: [], ...refusal };
      return [event("sessionEnded", ended)];
    }
    const body = xml("RequestSystemStatusResponse", greeting(this.device));
    const opened = { session, expires: 150, ...accepted(body) };
    return [event("sessionOpened", opened)];
  }

  #serve(op, body) {
    const [, root] = /<(\w+) xmlns/.exec(body) ?? [];
    this.documents.push([root, body]);
    const given = this.answers[root] ?? ANSWERS[root] ?? "";
    const inner = typeof given === "function" ? given(body) : given;
    const whole = inner.startsWith("<?xml")
      ? inner
      : xml(`${root}Response`, inner);
    return [event("sessionDone", { op, ...accepted(whole) })];
  }
}

/**
 * Makes phones use cores with such a gateway behind.
 *
 * @param {(gateway: FakeGateway, core: FakeCore) => void} [prepare]
 */
export function useFakeGateway(prepare) {
  useFakeCore(
    class extends FakeCore {
      gateway = new FakeGateway(this);

      constructor(options, seed) {
        super(options, seed);
        prepare?.(this.gateway, this);
      }
    },
  );
}
