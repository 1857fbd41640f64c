/** Starts a real rtpengine, which carries media between browsers and phones, on loopback. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { freeUdpPort } from "../../interop/support/server-process.mjs";
import { eventually } from "../../interop/support/eventually.mjs";

const PROGRAM = process.env.RTPENGINE ?? "/usr/bin/rtpengine";

/** A running rtpengine, in user space. */
export class Rtpengine {
  /** Its control socket (UDP). */
  port = 0;
  #log = "";
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;

  /** Resolves when it answers. */
  static async start() {
    const rtpengine = new Rtpengine();
    rtpengine.port = await freeUdpPort();
    const child = spawn(
      PROGRAM,
      [
        ...["--config-file=none", "--foreground", "--log-stderr", "--table=-1"],
        ...["--interface=127.0.0.1", `--listen-ng=127.0.0.1:${rtpengine.port}`],
        ...["--port-min=30000", "--port-max=30999", "--log-level=5"],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    rtpengine.#process = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    child.stderr?.on("data", (chunk) => (rtpengine.#log += chunk));
    try {
      await Promise.race([
        once(child, "exit").then(() => {
          throw new Error("rtpengine ended");
        }),
        eventually("rtpengine to answer", () => answers(rtpengine.port)),
      ]);
      return rtpengine;
    } catch (cause) {
      await rtpengine.stop();
      throw new Error(`rtpengine did not start:\n${rtpengine.#log}`, { cause });
    }
  }

  async stop() {
    const child = this.#process;
    if (!child?.pid || child.exitCode !== null || child.signalCode) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

/**
 * Whether a ping is answered (its ng protocol: a cookie, then bencode).
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(false), 100);
    const finish = (/** @type {boolean} */ answered) => {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    socket.on("message", (text) => finish(text.includes("4:pong")));
    socket.on("error", () => finish(false));
    socket.connect(port, "127.0.0.1", () => socket.send("1 d7:command4:pinge"));
  });
}

/**
 * Processes that must not outlive a test run which ends in mid-air.
 * @type {Set<import("node:child_process").ChildProcess>}
 */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
