/**
 * JSON, one object a line, over a byte stream: how the link of docs/cti-link.md is
 * framed, at both ends.
 */

/** Longest line, in UTF-16 units: a snapshot of a hundred calls has 25 KiB. */
const MAX_LINE = 2 ** 16;

/**
 * Reads the objects of a socket. What is none, or too long, ends it.
 *
 * @param {import("node:net").Socket} socket
 * @param {(message: Record<string, any>) => void} receive
 */
export function readLines(socket, receive) {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (/** @type {any} */ part) => {
    const lines = `${rest}${part}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = objectIn(line);
      // What follows nonsense is not to be trusted either.
      if (!message) return void socket.destroy(nonsense());
      receive(message);
      if (socket.destroyed) return;
    }
    if (rest.length > MAX_LINE) socket.destroy(nonsense());
  });
}

/**
 * @param {import("node:net").Socket} socket
 * @param {object} message
 */
export function writeLine(socket, message) {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** @param {string} line */
function objectIn(line) {
  if (line.length > MAX_LINE) return undefined;
  try {
    const value = JSON.parse(line);
    return value && typeof value === "object" && !Array.isArray(value)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

const nonsense = () =>
  new Error("The other end of the link sent a line that is no JSON object.");
