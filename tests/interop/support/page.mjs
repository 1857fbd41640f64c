import { Worker } from "node:worker_threads";
import { phoneOptions } from "./phones.mjs";

/**
 * A phone in a page that can go away: a thread of its own, so that ending it ends everything of
 * the phone at once, timers and sockets, as when a browser's tab is closed or crashes.
 */
export class Page {
  /**
   * @param {import("./interop-test.mjs").World} world
   * @param {string} name how the transcript calls it
   * @param {object} [options] of `Phone`
   */
  constructor({ server, transcript, after }, name, options = {}) {
    this.worker = new Worker(new URL("./page-worker.mjs", import.meta.url), {
      workerData: { name, options: phoneOptions(server, options) },
    });
    this.worker.on("message", ({ entry }) => {
      if (entry)
        transcript.add(.../** @type {[string, any, string]} */ (entry));
    });
    after(() => this.worker.terminate());
  }

  /** Unforced; rejects with the phone's code. */
  async register() {
    this.worker.postMessage("register");
    const { registration, failure } = await this.#answer(
      "registration",
      "failure",
    );
    if (failure) throw Object.assign(new Error(failure.message), failure);
    return registration;
  }

  /** Closes the page: `pagehide`, and then nothing of it runs any more. */
  async leave() {
    this.worker.postMessage("leave");
    await this.#answer("left");
    await this.worker.terminate();
  }

  /** Ends the page without a word. */
  async crash() {
    await this.worker.terminate();
  }

  /**
   * @param {string[]} kinds
   * @returns {Promise<any>}
   */
  #answer(...kinds) {
    return new Promise((resolve, reject) => {
      const listen = (/** @type {Record<string, unknown>} */ message) => {
        if (!kinds.some((kind) => kind in message)) return;
        this.worker.off("message", listen);
        this.worker.off("error", reject);
        resolve(message);
      };
      this.worker.on("message", listen);
      this.worker.once("error", reject);
    });
  }
}
