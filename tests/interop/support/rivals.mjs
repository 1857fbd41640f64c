/**
 * The two JavaScript SIP libraries that an app would otherwise use, as clients that know nothing
 * of graceful registration. Both take the global WebSocket.
 */
import JsSIP from "jssip";
import * as SIP from "sip.js";
import { recordingWebSocket } from "./recording-websocket.mjs";

/**
 * @typedef {object} Rival
 * @property {string} name as the transcript calls it
 * @property {() => Promise<unknown>} start registers, and refreshes ever after
 * @property {() => void} refresh what its refresh timer does, now
 * @property {() => void} stop
 */

/**
 * @param {import("./interop-test.mjs").World} world
 * @param {number} [expires] seconds that it asks for
 * @returns {Rival}
 */
export function jsSip({ server, transcript, after }, expires = 600) {
  const name = "JsSIP";
  Object.assign(globalThis, {
    WebSocket: recordingWebSocket(transcript, name),
  });
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(server.url)],
    uri: `sip:2001@${server.domain}`,
    password: server.passwords[2001],
    register_expires: expires,
  });
  after(() => agent.stop());
  return {
    name,
    start: () =>
      new Promise((resolve, reject) => {
        agent.once("registered", resolve);
        agent.once("registrationFailed", ({ cause }) =>
          reject(new Error(cause)),
        );
        agent.start();
      }),
    refresh: () => agent.register(),
    stop: () => agent.stop(),
  };
}

/**
 * @param {import("./interop-test.mjs").World} world
 * @param {number} [expires] seconds that it asks for
 * @returns {Rival}
 */
export function sipJs({ server, transcript, after }, expires = 600) {
  const name = "SIP.js";
  Object.assign(globalThis, {
    WebSocket: recordingWebSocket(transcript, name),
  });
  const agent = new SIP.UserAgent({
    uri: SIP.UserAgent.makeURI(`sip:2001@${server.domain}`),
    transportOptions: { server: server.url },
    authorizationUsername: "2001",
    authorizationPassword: server.passwords[2001],
    logLevel: "error",
  });
  const registerer = new SIP.Registerer(agent, {
    expires,
    refreshFrequency: 50,
  });
  after(() => agent.stop());
  return {
    name,
    start: async () => {
      await agent.start();
      await new Promise((resolve, reject) => {
        registerer.stateChange.addListener((state) => {
          if (state === SIP.RegistererState.Registered) resolve(undefined);
        });
        registerer.register().catch(reject);
      });
    },
    refresh: () => void registerer.register(),
    stop: () => void agent.stop(),
  };
}
