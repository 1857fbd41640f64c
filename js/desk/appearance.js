import { DeskCalls } from "./calls.js";
import { Control } from "./control.js";
import { Desk } from "./desk.js";
import { uriOf } from "./line.js";

/** @typedef {import("./seam.js").DeskView} DeskView */

/**
 * @typedef {object} Listener who hears of an appearance
 * @property {() => void} controlled for the first time
 * @property {() => void} changed
 * @property {(failure: import("./seam.js").Failure) => void} failed it is not controlled, and nothing follows
 * @property {(reason: string) => void} ousted another client took the control over, and nothing follows
 * @property {(error: import("../index.js").PhoneError) => void} broken a fault of ours
 */

/** A line on a desk phone, from when its control is asked for until it is left. */
export class Appearance {
  /** @type {DeskView} */
  view = { state: "eRecoveryPending", monitored: false, features: [] };
  /** @type {ReadonlySet<string>} */
  features = new Set();
  #device;
  #listener;

  /**
   * @param {import("../core/instance.js").Instance} instance
   * @param {import("./mode.js").Way} way to the gateway
   * @param {{ line: string, device?: string }} wanted
   * @param {Listener} listener
   */
  constructor(instance, way, { line, device }, listener) {
    this.line = line;
    this.#device = device;
    this.#listener = listener;
    const uri = uriOf(line, device, way.settings.domain);
    this.desk = new Desk(this);
    this.control = new Control(instance, way, uri, (event) =>
      this.#heard(event),
    );
    this.calls = new DeskCalls(way, uriOf(line, "", way.settings.domain), this);
  }

  /** The one that the gateway chose, where none was named. */
  get device() {
    return this.view.device ?? this.#device ?? "";
  }

  /** Leaves the desk phone to itself. */
  leave() {
    this.control.leave();
  }

  /** @param {any} event of the machine */
  #heard({ name, ...event }) {
    const listener = this.#listener;
    switch (name) {
      case "call":
        return this.calls.heard(event);
      case "callEnded":
        return this.calls.ended(event);
      case "desk":
        this.view = Object.freeze(event);
        this.features = new Set(event.features);
        return listener.changed();
      case "controlled":
        return listener.controlled();
      case "failed":
        return listener.failed(event);
      case "ousted":
        return listener.ousted(event.reason);
      case "broken":
        this.calls.drop(event.error);
        return listener.broken(event.error);
    }
  }
}
