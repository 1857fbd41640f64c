import { Phone } from "./phone.js";

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./leg.js").Leg} Leg
 */

/** Of the dialplan, where a device names no other. */
const CONTEXT = "default";

/**
 * What the manager interface tells, as the phones of the gateway have it: which channel
 * is a leg of which phone, and what other channels are with it.
 */
export class Exchange {
  /** @type {Phone[]} */
  phones = [];
  /** Channels by the bridge that they are in. @type {Map<string, Set<string>>} */
  #bridges = new Map();
  /** What is done about an event. @type {Record<string, (event: Message) => void>} */
  #events;
  #answer;
  #hangUp;

  /**
   * @param {import("../../driver.js").Lines} lines
   * @param {(message: object) => void} receive
   * @param {(leg: Leg) => void} answer has a phone take a call that it is to make
   * @param {(channel: string) => void} hangUp
   */
  constructor(lines, receive, answer, hangUp) {
    this.#answer = answer;
    this.#hangUp = hangUp;
    for (const [line, devices] of Object.entries(lines))
      for (const one of devices) {
        const { device, channel, context = CONTEXT, mailbox, music } = one;
        if (typeof channel === "string") {
          const options = {
            ...{ device, channel, context: `${context}` },
            ...(mailbox !== undefined && { mailbox: `${mailbox}` }),
            ...(music !== undefined && { music: `${music}` }),
          };
          this.phones.push(new Phone(line, options, receive));
        }
      }
    const state = (/** @type {Message} */ event) => this.#heedChannel(event);
    this.#events = {
      Newchannel: state,
      Newstate: state,
      NewConnectedLine: state,
      NewCallerid: state,
      Newexten: (event) =>
        this.#change(event, (leg) => leg.runs(event.application ?? "")),
      DialBegin: (event) => this.#heedDial(event),
      DialState: (event) => this.#heedDial(event),
      Hold: (event) => this.#change(event, (leg) => (leg.held = true)),
      Unhold: (event) => this.#change(event, (leg) => (leg.held = false)),
      BridgeEnter: (event) => this.#heedBridge(event),
      BridgeLeave: (event) => this.#heedBridge(event),
      BridgeDestroy: ({ bridgeuniqueid = "" }) =>
        this.#bridges.delete(bridgeuniqueid),
      HangupRequest: (event) =>
        this.#change(event, (leg) => (leg.clearing = true)),
      Hangup: (event) => this.#heedHangup(event),
      BlindTransfer: (event) => this.#heedBlindTransfer(event),
      AttendedTransfer: (event) => this.#heedAttendedTransfer(event),
      OriginateResponse: (event) => this.#heedOriginate(event),
      DeviceStateChange: ({ device, state: now = "" }) => {
        for (const phone of this.phones)
          if (phone.channel === device) phone.heedState(now);
      },
      MessageWaiting: ({ mailbox, waiting }) => {
        for (const phone of this.phones)
          if (phone.mailbox === mailbox) phone.heedMessages(waiting === "1");
      },
    };
  }

  /** @param {unknown} line @param {unknown} device */
  find(line, device) {
    return this.phones.find(({ appearance }) => appearance.is(line, device));
  }

  /** @param {Message} event */
  heed(event) {
    const name = event.event ?? "";
    if (Object.hasOwn(this.#events, name)) this.#events[name](event);
  }

  /**
   * How things were before: what CoreShowChannels and DeviceStateList list.
   *
   * @param {Message[]} channels
   * @param {Message[]} devices
   */
  begin(channels, devices) {
    for (const event of devices) this.heed(event);
    const onHold = devices
      .filter(({ state }) => state === "ONHOLD")
      .map(({ device }) => device);
    for (const channel of channels) {
      const { bridgeid, channel: name = "" } = channel;
      if (bridgeid) this.#bridge(bridgeid).add(name);
      const leg = this.#heedChannel(channel);
      if (!leg) continue;
      leg.runs(channel.application ?? "");
      // A device whose calls all wait: of one that has another call, too, it is not known.
      leg.held = onHold.includes(deviceOf(name));
      this.#phoneOf(name)?.show(leg);
    }
  }

  /** The channel of a leg's far end, where it has one. @param {Leg} leg */
  farEnd(leg) {
    if (leg.parked) return leg.parked;
    const others = [...(this.#bridges.get(leg.bridge ?? "") ?? [])].filter(
      (channel) => channel !== leg.channel,
    );
    return others.length === 1 ? others[0] : undefined;
  }

  /** @param {Message} message */
  #heedChannel(message) {
    const { uniqueid = "", channel = "" } = message;
    const phone = this.#phoneOf(channel);
    const leg = phone?.legs.get(uniqueid) ?? phone?.add(uniqueid);
    if (!phone || !leg) return undefined;
    const rang = leg.wantsAnswer;
    leg.heed(message);
    phone.show(leg);
    if (leg.wantsAnswer && !rang) this.#answer(leg);
    return leg;
  }

  /** @param {Message} event */
  #heedDial(event) {
    const caller = this.#of(event);
    const ringing = event.dialstatus === "RINGING";
    if (caller && ringing) {
      caller.alerting = true;
      this.#phoneOf(event.channel ?? "")?.show(caller);
    }
    const called = this.#phoneOf(event.destchannel ?? "");
    const leg = called?.legs.get(event.destuniqueid ?? "");
    if (leg) leg.caller = event.channel;
  }

  /** @param {Message} event */
  #heedBridge(event) {
    const { bridgeuniqueid = "", channel = "" } = event;
    const entered = event.event === "BridgeEnter";
    if (entered) this.#bridge(bridgeuniqueid).add(channel);
    else this.#bridges.get(bridgeuniqueid)?.delete(channel);
    const leg = this.#heedChannel(event);
    if (!leg) return;
    if (entered) leg.enter(bridgeuniqueid);
    else if (leg.bridge === bridgeuniqueid) leg.bridge = undefined;
    this.#phoneOf(channel)?.show(leg);
  }

  /** @param {Message} event */
  #heedHangup(event) {
    this.#endParked(event.channel ?? "");
    const leg = this.#of(event);
    if (!leg) return;
    leg.channel = undefined;
    // Whether it was a transfer is about to be known.
    if (!leg.leaving) this.#phoneOf(event.channel ?? "")?.end(leg, event.cause);
  }

  /** Of two that are on hold apart one is gone, and so is the other. @param {string} gone */
  #endParked(gone) {
    for (const { legs } of this.phones)
      for (const leg of legs.values()) {
        const { parked, channel } = leg;
        if (!parked || (parked !== gone && channel !== gone)) continue;
        leg.parked = undefined;
        const left = parked === gone ? channel : parked;
        if (left) this.#hangUp(left);
      }
  }

  /** @param {Message} event */
  #heedBlindTransfer(event) {
    if (event.result !== "Success") return;
    const { transfererchannel = "", transfereruniqueid = "" } = event;
    const phone = this.#phoneOf(transfererchannel);
    const leg = phone?.legs.get(transfereruniqueid);
    const to = event.extension;
    if (leg) phone?.pass(leg, "singleStepTransfer", { ...(to && { to }) });
  }

  /** By hand, at the phone. @param {Message} event */
  #heedAttendedTransfer(event) {
    if (event.result !== "Success") return;
    const phone = this.#phoneOf(event.origtransfererchannel ?? "");
    const first = phone?.legs.get(event.origtransfereruniqueid ?? "");
    const second = phone?.legs.get(event.secondtransfereruniqueid ?? "");
    if (!phone || !first || !second) return;
    const { number } = /** @type {{ number?: string }} */ (second.view.remote);
    phone.pass(second, "transfer", { to: number, from: first });
  }

  /** The phone could not be reached, so that there was no channel. @param {Message} event */
  #heedOriginate({ response, uniqueid = "" }) {
    if (response === "Success") return;
    for (const phone of this.phones) {
      const leg = phone.legs.get(uniqueid);
      if (leg && !leg.channel) phone.end(leg, "20");
    }
  }

  /** @param {Message} event @param {(leg: Leg) => void} change */
  #change(event, change) {
    const leg = this.#of(event);
    if (!leg) return;
    change(leg);
    this.#phoneOf(event.channel ?? "")?.show(leg);
  }

  /** @param {Message} event */
  #of({ channel = "", uniqueid = "" }) {
    return this.#phoneOf(channel)?.legs.get(uniqueid);
  }

  /** @param {string} channel its name */
  #phoneOf(channel) {
    const device = deviceOf(channel);
    return this.phones.find((phone) => phone.channel === device);
  }

  /** @param {string} id */
  #bridge(id) {
    const channels = this.#bridges.get(id) ?? new Set();
    this.#bridges.set(id, channels);
    return channels;
  }
}

/** PJSIP/2001-0000000a is one of PJSIP/2001. @param {string} channel */
const deviceOf = (channel) => channel.slice(0, channel.lastIndexOf("-"));
