/** Work on one thing is done one after the other, on different ones side by side. */
export class Turns {
  /** By thing: the end of what was begun last. @type {Map<string, Promise<unknown>>} */
  #last = new Map();

  /**
   * @template T
   * @param {string} thing
   * @param {() => Promise<T>} work
   */
  take(thing, work) {
    const turn = (this.#last.get(thing) ?? Promise.resolve()).then(work);
    const end = turn
      .catch(() => {})
      .then(() => {
        if (this.#last.get(thing) === end) this.#last.delete(thing);
      });
    this.#last.set(thing, end);
    return turn;
  }
}
