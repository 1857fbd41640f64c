import { createECDH, createHash } from "node:crypto";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Turns } from "../turns.js";
import { webPush } from "../../../pkg/libraries/web-push.js";

/** How long a push service keeps trying, in seconds: a call rings no longer. */
const TTL = { call: 60, withdraw: 60, message: 7 * 24 * 60 * 60 };
const TIMEOUT = 10_000;
/** Sendings under way, and those that wait. The oldest of these is stale first. */
const MOST_AT_ONCE = 64;
const MOST_WAITING = 10_000;
/** Of what a far end calls itself, in characters. */
const LONGEST = 128;

/**
 * What a service worker is told. Nothing of it lets its reader log in.
 *
 * @typedef {object} Payload
 * @property {1} v
 * @property {"call" | "message" | "withdraw"} kind
 * @property {string} key of the call or message: a withdrawal names it again
 * @property {{ uri: string, displayName: string }} from
 * @property {number} at ms since the Unix epoch
 * @property {boolean} [answered] of a withdrawal: another device took the call, it is no missed one
 *
 * @typedef {Omit<Payload, "v">} News
 *
 * @typedef {{ endpoint: string, p256dh: string, auth: string }} Subscription with this service
 *
 * @typedef {{ provider: string, prid: string, param?: string }} Pns what a client has said at
 *   REGISTER (RFC 8599)
 */

/** Sends to the browsers' push services (RFC 8030, RFC 8291, RFC 8292). */
export class PushSender {
  #store;
  #endpoints;
  #contact;
  #hook;
  #gone;
  #warn;
  #underWay = 0;
  /** @type {(() => Promise<void>)[]} */
  #waiting = [];
  /** A withdrawal does not overtake what it withdraws. */
  #turns = new Turns();

  /**
   * @param {import("../store/store.js").Store} store
   * @param {import("./endpoints.js").Endpoints} endpoints
   * @param {Pick<import("../options.js").Settings, "pushContact" | "pushHook">} operator
   * @param {(who: string, endpoint: string) => Promise<unknown>} gone the subscription is
   *   no more
   * @param {(message: string) => void} warn
   */
  constructor(store, endpoints, { pushContact, pushHook }, gone, warn) {
    this.#store = store;
    this.#endpoints = endpoints;
    this.#contact = pushContact;
    this.#hook = pushHook;
    this.#gone = gone;
    this.#warn = warn;
  }

  /** The pair that subscriptions are bound to: the same in all copies. */
  async keys() {
    const pair = createECDH("prime256v1");
    pair.setPrivateKey(await this.#store.secret("vapid"));
    return {
      publicKey: pair.getPublicKey("base64url"),
      privateKey: pair.getPrivateKey("base64url"),
    };
  }

  /**
   * To one device: what is not too old, once, whichever copy is told how often.
   *
   * @param {string} who
   * @param {string} device
   * @param {Subscription | Pns} wokenBy
   * @param {News} news
   */
  async send(who, device, wokenBy, news) {
    const { kind, key, at } = news;
    if (Date.now() - at > TTL[kind] * 1000) return;
    const name = `push ${kind} ${key} ${who} ${device}`;
    if (!(await this.#store.once(name, TTL[kind]))) return;
    if (this.#waiting.length >= MOST_WAITING) this.#waiting.shift();
    this.#waiting.push(() =>
      this.#turns.take(`${who} ${device}`, () =>
        "provider" in wokenBy && wokenBy.provider !== "webpush"
          ? this.#handOver(who, wokenBy, news)
          : this.#deliver(who, wokenBy, news),
      ),
    );
    this.#next();
  }

  #next() {
    if (this.#underWay >= MOST_AT_ONCE) return;
    const work = this.#waiting.shift();
    if (!work) return;
    this.#underWay += 1;
    work().finally(() => {
      this.#underWay -= 1;
      this.#next();
    });
  }

  /** @param {string} who @param {Subscription | Pns} wokenBy @param {News} news */
  async #deliver(who, wokenBy, news) {
    // Who has said it at REGISTER has given no keys, and is told nothing (RFC 8599 §5.3).
    const bare = "provider" in wokenBy;
    const endpoint = bare ? wokenBy.prid : wokenBy.endpoint;
    const keys = bare
      ? undefined
      : { p256dh: wokenBy.p256dh, auth: wokenBy.auth };
    const told = bare ? undefined : JSON.stringify(payloadOf(news));
    try {
      this.#endpoints.check(endpoint);
      const { headers, body } = webPush.generateRequestDetails(
        /** @type {any} */ ({ endpoint, keys }),
        told,
        {
          vapidDetails: { subject: this.#contact, ...(await this.keys()) },
          TTL: TTL[news.kind],
          urgency: "high",
          // What was not delivered yet gives way to what is newer (RFC 8030 §5.4).
          topic: topicOf(news.key),
        },
      );
      const status = await this.#post(endpoint, headers, body);
      // RFC 8030 §7.3.
      if (status === 404 || status === 410) await this.#gone(who, endpoint);
      else if (status >= 300) throw new Error(`it answered ${status}`);
    } catch (error) {
      // Not the endpoint itself: who knows it can send there.
      const host = URL.canParse(endpoint) ? new URL(endpoint).host : "nowhere";
      this.#failed(host, error);
    }
  }

  /**
   * To whom the operator has for it.
   *
   * @param {string} who
   * @param {Pns} pns
   * @param {News} news
   */
  async #handOver(who, pns, news) {
    const { provider, prid, param } = pns;
    try {
      if (!this.#hook) throw new Error("there is no push hook");
      const told = { provider, prid, param, ...payloadOf(news) };
      const status = await this.#hook(told);
      if (status === 404 || status === 410) await this.#gone(who, prid);
      else if (status >= 300)
        throw new Error(`the push hook answered ${status}`);
    } catch (error) {
      this.#failed(provider, error);
    }
  }

  /** @param {string} where @param {unknown} error */
  #failed(where, error) {
    const why = error instanceof Error ? error.message : error;
    this.#warn(`A push to ${where} failed: ${why}.`);
  }

  /**
   * @param {string} endpoint
   * @param {any} headers
   * @param {Buffer | null} body
   * @returns {Promise<number>} status
   */
  #post(endpoint, headers, body) {
    const request = endpoint.startsWith("https:") ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const sending = request(endpoint, {
        method: "POST",
        headers,
        lookup: this.#endpoints.lookupFor(endpoint),
        signal: AbortSignal.timeout(TIMEOUT),
        agent: false,
      });
      sending.on("error", reject);
      sending.on("response", (response) => {
        resolve(response.statusCode ?? 0);
        // What it says beside that is nobody's.
        response.destroy();
      });
      sending.end(body);
    });
  }
}

/** @param {News} news @returns {Payload} */
const payloadOf = ({ kind, key, from, at, answered }) => ({
  v: 1,
  kind,
  key,
  from: { uri: shown(from.uri), displayName: shown(from.displayName) },
  at,
  ...(answered && { answered: true }),
});

/** Text of the network, for people. @param {string} [text] */
const shown = (text = "") =>
  text.replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, "").slice(0, LONGEST);

/** @param {string} key */
const topicOf = (key) =>
  createHash("sha256").update(key).digest("base64url").slice(0, 32);
