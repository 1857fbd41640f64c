/**
 * A media handler without media, for tests in Node: descriptions that a phone,
 * a proxy and a browser can read, tracks that can be asked what became of them.
 */

/**
 * @typedef {import("../index.js").MediaContext} MediaContext
 * @typedef {import("../index.js").MediaHandler} MediaHandler
 * @typedef {"audio" | "video"} Kind
 */

/** @param {import("./index.js").FakeMediaOptions} [options] */
export function fakeMedia(options = {}) {
  /** @type {FakeMediaHandler[]} */
  const made = [];
  const create = (/** @type {MediaContext} */ context) => {
    const handler = new FakeMediaHandler(context, options);
    made.push(handler);
    return handler;
  };
  return Object.assign(create, { made, options });
}

let count = 0;

/** @typedef {import("./index.js").FakeMediaHandler} Declared */

/** @implements {Declared} */
export class FakeMediaHandler {
  /** What was asked of it, in order. @type {import("./index.js").FakeMediaStep[]} */
  asked = [];
  /** Digits played. */
  digits = "";
  closed = false;
  muted = { audio: false, video: false };
  /** @type {any} */
  localStream = null;
  /** @type {any} */
  remoteStream = null;
  /** The descriptions in force. @type {string | null} */
  localDescription = null;
  /** @type {string | null} */
  remoteDescription = null;
  /** @type {string[]} */
  remoteCandidates = [];
  #agreed = {
    local: /** @type {string | null} */ (null),
    remote: /** @type {string | null} */ (null),
  };
  #version = 0;
  #generation = 1;
  #id = ++count;
  #options;

  /**
   * @param {MediaContext} context
   * @param {import("./index.js").FakeMediaOptions} options looked at anew each time
   */
  constructor(context, options) {
    this.context = context;
    this.#options = options;
  }

  async open() {
    if (this.localStream) return;
    this.#ask("open");
    const { audio, video, stream } = this.context;
    const kinds = [audio && "audio", video && "video"].filter(Boolean);
    this.localStream =
      stream ?? new FakeStream(kinds.map((kind) => new FakeTrack(`${kind}`)));
    this.setMuted(this.muted);
  }

  /** @param {import("../index.js").DescriptionWanted} [wanted] */
  async createOffer({ hold, iceRestart } = {}) {
    await this.open();
    this.#ask("createOffer");
    if (iceRestart) this.#generation++;
    const kinds = /** @type {Kind[]} */ (["audio", "video"]).filter(
      (kind) =>
        kind === "audio" ||
        this.#has(kind) ||
        direction(this.localDescription, kind),
    );
    return this.#describe(
      kinds.map((kind) => {
        const sends = this.#has(kind);
        if (hold) return [kind, sends ? "sendonly" : "inactive"];
        return [kind, sends ? "sendrecv" : "recvonly"];
      }),
    );
  }

  /**
   * @param {string} offer
   * @param {import("../index.js").DescriptionWanted} [wanted]
   */
  async createAnswer(offer, { hold } = {}) {
    await this.open();
    this.#ask("createAnswer");
    if (ufrag(offer) !== ufrag(this.remoteDescription)) this.#generation++;
    this.#receive(offer);
    const answer = this.#describe(
      kindsIn(offer).map((kind) => {
        const offered = direction(offer, kind);
        const sends = this.#has(kind) && /sendrecv|recvonly/.test(offered);
        const refused = kind === "video" && this.context.video === false;
        const receives = !hold && !refused && /sendrecv|sendonly/.test(offered);
        if (sends) return [kind, receives ? "sendrecv" : "sendonly"];
        return [kind, receives ? "recvonly" : "inactive"];
      }),
    );
    this.#agree();
    return answer;
  }

  /**
   * @param {string} sdp
   * @param {"answer" | "pranswer"} type
   */
  async applyAnswer(sdp, type) {
    this.#ask(type);
    this.#receive(sdp);
    if (type === "answer") this.#agree();
  }

  async rollback() {
    this.#ask("rollback");
    this.localDescription = this.#agreed.local;
    this.remoteDescription = this.#agreed.remote;
    if (!/send/.test(direction(this.#agreed.local, "video")))
      this.#replace("video");
  }

  /** @param {string} sdpfrag */
  async addCandidates(sdpfrag) {
    this.#ask("addCandidates");
    this.remoteCandidates.push(sdpfrag);
  }

  /** @param {{ audio: boolean, video: boolean }} muted */
  setMuted(muted) {
    this.muted = muted;
    for (const track of this.localStream?.getTracks() ?? [])
      track.enabled = !muted[/** @type {Kind} */ (track.kind)];
  }

  /** @param {string} digits */
  async sendDtmf(digits) {
    this.#ask("sendDtmf");
    if (this.#options.dtmf === false) return false;
    this.digits += digits;
    return true;
  }

  /** @param {boolean | object} video */
  async setVideo(video) {
    this.#ask("setVideo");
    this.#replace("video", video ? new FakeTrack("video") : undefined);
  }

  /** @param {Kind} kind @param {string} deviceId */
  async setDevice(kind, deviceId) {
    this.#ask("setDevice");
    this.#replace(kind, new FakeTrack(kind, deviceId));
  }

  /** @param {any} track */
  async replaceTrack(track) {
    this.#replace(track.kind, track);
  }

  /** What flows now, as the descriptions agree. @returns {Promise<RTCStatsReport>} */
  async getStats() {
    const kinds = kindsIn(this.localDescription ?? "");
    return new Map(
      kinds.flatMap((kind) => [
        ...(this.sends(kind) ? [stat("outbound-rtp", kind)] : []),
        ...(this.receives(kind) ? [stat("inbound-rtp", kind)] : []),
      ]),
    );
  }

  close() {
    this.closed = true;
    if (!this.context.stream)
      for (const track of this.localStream?.getTracks() ?? []) track.stop();
  }

  /** Whether the far end is to hear, or see, us. @param {Kind} [kind] */
  sends(kind = "audio") {
    const both = this.#directions(kind);
    return (
      !this.closed &&
      /sendrecv|sendonly/.test(both[0]) &&
      /sendrecv|recvonly/.test(both[1])
    );
  }

  /** Whether we are to hear, or see, the far end. @param {Kind} [kind] */
  receives(kind = "audio") {
    const both = this.#directions(kind);
    return (
      !this.closed &&
      /sendrecv|recvonly/.test(both[0]) &&
      /sendrecv|sendonly/.test(both[1])
    );
  }

  /** @param {Kind} kind */
  #directions(kind) {
    return [
      direction(this.localDescription, kind),
      direction(this.remoteDescription, kind),
    ];
  }

  /** @param {import("./index.js").FakeMediaStep} what */
  #ask(what) {
    this.asked.push(what);
    const failure = this.#options.fail?.(what, this.context);
    if (failure) throw failure;
  }

  /** @param {Kind} kind */
  #has(kind) {
    return this.localStream
      .getTracks()
      .some((/** @type {FakeTrack} */ track) => track.kind === kind);
  }

  /** Tracks of the app are never stopped. @param {string} kind @param {any} [track] */
  #replace(kind, track) {
    const tracks = this.localStream.getTracks();
    const [old, others] = [true, false].map((of) =>
      tracks.filter(
        (/** @type {FakeTrack} */ one) => (one.kind === kind) === of,
      ),
    );
    const theirs = this.context.stream?.getTracks() ?? [];
    for (const one of old) if (!theirs.includes(one)) one.stop();
    this.localStream = new FakeStream(track ? [...others, track] : others);
    this.setMuted(this.muted);
  }

  #agree() {
    this.#agreed = {
      local: this.localDescription,
      remote: this.remoteDescription,
    };
  }

  /** @param {string} sdp */
  #receive(sdp) {
    this.remoteDescription = sdp;
    this.remoteStream ??= new FakeStream([]);
    for (const kind of kindsIn(sdp)) {
      const known = this.remoteStream
        .getTracks()
        .some((/** @type {FakeTrack} */ track) => track.kind === kind);
      if (known || !/sendrecv|sendonly/.test(direction(sdp, kind))) continue;
      const track = /** @type {any} */ (new FakeTrack(kind));
      this.remoteStream.addTrack(track);
      this.context.emit.track(track, this.remoteStream);
    }
  }

  /** @param {string[][]} media kind and direction of each section */
  #describe(media) {
    const sections = media.flatMap(([kind, direction], mid) => [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kind === "audio" ? "0 101" : "96"}`,
      "c=IN IP4 0.0.0.0",
      "a=rtcp-mux",
      `a=mid:${mid}`,
      `a=${direction}`,
      `a=ice-ufrag:fake${this.#id}g${this.#generation}`,
      "a=ice-pwd:0123456789abcdefghijklmn",
      `a=fingerprint:sha-256 ${Array(32).fill("00").join(":")}`,
      "a=setup:actpass",
      "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
      ...(kind === "audio"
        ? ["a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"]
        : ["a=rtpmap:96 VP8/90000"]),
    ]);
    this.localDescription = [
      "v=0",
      `o=- ${this.#id} ${++this.#version} IN IP4 127.0.0.1`,
      "s=-",
      "t=0 0",
      `a=group:BUNDLE ${media.map((_, mid) => mid).join(" ")}`,
      ...sections,
      "",
    ].join("\r\n");
    return this.localDescription;
  }
}

/** What tests look at of a MediaStreamTrack. */
export class FakeTrack {
  enabled = true;
  /** @type {"live" | "ended"} */
  readyState = "live";

  /** @param {string} kind @param {string} [deviceId] */
  constructor(kind, deviceId = "default") {
    this.kind = kind;
    this.id = `fake-${kind}-${++count}`;
    this.deviceId = deviceId;
  }

  stop() {
    this.readyState = "ended";
  }
}

/** What tests look at of a MediaStream. */
export class FakeStream {
  id = `fake-stream-${++count}`;
  #tracks;

  /** @param {FakeTrack[]} tracks */
  constructor(tracks) {
    this.#tracks = tracks;
  }

  getTracks() {
    return [...this.#tracks];
  }

  getAudioTracks() {
    return this.#tracks.filter(({ kind }) => kind === "audio");
  }

  getVideoTracks() {
    return this.#tracks.filter(({ kind }) => kind === "video");
  }

  /** @param {FakeTrack} track */
  addTrack(track) {
    this.#tracks.push(track);
  }
}

/** @param {string} type @param {Kind} kind @returns {[string, object]} */
const stat = (type, kind) => [
  `${type}-${kind}`,
  { id: `${type}-${kind}`, type, kind },
];

/** @param {string} sdp @returns {Kind[]} */
const kindsIn = (sdp) =>
  [...sdp.matchAll(/^m=(audio|video) /gm)].map(
    ([, kind]) => /** @type {Kind} */ (kind),
  );

/** @param {string | null} sdp @param {Kind} kind @returns {string} "" where there is no such section */
function direction(sdp, kind) {
  const section = sdp
    ?.split(/^(?=m=)/m)
    .find((part) => part.startsWith(`m=${kind} `));
  if (!section || section.startsWith(`m=${kind} 0 `)) return "";
  return (
    /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(section)?.[1] ??
    "sendrecv"
  );
}

/** @param {string | null} sdp */
const ufrag = (sdp) => /^a=ice-ufrag:(\S+)/m.exec(sdp ?? "")?.[1];
