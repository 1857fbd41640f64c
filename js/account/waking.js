import { fault } from "../errors/error.js";
import { callApp } from "../phone/events.js";

/** Begins the tag of what the service worker shows (graceline/push). */
const TAG = "graceline:";

/**
 * How the device of a page is woken: its push subscription (W3C Push API) is told to the
 * account service, and a phone of an open page that is logged out logs in when the service
 * worker hears of a call (graceline/push). Once nothing rings here any more, nothing says so.
 */
export class Waking {
  #phone;
  #account;
  #log;
  /** @type {ServiceWorkerRegistration | undefined} */
  #worker;
  #hear = (/** @type {MessageEvent} */ { data }) => this.#heard(data);
  #rings = (/** @type {{ call: import("../index.js").Call }} */ { call }) => {
    call.once("connected", () => this.#tidy());
    call.once("ended", () => this.#tidy());
  };

  /**
   * @param {import("../phone/phone.js").Phone} phone
   * @param {import("./index.js").Account} account
   * @param {any} log
   */
  constructor(phone, account, log) {
    this.#phone = phone;
    this.#account = account;
    this.#log = log;
  }

  /**
   * @param {ServiceWorkerRegistration} worker
   * @param {string} device its id
   */
  async enable(worker, device) {
    const subscription = await subscribe(worker, await this.#account.pushKey());
    const { endpoint, keys } = subscription.toJSON();
    await this.#account.setPush(
      device,
      /** @type {any} */ ({ endpoint, keys }),
    );
    this.#worker = worker;
    this.close();
    navigator.serviceWorker.addEventListener("message", this.#hear);
    this.#phone.on("incoming", this.#rings);
  }

  /** @param {string} device */
  async disable(device) {
    this.close();
    await this.#account.setPush(device, null);
    const subscription = await this.#worker?.pushManager.getSubscription();
    await subscription?.unsubscribe();
  }

  close() {
    this.#phone.off("incoming", this.#rings);
    globalThis.navigator?.serviceWorker?.removeEventListener(
      "message",
      this.#hear,
    );
  }

  /**
   * Takes away what says that a call rings: answered here, or over, nobody clicks it. The
   * service tells a device that is registered no more of a call.
   */
  async #tidy() {
    if (this.#phone.calls.some(({ state }) => state === "incoming")) return;
    const shown = (await this.#worker?.getNotifications?.()) ?? [];
    for (const notification of shown)
      if (notification.tag.startsWith(TAG) && notification.data?.rings)
        notification.close();
  }

  /** @param {any} data */
  #heard(data) {
    if (data?.type !== "graceline-push" || this.#phone.registration) return;
    this.#phone.registerPhone().catch((error) => {
      const { message, code } = error;
      callApp(this.#log, { level: "warn", message, code });
    });
  }
}

/**
 * @param {ServiceWorkerRegistration} worker
 * @param {string} applicationServerKey
 */
async function subscribe({ pushManager }, applicationServerKey) {
  const wanted = { userVisibleOnly: true, applicationServerKey };
  try {
    return await pushManager.subscribe(wanted).catch(async (error) => {
      // The service has another key than that of the subscription that is there.
      if (error.name !== "InvalidStateError") throw error;
      await (await pushManager.getSubscription())?.unsubscribe();
      return pushManager.subscribe(wanted);
    });
  } catch (/** @type {any} */ error) {
    const refused = error.name === "NotAllowedError";
    throw fault(refused ? "pushForbidden" : "pushFailed", {}, error);
  }
}
