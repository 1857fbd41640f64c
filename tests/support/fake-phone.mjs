/**
 * A stand-in for `Phone` with the same contract (statuses, events, their order, settle-once) and
 * a registrar of its own: a map that all phones of this realm share. Runs in Node and in pages.
 */

/** @type {Map<string, FakePhone>} who holds a device, by "user@domain device" */
const holders = new Map();

export class FakePhone {
  /** Every phone made, in order. @type {FakePhone[]} */
  static made = [];

  /** The registrar's password for everybody. */
  static password = "secret";

  /** While set, the registrar answers only after this. @type {Promise<void> | null} */
  static gate = null;

  /** Forgets phones and registrations. */
  static reset() {
    FakePhone.made = [];
    FakePhone.gate = null;
    holders.clear();
  }

  /** @param {any} options */
  constructor(options) {
    const { connections, user, domain, device } = options;
    for (const url of connections) {
      if (!/^wss?:\/\/[^@]+$/.test(url)) {
        throw failure(
          "eInvalidArgument",
          `connections: ${url} is no ws:// or wss:// URL`,
        );
      }
    }
    this.options = options;
    this.line = `${user}@${domain} ${device}`;
    this.instanceId =
      options.instanceId ?? `urn:uuid:fake-${FakePhone.made.length}`;
    this.status = "eIdle";
    this.registration = /** @type {any} */ (null);
    this.closed = 0;
    /** Its calls, in order. @type {FakeCall[]} */
    this.talks = [];
    /** @type {{ forceRegistration?: boolean }[]} */
    this.calls = [];
    /** @type {Map<string, Function[]>} */
    this.listeners = new Map();
    FakePhone.made.push(this);
  }

  get ready() {
    return this.status === "eReady";
  }

  /** @param {string} name @param {Function} listener */
  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return this;
  }

  /** @param {string} name @param {any} payload */
  emit(name, payload) {
    for (const listener of this.listeners.get(name) ?? []) listener(payload);
  }

  /** @param {string} status */
  become(status) {
    if (/eIdle|eConnectionTerminated|NotAuthorised/.test(status))
      this.registration = null;
    this.status = status;
    this.emit("status", {
      status,
      ready: this.ready,
      registration: this.registration,
    });
  }

  /** @param {{ forceRegistration?: boolean }} [options] */
  async registerPhone(options = {}) {
    const { forceRegistration = false } = options;
    if (this.closed > 0) throw failure("eInvalidState", "The phone is closed.");
    this.calls.push(options);
    if (this.ready) return this.registration;
    await null;
    this.become("eRegistering");
    await FakePhone.gate;
    if (this.closed > 0) throw failure("eAborted", "The phone was closed.");
    if (this.options.password !== FakePhone.password) {
      this.become("eIdle");
      throw failure(
        "eCredentialsRejected",
        "The registrar rejected the password.",
      );
    }
    const holder = holders.get(this.line);
    if (holder && holder !== this && !forceRegistration) {
      this.become("eIdle");
      const details = {
        device: this.options.device,
        elsewhere: { userAgent: "Other/1 <b>" },
        status: 403,
        reason: "Registration is active for <another> client",
      };
      this.emit("eDeviceAlreadyRegistered", details);
      throw Object.assign(
        failure(
          "eDeviceAlreadyRegistered",
          "This device is logged in elsewhere.",
        ),
        { status: details.status, reason: details.reason, details },
      );
    }
    holders.set(this.line, this);
    const { user, domain, device, connections } = this.options;
    this.registration = {
      ...{
        user,
        domain,
        device,
        instanceId: this.instanceId,
        mode: "SoftPhone",
      },
      ...{ connection: connections[0], expires: 120, forceRegistration },
    };
    this.become("eReady");
    if (holder && holder !== this) holder.oust();
    return this.registration;
  }

  /** @param {string} target @param {any} [options] */
  call(target, options) {
    return this.adopt(new FakeCall("outgoing", target, options));
  }

  /** Somebody calls. @param {string} uri @param {string} [displayName] */
  ring(uri, displayName) {
    const call = this.adopt(
      new FakeCall("incoming", uri, undefined, displayName),
    );
    this.emit("incoming", { call });
    return call;
  }

  /** @param {FakeCall} call */
  adopt(call) {
    this.talks.push(call);
    return call;
  }

  /** Another client took the device. */
  oust() {
    for (const call of this.talks) call.end("eConnectionTerminated");
    this.become("eConnectionTerminated");
    this.emit("eConnectionTerminated", {
      reason: "forced",
      message: "You logged in elsewhere: <Other/1>.",
      by: { userAgent: "Other/1" },
    });
  }

  /** The core fails inside. */
  trap() {
    this.become("eIdle");
    this.emit("error", failure("eInternal", "The core trapped."));
  }

  async unregisterPhone() {
    await null;
    this.free();
    this.become("eIdle");
  }

  async close() {
    this.closed += 1;
    await null;
    this.free();
    if (this.status !== "eIdle") this.become("eIdle");
  }

  free() {
    if (holders.get(this.line) === this) holders.delete(this.line);
  }
}

let calls = 0;

/** A call without signalling: the test says what the far end does. */
export class FakeCall {
  /** What was asked of it: names with arguments. @type {any[][]} */
  asked = [];
  /** Makes the next thing asked fail. @type {Error | null} */
  refusal = null;
  muted = { audio: false, video: false };
  heldBy = /** @type {string | null} */ (null);
  startTime = /** @type {Date | null} */ (null);
  localStream = null;
  remoteStream = null;
  /** @type {Map<string, Function[]>} */
  listeners = new Map();

  /**
   * @param {"incoming" | "outgoing"} direction
   * @param {string} uri
   * @param {any} [options]
   * @param {string} [displayName]
   */
  constructor(direction, uri, options, displayName = "") {
    this.id = ++calls;
    this.direction = direction;
    this.options = options;
    this.remote = { uri, displayName };
    this.state = direction === "incoming" ? "incoming" : "calling";
    for (const name of FakeCall.methods)
      /** @type {any} */ (this)[name] = async (
        /** @type {any[]} */ ...args
      ) => {
        this.asked.push([name, ...args]);
        const { refusal } = this;
        this.refusal = null;
        if (refusal) throw refusal;
        this.#did(name, args[0]);
      };
  }

  static methods =
    "answer reject deflect hangup hold resume mute unmute sendDtmf transfer setVideo setDevice".split(
      " ",
    );

  /** @param {string} name @param {Function} listener */
  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return this;
  }

  /** @param {string} name @param {Function} listener */
  once(name, listener) {
    return this.on(name, listener);
  }

  /** @param {string} name @param {any} [payload] */
  emit(name, payload) {
    for (const listener of this.listeners.get(name) ?? []) listener(payload);
  }

  /** @param {string} state @param {string | null} [heldBy] */
  become(state, heldBy = null) {
    Object.assign(this, { state, heldBy });
    const first = state === "connected" && !this.startTime;
    if (first) this.startTime = new Date();
    this.emit("state", { state, heldBy });
    if (first) this.emit("connected", {});
  }

  /** @param {string} cause @param {number} [status] @param {string} [reason] */
  end(cause, status, reason = "") {
    if (this.state === "ended") return;
    this.become("ended");
    this.emit("ended", { cause, status, reason });
  }

  /** @param {string} name @param {any} argument */
  #did(name, argument) {
    if (name === "answer" || name === "resume") this.become("connected");
    else if (name === "hold") this.become("held", "local");
    else if (/reject|deflect|hangup|transfer/.test(name)) this.end("local");
    else if (/mute/.test(name))
      for (const kind of /** @type {("audio" | "video")[]} */ ([
        "audio",
        "video",
      ]))
        if (!argument || argument === kind)
          this.muted = { ...this.muted, [kind]: name === "mute" };
  }
}

/** @param {string} code @param {string} message */
export function failure(code, message) {
  return Object.assign(new Error(message), { name: "PhoneError", code });
}
