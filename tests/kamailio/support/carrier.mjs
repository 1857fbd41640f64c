import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROGRAM } from "../../interop/support/kamailio.mjs";
import { ServerProcess } from "../../interop/support/server-process.mjs";
import { freePort } from "./ports.mjs";
import { StreamSocket } from "./stream-socket.mjs";

const CONFIG = fileURLToPath(new URL("../carrier.cfg", import.meta.url));
const HOST = "127.0.0.9";
/** Where people outside are, to the carrier. */
const OUTSIDE = "127.0.0.8";
/** @typedef {import("./deployment.mjs").KamailioNode} Node */

/** A carrier, which is another Kamailio, and people outside. */
export class Carrier {
  #world;
  #port = 0;

  /**
   * @param {any} world
   * @param {{ certificate: string, key: string }} [tls]
   */
  static async start(world, tls) {
    const carrier = new Carrier(world);
    const directory = await mkdtemp(join(tmpdir(), "carrier-"));
    carrier.#port = await freePort();
    const server = new ServerProcess();
    world.after(async () => {
      await server.end("SIGKILL");
      await rm(directory, { recursive: true, force: true });
    });
    const tlsPort = await freePort();
    const definitions = [
      `CARRIER_HOST=${HOST}`,
      ...(tls
        ? [
            "CARRIER_TLS",
            `CARRIER_CERTIFICATE="${tls.certificate}"`,
            `CARRIER_KEY="${tls.key}"`,
          ]
        : []),
    ];
    await server.launch(
      PROGRAM,
      [
        ...["-f", CONFIG, "-DD", "-E", "-m", "64", "-M", "8"],
        ...["-Y", directory, "-P", join(directory, "pid")],
        ...["-l", `tcp:${HOST}:${carrier.#port}`],
        ...(tls ? ["-l", `tls:${HOST}:${tlsPort}`] : []),
        ...definitions.flatMap((text) => ["-A", text]),
      ],
      { ready: "the carrier is ready", directory },
    );
    carrier.settings = {
      TRUNK_DOMAIN: "example.test",
      TRUNK_ADDRESS: `sip:${HOST}:${tls ? tlsPort : carrier.#port}`,
      TRUNK_TRANSPORT: tls ? "tls" : "tcp",
      TRUNK_NAME: "localhost",
      TRUNK_PEERS: HOST.replaceAll(".", "[.]"),
      TRUNK_USER: "customer",
      TRUNK_REALM: "carrier.test",
      TRUNK_PASSWORD: "sesame",
    };
    return carrier;
  }

  /** Of a node that has it as its trunk. @type {Record<string, string | number>} */
  settings = {};

  /** @param {any} world */
  constructor(world) {
    this.#world = world;
  }

  /**
   * A node whose trunk it is.
   * @param {import("./deployment.mjs").NodeOptions} [options]
   * @returns {Promise<Node>}
   */
  node({ settings, define = [], ...options } = {}) {
    return this.#world.server.add({
      ...options,
      settings: { ...this.settings, ...settings },
      define: ["WITH_TRUNK", ...define],
    });
  }

  /**
   * Somebody outside, who is reached by a number.
   * @param {string} number
   * @returns {Promise<import("../../interop/support/sip-client.mjs").SipClient & { contact: [string, string] }>}
   */
  async outsider(number) {
    const client = await this.#world.connect({
      name: `outside${number}`,
      user: number,
      domain: HOST,
      password: "",
      transport: "TCP",
      socket: new StreamSocket(this.#port, HOST, OUTSIDE),
    });
    const at = `sip:${number}@${OUTSIDE}:${client.socket.tcp.localPort};transport=tcp`;
    client.contact = /** @type {[string, string]} */ (["Contact", `<${at}>`]);
    const { status } = await client.register({ contacts: [`<${at}>`] });
    if (status !== 200) throw new Error(`outside: ${status}`);
    return client;
  }
}

/** The header by which somebody outside says over which node they call. @param {Node} node @returns {[string, string]} */
export const over = ({ host, port }) => [
  "X-Node",
  `${host}:${port};transport=tcp`,
];

/**
 * A user gets a number: a public id.
 * @param {import("./facts.mjs").Facts} facts
 * @param {string} user
 * @param {string} id
 */
export async function number(facts, user, id) {
  const code = { id, code_hash: "c" };
  const until = Date.now() + 60_000;
  await facts.call("public_id_add", { ...code, kind: "tel", until }, user);
  await facts.call("public_id_confirm", code, user);
}
