// How a device of the page is woken: by the browser's own push where there is any, else by one
// that the demo stands in for.

import { StandIn } from "./push-stand-in.js";

/** A push service that has not answered by then, in ms, is out of reach. */
const PATIENCE = 4000;

/**
 * @typedef {import("../js/index.js").Phone} Phone
 * @typedef {{ kind: string, from: { uri: string, displayName: string }, answered?: boolean }} News
 */

export class DevicePush {
  #phone;
  #account;
  #woken;
  #changed;
  /** @type {StandIn | undefined} */
  #standIn;

  /**
   * @param {Phone} phone
   * @param {import("../js/account/index.js").Account} account
   * @param {(news?: News) => void} woken what was pushed, where the page itself is told
   * @param {() => void} changed
   */
  constructor(phone, account, woken, changed) {
    this.#phone = phone;
    this.#account = account;
    this.#woken = woken;
    this.#changed = changed;
    globalThis.navigator.serviceWorker?.addEventListener(
      "message",
      ({ data }) => data?.type === "graceline-push" && this.#woken(),
    );
  }

  /** Whether the demo stands in for a push service. */
  get isSimulated() {
    return !!this.#standIn;
  }

  /**
   * Resolves once the device can be woken; should its user allow it later, by the browser.
   * @param {string} device its id at the account service
   */
  async enable(device) {
    const own = this.#byBrowser();
    own.catch(() => {});
    try {
      await withinPatience(own);
    } catch {
      this.#standIn ??= await StandIn.make();
      const subscription = await this.#standIn.subscription();
      await this.#account.setPush(device, subscription);
    }
  }

  async #byBrowser() {
    await this.#phone.enablePush(await askForPush());
    this.#standIn = undefined;
    this.#changed();
  }

  /** @param {{ id: string, body: string }} push */
  async heard({ id, body }) {
    if (id === this.#standIn?.id) this.#woken(await this.#standIn.open(body));
  }
}

async function askForPush() {
  if ((await Notification.requestPermission()) !== "granted")
    throw new Error("no notifications");
  await navigator.serviceWorker.register("/demo/devices-worker.js", {
    type: "module",
    scope: "/demo/",
  });
  return navigator.serviceWorker.ready;
}

/** @param {Promise<unknown>} work */
const withinPatience = (work) =>
  Promise.race([
    work,
    new Promise((_, reject) => setTimeout(reject, PATIENCE)),
  ]);
