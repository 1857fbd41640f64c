import { randomBytes, randomUUID } from "node:crypto";

/**
 * A contact of a registration document.
 * @typedef {object} WatchedContact
 * @property {string} id
 * @property {string} state
 * @property {string} event
 * @property {string} uri
 */

/** A subscription to the sender's own address-of-record, by hand (RFC 3680, RFC 6665). */
export class Watcher {
  /** @type {string} */
  callId = randomUUID();
  fromTag = randomBytes(6).toString("hex");
  cseq = 0;
  /** @type {string | undefined} */
  toTag;

  /** @param {import("../../interop/support/sip-client.mjs").SipClient} client */
  constructor(client) {
    this.client = client;
  }

  /**
   * Opens, refreshes or ends it.
   * @param {number} [expires]
   * @param {{ uri?: string, event?: string, accept?: string, cseq?: number, toTag?: string }} [says]
   */
  async subscribe(expires, says = {}) {
    const { client } = this;
    const toTag = says.toTag ?? this.toTag;
    const target = toTag ? `sip:${client.domain}` : client.aor;
    const answer = await client.request("SUBSCRIBE", says.uri ?? target, {
      to: client.aor,
      callId: this.callId,
      fromTag: this.fromTag,
      toTag,
      // A challenge takes one number more.
      cseq: says.cseq ?? ++this.cseq,
      headers: [
        ["Event", says.event ?? "reg"],
        ["Accept", says.accept ?? "application/reginfo+xml"],
        ["Contact", `<sip:watcher-${client.name}@${client.name}.invalid>`],
        ...(expires === undefined
          ? []
          : /** @type {[string, string][]} */ ([["Expires", `${expires}`]])),
      ],
    });
    if (answer.status === 200)
      this.toTag = /;tag=([^;]+)/.exec(answer.header("To"))?.[1];
    return answer;
  }

  /** The NOTIFYs of this subscription so far. */
  get notifies() {
    return this.client.received.filter(
      (request) =>
        request.method === "NOTIFY" &&
        request.header("Call-ID") === this.callId,
    );
  }

  /**
   * The nth NOTIFY, once it is there.
   * @param {number} nth from 1
   */
  told(nth) {
    return this.client.transcript.until(
      `NOTIFY ${nth} to ${this.client.name}`,
      () => this.notifies[nth - 1],
    );
  }

  /**
   * The same of registrations, read.
   * @param {number} nth from 1
   */
  async notify(nth) {
    const notify = await this.told(nth);
    return { ...readDocument(notify.body), notify };
  }
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', amp: "&" };

/** @param {string} text */
const plain = (text) =>
  text.replace(
    /&(\w+);/g,
    (_, name) => ENTITIES[/** @type {keyof typeof ENTITIES} */ (name)],
  );

/**
 * Reads a document as strictly as RFC 3680 §5.4 has it; what it does not know makes it throw.
 * @param {string} text
 */
export function readDocument(text) {
  const whole =
    /^<\?xml version="1\.0"\?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="(\d+)" state="(full|partial)">\n<registration aor="([^"<>]+)" id="([^"<>]+)" state="(init|active|terminated)">\n([^]*?)\n?<\/registration>\n<\/reginfo>\n$/;
  const match = whole.exec(text);
  if (!match) throw new Error(`no registration document:\n${text}`);
  const [, version, state, aor, id, registration, rest] = match;
  const one =
    /<contact id="([^"<>]+)" state="(active|terminated)" event="([a-z]+)"(?: expires="(\d+)")?><uri>([^<>]+)<\/uri>((?:<unknown-param name="[^"<>]+">[^<>]*<\/unknown-param>)*)<\/contact>\n?/y;
  /** @type {(WatchedContact & { expires: number, params: Record<string, string> })[]} */
  const contacts = [];
  while (one.lastIndex < rest.length) {
    const contact = one.exec(rest);
    if (!contact) throw new Error(`no contact:\n${rest}`);
    const params = contact[6].matchAll(/name="([^"]+)">([^<]*)</g);
    contacts.push({
      id: contact[1],
      state: contact[2],
      event: contact[3],
      expires: Number(contact[4]),
      uri: plain(contact[5]),
      params: Object.fromEntries(
        [...params].map(([, name, value]) => [plain(name), plain(value)]),
      ),
    });
  }
  return { version: Number(version), state, aor, id, registration, contacts };
}

/**
 * What a document says of each contact's user.
 * @param {{ contacts: WatchedContact[] }} document
 */
export const told = ({ contacts }) =>
  Object.fromEntries(
    contacts.map(({ uri, state, event }) => [
      /^sip:([^@]+)@/.exec(uri)?.[1],
      `${state} ${event}`,
    ]),
  );
