import { Phone, init } from "graceline";
import { parseMessage } from "graceline/testing";

/** @type {import("./index.mjs").Peer} */
export const graceline = {
  name: "Graceline",

  parse: (text) => parseMessage(text),

  read(/** @type {import("graceline/testing").SipMessage} */ message, see) {
    if (message.status) see(message.status);
    else {
      see(message.method);
      uri(message.requestUri, see);
    }
    for (const party of [message.from, message.to]) {
      uri(party?.uri, see);
      see(party?.tag);
    }
    see(message.callId);
    see(message.cseq?.number);
    see(message.cseq?.method);
    see(message.via?.transport);
    see(message.via?.host);
    see(message.via?.branch);
    for (const contact of message.contacts) {
      uri(contact.uri, see);
      see(contact.expires);
    }
    see(message.contentLength);
    see(message.body.length);
  },

  async phone({ url, user, domain, password }) {
    // Else the first registerPhone loads the wasm.
    await init();
    const phone = new Phone({ connections: url, user, domain, password });
    return {
      register: () => phone.registerPhone(),
      unregister: () => phone.unregisterPhone(),
      close: () => phone.close(),
    };
  },
};

/** @param {import("graceline/testing").SipUri | undefined} uri @param {any} see */
function uri(uri, see) {
  see(uri?.user);
  see(uri?.host);
}
