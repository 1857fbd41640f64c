import {
  Database,
  DOMAIN,
  KamailioNode,
  Redis,
  bindings,
} from "./deployment.mjs";

/**
 * @typedef {object} ClusterOptions
 * @property {import("./deployment.mjs").Account[]} [accounts] default: 2001 and 2002
 * @property {import("./deployment.mjs").NodeOptions[]} [nodes] default: one
 * @property {string} [redisPassword] with one, the nodes reach Redis at its port
 * @property {{ start: () => Promise<import("./deployment.mjs").SqlHome> }} [users] where they stand;
 *   default: a file of SQLite
 */

/** Nodes of the deployment with what they share. */
export class Cluster {
  domain = DOMAIN;
  /** @type {KamailioNode[]} */
  nodes = [];
  /** @type {Redis} */
  redis;
  /** @type {Database} */
  database;
  /** @type {Record<string, string>} */
  passwords = {};

  /** @param {ClusterOptions} [options] */
  static async start({
    accounts = [{ user: "2001" }, { user: "2002" }],
    nodes = [{}],
    redisPassword,
    users,
  } = {}) {
    const [redis, database] = await Promise.all([
      Redis.start({ password: redisPassword }),
      Database.create(accounts, users),
    ]);
    const cluster = new Cluster(redis, database);
    for (const { user, password = `secret-${user}` } of accounts)
      cluster.passwords[user] = password;
    const started = await Promise.allSettled(
      nodes.map((options) => KamailioNode.start(redis, database, options)),
    );
    for (const one of started)
      if (one.status === "fulfilled") cluster.nodes.push(one.value);
    const failed = started.find((one) => one.status === "rejected");
    if (failed) {
      await cluster.stop();
      throw failed.reason;
    }
    return cluster;
  }

  /**
   * @param {Redis} redis
   * @param {Database} database
   */
  constructor(redis, database) {
    this.redis = redis;
    this.database = database;
  }

  /** @param {import("./deployment.mjs").NodeOptions} [options] */
  async add(options) {
    const node = await KamailioNode.start(this.redis, this.database, options);
    this.nodes.push(node);
    return node;
  }

  /** The first node. */
  get url() {
    return this.nodes[0].url;
  }

  get log() {
    return this.nodes
      .map((node) => `node ${node.name}:\n${node.log}`)
      .join("\n");
  }

  /**
   * The live bindings of a user.
   * @param {string} [user]
   */
  bindings(user) {
    return bindings(this.redis, user);
  }

  async stop() {
    for (const node of this.nodes) await node.stop();
    await this.redis.stop();
    await this.database.remove();
  }
}
