// What the trace of a phone leaves out, for a page that explains: the CSTA documents
// in what passes by a WebSocket. Digits that somebody presses are in there, so nothing
// but a demo should show them.

/** So many are remembered. */
const MOST = 300;
const CSTA = /^Content-Type\s*:\s*application\/csta\+xml/im;

/**
 * @template {new (...args: any[]) => any} W
 * @param {W} Base WebSocket of a browser, or of `ws`
 */
export function tapped(Base) {
  /** @type {Map<string, string>} */
  const documents = new Map();
  /** @param {unknown} data */
  const note = (data) => {
    const text = String(data);
    const end = text.indexOf("\r\n\r\n");
    if (end < 0 || !CSTA.test(text.slice(0, end))) return;
    documents.set(nameOf(text), text.slice(end + 4));
    const [oldest] = documents.keys();
    if (documents.size > MOST) documents.delete(oldest);
  };
  return {
    WebSocket: class extends Base {
      /** @param {any[]} args */
      constructor(...args) {
        super(...args);
        this.addEventListener("message", (/** @type {any} */ { data }) =>
          note(data),
        );
      }

      /** @param {any} data @param {any[]} rest */
      send(data, ...rest) {
        note(data);
        super.send(data, ...rest);
      }
    },
    /**
     * The CSTA document of a message that has passed by; "" if it had none.
     * @param {string} message as the trace shows it
     */
    documentOf: (message) => documents.get(nameOf(message)) ?? "",
  };
}

/** Names a message: its start line, Call-ID and CSeq. @param {string} text */
function nameOf(text) {
  const header = (/** @type {string} */ name) =>
    new RegExp(`^${name}\\s*:\\s*(.*?)\\r?$`, "im").exec(text)?.[1] ?? "";
  const [start] = text.split("\r\n", 1);
  return `${start} ${header("Call-ID")} ${header("CSeq")}`;
}
