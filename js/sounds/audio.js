import { fault, learn } from "../errors/error.js";
import { sounds } from "../errors/sounds.js";
import { Emitter, emit } from "../phone/events.js";

learn(sounds);

/** What a user does that browsers take for a wish to hear the page. */
const GESTURES = ["click", "keydown", "touchend"];

/**
 * The sound of a call in an element of the page. The types and their documentation stand in
 * index.d.ts.
 *
 * @implements {Declared}
 */
export class CallAudio extends Emitter {
  blocked = false;
  #call;
  #element;
  #update = () => this.#show(this.#call.remoteStream);
  /** Waits for the user. */
  #waiting = new AbortController();

  /**
   * @param {import("../index.js").Call} call
   * @param {HTMLMediaElement} element
   */
  constructor(call, element) {
    super();
    this.#call = call;
    this.#element = element;
    for (const name of EVENTS) call.on(name, this.#update);
    this.#update();
  }

  /** As a Phone has it. @returns {"CallAudio"} */
  get [Symbol.toStringTag]() {
    return "CallAudio";
  }

  async release() {
    try {
      await this.#element.play();
    } catch (cause) {
      throw fault("audioBlocked", {}, cause);
    }
    this.#released();
  }

  /** @param {string} id */
  async setSinkId(id) {
    if (!("setSinkId" in this.#element)) throw fault("noOutputs");
    await this.#element.setSinkId(id).catch((cause) => {
      throw fault("noOutput", { why: cause.message }, cause);
    });
  }

  detach() {
    for (const name of EVENTS) this.#call.off(name, this.#update);
    this.#waiting.abort();
    this.#show(null);
  }

  /** @param {MediaStream | null} stream */
  #show(stream) {
    const element = this.#element;
    if (element.srcObject === stream) return;
    element.srcObject = stream;
    if (!stream) return this.#waiting.abort();
    element.play().then(
      () => this.#released(),
      // Another stream has taken the place of this one where it is no matter of permission.
      ({ name }) => name === "NotAllowedError" && this.#block(),
    );
  }

  #released() {
    this.#waiting.abort();
    if (!this.blocked) return;
    this.blocked = false;
    emit(this, "released", {});
  }

  /** Until the user does anything on the page, which will do. */
  #block() {
    if (this.blocked) return;
    this.blocked = true;
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    for (const name of GESTURES)
      this.#element.ownerDocument.addEventListener(
        name,
        () => this.release().catch(() => {}),
        { signal },
      );
    emit(this, "blocked", {});
  }
}

/** After which the far end's stream may be another one. @type {("change" | "track")[]} */
const EVENTS = ["change", "track"];

/** @typedef {import("./index.js").CallAudio} Declared */
