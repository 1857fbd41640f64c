import { Description } from "./description.js";

/** @typedef {{ cause: string, status?: number }} Ending */
/**
 * @template T
 * @typedef {{ promise: Promise<T>, resolve(value: T): void, reject(error: unknown): void }} Deferred
 */
/**
 * @typedef {object} Offer what the far end offers in its 2xx
 * @property {Description} description
 * @property {(answer: Description) => void} answer goes in the ACK
 */

/**
 * A call of the agent's with one phone, whose media go elsewhere: it passes on what
 * both phones say of them. One exchange at a time; the caller keeps that.
 */
export class Leg {
  /** Whose media this one's phone has. @type {Leg | null} */
  peer = null;
  /** @type {Ending | null} */
  ended = null;
  /** Who is at the other end, as far as that is told. */
  remote = { uri: "", displayName: "" };
  onRinging = () => {};
  onNamed = () => {};
  onEnded = () => {};
  #id;
  #link;
  #begun = false;
  /** What the phone was told last, and said last. @type {Description | null} */
  #local = null;
  /** @type {Description | null} */
  #remote = null;
  /** Our next offer: `null` asks for the phone's. @type {Description | null} */
  #next = null;
  /** Who waits for the phone's offer. @type {Deferred<Offer> | null} */
  #asking = null;
  /** Whether an offer of the phone's waits for the peer. */
  #isServing = false;
  #version = 0;

  /**
   * @param {number} id of the call in the core
   * @param {import("../../../js/phone/link.js").Link} link
   */
  constructor(id, link) {
    this.#id = id;
    this.#link = link;
  }

  /**
   * Has the phone make an offer: calls it, or asks within the call.
   *
   * @param {string} [target] to call
   * @param {import("../../../js/core/seam.js").CallOptions} [options] of that call
   * @returns {Promise<Offer>}
   */
  askOffer(target, options = {}) {
    if (this.ended) return Promise.reject(this.#over());
    /** @type {Deferred<Offer>} */
    const asking = (this.#asking = withResolvers());
    this.#next = null;
    if (!this.#begun && target) {
      this.#begun = true;
      this.#link.tell("call", this.#id, target, options);
    } else {
      this.#renegotiate().catch((error) => {
        if (this.#asking === asking) this.#asking = null;
        asking.reject(error);
      });
    }
    return asking.promise;
  }

  /**
   * Offers the phone what another one has said of itself.
   *
   * @param {Description} description
   * @returns {Promise<Description>} its answer
   */
  async offer(description) {
    if (this.ended) throw this.#over();
    this.#next = description.within(this.#remote);
    await this.#renegotiate();
    return /** @type {Description} */ (this.#remote);
  }

  /** Nothing is to be sent, and nothing comes (RFC 3264 §8.4). */
  async park() {
    this.peer = null;
    if (this.#local) await this.offer(this.#local.inactive());
  }

  hangUp() {
    if (this.ended) return;
    if (this.#begun) this.#link.ask("hangup", this.#id).catch(() => {});
    else this.heard({ name: "callEnded", cause: "local" });
  }

  /** @param {any} event of the core */
  heard({ name, ...event }) {
    if (name === "media") return void this.#serve(event);
    if (name === "remote") {
      this.remote = event.remote;
      this.onNamed();
    }
    if (name === "callState" && event.state === "ringing") this.onRinging();
    if (name !== "callEnded" || this.ended) return;
    this.ended = event;
    this.#asking?.reject(this.#over());
    this.peer = null;
    this.onEnded();
  }

  async #renegotiate() {
    await this.#link.ask("renegotiate", this.#id, {});
  }

  /** @param {any} event */
  async #serve({ request, want, sdp, sdpType }) {
    const id = this.#id;
    try {
      const own = await this.#wanted(want, sdp, sdpType);
      if (own === undefined) this.#link.tell("mediaDone", id, request);
      else this.#link.tell("mediaReady", id, request, own);
    } catch {
      this.#link.tell("mediaFailed", id, request);
    }
  }

  /**
   * @param {string} want
   * @param {string} sdp
   * @param {string} [sdpType]
   * @returns {Promise<string | undefined>} our description, where one is wanted
   */
  async #wanted(want, sdp, sdpType) {
    if (want === "offer") {
      // One that nobody here asked for refreshes the session (RFC 4028).
      const next = this.#asking ? null : (this.#next ?? this.#local);
      return next ? this.#say(next) : "";
    }
    if (want === "answer")
      return this.#say(await this.#answer(new Description(sdp)));
    if (want === "apply" && sdpType === "answer")
      this.#remote = new Description(sdp);
    return undefined;
  }

  /**
   * @param {Description} offer of the phone's
   * @returns {Promise<Description>}
   */
  async #answer(offer) {
    const asking = this.#asking;
    this.#asking = null;
    this.#remote = offer;
    if (!asking) return this.#passOn(offer);
    /** @type {Deferred<Description>} */
    const answered = withResolvers();
    asking.resolve({ description: offer, answer: answered.resolve });
    return (await answered.promise).answering(offer);
  }

  /**
   * A phone changes something by itself: the other one is asked.
   *
   * @param {Description} offer
   */
  async #passOn(offer) {
    const { peer } = this;
    if (!peer) return offer.inactive();
    // Both at once would wait for each other.
    if (peer.#isServing) throw new Error("glare");
    this.#isServing = true;
    try {
      return (await peer.offer(offer)).answering(offer);
    } finally {
      this.#isServing = false;
    }
  }

  /** @param {Description} description */
  #say(description) {
    if (!this.#local?.equals(description)) this.#version++;
    this.#local = description;
    return description.text(this.#id, this.#version);
  }

  #over() {
    return Object.assign(new Error("the call is over"), { ending: this.ended });
  }
}

/** Promise.withResolvers, which Node 20 has not. @returns {any} */
function withResolvers() {
  /** @type {any} */
  const made = {};
  made.promise = new Promise((resolve, reject) =>
    Object.assign(made, { resolve, reject }),
  );
  return made;
}
