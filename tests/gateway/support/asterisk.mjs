/**
 * A small Asterisk at its manager interface, written from Asterisk's documentation of actions and
 * events (docs.asterisk.org, version 20). It is not Asterisk: what it does is what the documentation
 * says, and phones that honour NOTIFY talk and hold. Extensions are the phones, *97, a voicemail, and
 * *68, music on hold.
 */
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";

/** Extensions that are no phones. */
const APPLICATIONS = { "*97": "VoiceMailMain", "*68": "MusicOnHold" };
const STATES = { 0: "Down", 4: "Ring", 5: "Ringing", 6: "Up" };
const [DOWN, RING, RINGING, UP] = [0, 4, 5, 6];
const NORMAL = 16;
const BUSY = 17;

export class Asterisk {
  /** Actions that were asked for, oldest first. @type {Record<string, string>[]} */
  actions = [];
  /** Actions that are refused. @type {Set<string>} */
  refused = new Set();
  /** States of devices by name. */
  devices = {};
  /** Mailboxes that have messages. @type {Set<string>} */
  mailboxes = new Set();
  /** Digits that far ends heard, by channel. @type {Record<string, string>} */
  heard = {};
  greeting = "Asterisk Call Manager/9.0.0";
  #login;
  /** By their names. @type {Map<string, Channel>} */
  #channels = new Map();
  #count = 0;
  #clients = new Set();
  #heard = new EventEmitter();
  #server = createServer((socket) => this.#serve(socket));

  static async start(t, phones, login = { username: "gw", secret: "s3cret" }) {
    const one = new Asterisk(phones, login);
    one.#server.listen(0, "127.0.0.1");
    await once(one.#server, "listening");
    t.after(() => one.stop());
    return one;
  }

  constructor(phones, login) {
    this.#login = login;
    for (const phone of phones) this.devices[`PJSIP/${phone}`] = "NOT_INUSE";
  }

  url(login = `${this.#login.username}:${this.#login.secret}`) {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return `ami://${login}@127.0.0.1:${port}`;
  }

  /** Resolves when it is asked for an action. @param {string} name */
  async asked(name) {
    while (!this.actions.some(({ Action }) => Action === name))
      await once(this.#heard, "action");
  }

  stop() {
    this.drop();
    this.#server.close();
  }

  drop() {
    for (const { socket } of this.#clients) socket.destroy();
  }

  /** @param {string} text to all clients, as it is */
  write(text) {
    for (const { socket } of this.#clients) socket.write(text);
  }

  event(name, fields = {}) {
    this.write(block({ Event: name, Privilege: "call,all", ...fields }));
  }

  /** Channels of a phone, in the order of their making. @param {string} number */
  channels(number) {
    return [...this.#channels.values()].filter(
      ({ device }) => device === `PJSIP/${number}`,
    );
  }

  /** By hand: a phone dials. */
  dial(number, exten) {
    const channel = this.#channel(number, { state: RING, exten });
    this.#run(channel, exten);
    return channel;
  }

  /** By hand: a phone takes the call that rings. */
  answer(number) {
    const [channel] = this.channels(number).filter(
      ({ state }) => state === RINGING,
    );
    this.#talk(channel);
  }

  /** By hand: a phone ends its newest call. */
  hangup(number, cause = NORMAL) {
    const channel = this.channels(number).at(-1);
    this.event("HangupRequest", snapshot(channel));
    this.#hangup(channel, channel.state === RINGING ? BUSY : cause);
  }

  hold(number, on = true) {
    this.#hold(this.channels(number).at(-1), on);
  }

  /** By hand: the phone transfers its older call to its newer one. */
  transfer(number) {
    const [first, second] = this.channels(number);
    this.event("AttendedTransfer", {
      Result: "Success",
      ...prefixed("OrigTransferer", snapshot(first)),
      ...prefixed("SecondTransferer", snapshot(second)),
    });
    this.#join(this.#peer(first), this.#peer(second));
  }

  setDevice(number, state) {
    const Device = `PJSIP/${number}`;
    this.devices[Device] = state;
    this.event("DeviceStateChange", { Device, State: state });
  }

  /**
   * @param {string} number
   * @param {{ state?: number, exten?: string, uniqueid?: string, caller?: Channel }} [options]
   * @returns {Channel}
   */
  #channel(number, { state = DOWN, exten = "", uniqueid, caller } = {}) {
    const serial = ++this.#count;
    const id = uniqueid ?? `1700000000.${serial}`;
    const device = `PJSIP/${number}`;
    const channel = {
      ...{ name: `${device}-${serial.toString(16).padStart(8, "0")}`, device },
      ...{ number, state, exten, uniqueid: id, linkedid: id, caller },
      ...{ connected: caller?.number, bridge: undefined, dialling: undefined },
      ...{ held: false, originated: false },
      application: caller ? "AppDial" : "",
    };
    this.#channels.set(channel.name, channel);
    this.event("Newchannel", snapshot(channel));
    return channel;
  }

  #set(channel, state) {
    channel.state = state;
    this.event("Newstate", snapshot(channel));
  }

  /** The dialplan. */
  #run(channel, exten) {
    channel.exten = exten;
    const application = APPLICATIONS[exten] ?? "Dial";
    channel.application = application;
    const newexten = { Extension: exten, Application: application };
    if (exten === "*97" && channel.state !== UP) this.#set(channel, UP);
    this.event("Newexten", { ...snapshot(channel), ...newexten });
    if (exten in APPLICATIONS) return;
    if (this.devices[`PJSIP/${exten}`] === undefined)
      return this.#hangup(channel, 3);
    if (this.devices[`PJSIP/${exten}`] === "UNAVAILABLE")
      return this.#hangup(channel, 20);
    const callee = this.#channel(exten, { caller: channel });
    channel.dialling = callee;
    const pair = {
      ...snapshot(channel),
      ...prefixed("Dest", snapshot(callee)),
    };
    this.event("DialBegin", { ...pair, DialString: exten });
    this.#set(callee, RINGING);
    this.event("DialState", { ...pair, DialStatus: "RINGING" });
  }

  /** What NOTIFY talk has a phone do. */
  #talk(channel) {
    if (channel.held) return this.#hold(channel, false);
    if (channel.state !== RINGING) return;
    for (const other of this.channels(channel.number))
      if (other !== channel && other.state === UP && !other.held)
        this.#hold(other, true);
    this.#set(channel, UP);
    if (channel.originated) return this.#run(channel, channel.exten);
    const { caller } = channel;
    caller.dialling = undefined;
    caller.connected = channel.number;
    if (caller.state !== UP) this.#set(caller, UP);
    this.event("DialEnd", { ...snapshot(caller), DialStatus: "ANSWER" });
    this.#join(caller, channel);
  }

  #hold(channel, on) {
    for (const other of this.channels(channel.number))
      if (!on && other !== channel && other.state === UP && !other.held)
        this.#hold(other, true);
    channel.held = on;
    this.event(on ? "Hold" : "Unhold", snapshot(channel));
  }

  /** Two channels in a bridge of their own; who is left alone elsewhere is hung up. */
  #join(one, two) {
    const bridge = { id: `bridge-${++this.#count}`, channels: new Set() };
    this.event("BridgeCreate", { BridgeUniqueid: bridge.id });
    for (const [channel, other] of [
      [one, two],
      [two, one],
    ]) {
      this.#leave(channel);
      channel.bridge = bridge;
      channel.connected = other.number;
      bridge.channels.add(channel);
      const id = { BridgeUniqueid: bridge.id };
      this.event("BridgeEnter", { ...id, ...snapshot(channel) });
    }
  }

  #leave(channel) {
    const { bridge } = channel;
    if (!bridge) return;
    channel.bridge = undefined;
    bridge.channels.delete(channel);
    const id = { BridgeUniqueid: bridge.id };
    this.event("BridgeLeave", { ...id, ...snapshot(channel) });
    for (const last of bridge.channels) this.#hangup(last, NORMAL);
    if (!bridge.channels.size) this.event("BridgeDestroy", id);
  }

  #peer(channel) {
    return [...channel.bridge.channels].find((other) => other !== channel);
  }

  #hangup(channel, cause) {
    if (!this.#channels.delete(channel.name)) return;
    const { dialling, caller, state } = channel;
    channel.dialling = undefined;
    if (dialling) this.#hangup(dialling, NORMAL);
    this.#leave(channel);
    const fields = { Cause: `${cause}`, "Cause-txt": "" };
    this.event("Hangup", { ...snapshot(channel), ...fields });
    if (state === RINGING && caller?.dialling === channel) {
      caller.dialling = undefined;
      this.#hangup(caller, cause);
    }
  }

  /** @type {Record<string, (action: any) => object | void>} */
  #performed = {
    Ping: () => ({ Ping: "Pong" }),
    MailboxStatus: ({ Mailbox }) => ({
      ...{ Mailbox, Waiting: this.mailboxes.has(Mailbox) ? "1" : "0" },
    }),
    Originate: ({ Channel, Exten, ChannelId, CallerID, ActionID }) => {
      const number = Channel.slice("PJSIP/".length);
      const away = this.devices[Channel] !== "NOT_INUSE";
      setImmediate(() => {
        if (away)
          return this.event("OriginateResponse", {
            ...{ ActionID, Response: "Failure", Uniqueid: ChannelId },
          });
        const channel = this.#channel(number, { uniqueid: ChannelId });
        Object.assign(channel, { originated: true, exten: Exten, CallerID });
        this.#set(channel, RINGING);
      });
      return { Message: "Originate successfully queued" };
    },
    Hangup: ({ Channel, Cause }) => {
      this.#hangup(this.#channels.get(Channel), Cause);
    },
    PJSIPNotify: ({ Channel, Variable }) => {
      const channel = this.#channels.get(Channel);
      if (Variable === "Event=talk") this.#talk(channel);
      if (Variable === "Event=hold") this.#hold(channel, true);
    },
    BlindTransfer: ({ Channel, Exten }) => {
      const channel = this.#channels.get(Channel);
      const peer = this.#peer(channel);
      this.event("BlindTransfer", {
        ...{ Result: "Success", Extension: Exten },
        ...prefixed("Transferer", snapshot(channel)),
        ...prefixed("Transferee", snapshot(peer)),
      });
      this.#leave(peer);
      this.#run(peer, Exten);
    },
    Redirect: ({ Channel, Exten, ExtraChannel, ExtraExten }) => {
      const channel = this.#channels.get(Channel);
      const extra = this.#channels.get(ExtraChannel);
      if (extra) {
        // Both at once: neither is left alone in the bridge.
        const id = { BridgeUniqueid: channel.bridge.id };
        for (const each of [channel, extra]) {
          each.bridge = undefined;
          this.event("BridgeLeave", { ...id, ...snapshot(each) });
        }
        this.event("BridgeDestroy", id);
        this.#run(extra, ExtraExten);
      }
      const { dialling } = channel;
      channel.dialling = undefined;
      if (dialling) this.#hangup(dialling, NORMAL);
      this.#run(channel, Exten);
    },
    Bridge: ({ Channel1, Channel2 }) => {
      this.#join(this.#channels.get(Channel1), this.#channels.get(Channel2));
    },
    PlayDTMF: ({ Channel, Digit }) => {
      this.heard[Channel] = `${this.heard[Channel] ?? ""}${Digit}`;
    },
  };

  #serve(socket) {
    const client = { socket, challenge: `${++this.#count}`, known: false };
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("close", () => this.#clients.delete(client));
    socket.write(`${this.greeting}\r\n`);
    socket.on("data", (part) => {
      const blocks = `${rest}${part}`.split("\r\n\r\n");
      rest = blocks.pop();
      for (const each of blocks)
        this.#perform(
          client,
          Object.fromEntries(
            each.split("\r\n").map((line) => line.split(/: (.*)/s)),
          ),
        );
    });
  }

  #perform(client, action) {
    const { Action, ActionID } = action;
    this.actions.push(action);
    this.#heard.emit("action");
    const answer = (Response, fields = {}) =>
      client.socket.write(block({ Response, ActionID, ...fields }));
    if (this.refused.has(Action))
      return answer("Error", { Message: "Permission denied" });
    if (Action === "Challenge")
      return answer("Success", { Challenge: client.challenge });
    if (Action === "Login") return this.#admit(client, action, answer);
    if (!client.known) return answer("Error", { Message: "Permission denied" });
    if (Action === "CoreShowChannels" || Action === "DeviceStateList")
      return this.#list(client, action);
    const { Channel } = action;
    if (Channel && Action !== "Originate" && !this.#channels.has(Channel))
      return answer("Error", { Message: "No such channel" });
    const perform = this.#performed[Action];
    if (!perform)
      return answer("Error", { Message: "Invalid/unknown command" });
    answer("Success", perform(action) || {});
  }

  #admit(client, { Username, Key }, answer) {
    const { username, secret } = this.#login;
    const key = createHash("md5").update(client.challenge + secret);
    if (Username !== username || Key !== key.digest("hex"))
      return answer("Error", { Message: "Authentication failed" });
    client.known = true;
    answer("Success", { Message: "Authentication accepted" });
    this.#clients.add(client);
  }

  #list({ socket }, { Action, ActionID }) {
    const start = { Response: "Success", ActionID, EventList: "start" };
    const items =
      Action === "CoreShowChannels"
        ? [...this.#channels.values()].map((channel) => ({
            Event: "CoreShowChannel",
            ...snapshot(channel),
            BridgeId: channel.bridge?.id ?? "",
            Application: channel.application,
          }))
        : Object.entries(this.devices).map(([Device, State]) => ({
            ...{ Event: "DeviceStateChange", Device, State },
          }));
    const end = { Event: `${Action}Complete`, ActionID, EventList: "Complete" };
    for (const message of [
      start,
      ...items.map((item) => ({ ActionID, ...item })),
      end,
    ])
      socket.write(block(message));
  }
}

/** @typedef {any} Channel */

const block = (headers) =>
  `${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

const snapshot = (/** @type {Channel} */ channel) => ({
  Channel: channel.name,
  ChannelState: channel.state,
  ChannelStateDesc: STATES[channel.state],
  CallerIDNum: channel.number,
  CallerIDName: "<unknown>",
  ConnectedLineNum: channel.connected ?? "<unknown>",
  ConnectedLineName: "<unknown>",
  Context: "phones",
  Exten: channel.exten,
  Priority: 1,
  Uniqueid: channel.uniqueid,
  Linkedid: channel.linkedid,
});

const prefixed = (prefix, fields) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [`${prefix}${name}`, value]),
  );
