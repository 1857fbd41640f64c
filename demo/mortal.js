// A WebSocket class whose connections can all end at once, as those of a page that is killed.

/** @param {typeof WebSocket} Base */
export function mortal(Base) {
  /** @type {Set<WebSocket>} */
  const open = new Set();
  let isDead = false;
  class Mortal extends Base {
    /** @param {string} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      open.add(this);
      this.addEventListener("close", () => open.delete(this));
      if (isDead) this.close();
    }

    /** @param {any} data */
    send(data) {
      if (!isDead) super.send(data);
    }
  }
  return {
    WebSocket: Mortal,
    /** From now on nothing gets through. */
    die() {
      isDead = true;
      for (const socket of open) socket.close();
    },
    live() {
      isDead = false;
    },
  };
}
