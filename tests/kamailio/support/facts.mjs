import { createHash, randomUUID } from "node:crypto";
import { DOMAIN } from "./deployment.mjs";

const LIMITS = { mobile: 4, deskphone: 4 };

/** @param {string} algorithm @param {string[]} parts */
const hash = (algorithm, ...parts) =>
  createHash(algorithm).update(parts.join(":")).digest("hex");

/** The account service's side of a deployment: it asks Redis, and no node. */
export class Facts {
  #redis;

  /**
   * Where the devices of the domain's users are authorised one by one.
   * @param {{ server: import("./cluster.mjs").Cluster }} world
   * @param {"ask" | "override"} [slot] what a second browser does
   */
  static async on({ server }, slot = "ask") {
    await server.database.sql(
      `UPDATE domain SET devices = 'on', shared_slot = '${slot}'`,
    );
    return new Facts(server.redis);
  }

  /** @param {import("./deployment.mjs").Redis} redis */
  constructor(redis) {
    this.#redis = redis;
  }

  /**
   * @param {string} verb
   * @param {object} args
   * @param {string} [user]
   * @returns {Promise<any>} the value
   */
  async call(verb, args, user = "2001") {
    const words = ["--raw", "FCALL", `graceline_account_${verb}`, "1"];
    const key = `graceline:account:${user}@${DOMAIN}`;
    const reply = JSON.parse(
      await this.#redis.command([...words, key, JSON.stringify(args)]),
    );
    if (reply.refused) throw new Error(`${verb}: ${reply.refused}`);
    return reply.ok;
  }

  /**
   * Authorises a device, whose name and id are the last digit of its instance.
   * @param {string} instance
   * @param {"mobile" | "desktop" | "web" | "deskphone"} [kind]
   * @param {string} [user]
   */
  async authorise(instance, kind = "mobile", user = "2001") {
    const id = instance.slice(-1);
    const device = { id, instance, class: kind, name: id, limits: LIMITS };
    await this.call("authorise", device, user);
    return id;
  }

  /**
   * A name and a password of a device's own.
   * @param {string} device
   * @param {string} [user]
   */
  async credentials(device, user = "2001") {
    const [name, password] = [`g-${randomUUID()}`, randomUUID()];
    await this.call(
      "credential_set",
      {
        ...{ name, device, until: Date.now() + 3_600_000 },
        ha1: hash("md5", name, DOMAIN, password),
        ha1_sha256: hash("sha256", name, DOMAIN, password),
      },
      user,
    );
    return { authUser: name, password };
  }

  /** Which devices are there. @param {string} [user] */
  async registered(user) {
    /** @type {{ id: string, registered: boolean }[]} */
    const devices = await this.call("devices", {}, user);
    return devices.filter(({ registered }) => registered).map(({ id }) => id);
  }
}
