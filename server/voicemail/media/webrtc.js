import { randomInt } from "node:crypto";
import { STATIC } from "./g711.js";
import { readPacket, writePacket } from "./packet.js";

/** Sound as browsers speak it: ICE, DTLS-SRTP, and of their codecs G.711, which all of them have. */
export class WebRtcMedia {
  #connection;
  #track;
  #heard;
  #stream = randomInt(2 ** 32);
  #start = randomInt(2 ** 32);
  #sequence = randomInt(2 ** 16);
  /** @type {(() => void)[]} */
  #leave = [];
  /** The payload type that is sent. */
  #type = 0;

  /**
   * @param {import("./handler.js").Heard} heard
   * @param {any[]} iceServers
   * @param {() => void} lost
   */
  static async open(heard, iceServers, lost) {
    const library = await import("../../../pkg/libraries/webrtc.js");
    return new WebRtcMedia(library, heard, iceServers, lost);
  }

  /**
   * @param {typeof import("../../../pkg/libraries/webrtc.js")} library
   * @param {import("./handler.js").Heard} heard
   * @param {any[]} iceServers
   * @param {() => void} lost
   */
  constructor(library, heard, iceServers, lost) {
    const { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } =
      library;
    this.#heard = heard;
    this.#track = new MediaStreamTrack({ kind: "audio" });
    this.#connection = new RTCPeerConnection({
      iceServers,
      codecs: {
        audio: Object.entries(STATIC).map(
          ([type, name]) =>
            new RTCRtpCodecParameters({
              mimeType: `audio/${name}`,
              clockRate: 8_000,
              channels: 1,
              payloadType: Number(type),
            }),
        ),
      },
    });
    this.#connection.addTrack(this.#track);
    this.#subscribe(this.#connection.onTrack, (track) =>
      this.#subscribe(track.onReceiveRtp, (packet) =>
        this.#received(packet.serialize()),
      ),
    );
    this.#subscribe(this.#connection.connectionStateChange, (state) => {
      if (state === "failed") lost();
    });
  }

  get codec() {
    return STATIC[this.#type];
  }

  /** @param {string} sdp */
  async answer(sdp) {
    await this.#connection.setRemoteDescription({ type: "offer", sdp });
    const answer = await this.#connection.createAnswer();
    await this.#connection.setLocalDescription(answer);
    const local = this.#connection.localDescription?.sdp ?? answer.sdp;
    const types = /^m=audio \d+ \S+ (.*)$/m.exec(local)?.[1].split(" ") ?? [];
    this.#type = types.map(Number).find((type) => STATIC[type]) ?? 0;
    return local;
  }

  /** Resolves once sound can flow. @returns {Promise<void>} */
  ready() {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#connection.connectionState !== "connected") return;
        resolve();
      };
      this.#subscribe(this.#connection.connectionStateChange, look);
      look();
    });
  }

  /** @type {import("./player.js").Send} */
  send = (payload, at, isFirst) => {
    this.#track.writeRtp(
      writePacket({
        type: this.#type,
        isFirst,
        sequence: this.#sequence++ % 2 ** 16,
        timestamp: (this.#start + at) % 2 ** 32,
        stream: this.#stream,
        payload,
      }),
    );
  };

  close() {
    for (const leave of this.#leave) leave();
    void this.#connection.close();
  }

  /** @param {any} event @param {(value: any) => void} listener */
  #subscribe(event, listener) {
    const { unSubscribe } = event.subscribe(listener);
    this.#leave.push(unSubscribe);
  }

  /** @param {Buffer} bytes */
  #received(bytes) {
    const packet = readPacket(bytes);
    const codec = packet && STATIC[packet.type];
    if (codec) this.#heard({ ...packet, codec });
  }
}
