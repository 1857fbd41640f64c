import { instantiate } from "./core.js";
import { fault } from "../errors/error.js";

/**
 * One instance of the wasm module with the phones that live in it.
 *
 * @typedef {object} Instance
 * @property {new (options: object, seed: Uint8Array) => any} Core
 * @property {Set<{ die(error: import("../errors/error.js").PhoneError): void }>} hosts
 * @property {boolean} dead a trap left its memory in an undefined state
 */

/** @typedef {import("../index.js").WasmSource} WasmSource */
/** @typedef {() => WasmSource | Promise<WasmSource>} Source */
/** @typedef {(module: WebAssembly.Module) => Promise<Instance["Core"]>} Instantiate */

/** A wasm module, and its instances. */
export class Module {
  #instantiate = instantiate;
  /** @type {Source | undefined} */
  #source;
  /** @type {Promise<WebAssembly.Module> | undefined} */
  #compiled;
  /** @type {Promise<Instance> | undefined} */
  #shared;

  /**
   * Says where it comes from. Loads nothing; what is loaded stays.
   *
   * @param {Source} [source]
   * @param {Instantiate} [load] what tests put in place of the real one
   */
  provide(source, load = instantiate) {
    if (load !== this.#instantiate) this.#compiled = this.#shared = undefined;
    this.#instantiate = load;
    this.#source = source;
  }

  /**
   * The instance for a new phone: the common one unless it is dead, or the phone
   * wants one of its own.
   *
   * @param {boolean} [isolate]
   * @returns {Promise<Instance>}
   */
  async getInstance(isolate) {
    if (isolate) return this.#create();
    if (this.#shared && (await this.#shared).dead) this.#shared = undefined;
    this.#shared ??= this.#create().catch((error) => {
      this.#shared = undefined; // the next attempt may load it
      throw error;
    });
    return this.#shared;
  }

  /** @returns {Promise<Instance>} */
  async #create() {
    if (!this.#source) throw fault("noWasm");
    try {
      this.#compiled ??= compile(await this.#source());
      const Core = await this.#instantiate(await this.#compiled);
      return { Core, hosts: new Set(), dead: false };
    } catch (error) {
      this.#compiled = undefined;
      const why = /** @type {Error} */ (error)?.message;
      throw fault("wasmFailed", { why }, error);
    }
  }
}

/** The phone's. */
const client = new Module();
/** Where that of the control of desk phones comes from. @type {Source | undefined} */
export let csta;

/**
 * @param {Source} source
 * @param {Source} [more] default: as it was
 * @param {Instantiate} [load]
 */
export function provide(source, more = csta, load) {
  client.provide(source, load);
  csta = more;
}

/** @param {boolean} [isolate] */
export const getInstance = (isolate) => client.getInstance(isolate);

/**
 * @param {any} wasm
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(wasm) {
  if (typeof wasm === "string" || wasm instanceof URL) wasm = await fetch(wasm);
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (!globalThis.Response || !(wasm instanceof Response))
    return WebAssembly.compile(wasm);
  if (!wasm.ok) throw new Error(`${wasm.url} answered ${wasm.status}`);
  // Streaming insists on the MIME type, which many servers get wrong.
  return wasm.headers.get("content-type") === "application/wasm"
    ? WebAssembly.compileStreaming(wasm)
    : WebAssembly.compile(await wasm.arrayBuffer());
}
