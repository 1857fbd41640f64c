// The far end of a phone's calls, in the same page: its WebSocket, a registrar that
// takes everything, and what answers and calls behind it, with RTCPeerConnections of
// its own. It speaks well unless it is told not to.

/** What the browser can be given of one far end. */
export class FarMedia {
  /** @param {RTCCertificate} [certificate] where it is to be that of another one */
  static async start(certificate) {
    const far = new FarMedia();
    far.peer = new RTCPeerConnection(
      certificate && { certificates: [certificate] },
    );
    far.peer.ontrack = ({ track }) => {
      far.audio = new Audio();
      far.audio.srcObject = new MediaStream([track]);
      far.audio.play().catch(() => {});
    };
    far.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    return far;
  }

  /** Whether a description is of another certificate than before. @param {string} sdp */
  differs(sdp) {
    const of = (text) => /^a=fingerprint:.*/m.exec(text)?.[0];
    return of(sdp) !== of(this.peer.remoteDescription?.sdp ?? sdp);
  }

  /** Sends nothing any more, and says nothing of it. */
  async vanish() {
    for (const sender of this.peer.getSenders())
      await sender.replaceTrack(null);
  }

  /** An offer that is to go wrong: it has no part in what is agreed on here. */
  async draft() {
    return (await this.peer.createOffer()).sdp;
  }

  async offer() {
    this.#attach();
    await this.peer.setLocalDescription(await this.peer.createOffer());
    return this.#gathered();
  }

  /** @param {string} sdp */
  async answer(sdp) {
    await this.peer.setRemoteDescription({ type: "offer", sdp });
    this.#attach();
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    return this.#gathered();
  }

  /** @param {string} sdp */
  apply(sdp) {
    return this.peer.setRemoteDescription({ type: "answer", sdp });
  }

  rollback() {
    return this.peer.setLocalDescription({ type: "rollback" });
  }

  /** After an offer that holds its stream would be another one than ours. */
  #attach() {
    const { peer, stream } = this;
    if (peer.getSenders().some(({ track }) => track)) return;
    for (const track of stream.getTracks()) peer.addTrack(track, stream);
    for (const each of peer.getTransceivers()) each.direction = "sendrecv";
  }

  async #gathered() {
    const { peer } = this;
    if (peer.iceGatheringState !== "complete")
      await new Promise((resolve) => {
        peer.onicegatheringstatechange = () =>
          peer.iceGatheringState === "complete" && resolve(undefined);
      });
    return peer.localDescription.sdp;
  }

  getStats() {
    return this.peer.getStats();
  }

  close() {
    this.peer.close();
  }
}

/** What stands in for the phone's WebSocket, and all that is behind it. */
export class FarEnd {
  /** @type {FarEnd} the newest one */
  static last;
  protocol = "sip";
  /** What is behind it in the dialog. @type {FarMedia} */
  media;
  /** Answers the INVITE that makes the call. @type {(invite: Message) => Promise<void>} */
  called = async (invite) => {
    this.reply(invite, 200, "b", await this.media.answer(invite.body));
  };
  /** Changes the next answer to a re-INVITE. @type {((sdp: string) => string) | undefined} */
  change;
  /** Refuses the next re-INVITE. @type {number | undefined} */
  refusal;
  /** Statuses that the phone answered, by CSeq of the request. @type {Map<string, (answer: Message) => void>} */
  #waiting = new Map();
  #cseq = 100;
  #offering = false;
  /** The phone's last re-INVITE is answered. @type {Promise<void> | undefined} */
  #served;

  constructor() {
    FarEnd.last = this;
    queueMicrotask(() => this.onopen?.({}));
  }

  close() {
    queueMicrotask(() => this.onclose?.({ code: 1000, reason: "" }));
  }

  /** @param {string} text of the phone */
  send(text) {
    if (!text.trim()) return this.#say("\r\n");
    const message = new Message(text);
    this.#heard(message);
  }

  /** @param {Message} message */
  async #heard(message) {
    const { method, status } = message;
    if (status >= 200) {
      this.#waiting.get(message.header("CSeq"))?.(message);
      if (/INVITE/.test(message.header("CSeq")))
        this.#say(this.#request("ACK", message.header("CSeq").split(" ")[0]));
    }
    if (!method || method === "ACK") return;
    if (method === "REGISTER") {
      const contact = message.header("Contact");
      return this.reply(
        message,
        200,
        "r",
        "",
        contact && `Contact: ${contact}`,
      );
    }
    if (method === "SUBSCRIBE") return this.reply(message, 489, "r");
    if (method === "REFER") {
      this.reply(message, 202);
      const news = "SIP/2.0 200 OK\r\n";
      const headers =
        "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\nContent-Type: message/sipfrag;version=2.0\r\n";
      return this.#say(this.#request("NOTIFY", ++this.#cseq, headers, news));
    }
    if (method !== "INVITE") return this.reply(message, 200);
    if (!/;tag=/.test(message.header("To"))) {
      this.#invite = message;
      return this.called(message).catch(() => this.reply(message, 500, "b"));
    }
    if (this.#offering) return this.reply(message, 491);
    this.#served = this.#serve(message);
  }

  /** @param {Message} reinvite */
  async #serve(reinvite) {
    const { refusal, change = (sdp) => sdp } = this;
    this.refusal = this.change = undefined;
    if (refusal) return this.reply(reinvite, refusal);
    try {
      // Firefox's connection takes no other fingerprint: there a far end begins anew.
      const begins =
        /Firefox/.test(navigator.userAgent) &&
        this.media.differs(reinvite.body);
      if (begins) {
        this.media.close();
        this.media = await FarMedia.start();
      }
      const answer = await this.media.answer(reinvite.body);
      this.reply(reinvite, 200, "", change(answer));
    } catch {
      this.reply(reinvite, 488);
    }
  }

  /** A re-INVITE as it should be. @returns {Promise<number>} its status */
  async offer() {
    await this.#served;
    this.#offering = true;
    try {
      const answer = await this.reinvite(await this.media.offer());
      if (answer.status === 200) await this.media.apply(answer.body);
      else await this.media.rollback();
      return answer.status;
    } finally {
      this.#offering = false;
    }
  }

  /** @type {Message} */
  #invite;
  #tag = "";

  /**
   * @param {Message} request
   * @param {number} status
   * @param {string} [tag]
   * @param {string} [sdp]
   * @param {string} [headers]
   */
  reply(request, status, tag = "", sdp = "", headers = "") {
    const to = request.header("To");
    const tagged = /;tag=/.test(to) ? to : `${to};tag=${tag}`;
    if (request === this.#invite && status >= 200) this.#tag = tag;
    this.#say(
      [
        `SIP/2.0 ${status} So`,
        ...request.lines("Via"),
        ...request.lines("From"),
        `To: ${tagged}`,
        ...request.lines("Call-ID"),
        ...request.lines("CSeq"),
        ...(headers ? [headers] : []),
        ...(request.method === "REGISTER"
          ? []
          : ["Contact: <sip:far@far.invalid;transport=ws>"]),
        ...(sdp ? ["Content-Type: application/sdp"] : []),
        `Content-Length: ${new TextEncoder().encode(sdp).length}`,
        "",
        sdp,
      ].join("\r\n"),
    );
  }

  /**
   * A re-INVITE.
   *
   * @param {string} sdp
   * @returns {Promise<Message>} how it is answered in the end
   */
  reinvite(sdp) {
    const number = ++this.#cseq;
    const answer = new Promise((resolve) =>
      this.#waiting.set(`${number} INVITE`, resolve),
    );
    const type = "Content-Type: application/sdp\r\n";
    this.#say(this.#request("INVITE", number, type, sdp));
    return answer;
  }

  /**
   * @param {string} method
   * @param {number | string} number
   * @param {string} [headers]
   * @param {string} [body]
   */
  #request(method, number, headers = "", body = "") {
    const invite = this.#invite;
    return [
      `${method} sip:phone@phone.invalid SIP/2.0`,
      `Via: SIP/2.0/WS far.invalid;branch=z9hG4bK${method}${number}`,
      "Max-Forwards: 70",
      `From: ${invite.header("To")};tag=${this.#tag}`,
      `To: ${invite.header("From")}`,
      `Call-ID: ${invite.header("Call-ID")}`,
      `CSeq: ${number} ${method}`,
      "Contact: <sip:far@far.invalid;transport=ws>",
      `${headers}Content-Length: ${new TextEncoder().encode(body).length}`,
      "",
      body,
    ].join("\r\n");
  }

  /** @param {string} text */
  #say(text) {
    queueMicrotask(() => this.onmessage?.({ data: text }));
  }
}

/** What is needed of a message of the phone. */
class Message {
  /** @param {string} text */
  constructor(text) {
    const end = text.indexOf("\r\n\r\n");
    const [first, ...headers] = text.slice(0, end).split("\r\n");
    this.body = text.slice(end + 4);
    this.headers = headers;
    const [, status] = /^SIP\/2\.0 (\d+)/.exec(first) ?? [];
    this.status = Number(status ?? 0);
    this.method = status ? "" : first.split(" ")[0];
  }

  /** @param {string} name */
  lines(name) {
    return this.headers.filter((line) => line.startsWith(`${name}: `));
  }

  /** @param {string} name */
  header(name) {
    return this.lines(name)[0]?.slice(name.length + 2) ?? "";
  }
}
