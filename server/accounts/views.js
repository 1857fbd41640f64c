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
  lastSeen: new Date(device.seen).toISOString(),
  push: !!device.push,
  ...(device.id === self && { this: true }),
});
