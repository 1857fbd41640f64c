import createClient from "../../pkg/client.js";
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
 * @param {any} [createGlue] default: that of the pages
 * @returns {any} wasm's loader and the class, one for each instance
 */
export default function createCore(createGlue = createClient) {
  const { default: load, Core: Bridge } = createGlue();
  /** @type {WebAssembly.Memory} */
  let memory;

  return {
    default: async (/** @type {any} */ init) => {
      ({ memory } = await load(init));
    },
    Core: class {
      /** @type {any} */
      #bridge;
      /** Where in the core's memory texts go; empty when that has moved. */
      #room = new Uint8Array();
      /** @type {Output[]} */
      #refused = [];

      /**
       * @param {import("./seam.js").PhoneOptions} options
       * @param {Uint8Array} seed
       */
      constructor(options, seed) {
        this.#bridge = new Bridge();
        this.#bridge.start(this.#put(record([seed.join(), options])));
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
          this.#bridge.socketMessage(now, slot, generation, this.#put(data));
        } else if (
          !this.#bridge.command(now, this.#put(record([name, ...args])))
        )
          this.#refused.push({
            type: "event",
            name: "refused",
            command: name,
            number: args[0],
          });
      }

      /** @returns {Output | undefined} what is to be done next */
      poll() {
        const where = this.#bridge.poll();
        if (!where) return this.#refused.shift();
        const place = new Uint32Array(memory.buffer, where, 4);
        const bytes = new Uint8Array(memory.buffer, place[0], place[1]);
        const text = decoder.decode(bytes);
        if (bytes[0] === BRACE) return JSON.parse(text);
        const [slot, generation] = [place[2], place[3]];
        return { type: "send", slot, generation, data: text };
      }

      deadline() {
        return this.#bridge.deadline();
      }

      free() {
        this.#bridge.free();
      }

      /** The memory cannot be trusted: the finaliser must not enter it. */
      abandon() {
        this.#bridge.__destroy_into_raw();
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
          const at = this.#bridge.room(room);
          this.#room = new Uint8Array(memory.buffer, at, room);
        }
        if (!isBytes) return encoder.encodeInto(text, this.#room).written;
        this.#room.set(data);
        return size;
      }
    },
  };
}
