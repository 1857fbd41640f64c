import { record } from "./record.js";

/** @typedef {import("./seam.js").Output} Output */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Bytes of the core's that are asked for at least, to put there what goes in. */
const ROOM = 4096;
/** What became of what went in: it was done; or nothing was, as it needs calls. */
const [DONE, LATER] = [1, 2];
/** What is to be done begins with it, unless it is a message. */
const BRACE = 0x7b;

/**
 * The core as the host sees it, with objects instead of the texts that cross
 * the boundary: a command goes in as fields with NUL between them (which
 * src/bridge/record.rs reads), what is to be done comes out as JSON. SIP messages
 * cross as they are. What there is to say is in seam.d.ts.
 *
 * @param {WebAssembly.Module} module of the phone, whole or its first part, or of the
 *   control of desk phones
 * @returns {Promise<any>} the class, of a fresh instance
 */
export async function instantiate(module) {
  /** What src/bridge/exports.rs exports. @type {any} */
  const wasm = (await WebAssembly.instantiate(module)).exports;
  /** Gives a phone calls. @type {((core: number, now: number) => void) | undefined} */
  let calls = wasm.calls;

  return class {
    /**
     * Adds what calls need, if that is no part of the module.
     *
     * @param {() => Promise<WebAssembly.Module>} load
     */
    static async extend(load) {
      if (calls) return;
      const part = await WebAssembly.instantiate(await load(), { "": wasm });
      calls = /** @type {any} */ (part.exports.calls);
    }

    /** What needs calls is done without, or not at all. */
    without = false;
    /** Its address. */
    #core = wasm.create();
    /** Where in the core's memory texts go; empty when that has moved. */
    #room = new Uint8Array();
    /** @type {Output[]} */
    #refused = [];

    /**
     * @param {import("./seam.js").PhoneOptions} options
     * @param {Uint8Array} seed
     */
    constructor(options, seed) {
      wasm.start(this.#core, this.#put(record([seed.join(), options])));
    }

    /**
     * @template {keyof import("./seam.js").Commands} C
     * @param {C} name
     * @param {number} now
     * @param {import("./seam.js").Commands[C]} args
     * @returns {boolean} nothing was done: it is to be said again once it was extended
     */
    command(name, now, ...args) {
      const isMessage = name === "socketMessage";
      const [slot, generation, data] = args;
      const size = this.#put(isMessage ? data : record([name, ...args]));
      for (;;) {
        const taken = isMessage
          ? wasm.message(this.#core, now, slot, generation, size, this.without)
          : wasm.command(this.#core, now, size);
        if (taken === LATER && !this.without) {
          if (!calls) return true;
          calls(this.#core, now);
          continue;
        }
        if (taken !== DONE && !isMessage)
          this.#refused.push({
            type: "event",
            name: "refused",
            command: name,
            number: /** @type {number} */ (args[0]),
          });
        return false;
      }
    }

    /** @returns {Output | undefined} what is to be done next */
    poll() {
      const where = wasm.poll(this.#core);
      if (!where) return this.#refused.shift();
      const place = new Uint32Array(wasm.memory.buffer, where, 4);
      const bytes = new Uint8Array(wasm.memory.buffer, place[0], place[1]);
      const text = decoder.decode(bytes);
      if (bytes[0] === BRACE) return JSON.parse(text);
      const [slot, generation] = [place[2], place[3]];
      return { type: "send", slot, generation, data: text };
    }

    deadline() {
      return wasm.deadline(this.#core);
    }

    /** It must not be used any more. */
    free() {
      wasm.discard(this.#core);
    }

    /**
     * Text or bytes; anything else is nothing.
     *
     * @param {any} data
     * @returns {number} how many bytes the core finds
     */
    #put(data) {
      const text = typeof data === "string" ? data : "";
      const isBytes = data instanceof Uint8Array;
      const size = isBytes ? data.length : 3 * text.length;
      if (size >= this.#room.length) {
        const room = Math.max(size, ROOM);
        const at = wasm.room(this.#core, room);
        this.#room = new Uint8Array(wasm.memory.buffer, at, room);
      }
      if (!isBytes) return encoder.encodeInto(text, this.#room).written;
      this.#room.set(data);
      return size;
    }
  };
}
