import WebSocket from "ws";

/** Nobody listens on the port of RFC 863 (discard). */
const NOWHERE = "ws://127.0.0.1:9/";

/**
 * A WebSocket class for a client under test: as a browser's, and everything that passes is
 * written into the transcript.
 * @param {import("./transcript.mjs").Transcript} transcript
 * @param {string} who how the transcript calls the client
 */
export function recordingWebSocket(transcript, who) {
  return class RecordingWebSocket extends WebSocket {
    /** Those that were opened, oldest first. @type {RecordingWebSocket[]} */
    static opened = [];

    /** Whether new connections fail, as without a network. */
    static offline = false;

    /**
     * Called with each message before it is sent: a test may cut the connection here.
     * @type {(text: string, socket: RecordingWebSocket) => void}
     */
    static beforeSend = () => {};

    /**
     * @param {string} url
     * @param {string | string[]} [protocols]
     */
    constructor(url, protocols) {
      super(RecordingWebSocket.offline ? NOWHERE : url, protocols, {
        origin: "http://localhost",
      });
      RecordingWebSocket.opened.push(this);
      this.on("message", (data) =>
        transcript.add(who, "received", data.toString()),
      );
      this.on("close", (code) => transcript.add(who, "note", `closed ${code}`));
      this.on("open", () => transcript.add(who, "note", "opened"));
    }

    /** Cuts what is open, and lets nothing be opened, until `offline` is false again. */
    static unplug() {
      RecordingWebSocket.offline = true;
      RecordingWebSocket.opened.at(-1)?.terminate();
    }

    /**
     * @override
     * @param {any} data
     * @param {any[]} rest
     */
    send(data, ...rest) {
      const text = textOf(data);
      transcript.add(who, "sent", text);
      RecordingWebSocket.beforeSend(text, this);
      return super.send(data, ...rest);
    }
  };
}

/** @param {string | ArrayBuffer | ArrayBufferView} data */
function textOf(data) {
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}
