/** @typedef {import("./facts/facts.js").Device} Device */

/**
 * A device as the API tells it: neither its key nor where it is pushed to.
 *
 * @param {Device} device
 * @param {string} [self] id of the device that asks
 */
export const deviceView = (device, self) => ({
  id: device.id,
  instanceId: device.instance,
  name: device.name,
  class: device.class,
  state: device.state,
  registered: device.registered,
  lastSeen: time(device.seen),
  push: !!device.push,
  ...(device.id === self && { this: true }),
});

/**
 * The record of a call as the API tells it. To a device of the user's what another one took
 * was answered elsewhere.
 *
 * @param {import("./facts/facts.js").CallRecord} record
 * @param {string} [self] id of the device that asks
 */
export const recordView = ({ start, answered, end, ...rest }, self) => ({
  ...rest,
  ...(self &&
    rest.answeredBy &&
    rest.answeredBy !== self && { result: "answeredElsewhere" }),
  start: time(start),
  ...(answered !== undefined && { answered: time(answered) }),
  end: time(end),
});

/** @param {number} ms since the Unix epoch */
const time = (ms) => new Date(ms).toISOString();

/**
 * @param {import("./voicemail.js").Message} message
 * @param {string} ticket that plays it
 */
export const messageView = ({ id, from, at, seconds, new: isNew }, ticket) => ({
  id,
  from,
  at: time(at),
  seconds,
  new: isNew,
  url: `v1/voicemails/${id}/sound/${ticket}`,
});
