// The default media handler: one RTCPeerConnection for a call. Loaded on demand.

import { candidatesIn, fragmentOf } from "./fragment.js";
import { LocalMedia, failed } from "./local.js";

/** @typedef {"audio" | "video"} Kind */
/** @typedef {import("../index.js").MediaContext} Context */
/** @typedef {import("../index.js").MediaHandler} MediaHandler */

/**
 * How long (ms) a description waits for its candidates where the far end takes
 * them in no other way. Some addresses never answer; whoever waits for them
 * lets people wait for their call.
 */
const GATHERING = 1500;
/** Candidates that come within this time (ms) travel together. */
const BATCH = 20;
/** A connection that is disturbed for this long (ms) is looked for anew. */
const DISTURBANCE = 3000;

/** What is wanted of a kind, in bits. */
const NOTHING = 0;
const RECEIVE = 1;
const SEND = 2;
const BOTH = 3;
/** @type {RTCRtpTransceiverDirection[]} */
const DIRECTIONS = ["inactive", "recvonly", "sendonly", "sendrecv"];

/** @type {import("../index.js").MediaHandlerFactory} */
export const createPeerMedia = (context) => new PeerMedia(context);

/** @implements {MediaHandler} */
class PeerMedia {
  #context;
  #local;
  /** @type {RTCPeerConnection | undefined} */
  #connection;
  /** @type {Promise<RTCPeerConnection> | undefined} */
  #opening;
  /** @type {RTCIceServer[]} */
  #servers = [];
  /** Senders that have been given what we send. @type {WeakSet<RTCRtpSender>} */
  #attached = new WeakSet();
  #closed = false;
  /** What is to be sent and received, hold aside, and whether we hold. */
  #wanted;
  /** The same, as last agreed with the far end. */
  #agreed;
  /** Whether candidates go their own way, after the description. */
  #trickles = false;
  /** @type {any} */
  #batch;
  /** @type {any} */
  #disturbed;
  /** Who waits for tones to have been played. @type {(() => void)[]} */
  #playing = [];
  /** @type {MediaStream | null} */
  remoteStream = null;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.#local = new LocalMedia((track) => this.#replug(track));
    // Video that only the far end has is welcome, unless the app says no.
    const video = context.video === false ? NOTHING : RECEIVE;
    this.#agreed = this.#wanted = { hold: false, video };
  }

  get localStream() {
    return this.#local.stream;
  }

  /** Opens microphone and camera. */
  async open() {
    await this.#open();
  }

  // ---- descriptions

  /** @param {{ iceRestart?: boolean, hold?: boolean, trickle?: boolean }} [how] */
  async createOffer({ iceRestart = false, hold = false, trickle } = {}) {
    const connection = await this.#open();
    this.#attach(connection);
    await this.#direct(hold);
    const offer = await connection.createOffer({ iceRestart });
    let description = await this.#describe(offer, trickle);
    if (iceRestart) description = inRole(description, connection);
    return hold ? holding(description) : description;
  }

  /**
   * @param {string} sdp
   * @param {{ hold?: boolean, trickle?: boolean }} [how]
   */
  async createAnswer(sdp, { hold = false, trickle } = {}) {
    const connection = await this.#open();
    await connection.setRemoteDescription({ type: "offer", sdp });
    this.#attach(connection);
    await this.#direct(hold, hold);
    const answer = await connection.createAnswer();
    if (answer.sdp && sdp.includes("a=setup:actpass"))
      answer.sdp = inRole(answer.sdp, connection);
    this.#agreed = this.#wanted;
    return this.#describe(answer, trickle);
  }

  /**
   * @param {string} sdp
   * @param {"answer" | "pranswer"} type
   */
  async applyAnswer(sdp, type) {
    const connection = await this.#open();
    await connection.setRemoteDescription({ type, sdp });
    if (type === "answer") this.#agreed = this.#wanted;
  }

  async rollback() {
    const connection = await this.#open();
    if (connection.signalingState === "have-local-offer")
      await connection.setLocalDescription({ type: "rollback" });
    this.#wanted = this.#agreed;
    if (!(this.#wanted.video & SEND)) this.#local.remove("video");
    await this.#direct(this.#wanted.hold);
  }

  /** @param {string} fragment */
  async addCandidates(fragment) {
    const connection = await this.#open();
    // Of a generation that is past, or malformed: the others may do.
    await Promise.allSettled(
      candidatesIn(fragment).map((candidate) =>
        connection.addIceCandidate(candidate),
      ),
    );
  }

  // ---- while the call lasts

  /** @param {{ audio: boolean, video: boolean }} muted */
  setMuted(muted) {
    this.#local.setMuted(muted);
  }

  /**
   * @param {string} digits
   * @param {{ duration: number, gap: number }} options ms
   */
  async sendDtmf(digits, { duration, gap }) {
    const connection = await this.#open();
    const dtmf = connection
      .getSenders()
      .find(({ dtmf }) => dtmf?.canInsertDTMF)?.dtmf;
    if (!dtmf) return false;
    dtmf.ontonechange = ({ tone }) => {
      if (!tone) this.#playing.splice(0).forEach((done) => done());
    };
    // What is inserted takes the place of what has not been played yet.
    dtmf.insertDTMF(dtmf.toneBuffer + digits, duration, gap);
    await new Promise((done) => this.#playing.push(() => done(undefined)));
    return true;
  }

  /** @param {boolean | MediaTrackConstraints} video */
  async setVideo(video) {
    if (!video) this.#local.remove("video");
    else if (!this.#local.track("video") || video !== true)
      await this.#local.change("video", video);
    this.#wanted = { ...this.#wanted, video: video ? BOTH : RECEIVE };
  }

  /**
   * @param {Kind} kind
   * @param {string} deviceId
   */
  async setDevice(kind, deviceId) {
    await this.#change(kind, { deviceId: { exact: deviceId } });
  }

  /** @param {MediaStreamTrack} track */
  async replaceTrack(track) {
    this.#local.put(track);
    await this.#send(/** @type {Kind} */ (track.kind));
  }

  async getStats() {
    return (await this.#open()).getStats();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#batch);
    clearTimeout(this.#disturbed);
    this.#local.close();
    this.#connection?.close();
    this.#connection = undefined;
  }

  // ---- the connection

  /** @returns {Promise<RTCPeerConnection>} */
  #open() {
    return (this.#opening ??= this.#connect());
  }

  async #connect() {
    const { RTCPeerConnection } = globalThis;
    if (!RTCPeerConnection)
      throw failed(
        'There is no RTCPeerConnection here. Pass a handler of your own as the option "media".',
      );
    [this.#servers] = await Promise.all([
      this.#context.iceServers(),
      this.#local.open(this.#context),
    ]);
    if (this.#closed) throw failed("The call ended before its media was open.");
    if (this.#local.track("video")) this.#wanted.video = BOTH;
    const connection = new RTCPeerConnection({
      iceServers: this.#servers,
      // Not more: gateways to desk phones know no BUNDLE.
      bundlePolicy: "balanced",
      rtcpMuxPolicy: "require",
    });
    connection.ontrack = ({ track }) => this.#receive(track);
    connection.onicecandidate = ({ candidate }) => this.#gathered(!candidate);
    connection.onconnectionstatechange = () =>
      this.#watch(connection.connectionState);
    return (this.#connection = connection);
  }

  /**
   * Gives every kind that we send a sender, and has at least the sound agreed on.
   *
   * @param {RTCPeerConnection} connection
   */
  #attach(connection) {
    const stream = this.#local.stream ?? new MediaStream();
    for (const track of stream.getTracks()) {
      const sender = this.#transceiver(track.kind)?.sender;
      if (!sender || !this.#attached.has(sender))
        this.#attached.add(connection.addTrack(track, stream));
    }
    if (!this.#transceiver("audio")) connection.addTransceiver("audio");
  }

  /** @param {string} kind */
  #transceiver(kind) {
    return this.#connection
      ?.getTransceivers()
      .find(
        ({ receiver, direction }) =>
          receiver.track.kind === kind && direction !== "stopped",
      );
  }

  /**
   * @param {boolean} hold
   * @param {boolean} [deaf] whether to receive nothing from now on. An offer to
   *   hold may be refused, and Chromium's rollback leaves a receiver off: there
   *   the far end's answer does it
   */
  async #direct(hold, deaf = false) {
    this.#wanted = { ...this.#wanted, hold };
    for (const kind of /** @type {Kind[]} */ (["audio", "video"])) {
      const transceiver = this.#transceiver(kind);
      if (!transceiver) continue;
      let wanted = kind === "video" ? this.#wanted.video : BOTH;
      if (!this.#local.track(kind)) wanted &= RECEIVE;
      if (deaf) wanted &= SEND;
      transceiver.direction = DIRECTIONS[wanted];
      await this.#send(kind);
    }
  }

  /** @param {Kind} kind */
  async #send(kind) {
    const track = this.#wanted.hold ? null : this.#local.track(kind);
    await this.#transceiver(kind)?.sender.replaceTrack(track);
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {boolean} [trickle]
   * @returns {Promise<string>}
   */
  async #describe(description, trickle = false) {
    const connection = await this.#open();
    this.#trickles = false;
    await connection.setLocalDescription(description);
    if (!trickle) await gathered(connection, this.#servers);
    this.#trickles = true;
    return connection.localDescription?.sdp ?? "";
  }

  /** @param {boolean} end */
  #gathered(end) {
    clearTimeout(this.#batch);
    // A description that is not out yet will hold them.
    if (!this.#trickles) return;
    const report = () => {
      const sdp = this.#connection?.localDescription?.sdp;
      const fragment = sdp && fragmentOf(sdp, end);
      if (fragment) this.#context.emit.candidates(fragment, end);
    };
    this.#batch = setTimeout(report, end ? 0 : BATCH);
  }

  /** @param {MediaStreamTrack} track */
  #receive(track) {
    this.remoteStream ??= new MediaStream();
    if (this.remoteStream.getTracks().includes(track)) return;
    this.remoteStream.addTrack(track);
    this.#context.emit.track(track, this.remoteStream);
  }

  /** @param {RTCPeerConnectionState} state */
  #watch(state) {
    clearTimeout(this.#disturbed);
    const { emit } = this.#context;
    if (state === "failed") return emit.lost();
    if (state !== "disconnected") return;
    emit.disturbed();
    this.#disturbed = setTimeout(() => emit.lost(), DISTURBANCE);
  }

  // ---- devices

  /**
   * @param {Kind} kind
   * @param {boolean | MediaTrackConstraints} constraints
   */
  async #change(kind, constraints) {
    await this.#local.change(kind, constraints);
    await this.#send(kind);
  }

  /** The device was unplugged: the one that the system now prefers takes over. @param {MediaStreamTrack} track */
  async #replug(track) {
    try {
      await this.#change(/** @type {Kind} */ (track.kind), true);
    } catch (error) {
      if (!this.#closed) this.#context.emit.error(error);
    }
  }
}

/**
 * The offer that holds: RFC 3264 §8.4.
 *
 * @param {string} sdp
 */
const holding = (sdp) =>
  sdp
    .replace(/^a=sendrecv\b/gm, "a=sendonly")
    .replace(/^a=recvonly\b/gm, "a=inactive");

/**
 * A description in which we keep the part that we play in DTLS, which goes on
 * through an ICE restart (RFC 8842 §4). Firefox chooses anew where it is left
 * the choice, and Chromium refuses a change.
 *
 * @param {string} sdp
 * @param {RTCPeerConnection} connection
 */
function inRole(sdp, { currentLocalDescription, currentRemoteDescription }) {
  const [ours, theirs] = [
    currentLocalDescription,
    currentRemoteDescription,
  ].map((agreed) => /^a=setup:(active|passive)/m.exec(agreed?.sdp ?? "")?.[1]);
  const role = ours ?? { active: "passive", passive: "active" }[theirs ?? ""];
  return role ? sdp.replace(/^a=setup:\w+/gm, `a=setup:${role}`) : sdp;
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
