/**
 * Calls of many users at the same time, by rules and phones that do anything, with real nodes. Whatever happens:
 * each caller hears one final answer, nobody rings on, and each call has one record, which is over.
 */
import assert from "node:assert/strict";
import { eventually } from "../interop/support/eventually.mjs";
import { SipMessage } from "../interop/support/sip-message.mjs";
import { Random } from "./fuzz/random.mjs";
import { Call } from "./support/call.mjs";
import { contact, instance } from "./support/contacts.mjs";
import { DOMAIN } from "./support/deployment.mjs";
import { Facts } from "./support/facts.mjs";
import { gracefulTest } from "./support/graceful-test.mjs";
import { AOR, TOPOLOGIES } from "./support/household.mjs";

const USERS = ["2001", "2002", "2003", "2004", "2005", "2006"];
/** Rounds of calls at the same time, and how many of these. */
const [ROUNDS, CALLS] = [8, 10];
/** Phones do something within so many round trips to their node. */
const SLOWEST = 12;
/** What a phone may answer, and where it may have a call go. @type {[number, number][]} */
const ANSWERS = [
  [3, 302],
  [1, 200],
  [1, 486],
  [1, 480],
  [1, 603],
  [2, 0],
];
const PLACES = [...USERS, "voicemail", "2999"];

/** @typedef {import("../interop/support/sip-client.mjs").SipClient} SipClient */

/** A phone whose user does anything. */
class Participant {
  /** INVITEs that it says ring, by branch. @type {Map<string, SipMessage>} */
  ringing = new Map();
  /** What is done at final answers, by Call-ID. @type {Map<string, (answer: SipMessage) => void>} */
  #heard = new Map();
  /** Call-IDs of own calls that somebody has answered. @type {Set<string>} */
  answered = new Set();

  /**
   * @param {SipClient} client
   * @param {Random} random
   */
  constructor(client, random) {
    this.client = client;
    this.random = random;
    client.respond = (request) => this.#asked(request);
    // Each request that waits for an answer has one.
    client.socket.setMaxListeners(0);
    client.socket.on("message", (/** @type {Buffer} */ data) => {
      const answer = new SipMessage(data.toString());
      if (answer.status >= 200 && /INVITE$/.test(answer.header("CSeq")))
        this.#heard.get(answer.header("Call-ID"))?.(answer);
    });
  }

  /** Round trips are the time that passes. */
  async pass() {
    for (let gap = this.random.below(SLOWEST); gap > 0; gap -= 1)
      await this.client.request("OPTIONS", `sip:${DOMAIN}`);
  }

  /** @param {SipMessage} request */
  #asked(request) {
    const { branch, method } = request;
    if (method === "INVITE") {
      this.ringing.set(branch, request);
      void this.#rung(request);
      return { status: 100, reason: "Trying" };
    }
    const invite = this.ringing.get(branch);
    if (method === "CANCEL" && invite) {
      this.ringing.delete(branch);
      void this.pass().then(() => this.client.answer(invite, { status: 487 }));
    }
    return { status: 200 };
  }

  /** @param {SipMessage} invite */
  async #rung(invite) {
    const { client, random, ringing } = this;
    await this.pass();
    if (random.chance(0.8) && ringing.has(invite.branch))
      client.answer(invite, { status: 180, reason: "Ringing" });
    await this.pass();
    const status = random.weighted(ANSWERS);
    if (status === 0 || !ringing.delete(invite.branch)) return;
    const place = status === 302 ? AOR(random.pick(PLACES)) : client.aor;
    client.answer(invite, { status, headers: [["Contact", `<${place}>`]] });
  }

  /**
   * Calls somebody, and may give up. Resolves when it has heard what became of that. Whoever answers is hung up
   * on, also one who did so just as it gave up (RFC 3261 §15).
   * @param {string} target
   */
  async call(target) {
    const { client, random } = this;
    const call = new Call(client, AOR(target));
    const { callId, fromTag } = call;
    const request = { branch: `z9hG4bK${callId}`, cseq: 1 };
    let over = false;
    const heard = new Promise((resolve) => {
      this.#heard.set(callId, (answer) => {
        over = true;
        resolve(answer.status === 200 ? this.#answered(call, answer) : null);
      });
    });
    call.invite(request).catch(() => {});
    for (let turns = random.pick([1, 2, 12]); turns > 0 && !over; turns -= 1)
      await this.pass();
    if (!over)
      client
        .send("CANCEL", call.target, { callId, fromTag, ...request })
        .catch(() => {});
    await heard;
  }

  /** One of those who answer: two may. @param {Call} call @param {SipMessage} answer */
  async #answered({ caller, target, callId, fromTag }, answer) {
    this.answered.add(callId);
    const dialog = new Call(caller, target);
    Object.assign(dialog, { callId, fromTag, accepted: answer });
    await dialog.ack();
    await this.pass();
    assert.equal((await dialog.request("BYE")).status, 200);
  }
}

/**
 * Every user has two phones of one number, at the nodes in turn.
 * @param {any} world
 * @param {Random} random
 */
async function everybody(world, random) {
  await world.server.database.sql(
    "UPDATE subscriber SET unique_account = 'on'",
  );
  const { nodes } = world.server;
  const digits = [..."0123456789ab"];
  return Promise.all(
    digits.map(async (digit, index) => {
      const user = USERS[index % USERS.length];
      const { url } = nodes[Math.floor(index / 2) % nodes.length];
      const client = await world.connect({
        name: `${user}-${digit}`,
        user,
        url,
      });
      const own = contact(digit, { instance: instance(digit), device: digit });
      assert.equal((await client.register({ contacts: [own] })).status, 200);
      return new Participant(client, random);
    }),
  );
}

/** @param {Facts} facts @param {Random} random */
async function newRules(facts, random) {
  for (const user of USERS)
    await facts.call(
      "rules_set",
      {
        always: random.chance(0.1) ? random.pick(PLACES) : null,
        busy: random.chance(0.3) ? random.pick(PLACES) : null,
        offline: random.chance(0.3) ? random.pick(PLACES) : null,
      },
      user,
    );
}

for (const [through, options] of TOPOLOGIES)
  for (const seed of [1, 2])
    gracefulTest(
      `whatever users and phones do, no call is lost: ${through} (seed ${seed})`,
      { accounts: USERS.map((user) => ({ user })), ...options },
      async (world) => {
        const random = new Random(seed);
        const facts = new Facts(world.server.redis);
        const phones = await everybody(world, random);
        /** Records that a user should have, at least those of own calls. @type {Record<string, number>} */
        const made = {};
        for (let round = 0; round < ROUNDS; round += 1) {
          await newRules(facts, random);
          const calls = Array.from({ length: CALLS }, () => {
            const phone = random.pick(phones);
            const { user } = phone.client;
            made[user] = (made[user] ?? 0) + 1;
            return phone.call(random.pick(USERS.filter((one) => one !== user)));
          });
          await Promise.all(calls);
        }
        await eventually("all phones to be silent", async () =>
          phones.every(({ ringing }) => ringing.size === 0),
        );
        let answered = 0;
        for (const user of USERS) {
          const own = await eventually(`the records of ${user}`, async () => {
            const calls = await facts.call("history", { limit: 100 }, user);
            const out = calls.filter(
              (/** @type {any} */ { direction }) => direction === "outgoing",
            );
            return out.length >= (made[user] ?? 0) && out;
          });
          assert.equal(own.length, made[user] ?? 0, user);
          answered += own.filter(
            (/** @type {any} */ { result }) => result === "answered",
          ).length;
        }
        const taken = phones.reduce((sum, one) => sum + one.answered.size, 0);
        assert.equal(answered, taken);
        const { redis } = world.server;
        const left = await redis.command(["KEYS", "graceline:in-calls:*"]);
        assert.equal(left, "");
        assert.equal(await redis.command(["ZCARD", "graceline:calls"]), "0");
      },
    );
