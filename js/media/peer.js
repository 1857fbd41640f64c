// The default media handler: an RTCPeerConnection for a call. Loaded on demand.
//
// Where the one that is there is of no more use, the next agreement is made with a
// new one, which takes its place once it is agreed on: until then the old one goes
// on. That is so when
// - an answer comes from somebody else than the one with whom ICE and DTLS run by
//   then: another fork than that of the early media, say;
// - the far end begins anew: another fingerprint is another association of DTLS
//   (RFC 8842 §4);
// - what failed cannot be undone.

import { fault } from "../errors/error.js";
import { BOTH, Connection, NOTHING, RECEIVE, SEND } from "./connection.js";
import { candidatesIn } from "./fragment.js";
import { LocalMedia } from "./local.js";
import { transportOf } from "./sdp.js";

/** @typedef {import("./connection.js").Kind} Kind */
/** @typedef {import("./connection.js").Wanted} Wanted */
/** @typedef {import("./sdp.js").Transport} Transport */
/** @typedef {import("../index.js").MediaContext} Context */
/** @typedef {import("../index.js").MediaHandler} MediaHandler */

/** A connection that is disturbed for this long (ms) is looked for anew. */
const DISTURBANCE = 3000;
/** For this long (ms) an answer of somebody else waits for a better agreement. */
const PATIENCE = 500;

/** @type {import("../index.js").MediaHandlerFactory} */
export const createPeerMedia = (context) => new PeerMedia(context);

/** @implements {MediaHandler} */
class PeerMedia {
  #context;
  #local;
  /** @type {Promise<void> | undefined} */
  #opening;
  /** Through the network. @type {Pick<RTCConfiguration, "iceServers" | "iceTransportPolicy">} */
  #ways = {};
  /** @type {Connection | undefined} */
  #connection;
  /** The one that an agreement is being made with. @type {Connection | undefined} */
  #next;
  /** The next agreement is made with a new one. */
  #renew = false;
  /** Whom the answer to our offer is to come from. @type {Transport} */
  #expected = {};
  /**
   * The answer of somebody else, which is taken if no better agreement is made.
   * Before that it would have DTLS begin on a way that is about to be left.
   */
  #late = "";
  /** @type {any} */
  #waiting;
  /** The last agreement was made by our answer. */
  #answered = false;
  #closed = false;
  /** @type {Wanted} */
  #wanted;
  /** The same, as last agreed with the far end. @type {Wanted} */
  #agreed;
  /** The origin of our first description, and how many there were. */
  #origin = "";
  #version = 0;
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

  get peerConnection() {
    return this.#connection?.peer ?? null;
  }

  /** Opens microphone and camera. */
  open() {
    return (this.#opening ??= this.#open());
  }

  // ---- descriptions

  /** @param {import("../index.js").DescriptionWanted} [how] */
  async createOffer({ hold = false, before, ...how } = {}) {
    await this.open();
    this.#follow(before);
    clearTimeout(this.#waiting);
    this.#answered = false;
    this.#wanted = { ...this.#wanted, hold };
    const { local, remote } = this.#connection?.agreed ?? {};
    if (!this.#renew)
      try {
        this.#next = this.#connection ??= this.#connect();
        this.#expected = transportOf(remote);
        if (how.iceRestart) this.#expected.ufrag = undefined;
        const places = local ? undefined : before;
        return this.#signed(await this.#next.offer(this.#wanted, how, places));
      } catch (error) {
        if (!local) throw error;
      }
    this.#next = this.#connect();
    this.#expected = {};
    return this.#signed(await this.#next.offer(this.#wanted, how, local));
  }

  /**
   * @param {string} sdp
   * @param {import("../index.js").DescriptionWanted} [how]
   */
  async createAnswer(sdp, { hold = false, trickle, before } = {}) {
    await this.open();
    this.#follow(before);
    this.#answered = false;
    this.#wanted = { ...this.#wanted, hold };
    const { remote } = this.#connection?.agreed ?? {};
    const other = differences(transportOf(remote), transportOf(sdp));
    let answer;
    // With another fingerprint alone nothing new can be answered: ICE goes on.
    if (this.#connection && other.length < 2 && !this.#late)
      try {
        this.#next = this.#connection;
        answer = await this.#next.answer(sdp, this.#wanted, trickle);
      } catch (error) {
        if (!this.#renew) throw error;
      }
    if (!answer) {
      this.#next = this.#connect();
      answer = await this.#next.answer(sdp, this.#wanted, trickle);
    }
    this.#agree();
    this.#answered = true;
    if (`${other}` === "fingerprint") this.#anew();
    return this.#signed(answer);
  }

  /**
   * @param {string} sdp
   * @param {"answer" | "pranswer"} type
   */
  async applyAnswer(sdp, type) {
    const transport = transportOf(sdp);
    const same = !differences(this.#expected, transport).length;
    if (type === "pranswer") {
      if (!same) return;
      // Firefox takes none of these: there the far end is heard once it has answered.
      try {
        await this.#next?.apply(sdp, type);
        this.#expected = transport;
      } catch (error) {
        this.#context.log({
          level: "warn",
          message: `No early media: ${error}`,
        });
      }
      return;
    }
    if (same) await this.#next?.apply(sdp, type);
    this.#agree();
    if (same) return;
    this.#late = sdp;
    this.#waiting = setTimeout(() => this.#makeDo(), PATIENCE);
    this.#anew();
  }

  async rollback() {
    await this.open();
    const connection = this.#connection;
    if (this.#next && this.#next !== connection) this.#leave(this.#next);
    this.#next = undefined;
    this.#wanted = this.#agreed;
    if (!(this.#wanted.video & SEND)) this.#local.remove("video");
    const late = await this.#makeDo();
    try {
      await connection?.rollback(this.#wanted);
      this.#renew = late;
    } catch (error) {
      if (!connection?.agreed.remote) throw error;
      if (!this.#renew) this.#anew();
    }
    // What was answered is agreed on here, and came to nothing there.
    if (this.#answered) this.#context.emit.renegotiate({});
    this.#answered = false;
  }

  /** @param {string} fragment */
  async addCandidates(fragment) {
    await this.open();
    const peer = (this.#next ?? this.#connection)?.peer;
    // Of a generation that is past, or malformed: the others may do.
    await Promise.allSettled(
      candidatesIn(fragment).map((candidate) =>
        peer?.addIceCandidate(candidate),
      ),
    );
  }

  /** What was being agreed on is. */
  #agree() {
    const [before, next] = [this.#connection, this.#next];
    this.#agreed = this.#wanted;
    this.#connection = next;
    this.#next = undefined;
    if (before === next) return;
    this.#renew = false;
    this.#late = "";
    if (before) this.#leave(before);
    if (next) this.#watch(next);
  }

  /** Takes the answer that waits, if there is one. */
  async #makeDo() {
    const late = this.#late;
    this.#late = "";
    if (late) await this.#connection?.apply(late, "answer").catch(() => {});
    return !!late;
  }

  /** The next agreement is made with a new connection, and soon. */
  #anew() {
    this.#renew = true;
    this.#context.emit.renegotiate({ iceRestart: true });
  }

  /**
   * Goes on with a session that began in another tab.
   *
   * @param {string} [before] our last description
   */
  #follow(before = "") {
    const [, origin, version] = /^o=(\S+ \S+) (\d+)/m.exec(before) ?? [];
    this.#origin ||= origin ?? "";
    this.#version = Math.max(this.#version, Number(version ?? 0));
  }

  /**
   * However many connections there are, it is one session, whose descriptions are
   * counted (RFC 3264 §8).
   *
   * @param {string} sdp
   */
  #signed(sdp) {
    const [line = "", origin] = /^o=(\S+ \S+) .*/m.exec(sdp) ?? [];
    this.#origin ||= origin ?? "";
    const [, , , ...address] = line.split(" ");
    const version = ++this.#version;
    return sdp.replace(
      line,
      `o=${[this.#origin, version, ...address].join(" ")}`,
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
    const dtmf = this.#connection?.dtmf;
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
    await this.open();
    return (this.#connection ??= this.#connect()).peer.getStats();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#disturbed);
    clearTimeout(this.#waiting);
    this.#local.close();
    this.#next?.close();
    this.#connection?.close();
  }

  // ---- the connection

  async #open() {
    if (!globalThis.RTCPeerConnection) throw fault("noPeerConnection");
    const [iceServers] = await Promise.all([
      this.#context.iceServers(),
      this.#local.open(this.#context),
    ]);
    const { iceTransportPolicy } = this.#context;
    this.#ways = { iceServers, iceTransportPolicy };
    if (this.#closed) throw fault("endedOpening");
    if (this.#local.track("video")) this.#wanted.video = BOTH;
  }

  #connect() {
    if (this.#closed) throw fault("mediaClosed");
    /** @type {Connection} */
    const connection = new Connection(this.#local, this.#ways, {
      track: (track) => this.#receive(track),
      candidates: (fragment, end) =>
        this.#context.emit.candidates(fragment, end),
      state: () => connection === this.#connection && this.#watch(connection),
    });
    return connection;
  }

  /** Its place is taken, or it came to nothing. @param {Connection} connection */
  #leave(connection) {
    for (const track of connection.tracks)
      this.remoteStream?.removeTrack(track);
    connection.close();
  }

  /** @param {MediaStreamTrack} track */
  #receive(track) {
    this.remoteStream ??= new MediaStream();
    if (this.remoteStream.getTracks().includes(track)) return;
    this.remoteStream.addTrack(track);
    this.#context.emit.track(track, this.remoteStream);
  }

  /** @param {Connection} connection */
  #watch({ peer: { connectionState: state } }) {
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

  /** @param {Kind} kind */
  async #send(kind) {
    for (const connection of new Set([this.#connection, this.#next]))
      await connection?.send(kind, this.#wanted.hold);
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
 * What of a far end's transport is another one than before.
 *
 * @param {Transport} before
 * @param {Transport} now
 */
const differences = (before, now) =>
  /** @type {(keyof Transport)[]} */ (["ufrag", "fingerprint"]).filter(
    (name) => before[name] && now[name] && before[name] !== now[name],
  );
