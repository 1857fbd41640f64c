// @ts-nocheck: as all of tests/js; benches/gateway uses it, too
import { randomBytes } from "node:crypto";
import { SipClient } from "../../interop/support/sip-client.mjs";

const ED3 = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
const RCC = "http://schemas.microsoft.com/Lcs/2005/04/RCCExtension";
const GATEWAY = "sip:cti@example.test";
const random = () => randomBytes(6).toString("hex");

/** @type {(body: string) => [string, string][]} */
const describing = (body) =>
  body
    ? [
        ["Content-Disposition", "signal;handling=required"],
        ["Content-Type", "application/csta+xml"],
      ]
    : [];

/** A document with these elements, given as text. */
export const csta = (root, inner = "") =>
  `<?xml version="1.0"?>\n<${root} xmlns="${ED3}">${inner}</${root}>`;

/** What stands in the first element of this name. */
export const inside = (xml, name) =>
  new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(xml)?.[1];

export const connection = (name, call, device = "tel:2001") =>
  `<${name}><callID>${call}</callID><deviceID>${device}</deviceID></${name}>`;

/** A client that controls a desk phone, written by hand: raw SIP, raw CSTA. */
export class CtiClient {
  #sip;
  #wanted = [];
  /** Documents that came in. @type {string[]} */
  events = [];
  /** The session ends. */
  end = () => {};

  /** Registered at the SIP server. */
  static async connect(t, registrar, user) {
    const sip = new SipClient({
      ...{ url: registrar.url, user, password: "secret", name: user },
    });
    t.after(() => sip.terminate());
    await new Promise((resolve) => sip.socket.once("open", resolve));
    const client = new CtiClient(sip);
    const { status } = await sip.register({
      contacts: [client.contact],
      expires: 120,
    });
    if (status !== 200) throw new Error(`REGISTER: ${status}`);
    return client;
  }

  constructor(sip) {
    this.#sip = sip;
    this.contact = `<sip:${sip.user}@${random()}.invalid;transport=ws>`;
    sip.respond = (request) => {
      this.#hear(request);
      return { status: 200 };
    };
  }

  get line() {
    return `tel:${this.#sip.user}`;
  }

  /**
   * The answer to an INVITE for this line; a session if it is 200.
   *
   * @param {[string, string][]} [more] headers
   */
  async open(line = this.line, more = []) {
    const [callId, fromTag] = [random(), random()];
    const body = csta(
      "RequestSystemStatus",
      `<extensions><privateData><private><lcs:line xmlns:lcs="${RCC}">${line}</lcs:line></private></privateData></extensions>`,
    );
    const headers = [
      ["Contact", this.contact],
      ["Supported", "timer"],
      ...more,
      ...describing(body),
    ];
    this.ended = new Promise((resolve) => (this.end = resolve));
    const invite = { callId, fromTag, headers, body };
    const answer = await this.#sip.request("INVITE", GATEWAY, invite);
    if (answer.status !== 200) return answer;
    const routes = answer.all("Record-Route").reverse();
    this.dialog = {
      ...{ callId, fromTag, to: GATEWAY },
      toTag: /;tag=([^;]+)/.exec(answer.header("To"))[1],
      routes: routes.map((value) => ["Route", value]),
    };
    this.target = /<(.*?)>/.exec(answer.header("Contact"))[1];
    const cseq = parseInt(answer.header("CSeq"));
    this.#send("ACK", "", cseq);
    return answer;
  }

  /** Opened and monitored; the answer to the INVITE. */
  async control(line = this.line) {
    const opened = await this.open(line);
    if (opened.status !== 200) throw new Error(`INVITE: ${opened.status}`);
    await this.ask(
      "MonitorStart",
      `<monitorObject><deviceObject>${line}</deviceObject></monitorObject>`,
    );
    return opened;
  }

  /** The body of the answer to a service. */
  async ask(service, inner) {
    const { status, body } = await this.info(csta(service, inner));
    if (status !== 200) throw new Error(`${service}: ${status}`);
    return body;
  }

  info(body) {
    return this.#send("INFO", body);
  }

  bye() {
    return this.#send("BYE", "");
  }

  /** The events up to the next one with this root. */
  until(root) {
    const at = this.events.findIndex((body) => body.includes(`<${root}`));
    if (at >= 0) return Promise.resolve(this.events.splice(0, at + 1));
    return new Promise((resolve) => this.#wanted.push({ root, resolve }));
  }

  #send(method, body, cseq) {
    const { routes, ...dialog } = this.dialog;
    const headers = [...routes, ...describing(body)];
    const options = { ...dialog, headers, body, cseq };
    return method === "ACK"
      ? this.#sip.send(method, this.target, options)
      : this.#sip.request(method, this.target, options);
  }

  #hear({ method, body }) {
    if (method === "BYE") this.end();
    if (method !== "INFO") return;
    this.events.push(body);
    const { root } = this.#wanted[0] ?? {};
    if (root && body.includes(`<${root}`))
      this.#wanted.shift().resolve(this.events.splice(0));
  }
}
