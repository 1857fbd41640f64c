/**
 * A server of somebody else, run as a process group of its own, so that ending it reaches its
 * workers, and never left running after the tests.
 */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { eventually } from "./eventually.mjs";

const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5_000;

export class ServerProcess {
  /** What it said on standard output and error. */
  log = "";

  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;

  /**
   * Starts it and resolves when it says that it is ready.
   * @param {string} program
   * @param {string[]} args
   * @param {object} options
   * @param {string} options.ready what it says then
   * @param {string} options.directory removed if the test run ends in mid-air
   * @param {number} [options.uid] another user, for what does not run as root
   * @param {number} [options.gid]
   */
  async launch(program, args, { ready, directory, uid, gid }) {
    const child = spawn(program, args, {
      ...{ uid, gid },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#process = child;
    running.set(child, directory);
    child.once("exit", () => running.delete(child));
    const from = this.log.length;
    await withDeadline(START_DEADLINE_MS, `${program} to start`, (resolve) => {
      const collect = (/** @type {Buffer} */ chunk) => {
        this.log += chunk;
        if (this.log.includes(ready, from)) resolve(undefined);
      };
      child.stdout?.on("data", collect);
      child.stderr?.on("data", collect);
      child.once("error", resolve);
      child.once("exit", resolve);
    });
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`${program} did not start:\n${this.log}`);
  }

  /**
   * Sends a signal to all of it.
   * @param {NodeJS.Signals} signal
   */
  signal(signal) {
    process.kill(-Number(this.#process?.pid), signal);
  }

  /**
   * Ends it: all processes at once with SIGKILL, else by asking the first.
   * @param {"SIGTERM" | "SIGKILL"} signal
   */
  async end(signal) {
    const child = this.#process;
    if (!child?.pid || child.exitCode !== null || child.signalCode) return;
    const exited = once(child, "exit");
    signal === "SIGKILL" ? this.signal(signal) : child.kill(signal);
    const stuck = setTimeout(() => this.signal("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(stuck);
    // On a busy machine its workers die later, and hold its ports until then.
    const { pid } = child;
    await eventually(`all of process group ${pid} to end`, async () =>
      groupHasEnded(pid),
    );
  }
}

/**
 * Whether all its processes have closed what they had open: a zombie has.
 * @param {number} group
 */
function groupHasEnded(group) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(statusOf)
    .every(([state, , pgrp]) => Number(pgrp) !== group || state === "Z");
}

/**
 * @param {string} pid
 * @returns {string[]} state, parent, process group, as in proc(5); nothing of one that is gone
 */
function statusOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/**
 * Processes, and their directories, that must not outlive a test run which ends in mid-air.
 * @type {Map<import("node:child_process").ChildProcess, string>}
 */
const running = new Map();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
  process.once(signal, () => process.exit(1)); // by way of "exit"
process.on("exit", () => {
  for (const [{ pid }, directory] of running) {
    process.kill(-Number(pid), "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Ports given away here: their servers may not listen yet. */
const given = new Set();

/**
 * A port below the range from which systems take the ports of outgoing connections:
 * one of those, of a test that runs beside, could come between the look and the server.
 *
 * @param {(port: number) => import("node:net").Server | import("node:dgram").Socket} listen
 * @returns {Promise<number>}
 */
async function free(listen) {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    if (given.has(port)) continue;
    const probe = listen(port);
    const listens = once(probe, "listening");
    if (!(await listens.then(Boolean, () => false))) continue;
    given.add(port);
    probe.close();
    await once(probe, "close");
    return port;
  }
}

/** A loopback TCP port that nobody listens on. */
export const freePort = () =>
  free((port) => createServer().listen(port, "127.0.0.1"));

/** A loopback UDP port that nobody uses. */
export const freeUdpPort = () =>
  free((port) => createSocket("udp4").bind(port, "127.0.0.1"));

/**
 * @template T
 * @param {number} milliseconds
 * @param {string} what
 * @param {(resolve: (value: T) => void) => void} body
 * @returns {Promise<T>}
 */
function withDeadline(milliseconds, what, body) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`waited ${milliseconds} ms for ${what}`)),
      milliseconds,
    );
    body((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
