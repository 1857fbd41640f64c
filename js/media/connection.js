// One RTCPeerConnection: the descriptions that are made and taken with it, and what
// it sends.

import { fragmentOf } from "./fragment.js";
import { fault } from "../errors/error.js";
import {
  OTHER,
  holding,
  inRole,
  inactive,
  isOpen,
  isShut,
  kindsIn,
  refusing,
  roleIn,
  transportOf,
} from "./sdp.js";

/** @typedef {"audio" | "video"} Kind */
/**
 * What is to be sent and received: pictures, in bits, and whether we hold.
 * @typedef {{ hold: boolean, video: number }} Wanted
 */
/**
 * @typedef {object} Events
 * @property {(track: MediaStreamTrack) => void} track
 * @property {(fragment: string, end: boolean) => void} candidates
 * @property {(state: RTCPeerConnectionState) => void} state
 */

/**
 * How long (ms) a description waits for its candidates where the far end takes
 * them in no other way. Some addresses never answer; whoever waits for them
 * lets people wait for their call.
 */
const GATHERING = 1500;
/** Candidates that come within this time (ms) travel together. */
const BATCH = 20;

/** What is wanted of a kind, in bits. */
export const NOTHING = 0;
export const RECEIVE = 1;
export const SEND = 2;
export const BOTH = 3;
/** @type {RTCRtpTransceiverDirection[]} */
const DIRECTIONS = ["inactive", "recvonly", "sendonly", "sendrecv"];

export class Connection {
  /** @type {RTCPeerConnection} */
  peer;
  #local;
  #servers;
  #events;
  /** Senders that have been given what we send. @type {WeakSet<RTCRtpSender>} */
  #attached = new WeakSet();
  /** Whether candidates go their own way, after the description. */
  #trickles = false;
  /** @type {any} */
  #batch;

  /**
   * @param {import("./local.js").LocalMedia} local
   * @param {Pick<RTCConfiguration, "iceServers" | "iceTransportPolicy">} ways
   * @param {Events} events
   */
  constructor(local, ways, events) {
    this.#local = local;
    this.#servers = ways.iceServers ?? [];
    this.#events = events;
    const peer = new RTCPeerConnection({
      ...ways,
      // Not more: gateways to desk phones know no BUNDLE.
      bundlePolicy: "balanced",
      rtcpMuxPolicy: "require",
    });
    peer.ontrack = ({ track }) => events.track(track);
    peer.onicecandidate = ({ candidate }) => this.#gathered(!candidate);
    peer.onconnectionstatechange = () => events.state(peer.connectionState);
    this.peer = peer;
  }

  /** The descriptions that were agreed on last. */
  get agreed() {
    const { currentLocalDescription, currentRemoteDescription } = this.peer;
    return {
      local: currentLocalDescription?.sdp,
      remote: currentRemoteDescription?.sdp,
    };
  }

  // ---- descriptions

  /**
   * @param {Wanted} wanted
   * @param {import("../index.js").DescriptionWanted} how
   * @param {string} [before] what was agreed with another connection: streams keep
   *   their places (RFC 3264 §8)
   */
  async offer(wanted, how, before = "") {
    const { iceRestart, trickle } = how;
    for (const kind of kindsIn(before))
      if (/audio|video/.test(kind)) this.peer.addTransceiver(kind);
    this.#attach();
    await this.#direct(wanted);
    const offer = await this.peer.createOffer({ iceRestart });
    const sdp = await this.#describe(offer, trickle);
    // We keep the part that we play in DTLS, which goes on through every offer and
    // an ICE restart, too (RFC 8842 §4): who is left the choice may choose anew, and
    // browsers refuse that.
    const role = this.#role() ?? how.role;
    const said = role ? inRole(sdp, role) : sdp;
    return wanted.hold ? holding(said) : said;
  }

  /**
   * @param {string} sdp
   * @param {Wanted} wanted
   * @param {boolean} [trickle]
   */
  async answer(sdp, wanted, trickle) {
    const role = this.#role(sdp);
    const offer = this.#readable(sdp);
    await this.peer.setRemoteDescription({
      type: "offer",
      sdp: role ? inRole(offer, "actpass") : offer,
    });
    this.#attach();
    await this.#direct(wanted, wanted.hold);
    const answer = await this.peer.createAnswer();
    if (role) answer.sdp = inRole(answer.sdp ?? "", role);
    if (isOpen(sdp, "audio") && !isOpen(answer.sdp ?? "", "audio"))
      throw fault("noCodec");
    const local = await this.#describe(answer, trickle);
    if (offer !== sdp) return refusing(sdp, local);
    // Who names its part again, be it not the one agreed on, gets the other one.
    const theirs = roleIn(sdp);
    return theirs ? inRole(local, OTHER[theirs]) : local;
  }

  /**
   * @param {string} sdp
   * @param {"answer" | "pranswer"} type
   */
  async apply(sdp, type) {
    const role = this.#role(sdp);
    sdp = this.#readable(sdp);
    if (role) sdp = inRole(sdp, OTHER[role]);
    await this.peer.setRemoteDescription({ type, sdp });
  }

  /**
   * Undoes what is not agreed on. Rejects where that is not possible.
   *
   * @param {Wanted} wanted
   */
  async rollback(wanted) {
    const { peer } = this;
    const type = "rollback";
    if (/local/.test(peer.signalingState))
      await peer.setLocalDescription({ type });
    else if (/remote/.test(peer.signalingState))
      await peer.setRemoteDescription({ type });
    await this.#direct(wanted);
    // A connection that has failed within says so when it is asked for something.
    await peer.createOffer();
  }

  /**
   * What the browser is given of a description. A stream that is refused once is
   * gone for it, with all that it took to make it, and somebody who refuses every
   * stream of a call that goes on means a hold: they stay, with nothing in them.
   *
   * @param {string} sdp
   */
  #readable(sdp) {
    const { remote } = this.agreed;
    return remote && isShut(sdp) ? inactive(remote) : sdp;
  }

  /**
   * Our part in DTLS, while that goes on: as long as it is with the same far end.
   *
   * @param {string} [sdp] of the far end
   */
  #role(sdp) {
    const { local, remote } = this.agreed;
    const { fingerprint } = transportOf(sdp);
    if (fingerprint && fingerprint !== transportOf(remote).fingerprint)
      return undefined;
    return roleIn(local) ?? OTHER[roleIn(remote) ?? ""];
  }

  /** Gives every kind that we send a sender, and has at least the sound agreed on. */
  #attach() {
    const stream = this.#local.stream ?? new MediaStream();
    for (const track of stream.getTracks()) {
      const sender = this.#transceiver(track.kind)?.sender;
      if (!sender || !this.#attached.has(sender))
        this.#attached.add(this.peer.addTrack(track, stream));
    }
    if (!this.#transceiver("audio")) this.peer.addTransceiver("audio");
  }

  /** @param {string} kind */
  #transceiver(kind) {
    return this.peer
      .getTransceivers()
      .find(
        ({ receiver, direction }) =>
          receiver.track.kind === kind && direction !== "stopped",
      );
  }

  /**
   * @param {Wanted} wanted
   * @param {boolean} [deaf] whether to receive nothing from now on. An offer to
   *   hold may be refused, and Chromium's rollback leaves a receiver off: there
   *   the far end's answer does it
   */
  async #direct({ hold, video }, deaf = false) {
    for (const kind of /** @type {Kind[]} */ (["audio", "video"])) {
      const transceiver = this.#transceiver(kind);
      if (!transceiver) continue;
      let wanted = kind === "video" ? video : BOTH;
      if (!this.#local.track(kind)) wanted &= RECEIVE;
      if (deaf) wanted &= SEND;
      transceiver.direction = DIRECTIONS[wanted];
      await this.send(kind, hold);
    }
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {boolean} [trickle]
   * @returns {Promise<string>}
   */
  async #describe(description, trickle = false) {
    this.#trickles = false;
    await this.peer.setLocalDescription(description);
    if (!trickle) await gathered(this.peer, this.#servers);
    this.#trickles = true;
    return this.peer.localDescription?.sdp ?? "";
  }

  /** @param {boolean} end */
  #gathered(end) {
    clearTimeout(this.#batch);
    // A description that is not out yet will hold them.
    if (!this.#trickles) return;
    const report = () => {
      const sdp = this.peer.localDescription?.sdp;
      const fragment = sdp && fragmentOf(sdp, end);
      if (fragment) this.#events.candidates(fragment, end);
    };
    this.#batch = setTimeout(report, end ? 0 : BATCH);
  }

  // ---- what flows

  /**
   * Sends what there is of a kind, or while we hold nothing.
   *
   * @param {Kind} kind
   * @param {boolean} hold
   */
  async send(kind, hold) {
    const track = hold ? null : this.#local.track(kind);
    await this.#transceiver(kind)?.sender.replaceTrack(track);
  }

  /** What digits are played with, where RFC 4733 was agreed on. */
  get dtmf() {
    return this.peer.getSenders().find(({ dtmf }) => dtmf?.canInsertDTMF)?.dtmf;
  }

  /** What the far end may send. */
  get tracks() {
    return this.peer.getReceivers().map(({ track }) => track);
  }

  close() {
    clearTimeout(this.#batch);
    this.peer.onconnectionstatechange = null;
    this.peer.close();
  }
}

/**
 * Until a description holds the candidates that it needs: all of them, or one
 * through the best kind of server there is, or those that were in time.
 *
 * @param {RTCPeerConnection} connection
 * @param {RTCIceServer[]} servers
 * @returns {Promise<void>}
 */
function gathered(connection, servers) {
  const relayed = /\bturns?:/.test(JSON.stringify(servers));
  const best = relayed ? "relay" : "srflx";
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(deadline);
      connection.removeEventListener("icecandidate", look);
      resolve();
    };
    /** @param {Partial<RTCPeerConnectionIceEvent>} event null as its candidate: the last one */
    const look = ({ candidate }) => {
      const { iceGatheringState, localDescription } = connection;
      // After an ICE restart Firefox says for a while that the gathering before is complete.
      const complete =
        iceGatheringState === "complete" &&
        /^a=candidate:/m.test(localDescription?.sdp ?? "");
      if (complete || candidate === null || candidate?.type === best) done();
    };
    const deadline = setTimeout(done, GATHERING);
    connection.addEventListener("icecandidate", look);
    look({});
  });
}
