import { sources } from "../core/instance.js";
import { fault } from "../errors/error.js";

/**
 * @typedef {object} Way to a host
 * @property {import("./wire.js").Port} port
 * @property {Promise<never>} failed rejects where there is no host
 * @property {boolean} lasting it outlives its last tab for a while
 */

/** @param {true | { worker?: string | URL }} shared the option */
const urlOf = (shared) => Object(shared).worker ?? sources.worker?.();

/**
 * Whether a tab has to lead: there are no workers. For that there have to be locks.
 *
 * @param {true | { worker?: string | URL }} shared the option
 */
export const needsLeader = (shared) =>
  !(globalThis.SharedWorker && urlOf(shared)) && !!globalThis.navigator?.locks;

/** What must not cross a channel on which others listen. @param {Record<string, any>} options */
export const withoutSecrets = ({ password, ha1, ...options }) => {
  void [password, ha1];
  return options;
};

/**
 * @param {true | { worker?: string | URL }} shared the option
 * @returns {Way}
 */
export function connectWorker(shared) {
  const url = urlOf(shared);
  if (!url || !globalThis.SharedWorker) throw fault("noWorker");
  /** @type {any} */
  const options = { type: "module", name: "graceline", extendedLifetime: true };
  const { port, ...events } = follow(new SharedWorker(url, options));
  return { port, ...events, lasting: lasts() };
}

/** @param {SharedWorker} worker */
function follow(worker) {
  /** @type {Promise<never>} */
  const failed = new Promise((_, reject) => {
    worker.onerror = ({ message }) => reject(fault("noWorker", {}, message));
  });
  failed.catch(() => {});
  return { port: worker.port, failed };
}

/** Whether the browser knows `extendedLifetime`: it reads that before it looks at the URL. */
function lasts() {
  let read = false;
  const options = {
    get extendedLifetime() {
      return (read = true);
    },
  };
  try {
    new SharedWorker("https://[", /** @type {any} */ (options));
  } catch {
    // Of that URL there is no worker.
  }
  return read;
}
