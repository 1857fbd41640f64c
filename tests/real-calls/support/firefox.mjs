/**
 * Firefox by WebDriver BiDi, which it speaks by itself: no driver program is needed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 5_000;

/** Fake microphone without questions, sound without a click, loopback as a network, and quiet. */
const preferences = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "remote.active-protocols": 1,
  "remote.prefs.recommended": true,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "app.update.disabledForTesting": true,
  "datareporting.policy.dataSubmissionEnabled": false,
  "browser.shell.checkDefaultBrowser": false,
};

/** A running headless Firefox with a fresh profile. */
export class Firefox {
  #profile = "";
  /** @type {Record<string, unknown>} */
  #preferences = {};
  #log = "";
  #commands = 0;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {Map<number, { resolve(value: any): void, reject(error: Error): void }>} */
  #pending = new Map();

  /**
   * Resolves when it takes commands.
   * @param {Record<string, unknown>} [more] preferences
   */
  static async start(more = {}) {
    const firefox = new Firefox();
    firefox.#preferences = { ...preferences, ...more };
    firefox.#profile = await mkdtemp(join(tmpdir(), "firefox-"));
    try {
      await firefox.#launch();
      return firefox;
    } catch (error) {
      await firefox.close();
      throw error;
    }
  }

  /**
   * Opens a page and waits until it is loaded.
   * @param {string} url
   * @param {string} [container] of a page before it, whose storage it shares; default: its own
   */
  async open(url, container) {
    const userContext =
      container ??
      (await this.#command("browser.createUserContext")).userContext;
    const { context } = await this.#command("browsingContext.create", {
      type: "tab",
      userContext,
    });
    await this.#command("browsingContext.navigate", {
      context,
      url,
      wait: "complete",
    });
    return {
      container: /** @type {string} */ (userContext),
      reload: () =>
        this.#command("browsingContext.reload", { context, wait: "complete" }),
      /** Closes the page alone: its container stays. */
      leave: () => this.#command("browsingContext.close", { context }),
      /**
       * @param {string} method of the page's driver
       * @param {any[]} args
       */
      run: async (method, args) => {
        const { type, result, exceptionDetails } = await this.#command(
          "script.callFunction",
          {
            // As text: values would come back wrapped, each with its type.
            functionDeclaration:
              "async (method, args) => JSON.stringify(await driver[method](...JSON.parse(args)))",
            arguments: [method, JSON.stringify(args)].map((value) => ({
              type: "string",
              value,
            })),
            awaitPromise: true,
            target: { context },
          },
        );
        if (type === "exception") throw new Error(exceptionDetails.text);
        return result.value === undefined
          ? undefined
          : JSON.parse(result.value);
      },
      close: () => this.#command("browser.removeUserContext", { userContext }),
    };
  }

  async close() {
    this.#socket?.terminate();
    const child = this.#process;
    if (child && child.exitCode === null && !child.signalCode) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const stuck = setTimeout(
        () => process.kill(-Number(child.pid), "SIGKILL"),
        STOP_DEADLINE_MS,
      );
      await exited;
      clearTimeout(stuck);
    }
    await rm(this.#profile, { recursive: true, force: true });
  }

  async #launch() {
    await writeFile(
      join(this.#profile, "user.js"),
      Object.entries(this.#preferences)
        .map(
          ([name, value]) =>
            `user_pref("${name}", ${JSON.stringify(value)});\n`,
        )
        .join(""),
    );
    const child = spawn(
      process.env.FIREFOX ?? "firefox-esr",
      [
        ...["--headless", "--no-remote", "--new-instance"],
        ...["--profile", this.#profile, "--remote-debugging-port", "0"],
      ],
      {
        // A process group of its own, so that its content processes can be ended with it.
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        env: {
          ...process.env,
          HOME: this.#profile,
          MOZ_CRASHREPORTER_DISABLE: "1",
        },
      },
    );
    this.#process = child;
    running.set(child, this.#profile);
    child.once("exit", () => running.delete(child));
    const url = await new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ why) =>
        reject(new Error(`Firefox ${why}:\n${this.#log}`));
      const timer = setTimeout(fail, START_DEADLINE_MS, "did not start");
      const collect = (/** @type {Buffer} */ chunk) => {
        this.#log += chunk;
        const [, found] =
          /WebDriver BiDi listening on (ws:\S+)/.exec(this.#log) ?? [];
        if (!found) return;
        clearTimeout(timer);
        resolve(found);
      };
      child.stdout?.on("data", collect);
      child.stderr?.on("data", collect);
      child.once("error", ({ message }) => fail(message));
      child.once("exit", () => fail("ended"));
    });
    this.#socket = new WebSocket(`${url}/session`);
    await once(this.#socket, "open");
    this.#socket.on("message", (data) => this.#received(JSON.parse(`${data}`)));
    this.#socket.on("close", () => {
      for (const { reject } of this.#pending.values())
        reject(new Error("Firefox is gone"));
    });
    await this.#command("session.new", { capabilities: {} });
  }

  /**
   * @param {string} method
   * @param {object} [params]
   * @returns {Promise<any>}
   */
  #command(method, params = {}) {
    const id = ++this.#commands;
    this.#socket?.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) =>
      this.#pending.set(id, { resolve, reject }),
    );
  }

  /** @param {any} answer */
  #received({ id, type, result, error, message }) {
    const waiting = this.#pending.get(id);
    if (!waiting) return; // an event
    this.#pending.delete(id);
    if (type === "error") waiting.reject(new Error(`${error}: ${message}`));
    else waiting.resolve(result);
  }
}

/**
 * Processes, and their profiles, that must not outlive a test run which ends in mid-air.
 * @type {Map<import("node:child_process").ChildProcess, string>}
 */
const running = new Map();
process.on("exit", () => {
  for (const [{ pid }, profile] of running) {
    process.kill(-Number(pid), "SIGKILL");
    rmSync(profile, { recursive: true, force: true });
  }
});
