// Preloaded into the gateway that `load.mjs` measures: tells what memory it has, in KiB.

/**
 * @typedef {object} Memory
 * @property {number} resident of the process, as the kernel counts
 * @property {number} heap of JavaScript, in use after a collection
 * @property {number} wasm the machine's, which never shrinks, and other buffers
 */

process.on("message", () => {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const inKiB = (/** @type {number} */ bytes) => Math.round(bytes / 1024);
  process.send?.({
    resident: inKiB(rss),
    heap: inKiB(heapUsed),
    wasm: inKiB(external),
  });
});
