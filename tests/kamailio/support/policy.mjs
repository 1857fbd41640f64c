/**
 * The policy of deploy/kamailio without a Kamailio: its functions in a Redis of their own, called as a
 * node calls them, at a time that the test sets.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createConnection } from "node:net";
import { DOMAIN, Redis, policy } from "./deployment.mjs";

/**
 * Reads one reply of Redis' protocol (RESP2): its value, and where the next one begins.
 * @param {Buffer} bytes
 * @param {number} from
 * @returns {{ value: any, end: number } | undefined} nothing if it is not all there
 */
function readReply(bytes, from) {
  const stop = bytes.indexOf("\r\n", from);
  if (stop < 0) return undefined;
  const [type, line] = [
    String.fromCharCode(bytes[from]),
    bytes.toString("utf8", from + 1, stop),
  ];
  const end = stop + 2;
  if (type === ":") return { value: Number(line), end };
  if (type === "-") return { value: new Error(line), end };
  if (type === "+") return { value: line, end };
  const size = Number(line);
  if (size < 0) return { value: null, end };
  if (type === "$")
    return bytes.length < end + size + 2
      ? undefined
      : { value: bytes.toString("utf8", end, end + size), end: end + size + 2 };
  const value = [];
  let at = end;
  while (value.length < size) {
    const one = readReply(bytes, at);
    if (!one) return undefined;
    value.push(one.value);
    at = one.end;
  }
  return { value, end: at };
}

/** One connection to Redis, one command at a time. */
export class RedisConnection {
  #socket;

  /** @param {number} port */
  constructor(port) {
    this.#socket = createConnection(port, "127.0.0.1");
  }

  /**
   * @param {(string | number)[]} words
   * @returns {Promise<any>}
   */
  command(...words) {
    const parts = words.map((word) => {
      const text = String(word);
      return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
    });
    return new Promise((resolve, reject) => {
      let heard = Buffer.alloc(0);
      const hear = (/** @type {Buffer} */ bytes) => {
        heard = Buffer.concat([heard, bytes]);
        const reply = readReply(heard, 0);
        if (!reply) return;
        this.#socket.off("data", hear).off("error", reject);
        if (reply.value instanceof Error) reject(reply.value);
        else resolve(reply.value);
      };
      this.#socket.on("data", hear).once("error", reject);
      this.#socket.write(`*${parts.length}\r\n${parts.join("")}`);
    });
  }

  /**
   * Hears what is published in a channel, from when it resolves on.
   * @param {string} channel
   * @param {(message: string) => void} hear
   */
  async subscribe(channel, hear) {
    await this.command("SUBSCRIBE", channel);
    let rest = Buffer.alloc(0);
    this.#socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let one; (one = readReply(rest, 0)); rest = rest.subarray(one.end))
        hear(one.value[2]);
    });
  }

  end() {
    this.#socket.destroy();
  }
}

/**
 * What a REGISTER says, beside its Contacts.
 * @typedef {object} Says
 * @property {string} [user] default 2001
 * @property {string} [contacts] of all Contact headers
 * @property {string} [callId] default: one for the client
 * @property {number} [cseq] default: higher than any before
 * @property {string} [expires] of the Expires header
 * @property {string} [agent]
 * @property {boolean} [forced] whether it asks for a takeover
 * @property {boolean} [persists] whether it announces X-cisco-sessionpersist
 * @property {string} [node] default `a`
 * @property {string} [instance] of X-Graceline-Instance
 * @property {string} [deviceId] whose credentials it shows
 */

/** A NOTIFY, or a MESSAGE, that a node is handed. @typedef {{ flow: string, method: string, uri: string, nextHop: string, headers: string, body: string }} Notify */

const NODES = ["a", "b"];

/** The nodes' side of the policy. */
export class PolicyUnderTest {
  /** Of an account and of site.cfg, as a REGISTER is judged by them. */
  settings = {
    ...{ policy: "graceful", limit: 0, force_limit: 5, unnamed: "user" },
    ...{ min: 10, max: 120, default: 3600, devices: "off", unique: "off" },
    pns: "apns,webpush",
  };
  /** Milliseconds. */
  time = Date.now();
  #redis;
  #connection;
  #cseq = 0;
  /** How many connections of each client have ended. @type {Record<string, number>} */
  #ended = {};

  static async start() {
    const redis = await Redis.start();
    const under = new PolicyUnderTest(redis);
    const clock = 'redis.call("TIME")';
    const text = await policy();
    if (text.split(clock).length !== 2) throw new Error(`no one ${clock}`);
    const ours = 'redis.call("HMGET", "clock", "seconds", "microseconds")';
    await under.command(
      ...["FUNCTION", "LOAD", "REPLACE", text.replace(clock, ours)],
    );
    await under.clear();
    return under;
  }

  /** @param {Redis} redis */
  constructor(redis) {
    this.#redis = redis;
    this.#connection = new RedisConnection(redis.port);
  }

  /** Forgets everything but the time; the nodes are there. */
  async clear() {
    await this.command("FLUSHALL");
    this.#ended = {};
    await this.pass(0);
    for (const node of NODES) {
      const address = `sip:${node}.nodes.invalid;transport=tcp`;
      const key = `graceline:node:${node}`;
      await this.call("lease", key, {
        ...{ boot: "1", address, milliseconds: 3_600_000 },
      });
    }
  }

  /** One more connection to its Redis. */
  connect() {
    return new RedisConnection(this.#redis.port);
  }

  /** @param {(string | number)[]} words */
  command(...words) {
    return this.#connection.command(...words);
  }

  /** @param {number} seconds */
  async pass(seconds) {
    this.time += seconds * 1000;
    const parts = ["seconds", Math.floor(this.time / 1000), "microseconds"];
    await this.command("HSET", "clock", ...parts, (this.time % 1000) * 1000);
  }

  /**
   * Calls a function with named fields.
   * @param {string} name
   * @param {string | string[]} keys
   * @param {Record<string, string | number>} fields
   * @param {string[]} more what follows them, such as a body
   * @returns {Promise<any>}
   */
  call(name, keys, fields, ...more) {
    const lines = Object.entries({ version: 4, ...fields });
    const text = lines.map(([name, value]) => `${name}=${value}`).join("\n");
    const all = [keys].flat();
    return this.command(
      ...["FCALL", `graceline_${name}`, all.length, ...all, text, ...more],
    );
  }

  /** The keys of a user: of the bindings, and of the account. @param {string} [user] */
  keys(user) {
    return [this.key(user), this.accountKey(user)];
  }

  /**
   * What an account service is answered: `{ ok }`, or `{ refused }` and why.
   * @param {string} verb
   * @param {object} args
   * @param {string} [user]
   * @param {RedisConnection} [connection]
   */
  async account(verb, args, user = "2001", connection = this.#connection) {
    const json = JSON.stringify(args);
    const key = this.accountKey(user);
    const words = ["FCALL", `graceline_account_${verb}`, 1, key, json];
    return JSON.parse(await connection.command(...words));
  }

  /** @param {string} [user] */
  accountKey(user = "2001") {
    return `graceline:account:${user}@${DOMAIN}`;
  }

  /** @param {string} [user] */
  key(user = "2001") {
    return `graceline:${user}@${DOMAIN}`;
  }

  /**
   * Where a node finds a client: the name of a client is its host.
   * @param {string} client
   * @param {string} [node]
   */
  place(client, node = "a") {
    return {
      ...{
        node,
        boot: "1",
        flow: `${client}.invalid:5060:${this.#flow(client)}`,
      },
      received: `sip:${client}.invalid:5060;transport=ws`,
      ...{ socket: `tcp:${node}.invalid:80`, cluster_socket: `tcp:${node}:1` },
    };
  }

  /** The number of its connection. @param {string} client */
  #flow(client) {
    return 7 + (this.#ended[client] ?? 0);
  }

  /**
   * One REGISTER, as register.cfg puts it.
   * @param {string} client
   * @param {Says} says
   */
  async register(client, says) {
    const { user = "2001", contacts = "", node } = says;
    const named = /devicename\.ccm\.cisco\.com="([^"\\]+)"/.exec(contacts);
    const device = named?.[1] ?? "";
    const tag = `device\n${user}@${DOMAIN}\n${device || user}`;
    this.#cseq += 1;
    const reply = await this.call("register", this.keys(user), {
      ...this.settings,
      ...this.place(client, node),
      ...{ user, domain: DOMAIN, device, contacts },
      device_tag: createHash("sha256").update(tag).digest("hex").slice(0, 12),
      expires: says.expires ?? "",
      call_id: says.callId ?? `call of ${client}`,
      cseq: says.cseq ?? this.#cseq,
      agent: says.agent ?? client,
      forced: says.forced ? 1 : 0,
      persists: says.persists ? 1 : 0,
      gruu: 0,
      instance: says.instance ?? "",
      device_id: says.deviceId ?? "",
    });
    const [status, reason, headers, line, seconds, ...commands] = reply;
    /** @type {Notify[]} */
    const notifies = [];
    for (let index = 0; index < commands.length; index += 2)
      notifies.push(readNotify(commands[index + 1], commands[index]));
    return {
      ...{ status: Number(status), reason, line, notifies },
      seconds: Number(seconds),
      headers: /** @type {string[]} */ (headers.split("\r\n").filter(Boolean)),
    };
  }

  /**
   * A connection has ended.
   * @param {string} client
   * @param {boolean} [inCall]
   * @returns {Promise<Notify[]>}
   */
  async gone(client, inCall = false) {
    const { node, boot, flow, cluster_socket } = this.place(client);
    const in_call = inCall ? 1 : 0;
    const lost = { node, boot, flow, cluster_socket, in_call };
    const commands = await this.call("gone", this.key(), lost);
    this.#ended[client] = (this.#ended[client] ?? 0) + 1;
    return commands.map((/** @type {string} */ one) => readNotify(one));
  }

  /**
   * A new subscription to the registrations of 2001.
   * @param {string} client
   * @returns {Promise<Notify[]>}
   */
  async subscribe(client) {
    const aor = `sip:2001@${DOMAIN}`;
    const [status, , , ...commands] = await this.call("subscribe", this.key(), {
      ...this.place(client),
      ...{ domain: DOMAIN, local_uri: aor, remote_uri: aor },
      contact: `<sip:${client}@${client}.invalid>`,
      ...{ expires: 600, call_id: `watch of ${client}`, cseq: 1 },
      ...{ remote_tag: "far", to_tag: "", tag: "near", event: "reg" },
    });
    if (status !== "200") throw new Error(`SUBSCRIBE: ${status}`);
    return commands.map((/** @type {string} */ one) => readNotify(one));
  }

  /**
   * Where a node is sent that looks for 2001: three values a place.
   * @param {string} [method]
   * @param {string} [instance] of a GRUU
   * @returns {Promise<string[]>}
   */
  lookup(method = "INVITE", instance = "") {
    const { node, cluster_socket } = this.place("x");
    const asked = { node, cluster_socket, instance, method };
    return this.call("lookup", this.keys(), asked);
  }

  /**
   * An INVITE for 2001 comes to node `a`: where it goes, as `lookup` has it.
   * @param {number} label of its transaction
   * @param {string} [instance] of a GRUU
   * @returns {Promise<string[]>}
   */
  async ring(label, instance = "") {
    const { node, boot, flow, cluster_socket } = this.place("x");
    const [verdict, , , ...places] = await this.call("ring", this.keys(), {
      ...{ node, boot, flow, cluster_socket, instance, index: 1, label },
      devices: this.settings.devices,
      ...{ call_id: `call ${label}`, tag: "t", sender: "", shown: "" },
      ...{ from_uri: "sip:2002@x", from_name: '"Bob" ' },
      ...{ request_uri: `sip:2001@${DOMAIN}`, replaces: "" },
      ...{ kind: "user", mailbox: "voicemail" },
    });
    assert.equal(verdict, places.length > 0 ? "rings" : verdict);
    return places;
  }

  /**
   * A MESSAGE for 2001: for how many devices that are away it is kept, under which Call-ID, and where it goes.
   * @param {string} body
   * @param {string} [type]
   * @param {string} [instance] of a GRUU
   * @returns {Promise<string[]>}
   */
  message(body, type = "text/plain", instance = "") {
    const { node, cluster_socket } = this.place("x");
    const fields = {
      ...{ version: 4, node, cluster_socket, instance, private: 0 },
      ...{
        devices: this.settings.devices,
        sender: this.key("2002"),
        from_uri: "sip:2002@x",
        from_name: "",
      },
      ...{ date: "now", type, size: body.length, call_id: "m" },
    };
    const lines = Object.entries(fields).map(
      ([key, value]) => `${key}=${value}`,
    );
    return this.command(
      ...["FCALL", "graceline_message", 1, this.key(), lines.join("\n"), body],
    );
  }

  /**
   * A client has answered a message that was kept for it, or a device one that was sent on to it as it came.
   * @param {string} client
   * @param {string} [callId]
   * @param {string} [device]
   */
  messageAnswered(client, callId = "", device = "") {
    const { node, boot, flow } = this.place(client);
    const answered = { node, boot, flow, device, call_id: callId };
    return this.call("message_answered", this.key(), answered);
  }

  /**
   * That INVITE rings no more.
   * @param {number} label
   * @param {boolean} answered
   */
  ringsNoMore(label, answered) {
    const { node, boot } = this.place("x");
    const over = { node, boot, index: 1, label, answered: answered ? 1 : 0 };
    return this.call("rings_no_more", this.key(), over);
  }

  /**
   * Who joins calls of a node since this was asked last.
   * @param {string} [boot] of the node
   * @param {string} [node]
   */
  async joins(boot = "1", node = "a") {
    await this.pass(0.02);
    const list = `graceline:joins:${node}`;
    const reply = await this.command(
      ...["FCALL", "graceline_joining", 1, list, boot],
    );
    const joins = [];
    for (let index = 0; index < reply.length; index += 7) {
      const [, label, nextHop, uri, socket, name, command] = reply.slice(index);
      const { params } = JSON.parse(command);
      assert.deepEqual(
        [...params.slice(1, 3), ...params.slice(-2)],
        [name, uri, nextHop, socket],
      );
      joins.push({ label: Number(label), uri, nextHop });
    }
    return joins;
  }

  /** @returns {Promise<any[]>} */
  async bindings() {
    const list = await this.command(
      ...["FCALL_RO", "graceline_bindings", 1, this.key()],
    );
    return list.map((/** @type {string} */ one) => JSON.parse(one));
  }

  /** What Redis has of the user, or nothing. */
  async record() {
    const text = await this.command("GET", this.key());
    return text === null ? undefined : JSON.parse(text);
  }

  async stop() {
    this.#connection.end();
    await this.#redis.stop();
  }
}

/**
 * @param {string} command
 * @param {string} [flow]
 * @returns {Notify}
 */
function readNotify(command, flow = "") {
  const [method, uri, nextHop, , headers, body] = JSON.parse(command).params;
  return { flow, method, uri, nextHop, headers, body };
}
