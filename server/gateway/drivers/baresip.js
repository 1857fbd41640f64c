import { Control } from "./baresip/control.js";
import { Desk } from "./baresip/desk.js";
import { digitsIn, numberIn } from "../members.js";
import { featuresOf, serve } from "../services.js";
import { refuse } from "../refusal.js";

/** Of ctrl_tcp, unless its configuration says otherwise. */
const PORT = 4444;

/**
 * A phone that is baresip, at its control port.
 *
 * @type {import("../driver.js").OpenDriver}
 */
export function open({ hostname, port }, host) {
  let isOpen = true;
  const receive = (/** @type {object} */ message) =>
    void (isOpen && host.receive(message));
  const close = () => {
    isOpen = false;
    control.close();
  };
  const control = new Control(
    hostname.replace(/^\[|\]$/g, ""),
    Number(port || PORT),
    {
      open: greet,
      event: (event) => desk.heed(event),
      close(reason) {
        isOpen = false;
        host.closed(reason);
      },
    },
  );
  const desk = new Desk(control, { ...host, receive });
  const services = servicesOf(desk);
  const features = featuresOf(services);

  async function greet() {
    // Its answer shows that it is a baresip; without one the link has ended.
    await desk.accounts().then(
      () => receive({ hello: 1, name: "baresip", features }),
      () => {},
    );
  }

  return {
    close,
    async send(request) {
      const { id, service } = request;
      if (service !== "heartbeat")
        return serve(request, services, (...at) => desk.find(...at), receive);
      await desk.accounts().then(
        () => receive({ id, result: {} }),
        () => {},
      );
    },
  };
}

/**
 * @typedef {import("./baresip/account.js").Account} Account
 * @typedef {import("./baresip/account.js").Call} Call
 * @param {Desk} desk
 * @returns {import("../services.js").Services<Account>}
 */
function servicesOf(desk) {
  /**
   * Holds what is connected: baresip itself leaves several calls connected.
   *
   * @param {Account} account
   * @param {string} [cause]
   */
  const holdAll = async (account, cause) => {
    for (const call of account.calls.values())
      if (call.state === "connected") {
        call.cause = cause;
        await desk.act(account, call, "hold");
      }
  };
  /** @param {Account} account @param {Call} call @param {string} [cause] */
  const retrieve = async (account, call, cause) => {
    await holdAll(account, cause);
    call.cause = cause;
    await desk.act(account, call, "resume");
  };
  return exclusive(desk, {
    async monitor(account) {
      await desk.look(account);
      return account.appearance.monitor();
    },
    async unmonitor({ appearance }) {
      appearance.unmonitor();
    },
    async makeCall(account, { to }) {
      const number = numberIn(to, "invalidCalledDeviceID");
      if (!account.inService) refuse("deviceOutOfService");
      if (account.active.length) refuse("connectedCallExists");
      return desk.dial(account, number);
    },
    async answerCall(account, { call }) {
      await desk.act(
        account,
        callIn(account, call, ["ringing"], "noCallToAnswer"),
        "accept",
      );
    },
    async clearConnection(account, { call }) {
      await desk.act(account, callIn(account, call), "hangup");
    },
    async holdCall(account, { call }) {
      await desk.act(account, callIn(account, call, ["connected"]), "hold");
    },
    async retrieveCall(account, { call }) {
      await retrieve(account, callIn(account, call, ["held"]));
    },
    async consultationCall(account, { call, to }) {
      callIn(account, call, ["connected"]);
      const number = numberIn(to, "invalidCalledDeviceID");
      await holdAll(account, "consultation");
      return desk.dial(account, number);
    },
    async alternateCall(account, { held, active }) {
      callIn(account, active, ["connected"], "noActiveCall");
      const other = callIn(account, held, ["held"], "noHeldCall");
      await retrieve(account, other, "alternate");
    },
    async reconnectCall(account, { held, active }) {
      const other = callIn(account, held, ["held"], "noHeldCall");
      const leaving = callIn(account, active, LEFT, "noActiveCall");
      await desk.act(account, leaving, "hangup");
      // At the end of a call baresip resumes one that is on hold: often this very one.
      if (other.state === "held") await retrieve(account, other);
    },
    async singleStepTransferCall(account, { call, to }) {
      const number = numberIn(to, "invalidDestination");
      const leaving = callIn(account, call, ["connected", "held"]);
      leaving.sentTo = number;
      await desk.act(account, leaving, "transfer", number);
    },
    async generateDigits(account, { call, digits }) {
      const keys = digitsIn(digits);
      await desk.act(
        account,
        callIn(account, call, ["connected"]),
        "sndcode",
        keys,
      );
    },
  });
}

/** States in which a call can be left for another. @type {Call["state"][]} */
const LEFT = ["dialling", "alerting", "connected"];

/**
 * @param {Desk} desk
 * @param {import("../services.js").Services<Account>} services
 */
const exclusive = (desk, services) =>
  Object.fromEntries(
    Object.entries(services).map(([name, perform]) => [
      name,
      (/** @type {Account} */ at, /** @type {object} */ members) =>
        desk.exclusively(() => perform(at, members)),
    ]),
  );

/**
 * @param {Account} account
 * @param {string} id
 * @param {Call["state"][]} [states] in which the service is possible
 * @param {string} [error] what is wrong in others
 */
function callIn(account, id, states, error = "invalidConnectionState") {
  const call = account.calls.get(id) ?? refuse("invalidConnectionID");
  if (states && !states.includes(call.state)) refuse(error);
  return call;
}
