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

/** @type {() => { default(init: { module_or_path: any }): Promise<any>, Core: Instance["Core"] }} */
let createGlue;
/** @type {() => WasmSource | Promise<WasmSource>} */
let source;
/** @type {Promise<WebAssembly.Module> | undefined} */
let compiled;
/** @type {Promise<Instance> | undefined} */
let shared;

/**
 * Says where the wasm comes from. Loads nothing; what is loaded stays.
 *
 * @param {any} glue makes a fresh set of bindings, one for each instance
 * @param {typeof source} from
 */
export function provide(glue, from) {
  if (glue !== createGlue) compiled = shared = undefined;
  createGlue = glue;
  source = from;
}

/**
 * The instance for a new phone: the common one unless it is dead, or the phone
 * wants one of its own.
 *
 * @param {boolean} [isolate]
 * @returns {Promise<Instance>}
 */
export async function getInstance(isolate) {
  if (isolate) return instantiate();
  if (shared && (await shared).dead) shared = undefined;
  shared ??= instantiate().catch((error) => {
    shared = undefined; // the next attempt may load it
    throw error;
  });
  return shared;
}

/** @returns {Promise<Instance>} */
async function instantiate() {
  if (!source) throw fault("noWasm");
  const glue = createGlue();
  try {
    compiled ??= compile(await source());
    await glue.default({ module_or_path: await compiled });
  } catch (error) {
    compiled = undefined;
    const why = /** @type {Error} */ (error)?.message;
    throw fault("wasmFailed", { why }, error);
  }
  return { Core: glue.Core, hosts: new Set(), dead: false };
}

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
