import { Player } from "./player.js";

/** @typedef {import("./index.js").CallAudio} Declared */

/** After which the far end's stream may be another one. @type {("change" | "track")[]} */
const EVENTS = ["change", "track"];

/**
 * The sound of a call in an element of the page. The types and their documentation stand in
 * index.d.ts.
 *
 * @implements {Declared}
 */
export class CallAudio extends Player {
  #call;
  #update = () => this.show(this.#call.remoteStream);

  /**
   * @param {import("../index.js").Call} call
   * @param {HTMLMediaElement} element
   */
  constructor(call, element) {
    super(element);
    this.#call = call;
    for (const name of EVENTS) call.on(name, this.#update);
    this.#update();
  }

  detach() {
    for (const name of EVENTS) this.#call.off(name, this.#update);
    this.show(null);
  }
}
