import { MemoryWebSocket } from "./memory-socket.mjs";

/** Seconds granted at most. */
const LONGEST = 600;

/**
 * A registrar that answers from a script: a challenge to who shows no
 * credentials, else 200 with the contacts as they came. Minimal on purpose: its
 * work is the same for everybody and should not count.
 */
export class ScriptedRegistrar {
  /** REGISTERs that came, and those among them that (re)registered a contact. */
  registers = 0;
  refreshes = 0;
  /** The socket, contact URI and Call-ID of the last registration. */
  /** @type {MemoryWebSocket | undefined} */ socket;
  contact = "";
  callId = "";
  /** Called with each final answer of a client. @type {(text: string) => void} */
  onAnswer = () => {};
  /** Refuses everybody who proved who he is. */
  refuses = false;
  #graceful;

  /** @param {{ graceful?: boolean }} [options] graceful: it knows Cisco's form, and says so */
  constructor({ graceful = false } = {}) {
    this.#graceful = graceful ? "Supported: X-cisco-graceful-reg\r\n" : "";
    MemoryWebSocket.accept = (socket) => {
      /** @type {string[]} */
      let bound = [];
      return (text) => {
        if (text.startsWith("SIP/2.0 ")) return this.onAnswer(text);
        // A heartbeat (RFC 5626 §4.4.1).
        if (text === "\r\n\r\n")
          return queueMicrotask(() => socket.deliver("\r\n"));
        const answer = this.#answer(
          text,
          socket,
          bound,
          (contacts) => (bound = contacts),
        );
        if (answer) queueMicrotask(() => socket.deliver(answer));
      };
    };
  }

  /**
   * @param {string} request
   * @param {MemoryWebSocket} socket
   * @param {string[]} bound
   * @param {(contacts: string[]) => void} bind
   */
  #answer(request, socket, bound, bind) {
    const method = request.slice(0, request.indexOf(" "));
    if (method !== "REGISTER")
      return method === "ACK" ? "" : answerTo(request, "489 Bad Event", "");
    this.registers += 1;
    if (!/^Authorization:/im.test(request))
      return answerTo(
        request,
        "401 Unauthorized",
        `${this.#graceful}WWW-Authenticate: Digest realm="example.com", nonce="bm9uY2UtMTc2NzIyNTYwMA==", algorithm=MD5, qop="auth"\r\n`,
      );
    if (this.refuses)
      return answerTo(
        request,
        "403 Forbidden",
        `${this.#graceful}Warning: 399 example.com "Registration is active for another client"\r\n`,
      );
    const contacts = [...request.matchAll(/^(?:Contact|m): *(.*)$/gim)].map(
      ([, value]) => value.trim(),
    );
    if (contacts.length > 0) {
      const asked =
        /;expires=(\d+)/i.exec(contacts[0])?.[1] ??
        /^Expires: *(\d+)/im.exec(request)?.[1] ??
        "120";
      // The same life for everybody, whatever they ask for.
      const life = Math.min(Number(asked), LONGEST);
      const granted = contacts
        .filter(
          (contact) =>
            contact !== "*" && !/;expires=0\b/i.test(contact) && asked !== "0",
        )
        .map(
          (contact) =>
            `${contact.replace(/;expires=\d+/i, "")};expires=${life}`,
        );
      bind(granted);
      bound = granted;
      if (granted.length > 0) {
        this.refreshes += 1;
        this.socket = socket;
        this.contact = /<([^>]+)>/.exec(granted[0])?.[1] ?? "";
        this.callId =
          /^(?:Call-ID|i): *(.*)$/im.exec(request)?.[1].trim() ?? "";
      }
    }
    return answerTo(
      request,
      "200 OK",
      this.#graceful +
        bound.map((contact) => `Contact: ${contact}\r\n`).join(""),
    );
  }
}

/** @param {string} request @param {string} status @param {string} headers */
function answerTo(request, status, headers) {
  const copied =
    request.match(/^(?:Via|v|From|f|To|t|Call-ID|i|CSeq): *.*$/gim) ?? [];
  const lines = copied.map((line) =>
    /^(?:To|t):/i.test(line) && !line.includes(";tag=")
      ? `${line.trimEnd()};tag=r1\r\n`
      : `${line.trimEnd()}\r\n`,
  );
  return `SIP/2.0 ${status}\r\n${lines.join("")}${headers}Content-Length: 0\r\n\r\n`;
}
