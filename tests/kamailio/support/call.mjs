import { randomBytes, randomUUID } from "node:crypto";
import { SipMessage } from "../../interop/support/sip-message.mjs";

/**
 * What a browser describes, or a desk phone.
 * @param {SipClient} client
 */
export const description = ({ transport }) =>
  [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "c=IN IP4 127.0.0.1",
    "t=0 0",
    `m=audio 9 ${transport === "WS" ? "UDP/TLS/RTP/SAVPF" : "RTP/AVP"} 0`,
    "",
  ].join("\r\n");

/** Headers of a message with a description of media. @type {[string, string]} */
const SDP_TYPE = ["Content-Type", "application/sdp"];

/** @typedef {import("../../interop/support/sip-client.mjs").SipClient} SipClient */

/** A call between two naive clients, by hand (RFC 3261 §12 and §13). */
export class Call {
  /** @type {string} */
  callId = randomUUID();
  fromTag = randomBytes(4).toString("hex");
  /** The answer that it stands by. */
  accepted = new SipMessage("");

  /**
   * Calls `target`; the call stands when this resolves.
   * @param {SipClient} caller
   * @param {string} target
   * @param {SipClient} callee answers
   */
  static async start(caller, target, callee) {
    const { respond } = callee;
    callee.respond = (request) =>
      request.method === "INVITE"
        ? {
            status: 200,
            headers: [
              ["Contact", `<sip:${callee.name}@callee.invalid;transport=ws>`],
              SDP_TYPE,
            ],
            body: description(callee),
          }
        : respond(request);
    const call = new Call(caller, target);
    call.accepted = await call.invite();
    if (call.accepted.status !== 200)
      throw new Error(`the call failed: ${call.accepted.startLine}`);
    await call.ack();
    await callee.incoming("ACK");
    return call;
  }

  /**
   * @param {SipClient} caller
   * @param {string} target
   */
  constructor(caller, target) {
    this.caller = caller;
    this.target = target;
  }

  /**
   * @param {Partial<import("../../interop/support/sip-client.mjs").RequestOptions>} [options]
   */
  invite(options = {}) {
    return this.caller.request("INVITE", this.target, {
      callId: this.callId,
      fromTag: this.fromTag,
      headers: [
        ["Contact", `<sip:${this.caller.name}@caller.invalid;transport=ws>`],
        SDP_TYPE,
      ],
      body: description(this.caller),
      ...options,
    });
  }

  async ack() {
    const number = Number.parseInt(this.accepted.header("CSeq"), 10);
    await this.request("ACK", { cseq: number });
  }

  /**
   * A request of the caller within the dialog.
   * @param {string} method
   * @param {Partial<import("../../interop/support/sip-client.mjs").RequestOptions> & { uri?: string }} [options]
   *   `uri`: in place of the other's Contact
   */
  request(method, options = {}) {
    const { accepted } = this;
    const [remote] = accepted.contacts;
    const toTag = /;tag=([^;]+)/.exec(accepted.header("To"))?.[1];
    const routes = accepted.all("Record-Route").reverse();
    const { headers = [], uri = remote.uri, ...rest } = options;
    return this.caller.send(method, uri, {
      to: this.target,
      toTag,
      callId: this.callId,
      fromTag: this.fromTag,
      ...rest,
      headers: [
        ...routes.map(
          (route) => /** @type {[string, string]} */ (["Route", route]),
        ),
        ...headers,
      ],
    });
  }

  /**
   * The callee ends the call, by what it knows from the INVITE.
   * @param {SipClient} callee
   * @param {Call} call
   */
  static async hangUp(callee, call) {
    const invite = await callee.incoming("INVITE");
    return callee.send("BYE", invite.contacts[0].uri, {
      to: call.caller.aor,
      toTag: call.fromTag,
      fromTag: /;tag=([^;]+)/.exec(call.accepted.header("To"))?.[1],
      callId: call.callId,
      headers: invite
        .all("Record-Route")
        .map((route) => /** @type {[string, string]} */ (["Route", route])),
    });
  }
}

/**
 * The line of a client that is registered, as far ends see it: from what it writes to itself.
 * @param {SipClient} client
 */
export async function shownLine(client) {
  const callId = randomUUID();
  await client.request("MESSAGE", client.aor, {
    callId,
    headers: [["Contact", "<sip:x@x.invalid>"]],
  });
  const own = client.received.findIndex(
    (request) => request.header("Call-ID") === callId,
  );
  const [{ contacts }] = client.received.splice(own, 1);
  return /;line=([^;]+)/.exec(contacts[0].uri)?.[1] ?? "";
}
