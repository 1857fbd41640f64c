import { record } from "./record.js";

/** @typedef {import("./seam.js").Output} Output */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Bytes of the core's that are asked for at least, to put there what goes in. */
const ROOM = 4096;
/** What is to be done begins with it, unless it is a message. */
const BRACE = 0x7b;

/**
 * The core as the host sees it, with objects instead of the texts that cross
 * the boundary: a command goes in as fields with NUL between them (which
 * src/bridge/record.rs reads), what is to be done comes out as JSON. SIP messages
 * cross as they are. What there is to say is in seam.d.ts.
 *
 * @param {WebAssembly.Module} module of the phone, or of the control of desk phones
 * @returns {Promise<any>} the class, of a fresh instance
 */
export async function instantiate(module) {
  /** What src/bridge/exports.rs exports. @type {any} */
  const wasm = (await WebAssembly.instantiate(module)).exports;

  return class {
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
     */
    command(name, now, ...args) {
      if (name === "socketMessage") {
        const [slot, generation, data] = args;
        const size = this.#put(data);
        return wasm.message(this.#core, now, slot, generation, size);
      }
      const size = this.#put(record([name, ...args]));
      if (!wasm.command(this.#core, now, size))
        this.#refused.push({
          type: "event",
          name: "refused",
          command: name,
          number: args[0],
        });
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
