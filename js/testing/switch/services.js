import { Refusal } from "../../../server/gateway/refusal.js";
import { featuresOf } from "../../../server/gateway/services.js";

/**
 * What a gateway may ask of the switch at an appearance, by the names of
 * docs/cti-link.md.
 *
 * @typedef {import("./exchange.js").Exchange} Exchange
 * @typedef {import("./calls.js").Appearance} Appearance
 * @typedef {Record<string, any>} Members
 * @type {Record<string, (exchange: Exchange, at: Appearance, members: Members) => object | void>}
 */
export const services = {
  makeCall: (exchange, at, { to }) => ({ call: exchange.make(at, text(to)) }),
  answerCall: (exchange, at, { call }) => exchange.answer(leg(at, call)),
  clearConnection: (exchange, at, { call }) => exchange.clear(leg(at, call)),
  holdCall: (exchange, at, { call }) => exchange.hold(leg(at, call)),
  retrieveCall: (exchange, at, { call }) => exchange.retrieve(leg(at, call)),
  consultationCall: (exchange, at, { call, to }) => ({
    call: exchange.consult(leg(at, call), text(to)),
  }),
  alternateCall: (exchange, at, { held, active }) =>
    exchange.alternate(leg(at, held), leg(at, active)),
  reconnectCall: (exchange, at, { held, active }) =>
    exchange.reconnect(leg(at, held), leg(at, active)),
  transferCall: (exchange, at, { held, active }) =>
    exchange.transfer(leg(at, held), leg(at, active)),
  conferenceCall: (exchange, at, { held, active }) => ({
    call: exchange.conference(leg(at, held), leg(at, active)),
  }),
  singleStepTransferCall: (exchange, at, { call, to }) =>
    exchange.singleStepTransfer(leg(at, call), text(to)),
  deflectCall: (exchange, at, { call, to }) =>
    exchange.deflect(leg(at, call), text(to)),
  generateDigits: (exchange, at, { call, digits }) =>
    exchange.digits(leg(at, call), text(digits)),
  setForwarding: (exchange, at, rule) => exchange.forward(at, ruleIn(rule)),
  setDoNotDisturb: (exchange, at, { on }) => exchange.disturbNot(at, flag(on)),
};

/** The same, as CSTA spells them. */
export const FEATURES = featuresOf(services);

/** @param {Appearance} at @param {unknown} id */
function leg(at, id) {
  const found = [...at.legs].find(({ call }) => call.id === id);
  if (!found) throw new Refusal("invalidConnectionID");
  return found;
}

/** @param {unknown} value */
function text(value) {
  if (typeof value !== "string") throw new Refusal("valueOutOfRange");
  return value;
}

/** @param {unknown} value */
function flag(value) {
  if (typeof value !== "boolean") throw new Refusal("valueOutOfRange");
  return value;
}

/** @param {Members} members @returns {import("./calls.js").Rule} */
function ruleIn({ type, active, to, seconds }) {
  if (type !== "immediate" && type !== "busy" && type !== "noAnswer")
    throw new Refusal("valueOutOfRange");
  return { type, active: flag(active), to, seconds };
}
