/**
 * Ports for the servers of a test. Files of tests run side by side, and what the system offers as free
 * it may give to another process, or to an outgoing connection, before the server listens that it was
 * for. So each process has blocks of its own, below where the system takes ports for connections from
 * (32768, as Linux comes), and holds each by listening on its first.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const LOWEST = 20_000;
const BLOCK = 50;
const BLOCKS = 240;

/**
 * Whether a server or socket can be bound there; it is then.
 * @param {import("node:net").Server | import("node:dgram").Socket} socket
 * @param {() => unknown} bind
 */
async function binds(socket, bind) {
  const bound = once(socket, "listening");
  bind();
  return bound.then(
    () => true,
    () => false,
  );
}

/** @param {number} port */
async function isFree(port) {
  const server = createServer();
  const socket = createSocket("udp4");
  const free =
    (await binds(server, () => server.listen(port, "127.0.0.1"))) &&
    (await binds(socket, () => socket.bind(port, "127.0.0.1")));
  const closed = server.listening && once(server, "close");
  server.close();
  socket.close();
  await closed;
  return free;
}

/** The first port of a block that is this process' now. */
async function takeBlock() {
  let index = process.pid % BLOCKS;
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = LOWEST + index * BLOCK;
    const holder = createServer();
    if (await binds(holder, () => holder.listen(first, "127.0.0.1"))) {
      holder.unref();
      return first;
    }
    index = (index + 1) % BLOCKS;
  }
  throw new Error(`no free ports from ${LOWEST} on`);
}

async function* ports() {
  for (;;) {
    const first = await takeBlock();
    for (let port = first + 1; port < first + BLOCK; port++)
      if (await isFree(port)) yield port;
  }
}

const own = ports();

/** A loopback port, for TCP and UDP, that nobody else uses or will be given. */
export async function freePort() {
  const { value } = await own.next();
  return /** @type {number} */ (value);
}
