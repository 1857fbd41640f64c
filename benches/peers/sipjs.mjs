import * as SIP from "sip.js";
import { Parser } from "sip.js/lib/core/messages/parser.js";

const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** @type {import("./index.mjs").Peer} */
export const sipjs = {
  name: "SIP.js",

  parse: (text) => Parser.parseMessage(text, /** @type {any} */ (silent)),

  read(/** @type {any} */ message, see) {
    if (message.statusCode) see(message.statusCode);
    else {
      see(message.method);
      uri(message.ruri, see);
    }
    uri(message.from.uri, see);
    see(message.fromTag);
    uri(message.to.uri, see);
    see(message.toTag);
    see(message.callId);
    see(message.cseq);
    see(message.parseHeader("cseq").method);
    see(message.via.transport);
    see(message.via.host);
    see(message.viaBranch);
    const contacts = message.getHeaders("contact").length;
    for (let index = 0; index < contacts; index++) {
      const contact = message.parseHeader("contact", index);
      uri(contact.uri, see);
      see(Number(contact.getParam("expires")));
    }
    see(Number(message.getHeader("content-length")));
    see(message.body.length);
  },

  async phone({ url, user, domain, password }) {
    const agent = new SIP.UserAgent({
      uri: SIP.UserAgent.makeURI(`sip:${user}@${domain}`),
      transportOptions: { server: url },
      authorizationUsername: user,
      authorizationPassword: password,
      logBuiltinEnabled: false,
    });
    const registerer = new SIP.Registerer(agent);
    const until = (
      /** @type {SIP.RegistererState} */ wanted,
      /** @type {() => Promise<any>} */ act,
    ) =>
      new Promise((resolve, reject) => {
        const listener = (/** @type {SIP.RegistererState} */ state) => {
          if (state !== wanted) return;
          registerer.stateChange.removeListener(listener);
          resolve(undefined);
        };
        registerer.stateChange.addListener(listener);
        act().catch(reject);
      });
    return {
      async register() {
        await agent.start();
        await until(SIP.RegistererState.Registered, () =>
          registerer.register(),
        );
      },
      unregister: () =>
        until(SIP.RegistererState.Unregistered, () => registerer.unregister()),
      close: () => agent.stop(),
    };
  },
};

/** @param {any} uri @param {any} see */
function uri(uri, see) {
  see(uri.user);
  see(uri.host);
}
