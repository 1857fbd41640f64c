import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";
import { SipClient } from "../../interop/support/sip-client.mjs";
import { freePort } from "../support/ports.mjs";
import { Call, shownLine } from "../support/call.mjs";
import { Cluster } from "../support/cluster.mjs";
import { contact, instance } from "../support/contacts.mjs";
import { bindings } from "../support/deployment.mjs";
import { Facts } from "../support/facts.mjs";
import { StreamSocket } from "../support/stream-socket.mjs";
import { Trap } from "../support/trap.mjs";

const DOMAIN = "example.test";
/** Milliseconds within which a node takes a connection. */
const OPEN_MS = 20_000;
const SECRET = "5ec7e75ec7e75ec7e75ec7e75ec7e75e";

/** Who is who: alice, bob and carol are those whom nobody may harm. */
const USERS = {
  alice: "2001",
  bob: "2002",
  carol: "2003",
  mallory: "2009",
  mallet: "2008",
  newcomer: "2010",
};
/** @typedef {"alice" | "bob" | "carol" | "mallory" | "mallet"} Name */

/** Real nodes, with users that are registered on them and traps beside them. */
export class World {
  /** @type {Record<Name, SipClient>} */
  clients = Object.create(null);
  /** A call between mallory and mallet. @type {Call} */
  call;
  /** Call-IDs of all calls of victims: an answer may be late. @type {Set<string>} */
  calls = new Set();
  /** Where Redis could be. @type {Trap} */
  trap;
  /** @type {() => unknown} */
  #unset = () => {};
  /** The ports that its datagrams come to. @type {number[]} */
  #udpPorts = [];
  /** How much of each node's log was read. @type {Map<object, number>} */
  #read = new Map();
  #known = /** @type {Record<string, string>} */ ({});

  /**
   * @param {object} options
   * @param {number} options.nodes
   * @param {boolean} [options.devices] whether devices are authorised one by one
   * @param {import("../support/deployment.mjs").NodeOptions["edit"]} [options.edit]
   */
  static async start({ nodes, devices, edit }) {
    const accounts = Object.values(USERS).map((user) => ({ user }));
    const world = new World(await Cluster.start({ accounts, nodes: [] }));
    try {
      world.trap = await Trap.set({
        after: (release) => (world.#unset = release),
      });
      for (let index = 0; index < nodes; index++) await world.#add(index, edit);
      if (devices) await world.#authorise();
      await world.#populate();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** @param {Cluster} cluster */
  constructor(cluster) {
    this.cluster = cluster;
  }

  /**
   * @param {number} index
   * @param {import("../support/deployment.mjs").NodeOptions["edit"]} edit
   */
  async #add(index, edit) {
    const host = `127.0.0.${index + 2}`;
    const udpPort = await freePort();
    this.#udpPorts.push(udpPort);
    await this.cluster.add({
      name: "ab"[index],
      host,
      listen: [`udp:${host}:${udpPort}`],
      settings: {
        NONCE_SECRET: SECRET,
        CLUSTER_PEERS: "127[.]0[.]0[.][23]",
        FORCES_PER_MINUTE: 0,
        CALLS_PER_MINUTE: 0,
        MESSAGES_PER_MINUTE: 0,
        FAILURES_PER_USER: 1_000_000,
        FAILURES_PER_ADDRESS: 1_000_000,
      },
      edit,
    });
  }

  /** Each has one device, but for the newcomer, who has none. */
  async #authorise() {
    const facts = await Facts.on({ server: this.cluster });
    const { newcomer, ...others } = USERS;
    await this.cluster.database.sql(
      `UPDATE subscriber SET devices = 'off' WHERE username = '${newcomer}'`,
    );
    for (const user of Object.values(others))
      await facts.authorise(instance(user.slice(-1)), "mobile", user);
  }

  async #populate() {
    await this.#connect("alice", "here");
    await this.#connect("bob", "there");
    await this.#connect("carol", "here", "TCP");
    await this.#connect("mallory", "here");
    await this.#connect("mallet", "there");
    for (const name of /** @type {const} */ (["alice", "bob", "carol"]))
      this.clients[name].respond = ({ method }) =>
        method === "INVITE" ? { status: 486 } : { status: 200 };
    const { mallory, mallet } = this.clients;
    this.call = await Call.start(mallory, mallet.aor, mallet);
    for (const name of /** @type {Name[]} */ (Object.keys(this.clients))) {
      this.#learn(name, await this.bindings(name));
      this.tell(name, { line: await shownLine(this.clients[name]) });
    }
    const { accepted } = this.call;
    this.tell("call", {
      id: this.call.callId,
      from: this.call.fromTag,
      to: /;tag=([^;]+)/.exec(accepted.header("To"))?.[1] ?? "",
      route: accepted.all("Record-Route").reverse().join(", "),
      target: accepted.contacts[0].uri,
      aor: mallet.aor,
    });
  }

  /**
   * @param {"here" | "there"} which
   * @returns {import("./senders.mjs").Target}
   */
  target(which) {
    const { nodes } = this.cluster;
    const index = which === "here" ? 0 : nodes.length - 1;
    const { host, port, clusterPort } = nodes[index];
    return { host, port, clusterPort, udpPort: this.#udpPorts[index] };
  }

  /**
   * @param {Name | "newcomer"} name
   * @param {"here" | "there"} which
   * @param {"WS" | "TCP"} [transport]
   */
  async open(name, which, transport = "WS") {
    const { host, port } = this.target(which);
    const socket =
      transport === "TCP" ? new StreamSocket(port, host) : undefined;
    const client = new SipClient({
      url: `ws://${host}:${port}/`,
      user: USERS[name],
      password: this.cluster.passwords[USERS[name]],
      name,
      socket,
      transport,
    });
    // Many of its requests wait at once for an answer, or for this end.
    client.socket.setMaxListeners(0);
    // Bytes that are no frame end the connection, and that is judged.
    client.socket.on("error", () => {});
    await once(client.socket, "open", { signal: AbortSignal.timeout(OPEN_MS) });
    return client;
  }

  /**
   * @param {Name} name
   * @param {"here" | "there"} which
   * @param {"WS" | "TCP"} [transport]
   */
  async #connect(name, which, transport) {
    this.clients[name]?.socket.terminate();
    this.clients[name] = await this.open(name, which, transport);
    await this.login(name);
  }

  /** @param {Name} name */
  async login(name) {
    const client = this.clients[name];
    const id = instance(USERS[name].slice(-1));
    const { status } = await client.register({
      contacts: [contact(name, { instance: id })],
    });
    if (status !== 200) throw new Error(`${name} cannot log in: ${status}`);
  }

  /** Undoes what mallory's odd messages have done to mallory. */
  async restore() {
    const { mallory } = this.clients;
    const closed = mallory.socket.readyState !== WebSocket.OPEN;
    if (closed) await this.#connect("mallory", "here");
    else {
      await mallory.register({ contacts: ["*"], expires: 0 });
      await this.login("mallory");
    }
    this.#learn("mallory", await this.bindings("mallory"));
  }

  /** @param {Name} name */
  bindings(name) {
    return bindings(this.cluster.redis, USERS[name]);
  }

  // Facts ----------------------------------------------------------------------------------------

  /**
   * @param {Name} name
   * @param {import("../support/deployment.mjs").Binding[]} bound
   */
  #learn(name, [bound]) {
    const { flow, uri } = /** @type {any} */ (bound);
    const { aor, user, transport } = this.clients[name];
    const [ip, port, connection] = flow.split(":");
    const alias = `${ip}~${port}~${transport === "WS" ? 5 : 2}`;
    this.tell(name, {
      ...{ aor, user, alias, connection, contact: uri },
      flow: `${ip}:${port}`,
    });
  }

  /**
   * Facts for the words in braces of values.mjs.
   * @param {string} of
   * @param {Record<string, string>} facts
   */
  tell(of, facts) {
    for (const [name, value] of Object.entries(facts))
      this.#known[`${of}.${name}`] = value;
  }

  /**
   * Puts the facts in place of their names.
   * @param {string} text
   * @param {Record<string, string>} [own] facts of this one message
   */
  fill(text, own = {}) {
    const [here, there] = [this.target("here"), this.target("there")];
    const facts = {
      ...this.#known,
      domain: DOMAIN,
      trap: `${this.trap.port}`,
      "here.cluster": `${here.host}:${here.clusterPort}`,
      "there.cluster": `${there.host}:${there.clusterPort}`,
      "here.public": `${here.host}:${here.port}`,
      "there.public": `${there.host}:${there.port}`,
      now: `${Math.floor(Date.now() / 1000)}`,
      long: "x".repeat(5_000),
      ...own,
    };
    return text.replace(/\{([\w.]+)\}/g, (whole, name) => {
      if (name === "new") return randomUUID();
      if (name === "tag") return randomBytes(6).toString("hex");
      return /** @type {Record<string, string>} */ (facts)[name] ?? whole;
    });
  }

  /** What must never be read by anybody: the nodes' secret, hashes of passwords. */
  get secrets() {
    return Object.values(USERS).reduce(
      (list, user) => {
        const text = `${user}:${DOMAIN}:${this.cluster.passwords[user]}`;
        for (const algorithm of ["md5", "sha256"])
          list.push(createHash(algorithm).update(text).digest("hex"));
        return list;
      },
      [SECRET],
    );
  }

  /** Accounts that there are, as addresses-of-record. */
  get accounts() {
    return Object.values(USERS).map((user) => `${user}@${DOMAIN}`);
  }

  /** What the nodes logged since the last time. */
  readLog() {
    const fresh = this.cluster.nodes.map((node) => {
      const from = this.#read.get(node) ?? 0;
      this.#read.set(node, node.log.length);
      return node.log.slice(from);
    });
    return fresh.join("\n");
  }

  /** Forgets what was heard. */
  forget() {
    for (const { received, transcript } of Object.values(this.clients)) {
      received.length = 0;
      transcript.entries.length = 0;
    }
  }

  async stop() {
    for (const client of Object.values(this.clients)) client.socket.terminate();
    this.#unset();
    await this.cluster.stop();
  }
}
