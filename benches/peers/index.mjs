/**
 * What is measured: Graceline, and the two libraries an app would otherwise use,
 * each as its documentation says.
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {(text: string) => any} parse
 * @property {(message: any, see: (value: string | number | undefined) => void) => void} read
 *   hands over the same fields in the same order: status, or method, user and
 *   host of the Request-URI; user, host and tag of From and To; Call-ID; number
 *   and method of CSeq; transport, host and branch of the first Via; user, host
 *   and expires of every Contact; Content-Length; length of the body
 * @property {(account: Account) => Promise<BenchPhone>} phone one that opens nothing yet
 *
 * @typedef {{ url: string, user: string, domain: string, password: string }} Account
 * @typedef {{ register(): Promise<unknown>, unregister(): Promise<unknown>, close(): Promise<unknown> }} BenchPhone
 */

/** Loaded one by one: a process that measures memory has only one of them. */
export const loaders = {
  graceline: async () => (await import("./graceline.mjs")).graceline,
  jssip: async () => (await import("./jssip.mjs")).jssip,
  sipjs: async () => (await import("./sipjs.mjs")).sipjs,
};

/** @returns {Promise<Peer[]>} Graceline first */
export const everybody = () =>
  Promise.all(Object.values(loaders).map((load) => load()));

/** @type {Account} */
export const account = {
  url: "wss://sip.example.com/",
  user: "2001",
  domain: "example.com",
  password: "secret",
};
