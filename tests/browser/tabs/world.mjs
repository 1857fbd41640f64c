// What the stories of shared tabs are played in: a registrar behind a relay, and a site
// whose policy permits no more than a page needs.

import { startRegistrar } from "graceline/testing";
import { Relay } from "../../support/relay.mjs";
import { startStaticServer } from "../../support/static-server.mjs";

export const password = "tell-nobody-4711";
/** Each story has a user of its own. */
const USERS = 1000;

export async function startWorld() {
  /** @type {Record<string, { password: string }>} */
  const users = {};
  for (let n = 0; n < USERS; n++) users[2000 + n] = { password };
  const registrar = await startRegistrar({ users, domain: "example.test" });
  const relay = await Relay.start(Number(new URL(registrar.url).port));
  const site = await startStaticServer({
    headers: {
      "Content-Security-Policy": `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ${relay.url}`,
    },
  });
  /** Requests that the registrar received, by user. @type {{ user: string, method: string, connection: number }[]} */
  const requests = [];
  registrar.on("trace", ({ direction, message, connection }) => {
    const [, method] = /^([A-Z]+) sips?:/.exec(message) ?? [];
    const [, user] = /^From:.*?<sips?:(\w+)@/im.exec(message) ?? [];
    if (direction === "received" && method)
      requests.push({ user, method, connection });
  });
  let last = 2000;
  return {
    registrar,
    relay,
    page: `${site.url}tests/browser/tabs/page.html`,
    /** Of a user whom nobody had before. */
    newUser() {
      const user = String(last++);
      return {
        user,
        options: {
          ...{ connections: relay.url, user, domain: "example.test" },
          ...{ device: "CSFTABS", password },
        },
        bindings: () => registrar.bindings(user),
        /** @param {string} method */
        count: (method) =>
          requests.filter((one) => one.user === user && one.method === method)
            .length,
        connections: () =>
          new Set(
            requests
              .filter((one) => one.user === user)
              .map(({ connection }) => connection),
          ).size,
        /**
         * Resolves when there are so many bindings, with when that was.
         *
         * @param {number} count
         */
        bound: (count) =>
          new Promise((resolve) => {
            const look = () => {
              if (registrar.bindings(user).length !== count) return;
              registrar.off("bindings", look);
              resolve(Date.now());
            };
            registrar.on("bindings", look);
            look();
          }),
      };
    },
    async stop() {
      await site.close();
      await relay.close();
      await registrar.stop();
    },
  };
}
