import WebSocket from "ws";

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
      super(url, protocols, { origin: "http://localhost" });
      RecordingWebSocket.opened.push(this);
      this.on("message", (data) =>
        transcript.add(who, "received", data.toString()),
      );
      this.on("close", (code) => transcript.add(who, "note", `closed ${code}`));
      this.on("open", () => transcript.add(who, "note", "opened"));
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
