import { fault, learn } from "../errors/error.js";
import { sounds } from "../errors/sounds.js";
import { Emitter, emit } from "../phone/events.js";

learn(sounds);

/** What a user does that browsers take for a wish to hear the page. */
const GESTURES = ["click", "keydown", "touchend"];

/** Plays streams in an element, as far as the browser lets it. */
export class Player extends Emitter {
  blocked = false;
  #element;
  /** Waits for the user. */
  #waiting = new AbortController();

  /** @param {HTMLMediaElement} element */
  constructor(element) {
    super();
    this.#element = element;
  }

  async release() {
    try {
      await this.begin();
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

  /** @protected */
  async begin() {
    await this.#element.play();
  }

  /**
   * @protected
   * @param {MediaStream | null} stream
   */
  show(stream) {
    const element = this.#element;
    if (element.srcObject === stream) return;
    element.srcObject = stream;
    if (!stream) return this.#waiting.abort();
    this.begin().then(
      () => this.#released(),
      // Else another stream has taken the place of this one.
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
