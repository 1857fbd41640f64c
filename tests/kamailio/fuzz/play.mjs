/** Lets a case happen, and looks at what it did to those whom it should not concern. */
import { randomBytes, randomUUID } from "node:crypto";
import WebSocket from "ws";
import {
  SipMessage,
  digestAuthorization,
  parseChallenge,
} from "../../interop/support/sip-message.mjs";
import { judgeHeard, judgeLog, judgeServed } from "./oracles.mjs";
import { openSender } from "./senders.mjs";

/** @typedef {import("./generator.mjs").Step} Step */
/** @typedef {import("./oracles.mjs").Violation} Violation */
/** @typedef {import("./world.mjs").World} World */

/**
 * Plays one case and gives what was wrong.
 * @param {World} world
 * @param {Step[]} steps
 * @returns {Promise<Violation[]>}
 */
export async function play(world, steps) {
  const stage = new Stage(world);
  for (const step of steps) await stage.step(step);
  await stage.finish();
  const served = await beat(world);
  const violations = [
    ...(await world.trap.caught()).map((text) => ({ kind: "trap", text })),
    ...judgeServed(served),
    ...judgeHeard(world, stage.calls, steps.some(asUser)),
    ...judgeLog(world),
  ];
  world.forget();
  if (violations.length === 0 && steps.some(asUser)) await mend(world, steps);
  return violations;
}

/** Whether a step is one of mallory, with the rights that mallory has. @param {Step} step */
const asUser = ({ by }) => by !== "stranger";

/** Mallory's own doings may have cost mallory the login, which is nobody else's business. @param {World} world @param {Step[]} steps */
async function mend(world, steps) {
  const { mallory, mallet } = world.clients;
  const touched = steps.some(({ start }) => start?.startsWith("REGISTER"));
  const speaks =
    !touched &&
    mallory.socket.readyState === WebSocket.OPEN &&
    (await mallory.send("MESSAGE", mallet.aor)).status === 200;
  if (!speaks) await world.restore();
  world.forget();
}

/** Steps on their way. */
class Stage {
  /** Calls of victims, by Call-ID: what comes within them is expected. @type {Set<string>} */
  calls = new Set();
  /** @type {Map<string, Awaited<ReturnType<typeof openSender>>>} */
  #senders = new Map();
  /** @type {SipMessage | undefined} */
  #invite;
  #answered = true;
  /** @type {Promise<unknown>[]} */
  #pending = [];
  #cseq = 0;

  /** @param {World} world */
  constructor(world) {
    this.world = world;
  }

  /** @param {Step} step */
  async step(step) {
    if (step.does === "call mallory") return this.#callMallory();
    if (step.does === "write to mallory") {
      const { mallet, mallory } = this.world.clients;
      await quietly(mallet.send("MESSAGE", mallory.aor));
      return;
    }
    if (step.by === "mallory") {
      const { mallory } = this.world.clients;
      const text = this.#write(step, "y.invalid", "WS");
      if (mallory.socket.readyState === WebSocket.OPEN)
        mallory.socket.send(text);
      return;
    }
    const sender = await this.#sender(step);
    const transport = { ws: "WS", udp: "UDP" }[String(step.via)] ?? "TCP";
    const text = this.#write(step, sender.address, transport);
    sender.send(text);
    if (step.by === "guest") await this.#prove(sender, text);
  }

  /** Everything that was sent has been looked at by the node that it was sent to. */
  async finish() {
    for (const sender of this.#senders.values()) await sender.finish();
    const { mallory } = this.world.clients;
    if (mallory.socket.readyState === WebSocket.OPEN)
      await quietly(mallory.send("OPTIONS", `sip:${mallory.domain}`));
    if (this.#invite && !this.#answered)
      mallory.answer(this.#invite, { status: 486, reason: "Busy Here" });
    await Promise.race([Promise.all(this.#pending), patience()]);
    mallory.respond = () => ({ status: 200 });
  }

  /** @param {Step} step */
  async #sender({ via = "ws", node = "here" }) {
    const key = `${via} ${node}`;
    const open = this.#senders.get(key);
    if (open) return open;
    const sender = await openSender(via, this.world.target(node));
    this.#senders.set(key, sender);
    return sender;
  }

  /**
   * The bytes of a step.
   * @param {Step} step
   * @param {string} address of the sender
   * @param {string} transport
   */
  #write({ raw, start = "", headers = [], body = "" }, address, transport) {
    const fill = (/** @type {string} */ text, length = 0) =>
      this.world.fill(text, {
        via: `SIP/2.0/${transport} ${address};branch=z9hG4bK${randomBytes(8).toString("hex")};rport`,
        cseq: `${++this.#cseq}`,
        length: `${length}`,
      });
    if (raw !== undefined) return fill(raw);
    const content = fill(body);
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`);
    return (
      fill(`${start}\r\n${head.join("")}\r\n`, Buffer.byteLength(content)) +
      content
    );
  }

  /** Answers a challenge as mallory would. @param {any} sender @param {string} text */
  async #prove(sender, text) {
    const challenge = await sender.until(/^SIP\/2\.0 (?!1)[^]*?\r\n\r\n/m);
    if (!challenge || !/^SIP\/2\.0 40[17]/.test(challenge[0])) return;
    const proxy = challenge[0].startsWith("SIP/2.0 407");
    const [method, uri] = text.split(" ");
    const { user, password } = this.world.clients.mallory;
    const credentials = digestAuthorization(
      parseChallenge(new SipMessage(challenge[0])),
      { user, password, method, uri, count: 1 },
    );
    const name = proxy ? "Proxy-Authorization" : "Authorization";
    const again = text
      .replace(/branch=z9hG4bK/, "$&again")
      .replace("\r\n", () => `\r\n${name}: ${credentials}\r\n`);
    sender.send(again);
    await sender.until(/^SIP\/2\.0[^]*?\r\n\r\nSIP\/2\.0 [^]*?\r\n\r\n/);
  }

  /** Alice calls mallory, with credentials that are none of mallory's business. */
  async #callMallory() {
    const { alice, mallory } = this.world.clients;
    if (mallory.socket.readyState !== WebSocket.OPEN) return;
    const callId = randomUUID();
    const fromTag = randomBytes(6).toString("hex");
    const own = randomBytes(6).toString("hex");
    this.calls.add(callId);
    this.world.calls.add(callId);
    mallory.respond = ({ method }) =>
      method === "INVITE" ? undefined : { status: 200 };
    this.#answered = false;
    const final = alice
      .send("INVITE", mallory.aor, {
        callId,
        fromTag,
        headers: [
          ["Contact", "<sip:alice@alice.invalid;transport=ws>"],
          [
            "Proxy-Authorization",
            `Digest username="alice", realm="${alice.domain}", nonce="n", uri="${mallory.aor}", response="0123456789abcdef0123456789abcdef"`,
          ],
        ],
      })
      .then((answer) => this.#end(answer, callId, fromTag));
    this.#pending.push(quietly(final));
    await Promise.race([
      mallory.incoming("INVITE").then((invite) => {
        this.#invite = invite;
        this.world.tell("invite", {
          via: invite.all("Via").join("\r\nVia: "),
          route: invite.all("Record-Route").join("\r\nRecord-Route: "),
          From: invite.header("From"),
          To: invite.header("To"),
          CSeq: invite.header("CSeq"),
          id: callId,
          from: own,
          to: fromTag,
          aor: alice.aor,
          target: invite.contacts[0]?.uri ?? alice.aor,
        });
      }),
      final,
    ]).catch(() => {});
  }

  /** A call that came about is hung up. @param {SipMessage} answer @param {string} callId @param {string} fromTag */
  async #end(answer, callId, fromTag) {
    this.#answered = true;
    if (answer.status >= 300) return;
    const { alice, mallory } = this.world.clients;
    const dialog = {
      callId,
      fromTag,
      to: mallory.aor,
      toTag: /;tag=([^;]+)/.exec(answer.header("To"))?.[1],
      headers: answer
        .all("Record-Route")
        .reverse()
        .map((route) => /** @type {[string, string]} */ (["Route", route])),
    };
    const target = answer.contacts[0]?.uri ?? mallory.aor;
    const cseq = Number.parseInt(answer.header("CSeq"), 10);
    await alice.send("ACK", target, { ...dialog, cseq });
    await alice.send("BYE", target, dialog);
  }
}

/** Milliseconds for a call to end: alice may not take for an answer what mallory sent. */
const CALL_MS = 500;
const patience = () =>
  new Promise((resolve) => setTimeout(resolve, CALL_MS).unref());

/** An answer may not come: that is judged elsewhere. @param {Promise<unknown>} work */
const quietly = (work) => work.catch(() => undefined);

/**
 * The victims write to each other in a ring. Whoever cannot, or is not reached, was harmed; and when
 * it is over the connections between the nodes have carried all that was on its way.
 * @param {World} world
 */
export async function beat(world) {
  const ring = /** @type {const} */ (["alice", "bob", "carol"]);
  return Promise.all(
    ring.map(async (name, index) => {
      const to = world.clients[ring[(index + 1) % ring.length]];
      const callId = `beat-${randomUUID()}`;
      const { socket } = world.clients[name];
      if (socket.readyState !== WebSocket.OPEN) return { name, closed: true };
      const answer = await quietly(
        world.clients[name].send("MESSAGE", to.aor, { callId }),
      );
      const status = /** @type {SipMessage | undefined} */ (answer)?.status;
      const heard = to.received.some(
        (request) => request.header("Call-ID") === callId,
      );
      return { name, status, heard };
    }),
  );
}
