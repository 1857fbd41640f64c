import { fault } from "../errors/error.js";
import { callApp } from "../phone/events.js";

/**
 * How the device of a page is woken: its push subscription (W3C Push API) is told to the
 * account service, and a phone of an open page that is logged out logs in when the service
 * worker hears of a call (graceline/push).
 */
export class Waking {
  #phone;
  #account;
  #log;
  /** @type {ServiceWorkerRegistration | undefined} */
  #worker;
  #hear = (/** @type {MessageEvent} */ { data }) => this.#heard(data);

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
    navigator.serviceWorker.addEventListener("message", this.#hear);
  }

  /** @param {string} device */
  async disable(device) {
    this.close();
    await this.#account.setPush(device, null);
    const subscription = await this.#worker?.pushManager.getSubscription();
    await subscription?.unsubscribe();
  }

  close() {
    globalThis.navigator?.serviceWorker?.removeEventListener(
      "message",
      this.#hear,
    );
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
