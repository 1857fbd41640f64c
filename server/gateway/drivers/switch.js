import { connect } from "node:net";
import { readLines, writeLine } from "../lines.js";

/** Of the protocol. */
const VERSION = 1;

/**
 * A switch, or a bridge to one, that speaks the link itself.
 *
 * @type {import("../driver.js").OpenDriver}
 */
export function open({ hostname, port }, { receive, closed }) {
  const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
  let reason = "the switch has closed the connection";
  let isOpen = true;
  // Small lines that wait for nothing: no delay for the sake of fuller packets.
  socket.setNoDelay(true);
  socket.on("connect", () => writeLine(socket, { hello: VERSION }));
  socket.on("error", (error) => (reason = error.message));
  socket.on("close", () => isOpen && closed(reason));
  readLines(socket, (message) => isOpen && receive(message));
  return {
    send: (request) => writeLine(socket, request),
    close() {
      isOpen = false;
      socket.destroy();
    },
  };
}
