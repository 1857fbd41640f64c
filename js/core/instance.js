import { instantiate } from "./core.js";
import { fault } from "../errors/error.js";

/**
 * One instance of the wasm module with the phones that live in it.
 *
 * @typedef {object} Instance
 * @property {new (options: object, seed: Uint8Array) => any} Core
 * @property {Set<{ die(error: import("../errors/error.js").PhoneError): void }>} hosts
 * @property {() => Promise<void>} extend loads what calls need, if it is not there
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
  /** Of a second part. @type {Source | undefined} */
  #more;
  /** @type {Promise<WebAssembly.Module> | undefined} */
  #compiled;
  /** @type {Promise<Instance> | undefined} */
  #shared;

  /**
   * Says where it comes from. Loads nothing; what is loaded stays.
   *
   * @param {Source} [source]
   * @param {Source} [more] of what calls need, where that has it not
   * @param {Instantiate} [load] what tests put in place of the real one
   */
  provide(source, more, load = instantiate) {
    if (load !== this.#instantiate) this.#compiled = this.#shared = undefined;
    this.#instantiate = load;
    this.#source = source;
    this.#more = more;
  }

  /** Begins to load it. What fails is tried again by whoever needs it. */
  preload() {
    this.#load().catch(() => {});
  }

  /** @returns {Promise<WebAssembly.Module>} */
  #load() {
    return (this.#compiled ??= compile(this.#source).catch((error) => {
      this.#compiled = undefined;
      throw error;
    }));
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
      /** @type {any} */
      const Core = await this.#instantiate(await this.#load());
      const more = this.#more;
      /** @type {Promise<void> | undefined} */
      let extended;
      const extend = () =>
        (extended ??=
          Core.extend?.(() => compile(more)).catch(
            (/** @type {unknown} */ error) => {
              extended = undefined; // the next attempt may load it
              throw failed(error);
            },
          ) ?? Promise.resolve());
      return { Core, hosts: new Set(), extend, dead: false };
    } catch (error) {
      throw failed(error);
    }
  }
}

/** @param {unknown} error */
const failed = (error) =>
  fault("wasmFailed", { why: /** @type {Error} */ (error)?.message }, error);

/** The phone's. */
const client = new Module();
/**
 * Where things come from: the phone's wasm, whole or without what calls need; that; the wasm
 * of the control of desk phones; the file that shared workers are made of.
 *
 * @type {{ wasm?: Source, calls?: Source, csta?: Source, worker?: () => URL }}
 */
export const sources = {};

/**
 * @param {typeof sources} given what is not among it stays as it was
 * @param {Instantiate} [load]
 */
export function provide(given, load) {
  Object.assign(sources, given);
  client.provide(sources.wasm, sources.calls, load);
}

/** @param {boolean} [isolate] */
export const getInstance = (isolate) => client.getInstance(isolate);

export const preload = () => client.preload();

/**
 * @param {any} source
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(source) {
  let wasm = await source();
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
