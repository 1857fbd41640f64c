/**
 * The facts in the memory of a test registrar of this process.
 *
 * @param {import("../../../js/testing/index.js").Registrar} registrar
 * @returns {import("./facts.js").Facts}
 */
export function embeddedFacts(registrar) {
  /** @type {(() => void)[]} */
  const leave = [];
  /** @param {any} event @param {(told: any) => void} listener */
  const hear = async (event, listener) => {
    registrar.on(event, listener);
    leave.push(() => registrar.off(event, listener));
  };
  return {
    call: async (verb, who, args) =>
      /** @type {any} */ (registrar).account(verb, who, args),
    onChange: (listener) =>
      hear("account", ({ user, ...change }) =>
        listener({ who: user, ...change }),
      ),
    onWake: (listener) =>
      hear("wake", ({ user, devices, unheard, ...news }) =>
        listener({ who: user, devices, unheard, news }),
      ),
    onGap: () => {},
    close: async () => leave.forEach((off) => off()),
  };
}
