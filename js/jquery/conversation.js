/** One call, as CWIC shows it to a page: an object, a container, and events about both. */

import { harmless } from "./errors.js";

/**
 * @typedef {any} Call  a call of the phone
 * @typedef {any} Container  a jQuery selection of one element
 */

/** In the order of their numbers. */
const STATES =
  "OffHook OnHook Ringout Ringin Proceed Connected Hold RemHold Resume Busy Reorder Conference " +
  "Dialing RemInUse HoldRevert Whisper Parked ParkRevert ParkRetrieved Preservation " +
  "WaitingForDigits Spoof_Ringout";

/** @type {Record<string, string>} */
const STATE_OF = {
  incoming: "Ringin",
  calling: "OffHook",
  ringing: "Ringout",
  connected: "Connected",
  ended: "OnHook",
};

/** What a page may do in a state. @type {Record<string, string>} */
const CAPABILITIES = {
  Ringin: "canAnswerCall canEndCall",
  OffHook: "canEndCall",
  Ringout: "canEndCall",
  Connected:
    "canEndCall canHold canSendDigit canDirectTransfer canUpdateVideoCapability",
  RemHold:
    "canEndCall canHold canSendDigit canDirectTransfer canUpdateVideoCapability",
  Hold: "canEndCall canResume canDirectTransfer",
};

export class Conversation {
  /** What the page was last told. @type {Record<string, any>} */
  data = {};
  /** The facts in it, as text. */
  #told = "";
  /** @type {Container} */
  container;
  #call;
  #line;
  #host;
  /** When the page was first told of it as a call of its own. @type {Date | undefined} */
  #start;
  #sound = new Sound();

  /**
   * @param {Call} call
   * @param {object} line
   * @param {string} line.user
   * @param {() => boolean} line.hasMailbox
   * @param {(name: string, conversation: Conversation) => void} line.tell
   * @param {import("./containers.js").Containers} containers
   */
  constructor(call, line, containers) {
    this.#call = call;
    this.#line = line;
    this.#host = containers;
  }

  get call() {
    return this.#call;
  }

  get id() {
    return this.#call.id;
  }

  /** Binds the conversation to an element of the page. @param {Container} container */
  moveTo(container) {
    if (this.container) this.#host.free(this.container, this.id);
    this.container = container;
    this.#host.bind(container, this.id, this.#describe());
  }

  /** From here on the page hears of it: of a call that it made, after the method has returned. */
  begin() {
    const call = this.#call;
    if (call.state === "incoming") this.#tell("conversationIncoming.cwic");
    else queueMicrotask(() => this.#start ?? this.#startOrUpdate());
    call.on("state", () => this.#startOrUpdate());
    call.on("track", () => {
      this.#sound.play(call.remoteStream);
      this.update();
    });
    call.on("remote", () => this.update());
    call.on("services", () => this.update());
    call.on("callInfo", () => this.update());
    call.on("ended", (/** @type {any} */ end) => this.#end(end));
  }

  /** Something may have changed: the page hears of news alone, of a call that it knows. */
  update() {
    const known = this.#told && this.data.exists;
    if (known && JSON.stringify(this.#facts()) !== this.#told)
      this.#tell("conversationUpdate.cwic");
  }

  /** @param {string} id of an audio output */
  playOn(id) {
    return this.#sound.playOn(id);
  }

  #startOrUpdate() {
    const { state } = this.#call;
    if (state === "ended") return;
    if (this.#start || state === "incoming") return this.update();
    this.#start = new Date();
    this.#tell("conversationStart.cwic");
  }

  /** @param {{ cause: string, status?: number, reason: string }} end */
  #end({ cause, status, reason }) {
    this.#sound.stop();
    const outgoing = this.#call.direction === "outgoing";
    // Of a call that could not even be begun, the error was all.
    if (outgoing && !this.#start)
      return this.#host.free(this.container, this.id);
    if (outgoing && /rejected|failed/.test(cause)) {
      const state = status === 486 || status === 600 ? "Busy" : "Reorder";
      this.#tell("conversationUpdate.cwic", {
        ...named(state),
        capabilities: {},
      });
    }
    this.#tell("conversationEnd.cwic", {
      exists: false,
      endCause: cause,
      endReason: harmless(reason),
    });
    this.#host.free(this.container, this.id);
  }

  /**
   * @param {string} name
   * @param {object} [changes]
   */
  #tell(name, changes) {
    Object.assign(this.#describe(), changes);
    this.#told = JSON.stringify(this.#facts());
    this.#host.bind(this.container, this.id, this.data);
    this.#line.tell(name, this);
  }

  /** What was stored stays; what the phone knows is written over it. */
  #describe() {
    return Object.assign(this.data, this.#facts());
  }

  #facts() {
    const call = this.#call;
    const state =
      call.state === "held"
        ? call.heldBy === "remote"
          ? "RemHold"
          : "Hold"
        : (STATE_OF[call.state] ?? "OffHook");
    const incoming = call.direction === "incoming";
    const far = participant(call.remote);
    const own = participant({ uri: this.#line.user, displayName: "" });
    const [called, calling] = incoming ? [own, far] : [far, own];
    const parties = (call.parties ?? []).map(participant);
    const isConference = parties.length > 1;
    return {
      id: call.id,
      callId: call.id,
      ...named(state),
      callType: incoming ? "Incoming" : "Outgoing",
      exists: call.state !== "ended",
      audioMuted: call.muted.audio,
      videoMuted: call.muted.video,
      isConference,
      maxParticipants: isConference ? parties.length + 1 : 2,
      lineId: 1,
      mediaState: call.state === "connected" ? "Connected" : "Idle",
      videoDirection: videoDirection(call),
      videoResolution: resolution(call.remoteStream),
      capabilities: capabilities(state, call, this.#line.hasMailbox()),
      participants: isConference ? parties : [far],
      participant: far,
      localParticipant: own,
      calledPartyDirectoryNumber: called.directoryNumber,
      calledPartyNumber: called.number,
      calledPartyName: called.name,
      callingPartyDirectoryNumber: calling.directoryNumber,
      callingPartyNumber: calling.number,
      callingPartyName: calling.name,
      start: this.#start,
      connect: call.startTime ?? undefined,
      media: "audio",
    };
  }
}

/** The sound of the far end. CWIC's plug-in played it by itself, so must we. */
class Sound {
  /** @type {any} */
  #audio;

  /** Made when it is needed first: the loudspeaker may be chosen before there is a sound. */
  get #player() {
    if (globalThis.Audio)
      this.#audio ??= Object.assign(new Audio(), { autoplay: true });
    return this.#audio;
  }

  /** @param {MediaStream | null} stream */
  play(stream) {
    const player = stream && this.#player;
    if (player && player.srcObject !== stream) player.srcObject = stream;
  }

  /** @param {string} id */
  async playOn(id) {
    await this.#player?.setSinkId?.(id);
  }

  stop() {
    if (this.#audio) this.#audio.srcObject = null;
  }
}

/** @param {string} state */
const named = (state) => ({
  state,
  callState: state,
  numericState: STATES.split(" ").indexOf(state),
});

/**
 * CWIC pages show names and numbers as they come, also as HTML: no text from the network may open
 * a tag.
 *
 * @param {{ uri: string, displayName: string }} party
 */
function participant({ uri, displayName }) {
  const number = harmless(
    uri.replace(/^(sips?|tel):/i, "").replace(/[@;?].*/, ""),
  );
  return {
    name: harmless(displayName),
    number,
    translatedNumber: "",
    directoryNumber: number,
    externalNumber: "",
    recipient: number,
  };
}

/** What a page may ask of a desk phone's call, by a service that the gateway offers for it. @type {Record<string, string>} */
const SERVICES = {
  AnswerCall: "canAnswerCall",
  ClearConnection: "canEndCall",
  HoldCall: "canHold",
  RetrieveCall: "canResume",
  GenerateDigits: "canSendDigit",
  SingleStepTransferCall: "canDirectTransfer",
  TransferCall: "canDirectTransfer",
  ConferenceCall: "canJoinAcrossLine",
};

/** @param {string} state @param {Call} call @param {boolean} hasMailbox */
function capabilities(state, { muted, services }, hasMailbox) {
  if (services)
    return Object.fromEntries(
      Object.entries(SERVICES)
        .filter(([service]) => services.has(service))
        .map(([, name]) => [name, true]),
    );
  const list = (CAPABILITIES[state] ?? "").split(" ").filter(Boolean);
  if (/Connected|RemHold/.test(state)) {
    list.push(muted.audio ? "canUnmuteAudio" : "canMuteAudio");
    list.push(muted.video ? "canUnmuteVideo" : "canMuteVideo");
  }
  if (state === "Ringin" && hasMailbox) list.push("canImmediateDivert");
  return Object.fromEntries(list.map((name) => [name, true]));
}

/** @param {Call} call */
function videoDirection({ localStream, remoteStream }) {
  const sends = localStream?.getVideoTracks().length;
  const receives = remoteStream?.getVideoTracks().length;
  if (sends) return receives ? "SendRecv" : "SendOnly";
  return receives ? "RecvOnly" : "Inactive";
}

/** @param {MediaStream | null} stream */
function resolution(stream) {
  const [track] = stream?.getVideoTracks() ?? [];
  const { width = 0, height = 0 } = track?.getSettings?.() ?? {};
  return { width, height };
}
