/** Users of one deployment, 1 to 8, of whom the first calls; they play cases of tests/rules/calls.txt. */
import assert from "node:assert/strict";
import { eventually } from "../../interop/support/eventually.mjs";
import { SipMessage } from "../../interop/support/sip-message.mjs";
import { Call } from "./call.mjs";
import { contact } from "./contacts.mjs";
import { DOMAIN } from "./deployment.mjs";
import { check, pairs, plain } from "./play.mjs";

const NUMBERS = ["1", "2", "3", "4", "5", "6", "7", "8"];
const RULES = {
  ...{ always: null, busy: null, offline: null, noAnswer: null },
  doNotDisturb: false,
};

/** How many calls are in each list, which has none then: a process of redis-cli for all. */
const COUNT_AND_FORGET = `
  local counts = {}
  for index, list in ipairs(KEYS) do
    counts[index] = redis.call("ZCARD", list)
    redis.call("DEL", list)
  end
  return counts`;

/** @typedef {import("../../interop/support/sip-client.mjs").SipClient} SipClient */

export class Lane {
  /** @type {Map<string, SipClient>} */
  #phones = new Map();
  /** INVITEs that ring, by whose phone it is. @type {Map<string, SipMessage>} */
  #ringing = new Map();
  /** Who has rules. @type {Set<string>} */
  #ruled = new Set();
  /** What the caller has heard, and phones have done, since a row was compared. */
  #heard = [""].slice(1);
  #did = [""].slice(1);
  #call = /** @type {Call} */ (/** @type {unknown} */ (undefined));
  #branch = "";

  /**
   * @param {any} world
   * @param {import("./facts.mjs").Facts} facts
   * @param {string} name a digit: the users of the table are its own
   */
  constructor(world, facts, name) {
    this.world = world;
    this.facts = facts;
    this.name = name;
  }

  get users() {
    return [...NUMBERS.map((number) => this.user(`200${number}`)), "voicemail"];
  }

  /** Who a user of the table is here. @param {string} text */
  user(text) {
    return text.replace(/^200/, `2${this.name}0`);
  }

  /** Every user has a phone, at the nodes in turn. @param {string[]} users */
  async open(users) {
    const { nodes } = this.world.server;
    for (const [index, user] of users.entries()) {
      const { url } = nodes[index % nodes.length];
      const phone = await this.world.connect({ user, name: user, url });
      phone.respond = (/** @type {SipMessage} */ request) =>
        this.#asked(user, request);
      // Before the transcript has it: who waits looks again with each entry of that.
      if (user === this.user("2001"))
        phone.socket.prependListener("message", (/** @type {Buffer} */ data) =>
          this.#told(new SipMessage(data.toString())),
        );
      this.#phones.set(user, phone);
      await this.#register(user);
    }
  }

  /** @param {string} user @param {number} [expires] */
  async #register(user, expires) {
    const own = contact(user, { device: "" });
    const answer = await this.#phone(user).register({
      ...{ contacts: [own], expires },
    });
    assert.equal(answer.status, 200, user);
  }

  /** @param {string} user */
  #phone(user) {
    const phone = this.#phones.get(user);
    assert.ok(phone, user);
    return phone;
  }

  /** @param {string} user @param {SipMessage} request */
  #asked(user, request) {
    if (request.method === "INVITE") {
      this.#did.push(user);
      assert.ok(!this.#ringing.has(user), `${user} rings`);
      this.#ringing.set(user, request);
      return { status: 100, reason: "Trying" };
    }
    const invite = this.#ringing.get(user);
    if (request.method === "CANCEL" && invite) {
      this.#did.push(`-${user}`);
      this.#ringing.delete(user);
      this.#phone(user).answer(invite, { status: 487, reason: "Terminated" });
    }
    return { status: 200 };
  }

  /** @param {SipMessage} answer */
  #told(answer) {
    const invites = answer.isResponse && /INVITE$/.test(answer.header("CSeq"));
    if (!invites || answer.status === 100) return;
    this.#heard.push(`${answer.status}`);
    if (answer.status !== 200) return;
    this.#call.accepted = answer;
    void this.#call.ack();
  }

  /** @param {string[]} rows */
  async play(rows) {
    const [, away] = /^ {2}away=(.*)$/.exec(rows[0]) ?? [];
    if (away) await this.#register(this.user(away), 0);
    for (const row of away ? rows.slice(1) : rows) await this.#row(row);
    assert.deepEqual([...this.#ringing.keys()], [], "somebody rings");
    const { redis } = this.world.server;
    const lists = this.users.map(
      (user) => `graceline:history:${user}@${DOMAIN}`,
    );
    const take = ["--raw", "EVAL", COUNT_AND_FORGET, `${lists.length}`];
    const counts = await redis.command([...take, ...lists]);
    for (const [index, calls] of counts.split("\n").entries()) {
      const user = this.users[index];
      const most = user === "voicemail" ? 0 : 1;
      assert.ok(Number(calls) <= most, `${user}: ${calls}`);
    }
    for (const user of this.#ruled)
      await this.facts.call("rules_set", RULES, user);
    this.#ruled.clear();
    if (away) await this.#register(this.user(away));
  }

  /** @param {string} row */
  async #row(row) {
    const here = row
      .replace(/\b200(?=\d\b)/g, `2${this.name}0`)
      .replace("example.com", DOMAIN);
    const [step, heard = "", did = ""] = `${plain(here, 0)} `
      .split(" |")
      .map((cell) => cell.trim());
    const words = step.split(" ");
    const [user] = words[0].split(":");
    if (words[0].endsWith(":history")) {
      /** @type {unknown} */
      let problem;
      const right = async () => {
        const ok = await this.facts.call("history", {}, user);
        try {
          check({ ok }, heard, row);
          return true;
        } catch (error) {
          problem = error;
        }
      };
      return eventually(row, right, 3000).catch(() => {
        throw problem;
      });
    }
    await this.#step(words);
    const expected = `${heard} | ${did}`;
    const seen = () =>
      `${this.#heard.join(" ")} | ${[...this.#did].sort().join(" ")}`;
    try {
      await this.world.transcript.until(row, () => seen() === expected);
    } catch {
      assert.equal(seen(), expected, row);
    }
    this.#heard = [];
    this.#did = [];
  }

  /** @param {string[]} words */
  async #step([word, ...words]) {
    if (word === "RULES") {
      const [user, ...rules] = words;
      this.#ruled.add(user);
      await this.facts.call(
        "rules_set",
        Object.fromEntries(pairs(rules)),
        user,
      );
    } else if (word === "CALL") {
      const caller = this.#phone(this.user("2001"));
      this.#call = new Call(caller, `sip:${words[0]}@${DOMAIN}`);
      this.#branch = `z9hG4bK${this.#call.callId}`;
      const { branch, cseq } = { branch: this.#branch, cseq: 1 };
      void this.#call.invite({ branch, cseq }).catch(() => {});
    } else if (word === "CANCEL") {
      const { caller, target, callId, fromTag } = this.#call;
      const options = { callId, fromTag, branch: this.#branch, cseq: 1 };
      void caller.send("CANCEL", target, options).catch(() => {});
    } else if (word === "BYE") {
      assert.equal((await this.#call.request("BYE")).status, 200);
    } else if (!word.startsWith("wait=")) {
      const invite = this.#ringing.get(word);
      assert.ok(invite, `${word} does not ring`);
      const status = Number(words[0]);
      if (status >= 200) this.#ringing.delete(word);
      const own = `sip:${word}@callee.invalid;transport=ws`;
      const contacts = status >= 300 && status < 400 ? words.slice(1) : [own];
      this.#phone(word).answer(invite, {
        ...{ status, reason: "So" },
        headers: contacts.map((uri) => ["Contact", `<${uri}>`]),
      });
    }
  }
}
