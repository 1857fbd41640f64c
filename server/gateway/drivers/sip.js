import { numberIn } from "../members.js";
import { featuresOf, serve } from "../services.js";
import { Agent } from "../third-party/agent.js";
import { Desk } from "../third-party/desk.js";

/** Of the protocol. */
const VERSION = 1;

/**
 * Any SIP phone, by third-party call control (RFC 3725): the gateway calls the desk
 * phone and the far end, and lets them talk to each other.
 *
 * @type {import("../driver.js").OpenDriver}
 */
export function open(address, host) {
  let isOpen = true;
  /** @type {Agent | undefined} */
  let agent;
  /** By the configuration of the device. @type {Map<object, Desk>} */
  const desks = new Map();
  const features = featuresOf(services);

  const receive = (/** @type {object} */ message) =>
    void (isOpen && host.receive(message));
  const close = () => {
    isOpen = false;
    agent?.close();
  };
  const lost = (/** @type {string} */ reason) => {
    if (!isOpen) return;
    close();
    host.closed(reason);
  };
  const ready = () => receive({ hello: VERSION, name: "SIP phones", features });

  async function begin() {
    // Nothing is told before this function has returned.
    await null;
    if (!isOpen) return;
    agent = new Agent(login(address), { ready, lost });
    await agent.open();
  }
  begin().catch((error) => lost(error.message));

  /** @param {any} line @param {any} device */
  async function find(line, device) {
    const own = Object.hasOwn(host.lines, line) ? host.lines[line] : [];
    const settings = own.find((one) => one.device === device);
    if (!settings || !agent) return undefined;
    const known = desks.get(settings);
    const from = address.searchParams.get("from");
    const desk = known ?? new Desk(agent, { ...settings, line, from }, receive);
    desks.set(settings, desk);
    return desk;
  }

  return {
    close,
    send(request) {
      const { id, service } = request;
      if (service !== "heartbeat")
        return void serve(request, services, find, receive);
      // None is the answer while the server is away: that is what is asked.
      if (agent?.isReady) receive({ id, result: {} });
    },
  };
}

/** @type {import("../services.js").Services<Desk>} */
const services = {
  monitor: async (desk) => desk.monitor(),
  unmonitor: async (desk) => desk.unmonitor(),
  makeCall: async (desk, { to }) => ({
    call: desk.make(numberIn(to, "invalidCalledDeviceID")),
  }),
  clearConnection: async (desk, { call }) => desk.clear(call),
  holdCall: (desk, { call }) => desk.hold(call),
  retrieveCall: (desk, { call }) => desk.retrieve(call),
  consultationCall: async (desk, { call, to }) => ({
    call: await desk.consult(call, numberIn(to, "invalidCalledDeviceID")),
  }),
  alternateCall: (desk, { held, active }) => desk.alternate(held, active),
  reconnectCall: (desk, { held, active }) => desk.reconnect(held, active),
  transferCall: (desk, { held, active }) => desk.transfer(held, active),
  singleStepTransferCall: (desk, { call, to }) =>
    desk.singleStepTransfer(call, numberIn(to, "invalidDestination")),
};

/**
 * `sip:USER:PASSWORD@DOMAIN?server=wss://HOST`: an account at the SIP server, and where
 * that takes WebSockets, more than once if there are several; `from=account` for one that
 * lets nobody call in another's name.
 *
 * @param {URL} address
 */
function login({ pathname, searchParams }) {
  const [, user, password = "", domain] =
    /^([^:@]+)(?::([^@]*))?@([^@]+)$/.exec(pathname) ?? [];
  const from = searchParams.get("from") ?? "line";
  if (!user || !searchParams.has("server") || !/^(line|account)$/.test(from))
    throw new Error(
      "the address of the phones must be sip:USER:PASSWORD@DOMAIN?server=wss://HOST, and &from=account or nothing",
    );
  return {
    connections: searchParams.getAll("server"),
    user,
    domain,
    password: decodeURIComponent(password),
  };
}
