import createGlue from "../../pkg/client.js";

const encoder = new TextEncoder();
/** Where texts become bytes: an array for each takes longer than encoding it. */
const scratch = new Uint8Array(8192);

/** @param {string} text @returns {Uint8Array} valid until the next one */
const encode = (text) =>
  3 * text.length > scratch.length
    ? encoder.encode(text)
    : scratch.subarray(0, encoder.encodeInto(text, scratch).written);

/**
 * The core as the host sees it, with objects instead of the texts that cross
 * the boundary: a command goes in as fields with NUL between them (which
 * src/bridge/record.rs reads), what is to be done comes out as JSON.
 *
 * @returns {any} wasm's loader and the class, one for each instance
 */
export default function createCore() {
  const { default: load, Core: Bridge } = createGlue();

  return {
    default: load,
    Core: class {
      /** @type {any} */
      #bridge;

      /**
       * @param {object} options
       * @param {Uint8Array} seed
       */
      constructor(options, seed) {
        this.#bridge = new Bridge(record([options]), seed);
      }

      /**
       * @param {string} name
       * @param {number} now
       * @param {...any} args
       */
      command(name, now, ...args) {
        if (name === "socketMessage") {
          const [slot, generation, data] = args;
          this.#bridge.socketMessage(now, slot, generation, bytes(data));
        } else
          this.#bridge.command(
            now,
            args.length ? record([name, ...args]) : encode(name),
          );
      }

      /** @returns {any[]} what is to be done, in this order */
      poll() {
        const json = this.#bridge.poll();
        return json ? JSON.parse(json) : [];
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
    },
  };
}

/**
 * Arguments one after the other, properties as name and value. A NUL becomes a
 * line break, which is refused in the same places.
 *
 * @param {any[]} args
 */
const record = (args) =>
  encode(
    args
      .flatMap((arg) => (Object(arg) === arg ? properties(arg) : field(arg)))
      .map((text) => text.replaceAll("\0", "\n"))
      .join("\0"),
  );

/** @param {any} value @returns {string} empty if it is false or missing */
const field = (value) =>
  value === true ? "true" : value || value === 0 ? String(value) : "";

/**
 * What is false or missing is left out, and what the core knows nothing of. A
 * list repeats its name; a pair is joined by a colon.
 *
 * @param {object} object
 * @returns {string[]}
 */
const properties = (object) =>
  Object.entries(object).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .map((item) => (Array.isArray(item) ? item.join(":") : item))
      .filter((item) => item === true || /^(string|number)$/.test(typeof item))
      .flatMap((item) => [name, field(item)]),
  );

/**
 * Text or bytes of a WebSocket message; anything else is an empty one.
 *
 * @param {any} data
 * @returns {Uint8Array}
 */
const bytes = (data) =>
  data instanceof Uint8Array
    ? data
    : encode(typeof data === "string" ? data : "");
