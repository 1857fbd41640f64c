import { randomUUID } from "node:crypto";
import { OWN } from "./ami/leg.js";
import { Connection } from "./ami/connection.js";
import { Exchange } from "./ami/exchange.js";
import { digitsIn, numberIn } from "../members.js";
import { featuresOf, serve } from "../services.js";
import { refuse } from "../refusal.js";

/** Of the manager interface. */
const PORT = 5038;

/** How long the phone itself may take to dial, in ms. */
const ORIGINATE_TIMEOUT = 30_000;

/** Causes of Q.850. */
const NORMAL_CLEARING = "16";
const USER_BUSY = "17";

/**
 * Desk phones behind Asterisk, by its manager interface.
 *
 * @type {import("../driver.js").OpenDriver}
 */
export function open({ hostname, port, username, password }, host) {
  let isOpen = true;
  const receive = (/** @type {object} */ message) =>
    void (isOpen && host.receive(message));
  const connection = new Connection(
    hostname.replace(/^\[|\]$/g, ""),
    Number(port || PORT),
    {
      username: decoded(username),
      secret: decoded(password),
    },
    {
      open: begin,
      event: (event) => exchange.heed(event),
      close(reason) {
        isOpen = false;
        host.closed(reason);
      },
    },
  );
  const pbx = new Pbx(connection);
  const exchange = new Exchange(
    host.lines,
    receive,
    // One that cannot rings, and its user takes the call.
    (leg) => pbx.notify(leg, "talk").catch(() => {}),
    // Whose channel is gone meanwhile has ended as it was to.
    (Channel) => pbx.act("Hangup", { Channel }).catch(() => {}),
  );
  const services = servicesOf(pbx, exchange);
  const features = featuresOf(services);

  async function begin() {
    try {
      exchange.begin(
        await connection.list("CoreShowChannels"),
        await connection.list("DeviceStateList"),
      );
      for (const phone of exchange.phones) await pbx.askForMessages(phone);
      receive({ hello: 1, name: "Asterisk", features });
    } catch {
      // The link has ended.
    }
  }

  return {
    close() {
      isOpen = false;
      connection.close();
    },
    async send(request) {
      const { id, service } = request;
      if (service !== "heartbeat")
        return serve(
          request,
          services,
          async (line, device) => exchange.find(line, device),
          receive,
        );
      await connection.act("Ping").then(
        () => receive({ id, result: {} }),
        () => {},
      );
    },
  };
}

/**
 * @typedef {import("./ami/phone.js").Phone} Phone
 * @typedef {import("./ami/leg.js").Leg} Leg
 */

/** Actions at Asterisk. */
class Pbx {
  #connection;

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * @param {string} action
   * @param {Record<string, string>} headers
   * @param {string} [error] of CSTA, where Asterisk refuses
   */
  async act(action, headers, error = "generic") {
    const { response } = await this.#connection.act(action, headers);
    if (response !== "Success") refuse(error);
  }

  /** @param {Leg} leg @param {string} action @param {Record<string, string>} [headers] */
  atLeg({ channel }, action, headers = {}) {
    const Channel = channel ?? refuse("invalidConnectionState");
    return this.act(action, { Channel, ...headers }, "invalidConnectionState");
  }

  /**
   * A NOTIFY within the call: the phone is to answer it or go on with it (talk), or to
   * put it on hold (hold), as if its user had pressed the key.
   *
   * @param {Leg} leg
   * @param {"talk" | "hold"} event
   */
  notify(leg, event) {
    return this.atLeg(leg, "PJSIPNotify", { Variable: `Event=${event}` });
  }

  /** @param {Phone} phone @param {string} number */
  async originate(phone, number) {
    const id = `${OWN}${randomUUID()}`;
    const leg = phone.add(id, number) ?? refuse("resourceBusy");
    phone.show(leg);
    const headers = {
      ...{ Channel: phone.channel, Context: phone.context, Exten: number },
      ...{ Priority: "1", CallerID: `<${phone.line}>`, Async: "true" },
      ...{ ChannelId: id, Timeout: `${ORIGINATE_TIMEOUT}` },
    };
    try {
      await this.act("Originate", headers, "invalidCalledDeviceID");
    } catch (error) {
      phone.end(leg);
      throw error;
    }
    return { call: id };
  }

  /** @param {Phone} phone */
  async askForMessages(phone) {
    if (phone.mailbox === undefined) return;
    const { waiting } = await this.#connection.act("MailboxStatus", {
      Mailbox: phone.mailbox,
    });
    if (waiting !== undefined) phone.heedMessages(waiting !== "0");
  }
}

/**
 * @param {Pbx} pbx
 * @param {Exchange} exchange
 * @returns {import("../services.js").Services<Phone>}
 */
function servicesOf(pbx, exchange) {
  /** @param {Leg} leg @param {string} [cause] */
  const clear = (leg, cause = NORMAL_CLEARING) => {
    leg.clearing = true;
    return pbx.atLeg(leg, "Hangup", { Cause: cause });
  };
  /** @param {Leg} leg */
  const farEnd = (leg) =>
    exchange.farEnd(leg) ?? refuse("invalidConnectionState");
  /**
   * The phone is asked to, or Asterisk takes both ends out of their bridge and to its
   * music on hold: for phones that do not honour NOTIFY.
   *
   * @param {Phone} phone
   * @param {Leg} leg
   */
  const hold = async (phone, leg) => {
    const { context, music } = phone;
    if (music === undefined) return pbx.notify(leg, "hold");
    leg.parked = farEnd(leg);
    try {
      await pbx.atLeg(leg, "Redirect", {
        ...{ Context: context, Exten: music, Priority: "1" },
        ...{ ExtraChannel: leg.parked, ExtraContext: context },
        ...{ ExtraExten: music, ExtraPriority: "1" },
      });
    } catch (error) {
      leg.parked = undefined;
      throw error;
    }
    phone.show(leg);
  };
  /** @param {Phone} phone @param {Leg} leg */
  const retrieve = async (phone, leg) => {
    const { parked } = leg;
    if (!parked) return pbx.notify(leg, "talk");
    const Channel1 = leg.channel ?? refuse("invalidConnectionState");
    const channels = { Channel1, Channel2: parked };
    await pbx.act("Bridge", channels, "invalidConnectionState");
    leg.parked = undefined;
    phone.show(leg);
  };
  return {
    async monitor({ appearance }) {
      return appearance.monitor();
    },
    async unmonitor({ appearance }) {
      appearance.unmonitor();
    },
    async makeCall(phone, { to }) {
      const number = numberIn(to, "invalidCalledDeviceID");
      if (!phone.inService) refuse("deviceOutOfService");
      if ([...phone.legs.values()].some(isActive))
        refuse("connectedCallExists");
      return pbx.originate(phone, number);
    },
    async answerCall(phone, { call }) {
      await pbx.notify(
        legIn(phone, call, ["ringing"], "noCallToAnswer"),
        "talk",
      );
    },
    async clearConnection(phone, { call }) {
      const leg = legIn(phone, call);
      await clear(leg, leg.state === "ringing" ? USER_BUSY : NORMAL_CLEARING);
    },
    async holdCall(phone, { call }) {
      await hold(phone, legIn(phone, call, ["connected"]));
    },
    async retrieveCall(phone, { call }) {
      await retrieve(phone, legIn(phone, call, ["held"]));
    },
    async consultationCall(phone, { call, to }) {
      const number = numberIn(to, "invalidCalledDeviceID");
      const leg = legIn(phone, call, ["connected"]);
      leg.cause = "consultation";
      await hold(phone, leg);
      return pbx.originate(phone, number);
    },
    async alternateCall(phone, { held, active }) {
      const [other, leaving] = pairIn(phone, held, active, ["connected"]);
      other.cause = leaving.cause = "alternate";
      await hold(phone, leaving);
      await retrieve(phone, other);
    },
    async reconnectCall(phone, { held, active }) {
      const [other, leaving] = pairIn(phone, held, active);
      await clear(leaving);
      await retrieve(phone, other);
    },
    /** Both far ends leave the phone's bridges for one of their own; it is hung up. */
    async transferCall(phone, { held, active }) {
      const [other, leaving] = pairIn(phone, held, active, ["connected"]);
      const channels = { Channel1: farEnd(other), Channel2: farEnd(leaving) };
      const legs = [other, leaving];
      for (const leg of legs) leg.leaving = true;
      try {
        await pbx.act("Bridge", channels, "invalidConnectionState");
      } catch (error) {
        for (const leg of legs) {
          leg.leaving = false;
          if (!leg.channel) phone.end(leg);
        }
        throw error;
      }
      // In no bridge, so that nothing else ends it.
      if (other.parked) {
        other.parked = undefined;
        await clear(other);
      }
      const { remote } = leaving.view;
      const { number: to } = /** @type {{ number?: string }} */ (remote);
      phone.pass(leaving, "transfer", { to, from: other });
    },
    async singleStepTransferCall(phone, { call, to }) {
      const number = numberIn(to, "invalidDestination");
      const leg = legIn(phone, call, ["connected", "held"]);
      // Who is in no bridge with the phone is none of whom that could be said.
      if (leg.parked) refuse("invalidConnectionState");
      await pbx.atLeg(leg, "BlindTransfer", {
        ...{ Context: phone.context, Exten: number },
      });
    },
    /** Who calls goes to another extension; the phone stops ringing. */
    async deflectCall(phone, { call, to }) {
      const number = numberIn(to, "invalidDestination");
      const leg = legIn(phone, call, ["ringing"]);
      const Channel = leg.caller ?? refuse("invalidConnectionState");
      leg.leaving = true;
      try {
        await pbx.act(
          "Redirect",
          { Channel, Context: phone.context, Exten: number, Priority: "1" },
          "invalidDestination",
        );
      } catch (error) {
        leg.leaving = false;
        if (!leg.channel) phone.end(leg);
        throw error;
      }
      phone.pass(leg, "redirected", { to: number });
    },
    /** Out of the far end's channel, one after the other. */
    async generateDigits(phone, { call, digits }) {
      const keys = digitsIn(digits);
      const Channel = farEnd(legIn(phone, call, ["connected"]));
      for (const Digit of keys)
        await pbx.act("PlayDTMF", { Channel, Digit }, "invalidConnectionState");
    },
  };
}

/** Of the address; where it was not encoded, as it is. @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether the phone's sound belongs to it. @param {Leg} leg */
const isActive = ({ state }) =>
  state === "dialling" || state === "alerting" || state === "connected";

/**
 * @param {Phone} phone
 * @param {string} id
 * @param {Leg["state"][]} [states] in which the service is possible
 * @param {string} [error] what is wrong in others
 */
function legIn(phone, id, states, error = "invalidConnectionState") {
  const leg = phone.legs.get(id);
  if (!leg?.state) return refuse("invalidConnectionID");
  if (states && !states.includes(leg.state)) refuse(error);
  return leg;
}

/**
 * @param {Phone} phone
 * @param {string} held
 * @param {string} active
 * @param {Leg["state"][]} [states] of `active`
 */
const pairIn = (
  phone,
  held,
  active,
  states = ["dialling", "alerting", "connected"],
) => [
  legIn(phone, held, ["held"], "noHeldCall"),
  legIn(phone, active, states, "noActiveCall"),
];
