import { Refusal, refuse } from "./refusal.js";

/**
 * What a driver performs: services by their names in docs/cti-link.md. The first
 * argument is the driver's own account of the appearance.
 *
 * @template T
 * @typedef {Record<string, (at: T, members: Record<string, any>) => Promise<object | void>>} Services
 */

/**
 * The names of services, as CSTA spells them: a switch's features. Those that every
 * switch has are none.
 *
 * @param {object} services
 */
export const featuresOf = (services) =>
  Object.keys(services)
    .filter((name) => !["monitor", "unmonitor"].includes(name))
    .map((name) => `${name[0].toUpperCase()}${name.slice(1)}`);

/**
 * Performs a request, and answers it.
 *
 * @template T
 * @param {import("./driver.js").LinkRequest} request
 * @param {Services<T>} services
 * @param {(line: unknown, device: unknown) => Promise<T | undefined>} find an appearance
 * @param {(message: import("./driver.js").LinkMessage) => void} receive
 */
export async function serve(request, services, find, receive) {
  const { id, service, line, device, ...members } = request;
  try {
    if (!Object.hasOwn(services, service)) refuse("serviceNotSupported");
    const at = (await find(line, device)) ?? refuse("invalidDeviceID");
    receive({ id, result: (await services[service](at, members)) ?? {} });
  } catch (error) {
    receive({ id, error: error instanceof Refusal ? error.error : "generic" });
  }
}
