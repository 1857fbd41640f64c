/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {"dialling" | "alerting" | "ringing" | "connected" | "held"} State
 */

/** Of channels, in ChannelState. */
const RING = "4";
const RINGING = "5";
const UP = "6";

/**
 * Applications that a call is with, as with a far end. In others, such as Dial, it waits
 * for one.
 */
const ANSWERING =
  /^(Answer|BackGround|ConfBridge|Echo|Playback|Queue|VoiceMail|VoiceMailMain)$/i;

/** Of incoming channels, as channels are listed. */
const CALLED = "AppDial";

/** How Uniqueids begin that we gave, unlike those of Asterisk's own. */
export const OWN = "graceline-";

/** A far end can have any name. */
const MAX_LENGTH = 128;

/** A channel of Asterisk's to a desk phone: the phone's part in a call. */
export class Leg {
  /** Its name, which the actions want. @type {string | undefined} */
  channel;
  /** @type {"incoming" | "outgoing" | undefined} */
  direction;
  /** The channel that it rings for. @type {string | undefined} */
  caller;
  /** @type {string | undefined} */
  bridge;
  alerting = false;
  held = false;
  /**
   * Its far end's channel, while Asterisk keeps both on hold, each with its music: what
   * the phone's own keys do then changes nothing.
   *
   * @type {string | undefined}
   */
  parked;
  /** The phone has asked for its end, or somebody who drives it. */
  clearing = false;
  /** It makes place for a transfer, which is told when it is agreed to. */
  leaving = false;
  /** That has been told, and its channel is about to be hung up. */
  over = false;
  /** @type {string | undefined} */
  cause;
  #up = false;
  #ringing = false;
  /** With somebody, where being up does not say so. */
  #together = false;
  /** @type {string | undefined} */
  #dialled;
  /** @type {string | undefined} */
  #number;
  /** @type {string | undefined} */
  #name;
  /** We had Asterisk make it: the phone is called first, and up before the far end is. */
  #ours;

  /**
   * @param {string} id Uniqueid
   * @param {string} [dialled] by us
   */
  constructor(id, dialled) {
    this.id = id;
    this.#ours = id.startsWith(OWN);
    this.#dialled = dialled;
    if (this.#ours) this.direction = "outgoing";
  }

  /** What a message with the state of the channel says. @param {Message} message */
  heed(message) {
    const { channel, channelstate, exten, bridgeid } = message;
    this.channel = channel;
    this.#up ||= channelstate === UP;
    this.#ringing = channelstate === RINGING;
    if (channelstate === RING) this.direction ??= "outgoing";
    if (this.#ringing) this.direction ??= "incoming";
    if (message.application !== undefined)
      this.direction ??=
        message.application === CALLED ? "incoming" : "outgoing";
    if (this.direction === "outgoing") this.#dialled ??= known(exten);
    if (bridgeid) this.enter(bridgeid);
    const number = known(message.connectedlinenum);
    if (number && this.#number && number !== this.#number && this.bridge)
      this.cause = "transfer";
    this.#number = number ?? this.#number;
    this.#name = known(message.connectedlinename) ?? this.#name;
  }

  /** @param {string} bridge */
  enter(bridge) {
    this.bridge = bridge;
    this.#together = true;
  }

  /** @param {string} application */
  runs(application) {
    this.#together ||= this.#up && ANSWERING.test(application);
  }

  /** We had it made, the phone rings, and is to dial by itself. */
  get wantsAnswer() {
    return this.#ours && this.#ringing;
  }

  /** @returns {State | undefined} undefined: it is not to be seen yet, or no more */
  get state() {
    if (!this.direction || this.over) return undefined;
    if (this.#up && (this.#together || !this.#ours))
      return this.held || this.parked ? "held" : "connected";
    if (this.direction === "incoming") return "ringing";
    return this.alerting ? "alerting" : "dialling";
  }

  /** @returns {{ id: string, state: string, direction?: string, remote: object, cause?: string }} */
  get view() {
    const { id, direction, state = "ringing", cause } = this;
    const number = this.#number ?? this.#dialled;
    const name = this.#name;
    const remote = { ...(number && { number }), ...(name && { name }) };
    return { ...{ id, state, direction, remote }, ...(cause && { cause }) };
  }
}

/** @param {string} [value] @returns {string | undefined} */
const known = (value) =>
  value && value !== "<unknown>" ? value.slice(0, MAX_LENGTH) : undefined;
