/**
 * The inside of a page (see page.mjs): a phone in a thread of its own, with as much of a browser's
 * globals as a page's life is announced by.
 */
import { parentPort, workerData } from "node:worker_threads";
import { recordingWebSocket } from "./recording-websocket.mjs";

const page = new EventTarget();
Object.assign(globalThis, {
  document: Object.assign(new EventTarget(), { hidden: false }),
  addEventListener: page.addEventListener.bind(page),
  removeEventListener: page.removeEventListener.bind(page),
});

const port = /** @type {import("node:worker_threads").MessagePort} */ (
  parentPort
);
const transcript = {
  add: (/** @type {unknown[]} */ ...entry) => port.postMessage({ entry }),
};
const { Phone } = await import("graceline");
const phone = new Phone({
  ...workerData.options,
  WebSocket: recordingWebSocket(
    /** @type {any} */ (transcript),
    workerData.name,
  ),
});

port.on("message", async (command) => {
  if (command === "leave") {
    page.dispatchEvent(
      Object.assign(new Event("pagehide"), { persisted: false }),
    );
    return port.postMessage({ left: true });
  }
  try {
    port.postMessage({ registration: await phone.registerPhone() });
  } catch (/** @type {any} */ error) {
    port.postMessage({ failure: { code: error.code, message: error.message } });
  }
});
