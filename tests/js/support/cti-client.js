import { createHash, randomBytes } from "node:crypto";
import { parseMessage } from "graceline/testing";
import WebSocket from "ws";

const ED3 = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";
const random = () => randomBytes(6).toString("hex");
const hash = (text) => createHash("sha256").update(text).digest("hex");

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
  #socket;
  #waiting = new Map();
  #wanted = [];
  #cseq = 0;
  #nonceCount = 0;
  /** Documents that came in. @type {string[]} */
  events = [];
  /** @type {any} */
  ended;

  /** Registered at the SIP server. */
  static async connect(t, registrar, user, headers = "") {
    const client = new CtiClient();
    client.user = user;
    client.headers = headers;
    client.host = `${random()}.invalid`;
    client.#socket = new WebSocket(registrar.url, "sip");
    t.after(() => client.#socket.terminate());
    client.#socket.on("message", (data) => client.#receive(`${data}`));
    await new Promise((resolve) => client.#socket.once("open", resolve));
    const { status } = await client.#ask(
      client.#head("REGISTER", "sip:example.test", random(), {
        to: `<sip:${user}@example.test>`,
        more: "Expires: 120\r\n",
      }),
    );
    if (status !== 200) throw new Error(`REGISTER: ${status}`);
    return client;
  }

  /** The answer to an INVITE for this line; a session if it is 200. */
  async open(line = `tel:${this.user}`, more = "") {
    const body = csta(
      "RequestSystemStatus",
      `<extensions><privateData><private><lcs:line xmlns:lcs="http://schemas.microsoft.com/Lcs/2005/04/RCCExtension">${line}</lcs:line></private></privateData></extensions>`,
    );
    const callId = random();
    const to = "<sip:cti@example.test>";
    const invite = this.#head("INVITE", "sip:cti@example.test", callId, {
      ...{ to, more: `Supported: timer\r\n${more}`, body },
    });
    this.ended = undefined;
    const answer = await this.#ask(invite);
    if (answer.status === 200) {
      this.dialog = {
        callId,
        to: answer.header("To"),
        target: answer.contacts[0].uri.text,
        route: answer
          .headers("Record-Route")
          .map(([, value]) => `Route: ${value}\r\n`)
          .reverse()
          .join(""),
      };
      this.ended = new Promise((resolve) => (this.end = resolve));
      this.#send(this.#inside("ACK", "", answer.cseq.number).text);
    }
    return answer;
  }

  /** Opened, monitored; the answers' bodies. */
  async control(line) {
    const opened = await this.open(line);
    if (opened.status !== 200) throw new Error(`INVITE: ${opened.status}`);
    const device = line ?? `tel:${this.user}`;
    const monitor = await this.ask(
      "MonitorStart",
      `<monitorObject><deviceObject>${device}</deviceObject></monitorObject>`,
    );
    this.monitor = inside(monitor, "monitorCrossRefID");
    return opened;
  }

  /** The body of the answer to a service. */
  async ask(service, inner) {
    const { status, body } = await this.info(csta(service, inner));
    if (status !== 200) throw new Error(`${service}: ${status}`);
    return body;
  }

  info(body) {
    return this.#ask(this.#inside("INFO", body));
  }

  bye() {
    return this.#ask(this.#inside("BYE", ""));
  }

  /** The next event with this root, those before it included. */
  until(root) {
    const at = this.events.findIndex((body) => body.includes(`<${root}`));
    if (at >= 0) return Promise.resolve(this.events.splice(0, at + 1));
    return new Promise((resolve) => this.#wanted.push({ root, resolve }));
  }

  #inside(method, body, number) {
    const { callId, to, target, route } = this.dialog;
    return this.#head(method, target, callId, {
      to,
      body,
      number,
      more: route,
    });
  }

  #head(method, uri, callId, { to, more = "", body = "", number }) {
    const cseq = number ?? ++this.#cseq;
    const contact = /REGISTER|INVITE/.test(method)
      ? `Contact: <sip:${this.user}@${this.host};transport=ws>${this.headers}\r\n`
      : "";
    const write = (authorization = "", count = cseq) =>
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/WS ${this.host};branch=z9hG4bK${random()}\r\n` +
      `Max-Forwards: 70\r\nFrom: <sip:${this.user}@example.test>;tag=${this.user}\r\nTo: ${to}\r\n` +
      `Call-ID: ${callId}\r\nCSeq: ${count} ${method}\r\n${contact}${more}${authorization}` +
      (body
        ? `Content-Disposition: signal;handling=required\r\nContent-Type: application/csta+xml\r\n`
        : "") +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return { method, uri, callId, cseq, write, text: write() };
  }

  async #ask(request) {
    const answer = await this.#sent(request, request.text);
    const challenge =
      answer.header("WWW-Authenticate") ?? answer.header("Proxy-Authenticate");
    if (![401, 407].includes(answer.status) || !challenge) return answer;
    const { method, uri } = request;
    const part = (name) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
    const [realm, nonce] = [part("realm"), part("nonce")];
    const nc = `${++this.#nonceCount}`.padStart(8, "0");
    const ha1 = hash(`${this.user}:${realm}:secret`);
    const response = hash(
      `${ha1}:${nonce}:${nc}:cn:auth:${hash(`${method}:${uri}`)}`,
    );
    const name =
      answer.status === 401 ? "Authorization" : "Proxy-Authorization";
    const header =
      `${name}: Digest username="${this.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
      `response="${response}", algorithm=SHA-256, qop=auth, nc=${nc}, cnonce="cn"\r\n`;
    const cseq = ++this.#cseq;
    return this.#sent({ ...request, cseq }, request.write(header, cseq));
  }

  #sent({ callId, cseq }, text) {
    this.#send(text);
    return new Promise((resolve) =>
      this.#waiting.set(`${callId} ${cseq}`, resolve),
    );
  }

  #send(text) {
    this.#socket.send(text);
  }

  #receive(text) {
    const message = parseMessage(text);
    if (message.status) {
      if (message.status < 200) return;
      const key = `${message.callId} ${message.cseq.number}`;
      this.#waiting.get(key)?.(message);
      return;
    }
    this.#answer(message, text);
    if (message.method === "BYE") this.end?.(message);
    if (message.method !== "INFO") return;
    this.events.push(message.body);
    const { root } = this.#wanted[0] ?? {};
    if (root && message.body.includes(`<${root}`))
      this.#wanted.shift().resolve(this.events.splice(0));
  }

  #answer(message, text) {
    if (message.method === "ACK") return;
    const kept = text
      .split("\r\n\r\n")[0]
      .split("\r\n")
      .filter((line) =>
        /^(Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line),
      );
    this.#send(
      `SIP/2.0 200 OK\r\n${kept.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`,
    );
  }
}
