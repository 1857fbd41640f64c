// A core without SIP: it obeys the boundary that js/core/host.js drives, and says
// what a test tells it to say. Its "server" is the test: commands of the phone
// arrive there as texts, and what the server sends is a list of outputs.

import { provide } from "../../../js/core/instance.js";
import { core as catalogue } from "../../../js/errors/catalogue.js";
import { commands, flawOf, operations, takes } from "./seam.js";

/** The shortest wasm module there is. */
export const EMPTY = new WebAssembly.Module(
  new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
);

const open = { type: "open", slot: 0, generation: 1, url: "ws://localhost/" };

export class FakeCore {
  /** @type {FakeCore[]} in order of creation */
  static made = [];

  /** What every command answers with by itself: outputs. */
  static replies = {
    register: () => [status("eRegistering")],
    unregister: () => [status("eIdle"), event("unregistered")],
    close: () => [status("eIdle"), event("unregistered"), event("closed")],
    abort: () => [status("eIdle")],
    leave: () => [status("eIdle")],
    silence: () => [
      status("eConnectionTerminated"),
      event("terminated", { reason: "sameBrowser", by: {} }),
    ],
    ...Object.fromEntries(
      operations.map((name) => [name, (op) => [event("done", { op })]]),
    ),
    // Nobody answered.
    sessionInfo: (op) => [
      event("sessionDone", {
        ...{ op, status: 0, reason: "", contentType: "", body: "" },
      }),
    ],
  };

  /** @type {any[]} */
  commands = [];
  outputs = [open];
  /** @type {Record<string, (...args: any[]) => any[] | void>} */
  replies = { ...FakeCore.replies };
  takes = takes;
  freed = false;
  entered = 0;

  constructor(options, seed) {
    Object.assign(this, { options, seed });
    FakeCore.made.push(this);
    for (const command of commands)
      this[command] = (now, ...args) => this.#obey(command, now, args);
  }

  socketMessage(now, slot, generation, data) {
    const text =
      typeof data === "string" ? data : new TextDecoder().decode(data);
    this.#obey("socketMessage", now, [text]);
    if (text.startsWith("[")) this.outputs.push(...JSON.parse(text));
  }

  #obey(command, now, args) {
    if (this.entered++) throw new Error("recursive use of an object");
    this.commands.push([command, ...args]);
    this.now = now;
    this.outputs.push(...(this.replies[command]?.(...args) ?? []));
    this.entered--;
  }

  command(name, now, ...args) {
    if (name === "socketMessage" || this.takes(name, args))
      this[name](now, ...args);
    else
      this.outputs.push(event("refused", { command: name, number: args[0] }));
  }

  /** Tests may leave out what they do not need, but say nothing that no core says. */
  poll() {
    const output = this.outputs.shift();
    const flaw = output && flawOf(output, { partial: true });
    if (flaw) throw new Error(flaw);
    return output;
  }

  deadline() {
    return this.wakeAt ?? Infinity;
  }

  free() {
    this.freed = true;
  }

  /** The commands of that name, without it. */
  given(name) {
    return this.commands.filter(([n]) => n === name).map(([, ...args]) => args);
  }
}

/** The socket of the fake core; the test is the server. */
export class FakeSocket {
  /** @type {FakeSocket[]} */
  static made = [];

  /** The one in use: another may have been opened early, and is closed as nobody took it. */
  static get current() {
    return FakeSocket.made.find(({ onmessage }) => onmessage);
  }

  constructor(url, protocol) {
    const readyState = 0;
    Object.assign(this, { url, protocol, readyState, sent: [], closed: false });
    FakeSocket.made.push(this);
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.closed = true;
    this.readyState = 2;
  }

  open() {
    this.readyState = 1;
    this.onopen?.({});
  }

  /** Makes the core say these outputs. */
  say(...outputs) {
    this.onmessage?.({ data: JSON.stringify(outputs) });
  }

  drop(code = 1006, reason = "") {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

/** Situations are named here, and numbered by the core. */
const situations = Object.values(catalogue).flatMap(Object.keys);

const numbered = (fault) =>
  typeof fault?.at === "string"
    ? { ...fault, at: situations.indexOf(fault.at) }
    : fault;

export const event = (name, more) => {
  const event = { type: "event", name, ...numbered(more) };
  return event.error ? { ...event, error: numbered(event.error) } : event;
};

export const status = (status, registration = null) =>
  event("status", { status, registration });

export const registration = {
  user: "2001",
  domain: "example.com",
  device: "2001",
  instanceId: "urn:uuid:6b1ea9c3-3f1d-4c0b-9c1e-5d3c1a2b4c5d",
  mode: "SoftPhone",
  connection: "ws://localhost/",
  expires: 120,
  forceRegistration: false,
};

/** The outputs of a login that succeeded. */
export const granted = (attempt, more) => {
  const granted = { ...registration, ...more };
  return [
    status("eReady", granted),
    event("registered", { attempt, registration: granted }),
  ];
};

/** The outputs of a login that failed: `at` is a situation of js/errors/catalogue.js. */
export const refused = (attempt, at, more) => [
  status("eIdle"),
  event("failed", { attempt, at, ...more }),
];

/** Makes phones use fake cores from now on. */
export function useFakeCore(Core = FakeCore) {
  FakeCore.made = [];
  FakeSocket.made = [];
  provide({ wasm: () => EMPTY }, async () => Core);
}

/** Lets everything that is ready to run do so. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

export const options = {
  connections: "ws://localhost/",
  user: "2001",
  domain: "example.com",
  password: "tellnobody",
  WebSocket: FakeSocket,
};
