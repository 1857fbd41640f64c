import { createRequire } from "node:module";
import JsSIP from "jssip";

// The parser has no entry of its own.
const Parser = createRequire(import.meta.url)("jssip/lib/Parser.js");

/** @type {import("./index.mjs").Peer} */
export const jssip = {
  name: "JsSIP",

  parse: (text) => Parser.parseMessage(text),

  read(/** @type {any} */ message, see) {
    if (message.status_code) see(message.status_code);
    else {
      see(message.method);
      uri(message.ruri, see);
    }
    uri(message.from.uri, see);
    see(message.from_tag);
    uri(message.to.uri, see);
    see(message.to_tag);
    see(message.call_id);
    see(message.cseq);
    see(message.parseHeader("cseq").method);
    see(message.via.transport);
    see(message.via.host);
    see(message.via_branch);
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
    const agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: `sip:${user}@${domain}`,
      password,
    });
    const until = (/** @type {string} */ event) =>
      new Promise((resolve, reject) => {
        agent.once(event, resolve);
        agent.once("registrationFailed", ({ cause }) =>
          reject(new Error(cause)),
        );
      });
    return {
      register() {
        const registered = until("registered");
        agent.start();
        return registered;
      },
      unregister() {
        const unregistered = until("unregistered");
        agent.unregister();
        return unregistered;
      },
      close: async () => agent.stop(),
    };
  },
};

/** @param {any} uri @param {any} see */
function uri(uri, see) {
  see(uri.user);
  see(uri.host);
}
