/**
 * Phones for tests against a real registrar: the package as an app imports it, in Node, with
 * everything that passes on its WebSockets written into the world's transcript.
 */
import { randomUUID } from "node:crypto";
import { Phone } from "graceline";
import { recordingWebSocket } from "./recording-websocket.mjs";
import { deviceTag } from "./graceline-contact.mjs";

const DEVICE = "CSFALICE";
const HEARD = /** @type {const} */ ([
  "status",
  "eDeviceAlreadyRegistered",
  "eConnectionTerminated",
  "error",
]);
const EVENT_DEADLINE_MS = 20_000;

/** @returns {string} */
export const newInstanceId = () => `urn:uuid:${randomUUID()}`;

/**
 * What a phone needs of a server.
 * @typedef {Pick<import("./interop-test.mjs").Server, "url" | "domain" | "passwords">} Reached
 */

/**
 * The options of a phone of user 2001 at the world's server.
 * @param {Reached} server
 * @param {object} [options] of `Phone`, to override
 */
export const phoneOptions = (server, options = {}) => ({
  connections: server.url,
  user: "2001",
  domain: server.domain,
  password: server.passwords[2001],
  device: DEVICE,
  instanceId: newInstanceId(),
  storage: null,
  ...options,
});

/** A phone and what it said so far. */
export class PhoneUnderTest {
  /** Events in the order they fired. @type {{ name: string, payload: any }[]} */
  events = [];

  /**
   * @param {Pick<import("./interop-test.mjs").World, "transcript" | "after"> & { server: Reached }} world
   * @param {string} name how the transcript calls it
   * @param {object} [options] of `Phone`
   */
  constructor(world, name, options = {}) {
    this.name = name;
    const settings = phoneOptions(world.server, options);
    /** As Kamailio shows it. */
    this.instance = `<${settings.instanceId}>`;
    this.transcript = world.transcript;
    this.Socket = recordingWebSocket(world.transcript, name);
    this.phone = new Phone({ ...settings, WebSocket: this.Socket });
    for (const event of HEARD)
      this.phone.on(event, (/** @type {any} */ payload) => {
        this.events.push({ name: event, payload });
        const shown =
          payload instanceof Error ? `${payload}` : JSON.stringify(payload);
        this.transcript.add(name, "note", `${event} ${shown}`);
      });
    world.after(() => this.phone.close());
  }

  /** @param {boolean} [forceRegistration] */
  register(forceRegistration = false) {
    return this.phone.registerPhone({ forceRegistration });
  }

  /**
   * How often an event fired.
   * @param {string} name
   */
  count(name) {
    return this.events.filter((event) => event.name === name).length;
  }

  /**
   * Resolves with the payload of an event, past or to come.
   * @param {string} name
   * @param {{ nth?: number, deadline?: number }} [options] the first one within 20 s by default
   */
  event(name, { nth = 1, deadline = EVENT_DEADLINE_MS } = {}) {
    return this.transcript.until(
      `${name} (${nth}) at ${this.name}`,
      () =>
        this.events.filter((event) => event.name === name)[nth - 1]?.payload,
      deadline,
    );
  }

  /**
   * Resolves once the phone has a status.
   * @param {string} status
   */
  status(status) {
    return this.transcript.until(
      `${this.name} to be ${status}`,
      () => this.phone.status === status,
      EVENT_DEADLINE_MS,
    );
  }

  /**
   * The REGISTERs it sent.
   * @param {number} [since] an earlier `transcript.length`
   */
  registers(since = 0) {
    return this.transcript.requests({ who: this.name, since });
  }
}

/**
 * Bindings of one device.
 * @param {Pick<import("./kamailio.mjs").Kamailio, "domain" | "bindings">} server
 * @param {string} [device]
 */
export async function bindingsOfDevice(server, device = DEVICE) {
  const tag = deviceTag("2001", server.domain, device);
  const bindings = await server.bindings("2001");
  return bindings.filter(({ contact }) => contact.startsWith(`sip:g1-${tag}-`));
}
