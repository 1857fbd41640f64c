// The demo server: who is registered (server-sent events), and the policy.

/**
 * @typedef {"normal" | "duplicate" | "graceful"} RegistrationType
 * @typedef {{ url: string, policy: RegistrationType, domain: string,
 *   users: { name: string, password: string }[] }} Config
 * @typedef {{ user: string, device: string, instanceId?: string, contact: string,
 *   userAgent: string, expires: number, since: number }} Binding `expires`: seconds
 *   left; `since`: the login, in milliseconds since 1970
 */

const EVENTS = "/demo/api/events";
const POLICY = "/demo/api/policy";

/**
 * Listens to the server for as long as the page lives; the browser reconnects
 * by itself.
 * @param {{ config: (config: Config) => void, bindings: (bindings: Binding[]) => void,
 *   reachable: (yes: boolean) => void }} told
 */
export function listen(told) {
  const source = new EventSource(EVENTS);
  const on = (
    /** @type {string} */ name,
    /** @type {(value: any) => void} */ fn,
  ) => source.addEventListener(name, (event) => fn(JSON.parse(event.data)));
  on("config", told.config);
  on("bindings", told.bindings);
  source.addEventListener("open", () => told.reachable(true));
  source.addEventListener("error", () => told.reachable(false));
}

/**
 * Makes the registrar follow a policy.
 * @param {RegistrationType} policy
 */
export const setPolicy = (policy) => tell(POLICY, { policy });

/**
 * Orders something.
 * @param {string} path
 * @param {object} order
 */
export async function tell(path, order) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(order),
  });
  if (!answer.ok)
    throw new Error(`The demo server refused that (${answer.status}).`);
}
